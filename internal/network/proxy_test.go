package network_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/network"
)

// echo is a server that says what it hears.
func echo(t *testing.T) string {
	t.Helper()
	return serve(t, func(c net.Conn) { _, _ = io.Copy(c, c) })
}

func serve(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return l.Addr().String()
}

// join copies both ways between a client and where it wants to go.
func join(client net.Conn, to string) {
	var d net.Dialer
	server, err := d.DialContext(context.Background(), "tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(server, client) }()
	_, _ = io.Copy(client, server)
}

// httpProxy is a proxy that wants a user, and answers with a status.
func httpProxy(t *testing.T, status int) string {
	t.Helper()
	return serve(t, func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil || r.Method != http.MethodConnect {
			_, _ = io.WriteString(c, "nonsense\r\n\r\n")
			return
		}
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:pässword"))
		if status == http.StatusOK && r.Header.Get("Proxy-Authorization") != want {
			status = http.StatusProxyAuthRequired
		}
		_, _ = io.WriteString(c, "HTTP/1.1 "+strconv.Itoa(status)+" x\r\n\r\n")
		if status == http.StatusOK {
			join(c, r.Host)
		}
	})
}

// socksProxy speaks as much of RFC 1928 and RFC 1929 as a client needs.
func socksProxy(t *testing.T) string {
	t.Helper()
	return serve(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		read := func(n int) []byte {
			b := make([]byte, n)
			_, _ = io.ReadFull(r, b)
			return b
		}
		read(int(read(2)[1]))
		_, _ = c.Write([]byte{5, 2})
		user := read(int(read(2)[1]))
		password := read(int(read(1)[0]))
		if string(user) != "user" || string(password) != "pässword" {
			_, _ = c.Write([]byte{1, 1})
			return
		}
		_, _ = c.Write([]byte{1, 0})
		var host string
		switch read(4)[3] {
		case 1:
			host = net.IP(read(4)).String()
		case 3:
			host = string(read(int(read(1)[0])))
		}
		port := binary.BigEndian.Uint16(read(2))
		_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		join(c, net.JoinHostPort(host, strconv.Itoa(int(port))))
	})
}

func through(t *testing.T, proxy, to string) (net.Conn, error) {
	t.Helper()
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	dial := network.ThroughProxy((&net.Dialer{}).DialContext)
	return dial(connector.WithProxy(t.Context(), u), "tcp", to)
}

func TestThroughProxy(t *testing.T) {
	t.Parallel()
	const user = "user:p%C3%A4ssword@"
	for _, proxy := range []string{"http://" + user + httpProxy(t, 200), "socks5://" + user + socksProxy(t)} {
		c, err := through(t, proxy, echo(t))
		if err != nil {
			t.Fatalf("%s: %v", proxy[:6], err)
		}
		_, err = io.WriteString(c, "hello\n")
		line, readErr := bufio.NewReader(c).ReadString('\n')
		if err != nil || readErr != nil || line != "hello\n" {
			t.Errorf("%s: %q, %v, %v", proxy[:6], line, err, readErr)
		}
		c.Close()
	}
}

func TestAProxyThatRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		proxy string
		class connector.Class
		text  string
	}{
		"a wrong password": {"http://user:wrong-passw0rd@" + httpProxy(t, 200), connector.ConfigFault, "407"},
		"a rule":           {"http://user:passw0rd@" + httpProxy(t, 403), connector.ConfigFault, "403"},
		"an outage":        {"http://user:passw0rd@" + httpProxy(t, 502), connector.Temporary, "502"},
		"no proxy": {"http://user:passw0rd@" + serve(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "220 mail.example.com ESMTP\r\n")
		}), connector.Temporary, "cannot be read"},
		"another kind": {"ftp://user:passw0rd@127.0.0.1:1", connector.ConfigFault, "socks5"},
	} {
		_, err := through(t, tt.proxy, "192.0.2.1:443")
		e, ok := errors.AsType[*connector.Error](err)
		if !ok || e.Class != tt.class || !strings.Contains(e.Message, tt.text) || strings.Contains(err.Error(), "passw0rd") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := through(t, "http://127.0.0.1:1", "192.0.2.1:443"); err == nil {
		t.Error("nobody listens, and no error")
	}
}

// TestASilentProxy: the end of the context ends the waiting.
func TestASilentProxy(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{})
	silent := serve(t, func(c net.Conn) {
		close(reached)
		_, _ = io.Copy(io.Discard, c)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-reached
		cancel()
	}()
	dial := network.ThroughProxy((&net.Dialer{}).DialContext)
	_, err := dial(connector.WithProxy(ctx, &url.URL{Scheme: "http", Host: silent}), "tcp", "192.0.2.1:443")
	if err == nil {
		t.Error("no error")
	}
}
