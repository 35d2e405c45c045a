package smtp

import (
	"crypto/tls"
	"maps"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

// fails sends one mail and returns the error, checked for what it tells.
func fails(t *testing.T, c connector.Connector, m connector.Message) *connector.Error {
	t.Helper()
	_, err := c.Send(t.Context(), m)
	code, _ := m.Payload["code"].(string)
	local, _, _ := strings.Cut(m.To, "@")
	return ct.CheckError(t, err, code, local, secret)
}

// TestBadServers: every way in which a server does not do its part.
func TestBadServers(t *testing.T) {
	t.Parallel()
	short := object{"greetingTimeout": 50, "socketTimeout": 50}
	starttls := []string{"STARTTLS"}
	for name, c := range map[string]struct {
		at    ct.Stage
		act   ct.Act
		offer []string
		more  object
		class connector.Class
		text  string // part of the error
	}{
		"greets slowly":        {ct.StageGreeting, ct.Hang(nil), nil, short, connector.Temporary, "no greeting within 50ms"},
		"greets with 554":      {ct.StageGreeting, ct.Say("554 no SMTP service here"), nil, nil, connector.ConfigFault, "refused the connection: 554"},
		"greets with 421":      {ct.StageGreeting, ct.Say("421 4.3.2 down for today"), nil, nil, connector.Temporary, "421 4.3.2 down"},
		"closes at once":       {ct.StageGreeting, ct.Close(), nil, nil, connector.Temporary, "closed the connection"},
		"resets at once":       {ct.StageGreeting, ct.Reset(), nil, nil, connector.Temporary, "closed the connection"},
		"speaks HTTP":          {ct.StageGreeting, ct.Say("HTTP/1.1 400 Bad Request"), nil, nil, connector.ConfigFault, "does not speak SMTP"},
		"talks without end":    {ct.StageGreeting, ct.Flood(), nil, nil, connector.Temporary, "too long"},
		"refuses EHLO":         {ct.StageHello, ct.Say("550 5.7.1 you are not welcome"), nil, nil, connector.ConfigFault, "550 5.7.1"},
		"falls silent at EHLO": {ct.StageHello, ct.Hang(nil), nil, short, connector.Temporary, "silent for 50ms"},
		"floods after EHLO":    {ct.StageHello, ct.Flood(), nil, nil, connector.Temporary, "too long"},
		"has no STARTTLS":      {ct.StageStartTLS, nil, nil, object{"requireTLS": true}, connector.ConfigFault, "no STARTTLS"},
		"refuses STARTTLS":     {ct.StageStartTLS, ct.Say("502 5.5.1 not today"), starttls, nil, connector.ConfigFault, "refused STARTTLS"},
		"postpones STARTTLS":   {ct.StageStartTLS, ct.Say("454 4.7.0 TLS not available"), starttls, nil, connector.Temporary, "454"},
		"fakes STARTTLS":       {ct.StageStartTLS, ct.Say("220 go\n250 plain text"), starttls, nil, connector.ConfigFault, "TLS"},
		"drops at STARTTLS":    {ct.StageStartTLS, ct.SayAndClose("220 go"), starttls, nil, connector.Temporary, "closed the connection"},
		"refuses AUTH":         {ct.StageAuth, ct.Say("535 5.7.8 wrong password"), []string{"AUTH PLAIN"}, object{"auth": login()}, connector.ConfigFault, "refused the sign-in: 535 5.7.8"},
		"postpones AUTH":       {ct.StageAuth, ct.Say("454 4.7.0 directory is down"), []string{"AUTH PLAIN"}, object{"auth": login()}, connector.Temporary, "454"},
		"slows AUTH":           {ct.StageAuth, ct.Say("454 4.7.0 Too many login attempts, please try again later"), []string{"AUTH PLAIN"}, object{"auth": login()}, connector.Throttled, "454"},
		"drops at AUTH":        {ct.StageAuth, ct.Reset(), []string{"AUTH PLAIN"}, object{"auth": login()}, connector.Temporary, "signing in"},
		"offers odd AUTH":      {ct.StageAuth, nil, []string{"AUTH GSSAPI NTLM"}, object{"auth": login()}, connector.ConfigFault, "no way to sign in"},
		"breaks AUTH":          {ct.StageAuth, ct.Say("334 !!!"), []string{"AUTH PLAIN"}, object{"auth": login()}, connector.ConfigFault, "signing in"},
		"refuses the sender":   {ct.StageMail, ct.Say("550 5.7.60 not your address"), nil, nil, connector.Permanent, "refused the sender"},
		"refuses recipient":    {ct.StageRcpt, ct.Say("550 5.1.1 no such user"), nil, nil, connector.Recipient, "refused the recipient: 550 5.1.1 no such user"},
		"refuses DATA":         {ct.StageData, ct.Say("554 5.5.1 no valid recipients"), nil, nil, connector.Permanent, "refused the mail"},
		"speaks garbage later": {ct.StageRcpt, ct.Say("okay"), nil, nil, connector.Temporary, "not SMTP"},
		"answers 2xx to DATA":  {ct.StageData, ct.Say("250 fine"), nil, nil, connector.Temporary, "250"},
		"refuses the content":  {ct.StageEnd, ct.Say("554 5.7.1 spam"), nil, nil, connector.Permanent, "refused the mail: 554 5.7.1 spam"},
		"drops at RCPT":        {ct.StageRcpt, ct.Close(), nil, nil, connector.Temporary, "closed the connection"},
		"resets at the dot":    {ct.StageEnd, ct.Reset(), nil, nil, connector.Temporary, "outcome is unknown"},
		"silent at the dot":    {ct.StageEnd, ct.Hang(nil), nil, short, connector.Temporary, "outcome is unknown"},
		"garbage at the dot":   {ct.StageEnd, ct.Say("okay"), nil, nil, connector.Temporary, "outcome is unknown"},
	} {
		for _, pipelining := range []bool{false, true} {
			t.Run(name+", pipelining "+strconv.FormatBool(pipelining), func(t *testing.T) {
				t.Parallel()
				script := ct.Script{Acts: map[ct.Stage]ct.Act{}, Offer: c.offer}
				if c.act != nil {
					script.Acts[c.at] = c.act
				}
				if pipelining {
					script.Offer = append([]string{"PIPELINING"}, c.offer...)
				}
				server := ct.NewScriptServer(t, script)
				e := fails(t, opened(t, server.Host, server.Port, c.more), ct.Sample())
				if e.Class != c.class || !strings.Contains(e.Message, c.text) {
					t.Errorf("class %s, %q; want %s, %q", e.Class, e.Message, c.class, c.text)
				}
				if n := server.Connections(); n != 1 {
					t.Errorf("%d connections for one attempt", n)
				}
			})
		}
	}
}

// TestResetMidData: the mail is bigger than what sockets take up, so that the
// reset strikes while it is being written. The final dot has not left.
func TestResetMidData(t *testing.T) {
	t.Parallel()
	server := ct.NewScriptServer(t, ct.Script{Acts: map[ct.Stage]ct.Act{ct.StageContent: ct.Reset()}})
	m := ct.Sample()
	m.Text = strings.Repeat("a line of a long mail\n", 1<<19)
	m.HTML = ""
	e := fails(t, opened(t, server.Host, server.Port, nil), m)
	if e.Class != connector.Temporary || strings.Contains(e.Message, "unknown") {
		t.Errorf("class %s, %q; want temporary, with a known outcome", e.Class, e.Message)
	}
	if server.Mails() != 0 {
		t.Error("a mail arrived")
	}
}

func TestServerIsDown(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := net.SplitHostPort(listener.Addr().String())
	port, _ := strconv.Atoi(text)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	e := fails(t, opened(t, "127.0.0.1", port, nil), ct.Sample())
	if e.Class != connector.Temporary || !strings.Contains(e.Message, "refused") {
		t.Errorf("class %s, %q; want temporary", e.Class, e.Message)
	}
}

// TestTLS: which lines are encrypted and trusted, and what is said otherwise.
func TestTLS(t *testing.T) {
	t.Parallel()
	stranger := ct.NewCA(t).PEM
	for name, c := range map[string]struct {
		server ct.SMTPOptions
		more   object
		trust  bool
		class  connector.Class // "" when it works
		text   string
	}{
		"STARTTLS":            {ct.SMTPOptions{TLS: ct.StartTLS}, object{"requireTLS": true}, true, "", ""},
		"implicit":            {ct.SMTPOptions{TLS: ct.ImplicitTLS}, object{"secure": true}, true, "", ""},
		"unknown authority":   {ct.SMTPOptions{TLS: ct.StartTLS}, nil, false, connector.ConfigFault, "unknown authority"},
		"implicit, unknown":   {ct.SMTPOptions{TLS: ct.ImplicitTLS}, object{"secure": true}, false, connector.ConfigFault, "unknown authority"},
		"another authority":   {ct.SMTPOptions{TLS: ct.StartTLS}, object{"tls": object{"ca": stranger}}, false, connector.ConfigFault, "unknown authority"},
		"wrong name":          {ct.SMTPOptions{TLS: ct.StartTLS, Name: "mx.example.net"}, nil, true, connector.ConfigFault, "another name"},
		"the name is given":   {ct.SMTPOptions{TLS: ct.StartTLS, Name: "mx.example.net"}, object{"servername": "mx.example.net"}, true, "", ""},
		"not checked":         {ct.SMTPOptions{TLS: ct.StartTLS, Name: "mx.example.net"}, object{"tls": object{"rejectUnauthorized": false}}, false, "", ""},
		"not used":            {ct.SMTPOptions{TLS: ct.StartTLS}, object{"ignoreTLS": true}, false, "", ""},
		"secure, plain port":  {ct.SMTPOptions{}, object{"secure": true}, true, connector.ConfigFault, "does not speak TLS"},
		"plain, secure port":  {ct.SMTPOptions{TLS: ct.ImplicitTLS}, object{"greetingTimeout": 50}, true, connector.Temporary, "no greeting"},
		"too old":             {ct.SMTPOptions{TLS: ct.StartTLS, MaxTLS: tls.VersionTLS11}, nil, true, connector.ConfigFault, "version"},
		"too old for 1.3":     {ct.SMTPOptions{TLS: ct.StartTLS, MaxTLS: tls.VersionTLS12}, object{"tls": object{"minVersion": "TLSv1.3"}}, true, connector.ConfigFault, "version"},
		"old, but allowed":    {ct.SMTPOptions{TLS: ct.StartTLS, MaxTLS: tls.VersionTLS11}, object{"tls": object{"minVersion": "TLSv1"}}, true, "", ""},
		"wants a certificate": {ct.SMTPOptions{TLS: ct.StartTLS, ClientCert: true}, nil, true, connector.ConfigFault, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := ct.NewSMTPServer(t, c.server)
			more := object{}
			maps.Copy(more, c.more)
			if c.trust {
				options, _ := more["tls"].(object)
				trusting := object{"ca": server.CA.PEM}
				maps.Copy(trusting, options)
				more["tls"] = trusting
			}
			conn := opened(t, server.Host, server.Port, more)
			if c.class == "" {
				sends(t, conn, server, c.server.TLS != ct.NoTLS && more["ignoreTLS"] == nil)
				return
			}
			e := fails(t, conn, ct.Sample())
			if e.Class != c.class || !strings.Contains(e.Message, c.text) {
				t.Errorf("class %s, %q; want %s, %q", e.Class, e.Message, c.class, c.text)
			}
			if len(server.Mails()) != 0 {
				t.Error("a mail arrived")
			}
		})
	}
}

// sends proves that mails arrive, encrypted or not.
func sends(t *testing.T, c connector.Connector, server *ct.SMTPServer, encrypted bool) {
	t.Helper()
	if _, err := c.Send(t.Context(), ct.Sample()); err != nil {
		t.Fatalf("Send: %v", err)
	}
	if mails := server.Mails(); len(mails) != 1 || mails[0].TLS != encrypted {
		t.Errorf("%d mails, want one, encrypted %v", len(mails), encrypted)
	}
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	for _, mode := range []ct.TLSMode{ct.StartTLS, ct.ImplicitTLS} {
		server := ct.NewSMTPServer(t, ct.SMTPOptions{TLS: mode, ClientCert: true})
		_, cert, key := server.CA.Issue(t, "mailer")
		c := opened(t, server.Host, server.Port, object{
			"secure": mode == ct.ImplicitTLS, "tls": object{"ca": server.CA.PEM, "cert": cert, "key": key},
		})
		sends(t, c, server, true)
	}
}
