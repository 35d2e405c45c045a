package smtp

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

// BenchmarkSend is a whole Send over kept connections to a sink on loopback,
// 8 at once, with a mail of the size of the built-in templates.
func BenchmarkSend(b *testing.B) {
	full := func(o ct.SMTPOptions) func(b *testing.B) (string, int, object) {
		return func(b *testing.B) (string, int, object) {
			b.Helper()
			o.Forget = true
			server := ct.NewSMTPServer(b, o)
			return server.Host, server.Port, object{"tls": object{"ca": server.CA.PEM}}
		}
	}
	bare := func(offer string) func(b *testing.B) (string, int, object) {
		return func(b *testing.B) (string, int, object) {
			b.Helper()
			host, port := sink(b, offer)
			return host, port, nil
		}
	}
	for name, start := range map[string]func(b *testing.B) (string, int, object){
		"bare sink":             bare("250-sink\r\n250 PIPELINING\r\n"),
		"bare sink, one by one": bare("250 sink\r\n"),
		"go-smtp":               full(ct.SMTPOptions{}),
		"go-smtp, STARTTLS":     full(ct.SMTPOptions{TLS: ct.StartTLS}),
	} {
		b.Run(name, func(b *testing.B) {
			host, port, more := start(b)
			if more == nil {
				more = object{}
			}
			more["pool"] = object{"maxMessages": 1_000_000}
			run(b, opened(b, host, port, more))
		})
	}
}

func run(b *testing.B, c connector.Connector) {
	b.Helper()
	const senders = 8
	m := ct.Sample()
	m.HTML = strings.Repeat("<p>A line of a mail about signing in, of the usual length.</p>\n", 100)
	m.Text = strings.Repeat("A line of a mail about signing in, of the usual length.\n", 10)
	var left atomic.Int64
	left.Store(int64(b.N))
	done := make(chan error, senders)
	b.ReportAllocs()
	b.ResetTimer()
	for range senders {
		go func() {
			for left.Add(-1) >= 0 {
				if _, err := c.Send(context.Background(), m); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range senders {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

// sink is a mail server that does as little as can be, so that the benchmark
// measures the client.
func sink(b *testing.B, offer string) (host string, port int) {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go swallow(conn, offer)
		}
	}()
	host, text, _ := net.SplitHostPort(listener.Addr().String())
	port, _ = strconv.Atoi(text)
	return host, port
}

func swallow(conn net.Conn, offer string) {
	defer conn.Close()
	in, out := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriter(conn)
	_, _ = out.WriteString("220 sink\r\n")
	for content := false; out.Flush() == nil; {
		for more := true; more; more = in.Buffered() > 0 {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			answer := ""
			switch {
			case content:
				if bytes.Equal(line, []byte(".\r\n")) {
					content, answer = false, "250 2.0.0 Ok: queued as 4XabcD12zz9\r\n"
				}
			case bytes.HasPrefix(line, []byte("EHLO")):
				answer = offer
			case bytes.HasPrefix(line, []byte("DATA")):
				content, answer = true, "354 go\r\n"
			default:
				answer = "250 ok\r\n"
			}
			_, _ = io.WriteString(out, answer)
		}
	}
}

// BenchmarkCompose is the part of Send that is no I/O.
func BenchmarkCompose(b *testing.B) {
	for name, more := range map[string]object{
		"unsigned": nil,
		"Ed25519":  {"dkim": object{"domainName": "example.com", "keySelector": "s1", "privateKey": ed25519PEM(b)}},
		"RSA 2048": {"dkim": object{"domainName": "example.com", "keySelector": "s1", "privateKey": pkcs8(b, rsaKey(b, 2048))}},
	} {
		b.Run(name, func(b *testing.B) {
			c, ok := opened(b, "127.0.0.1", 25, more).(*mailer)
			if !ok {
				b.Fatal("another type")
			}
			m := ct.Sample()
			m.HTML = strings.Repeat("<p>A line of a mail about signing in, of the usual length.</p>\n", 100)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.compose(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
