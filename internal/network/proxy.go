package network

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"

	"github.com/postern-mail/postern/connector"
)

// DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// ThroughProxy returns direct, but through the proxy that the context asks for
// (connector.WithProxy): an HTTP proxy by CONNECT (RFC 9110 section 9.3.6), over
// TLS for https, or SOCKS5 (RFC 1928). direct opens the connection to the
// proxy itself.
func ThroughProxy(direct DialFunc) DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		via, ok := connector.Proxy(ctx)
		if !ok {
			return direct(ctx, network, address)
		}
		switch via.Scheme {
		case "http", "https":
			return connect(ctx, direct, via, address)
		case "socks5":
			return socks(ctx, direct, via, address)
		default:
			return nil, proxyFault(connector.ConfigFault, "the proxy's URL must begin with http, https or socks5")
		}
	}
}

// proxyFault is shown to operators.
func proxyFault(class connector.Class, format string, args ...any) error {
	return &connector.Error{Class: class, Message: fmt.Sprintf(format, args...)}
}

// hostPort is where a proxy listens.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// connect has an HTTP proxy make a tunnel.
func connect(ctx context.Context, direct DialFunc, via *url.URL, address string) (net.Conn, error) {
	conn, err := direct(ctx, "tcp", hostPort(via))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	tunnel, err := tunnelOver(ctx, conn, via, address)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return tunnel, nil
}

func tunnelOver(ctx context.Context, conn net.Conn, via *url.URL, address string) (net.Conn, error) {
	if via.Scheme == "https" {
		encrypted := tls.Client(conn, &tls.Config{ServerName: via.Hostname(), MinVersion: tls.VersionTLS12})
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = encrypted
	}
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if user := via.User; user != nil {
		password, _ := user.Password()
		request.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	// A proxy says nothing beyond its answer before it is spoken to, so the
	// reader holds nothing back of the tunnel.
	answer, err := http.ReadResponse(bufio.NewReader(conn), request)
	if err != nil {
		return nil, proxyFault(connector.Temporary, "the proxy's answer cannot be read")
	}
	defer func() { _ = answer.Body.Close() }()
	switch {
	case answer.StatusCode == http.StatusOK:
		return conn, nil
	case answer.StatusCode == http.StatusProxyAuthRequired:
		return nil, proxyFault(connector.ConfigFault, "the proxy refused the user or the password: 407")
	case answer.StatusCode/100 == 4:
		return nil, proxyFault(connector.ConfigFault, "the proxy refused the connection: %d", answer.StatusCode)
	default:
		return nil, proxyFault(connector.Temporary, "the proxy did not connect: %d", answer.StatusCode)
	}
}

// socks has a SOCKS5 proxy connect.
func socks(ctx context.Context, direct DialFunc, via *url.URL, address string) (net.Conn, error) {
	var auth *proxy.Auth
	if user := via.User; user != nil {
		password, _ := user.Password()
		auth = &proxy.Auth{User: user.Username(), Password: password}
	}
	dialer, err := proxy.SOCKS5("tcp", hostPort(via), auth, forward{direct})
	if err != nil {
		return nil, proxyFault(connector.ConfigFault, "the proxy cannot be used")
	}
	through, ok := dialer.(proxy.ContextDialer)
	if !ok { // cannot happen: what SOCKS5 returns is one
		return nil, proxyFault(connector.ConfigFault, "the proxy cannot be used")
	}
	return through.DialContext(ctx, "tcp", address)
}

// forward opens the connection to the proxy for package proxy.
type forward struct{ direct DialFunc }

// Dial implements proxy.Dialer.
func (f forward) Dial(network, address string) (net.Conn, error) {
	return f.direct(context.Background(), network, address)
}

// DialContext implements proxy.ContextDialer.
func (f forward) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return f.direct(ctx, network, address)
}
