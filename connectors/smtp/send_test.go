package smtp

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

func TestReceipt(t *testing.T) {
	t.Parallel()
	m := ct.Sample()
	code, _ := m.Payload["code"].(string)
	server := ct.NewScriptServer(t, ct.Script{Acts: map[ct.Stage]ct.Act{
		ct.StageEnd: ct.Say("250-2.0.0 took the mail to " + m.To + " with code " + code + "\n250 2.0.0 Ok: queued as 4XabcD12zz9"),
	}})
	got, err := opened(t, server.Host, server.Port, nil).Send(t.Context(), m)
	want := connector.Receipt{
		ProviderID: "4XabcD12zz9", Answer: "took the mail to ***@example.com with code *** Ok: queued as 4XabcD12zz9",
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

// TestEnvelope: the sender of the envelope is the one of the header, and what
// is asked of the server is what the mail needs.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	wide := "žluť@example.com"
	for name, c := range map[string]struct {
		change   func(*connector.Message)
		from, to string
		utf8     bool
	}{
		"plain":              {func(m *connector.Message) { m.To = "ann@example.com" }, "no-reply@example.com", "ann@example.com", false},
		"another sender":     {func(m *connector.Message) { m.To, m.From.Address = "ann@example.com", "x@example.org" }, "x@example.org", "ann@example.com", false},
		"another name only":  {func(m *connector.Message) { m.To, m.From.Name = "ann@example.com", "X" }, "no-reply@example.com", "ann@example.com", false},
		"a wide domain":      {func(m *connector.Message) { m.To = "ann@bücher.example" }, "no-reply@example.com", "ann@xn--bcher-kva.example", false},
		"a wide subject":     {func(m *connector.Message) { m.To, m.Subject = "ann@example.com", "您的验证码" }, "no-reply@example.com", "ann@example.com", false},
		"a wide recipient":   {func(m *connector.Message) { m.To = wide }, "no-reply@example.com", wide, true},
		"a wide sender":      {func(m *connector.Message) { m.To, m.From.Address = "ann@example.com", wide }, wide, "ann@example.com", true},
		"a wide reply-to":    {func(m *connector.Message) { m.To, m.ReplyTo.Address = "ann@example.com", wide }, "no-reply@example.com", "ann@example.com", true},
		"wide on both sides": {func(m *connector.Message) { m.To = "žluť@bücher.example" }, "no-reply@example.com", "žluť@bücher.example", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := ct.NewSMTPServer(t, ct.SMTPOptions{UTF8: true})
			m := ct.Sample()
			c.change(&m)
			if _, err := opened(t, server.Host, server.Port, nil).Send(t.Context(), m); err != nil {
				t.Fatalf("Send: %v", err)
			}
			got := server.Mails()[0]
			if got.From != c.from || got.To != c.to || got.UTF8 != c.utf8 || (got.Body == "8BITMIME") != c.utf8 {
				t.Errorf("from %s to %s, UTF8 %v, body %q; want %s, %s, %v", got.From, got.To, got.UTF8, got.Body, c.from, c.to, c.utf8)
			}
			if !c.utf8 && strings.ContainsFunc(string(got.Raw), func(r rune) bool { return r > 127 }) {
				t.Error("the mail is not ASCII")
			}
		})
	}
}

// TestNoSMTPUTF8: an address that the server cannot take fails for good, and
// the recipient is not to blame.
func TestNoSMTPUTF8(t *testing.T) {
	t.Parallel()
	server := ct.NewSMTPServer(t, ct.SMTPOptions{})
	wide := "žluť@example.com"
	for name, c := range map[string]struct {
		change func(*connector.Message)
		more   object
		class  connector.Class
	}{
		"recipient": {func(m *connector.Message) { m.To = wide }, nil, connector.Permanent},
		"override":  {func(m *connector.Message) { m.From.Address = wide }, nil, connector.Permanent},
		"reply-to":  {func(m *connector.Message) { m.ReplyTo.Address = wide }, nil, connector.Permanent},
		"settings":  {func(*connector.Message) {}, object{"fromEmail": wide}, connector.ConfigFault},
	} {
		m := ct.Sample()
		c.change(&m)
		e := fails(t, opened(t, server.Host, server.Port, c.more), m)
		if e.Class != c.class || !strings.Contains(e.Message, "SMTPUTF8") {
			t.Errorf("%s: class %s (%v), want %s", name, e.Class, e, c.class)
		}
	}
}

func TestHelloName(t *testing.T) {
	t.Parallel()
	server := ct.NewSMTPServer(t, ct.SMTPOptions{})
	mustSend(t, opened(t, server.Host, server.Port, object{"name": "client.example.com"}))
	if got := server.Mails()[0].Hello; got != "client.example.com" {
		t.Errorf("EHLO %s", got)
	}
	for local, want := range map[string]string{"192.0.2.7": "[192.0.2.7]", "2001:db8::7": "[IPv6:2001:db8::7]"} {
		d := &dialer{}
		if got := d.helloName(from{local: netip.MustParseAddr(local)}); got != want {
			t.Errorf("from %s: EHLO %s, want %s", local, got, want)
		}
	}
}

// from is a connection that claims to leave from an address.
type from struct {
	net.Conn
	local netip.Addr
}

func (f from) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(netip.AddrPortFrom(f.local, 1024)) }

func TestLocalAddress(t *testing.T) {
	t.Parallel()
	server := ct.NewSMTPServer(t, ct.SMTPOptions{})
	conn := opened(t, server.Host, server.Port, object{"localAddress": "127.0.0.2"})
	mustSend(t, conn)
	if got := server.Mails()[0].Hello; got != "[127.0.0.2]" && machineName() == "" {
		t.Errorf("EHLO %s, want the local address", got)
	}
	// A service whose Dial does not know LocalAddr must not send from elsewhere.
	host := connector.Host{Dial: (&net.Dialer{}).DialContext}
	more := object{"localAddress": "127.0.0.2"}
	e := fails(t, ct.Open(t, New(), config(t, server.Host, server.Port, more), host), ct.Sample())
	if e.Class != connector.ConfigFault || !strings.Contains(e.Message, "local address") {
		t.Errorf("class %s (%v), want config", e.Class, e)
	}
}

// TestDial: what goes wrong before there is a connection.
func TestDial(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   error
		class connector.Class
		text  string
	}{
		"no such host":  {&net.DNSError{Err: "no such host", Name: "mx.example.com", IsNotFound: true}, connector.ConfigFault, "does not exist"},
		"DNS is down":   {&net.DNSError{Err: "server misbehaving", Name: "mx.example.com", IsTemporary: true}, connector.Temporary, "looked up"},
		"DNS is silent": {&net.DNSError{Err: "timeout", Name: "mx.example.com", IsTimeout: true}, connector.Temporary, "looked up"},
		"forbidden":     {fs.ErrPermission, connector.ConfigFault, "not permitted"},
		"refused by the service": {
			&connector.Error{Class: connector.ConfigFault, Message: "the address is private"}, connector.ConfigFault, "the address is private",
		},
		"unknown": {errors.New("a secret reason"), connector.Temporary, "connecting to mx.example.com:587: the connection failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := connector.Host{Dial: func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: c.err}
			}}
			e := fails(t, ct.Open(t, New(), config(t, "mx.example.com", 587, nil), host), ct.Sample())
			if e.Class != c.class || !strings.Contains(e.Message, c.text) || strings.Contains(e.Message, "secret") {
				t.Errorf("class %s, %q; want %s, %q", e.Class, e.Message, c.class, c.text)
			}
		})
	}
}

// TestTimeouts: the limits of the settings, not those of the context, end
// what does not come to an end.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	silent := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	lookup := func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: silent}}
		return d.DialContext(ctx, network, address)
	}
	for name, c := range map[string]struct {
		dial func(context.Context, string, string) (net.Conn, error)
		more object
		text string
	}{
		"connection": {silent, object{"connectionTimeout": 20}, "no connection within 20ms"},
		"look-up":    {lookup, object{"dnsTimeout": 20}, "look-up of the host took too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := connector.Host{Dial: c.dial}
			e := fails(t, ct.Open(t, New(), config(t, "mx.example.com", 587, c.more), host), ct.Sample())
			if e.Class != connector.Temporary || !strings.Contains(e.Message, c.text) {
				t.Errorf("class %s, %q; want temporary, %q", e.Class, e.Message, c.text)
			}
		})
	}
}

// TestContextEnds: at every point at which a server may keep a mail waiting,
// the end of the context is the end of the attempt.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	for _, stage := range []ct.Stage{
		ct.StageGreeting, ct.StageHello, ct.StageAuth, ct.StageMail, ct.StageRcpt, ct.StageData, ct.StageEnd,
	} {
		t.Run(string(stage), func(t *testing.T) {
			t.Parallel()
			reached := make(chan struct{}, 1)
			server := ct.NewScriptServer(t, ct.Script{
				Offer: []string{"AUTH PLAIN"}, Acts: map[ct.Stage]ct.Act{stage: ct.Hang(reached)},
			})
			conn := opened(t, server.Host, server.Port, object{"auth": login()})
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-reached
				cancel()
			}()
			_, err := conn.Send(ctx, ct.Sample())
			e := ct.CheckError(t, err, secret)
			if e.Class != connector.Temporary || !errors.Is(err, context.Canceled) {
				t.Errorf("class %s, cause %v (%v); want temporary, context.Canceled", e.Class, e.Err, e)
			}
			if unknown := strings.Contains(e.Message, "unknown"); unknown != (stage == ct.StageEnd) {
				t.Errorf("%q: the outcome is unknown after the final dot, and only then", e.Message)
			}
		})
	}
}
