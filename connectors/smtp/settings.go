package smtp

import (
	"net/netip"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/mime"
)

// settings are the connector's settings. Keys, meanings and defaults are
// those of nodemailer's SMTP transport, so that a configuration made for it
// works here; times are in milliseconds.
type settings struct {
	Host      string              `json:"host" form:"Text,required" label:"Host" placeholder:"smtp.example.com" desc:"The mail server's name or address, without scheme and port."`
	Port      int                 `json:"port" form:"Number,required" label:"Port" placeholder:"587" desc:"587 with STARTTLS, or 465 with Secure turned on."`
	Secure    bool                `json:"secure" form:"Switch" label:"Secure" desc:"TLS from the first byte (port 465). Leave it off for STARTTLS (port 587 or 25)."`
	Auth      authSettings        `json:"auth" form:"Json" label:"Authentication" placeholder:"{\"user\": \"…\", \"pass\": \"…\"}" desc:"User and password, or OAuth2. Leave it out for a server that needs no sign-in."`
	FromEmail string              `json:"fromEmail" form:"Text,required" label:"From" placeholder:"Example <no-reply@example.com>" desc:"The sender: an address, or a name with an address."`
	ReplyTo   string              `json:"replyTo" form:"Text" label:"Reply to" placeholder:"Support <support@example.com>" desc:"Where answers go, if not to the sender."`
	Templates connector.Templates `json:"templates" form:"Json" label:"Templates" desc:"Wording of the mails. Leave it out to use the built-in templates."`

	IgnoreTLS  bool             `json:"ignoreTLS" form:"Switch" label:"Ignore TLS" desc:"Never use STARTTLS, and sign in over the unencrypted line. For test servers only." show:"secure=false"`
	RequireTLS bool             `json:"requireTLS" form:"Switch" label:"Require TLS" desc:"Send nothing when the server offers no STARTTLS." show:"secure=false"`
	Servername string           `json:"servername" form:"Text" label:"Server name" desc:"The name that the server's certificate must have, if not the host."`
	TLS        tlsSettings      `json:"tls" form:"Json" label:"TLS options" desc:"rejectUnauthorized, ca, cert, key, minVersion, servername; keys and certificates as PEM."`
	Name       string           `json:"name" form:"Text" label:"Client name" desc:"The name given in EHLO. By default this machine's."`
	Local      string           `json:"localAddress" form:"Text" label:"Local address" desc:"The local IP address to connect from."`
	Proxy      connector.Secret `json:"proxy" form:"Text" label:"Proxy" placeholder:"http://proxy.example.com:3128" desc:"Connect through this proxy (http, https or socks5; user and password may be in it), for a fixed IP address. HTTPS_PROXY does not count here."`
	Headers    headers          `json:"customHeaders" form:"Json" label:"Custom headers" desc:"Further headers for every mail, as an object."`
	DKIM       dkimSettings     `json:"dkim" form:"Json" label:"DKIM" desc:"domainName, keySelector, privateKey (PEM; RSA of 2048 bits or more, or Ed25519). For servers that do not sign themselves."`
	Pool       poolSettings     `json:"pool" form:"Json" label:"Kept connections" desc:"maxConnections, maxMessages for each of them, idleTimeout in milliseconds."`

	ConnectionTimeout int `json:"connectionTimeout" form:"Number" label:"Connection time-out" desc:"Milliseconds until a connection must stand."`
	GreetingTimeout   int `json:"greetingTimeout" form:"Number" label:"Greeting time-out" desc:"Milliseconds that the server may take to greet."`
	SocketTimeout     int `json:"socketTimeout" form:"Number" label:"Socket time-out" desc:"Milliseconds of silence after which a connection is given up."`
	DNSTimeout        int `json:"dnsTimeout" form:"Number" label:"DNS time-out" desc:"Milliseconds that the look-up of the host may take."`

	// These four belong to nodemailer's logging and attachments, which have no
	// counterpart here. They are accepted and do nothing.
	Logger            bool `json:"logger"`
	Debug             bool `json:"debug"`
	DisableFileAccess bool `json:"disableFileAccess"`
	DisableURLAccess  bool `json:"disableUrlAccess"`
}

// poolSettings bound the kept connections.
type poolSettings struct {
	MaxConnections int `json:"maxConnections"`
	MaxMessages    int `json:"maxMessages"`
	IdleTimeout    int `json:"idleTimeout"`
}

// headers are further header fields by name.
type headers map[string]string

// defaults are the values that absent keys take: nodemailer's, except for
// the pool, which nodemailer has only on demand. The idle time-out stays
// under that of common servers and firewalls.
func defaults() settings {
	return settings{
		ConnectionTimeout: 120_000,
		GreetingTimeout:   30_000,
		SocketTimeout:     600_000,
		DNSTimeout:        30_000,
		TLS:               tlsSettings{RejectUnauthorized: true},
		Pool:              poolSettings{MaxConnections: 8, MaxMessages: 100, IdleTimeout: 30_000},
	}
}

// Bounds of the numbers in the settings.
const (
	maxPort        = 65_535
	maxTimeout     = 3_600_000 // an hour, in ms
	maxConnections = 1_000
	maxMessages    = 1_000_000
	maxName        = 255 // of a host name (RFC 1035 section 2.3.4)
)

// Validate implements connector.Validator.
func (s settings) Validate() []connector.Issue {
	var v issues
	v.unless(validHost(s.Host), "must be a host name or an IP address, without scheme and port", "host")
	v.within(s.Port, maxPort, "port")
	v.mailbox(s.FromEmail, "fromEmail")
	if s.ReplyTo != "" {
		v.mailbox(s.ReplyTo, "replyTo")
	}
	v.unless(s.Servername == "" || validHost(s.Servername), "must be a host name or an IP address", "servername")
	v.unless(s.Name == "" || validName(s.Name), "must be printable ASCII without spaces", "name")
	_, err := netip.ParseAddr(s.Local)
	v.unless(s.Local == "" || err == nil, "must be an IP address", "localAddress")
	v = append(v, connector.CheckProxy(s.Proxy, "proxy")...)
	v.unless(s.Proxy == "" || s.Local == "", "cannot be used together with proxy", "localAddress")
	v.unless(!s.IgnoreTLS || !s.RequireTLS, "contradicts ignoreTLS", "requireTLS")
	v.within(s.ConnectionTimeout, maxTimeout, "connectionTimeout")
	v.within(s.GreetingTimeout, maxTimeout, "greetingTimeout")
	v.within(s.SocketTimeout, maxTimeout, "socketTimeout")
	v.within(s.DNSTimeout, maxTimeout, "dnsTimeout")
	return v
}

// Validate implements connector.Validator.
func (p poolSettings) Validate() []connector.Issue {
	var v issues
	v.within(p.MaxConnections, maxConnections, "maxConnections")
	v.within(p.MaxMessages, maxMessages, "maxMessages")
	v.within(p.IdleTimeout, maxTimeout, "idleTimeout")
	return v
}

// Validate implements connector.Validator.
func (h headers) Validate() []connector.Issue {
	var v issues
	for name, value := range h {
		if err := mime.CheckHeader(name, value); err != nil {
			v.add("is "+err.Error(), name)
		}
	}
	return v
}

// issues collects what is wrong with settings. Its texts name no values.
type issues []connector.Issue

func (v *issues) add(message string, path ...any) {
	*v = append(*v, connector.Issue{Path: path, Code: "invalid_value", Message: message})
}

func (v *issues) unless(ok bool, message string, path ...any) {
	if !ok {
		v.add(message, path...)
	}
}

// within checks a number's bounds: from 1 on.
func (v *issues) within(n, most int, key string) {
	v.unless(n >= 1, "is too small", key)
	if n > most {
		*v = append(*v, connector.Issue{Path: []any{key}, Code: "too_big", Message: "is too large"})
	}
}

func (v *issues) mailbox(s, key string) {
	if _, _, err := address.ParseMailbox(s); err != nil {
		v.add("must be an e-mail address, or a name with one in angle brackets", key)
	}
}

// mailbox reads a mailbox that Validate has passed.
func mailbox(s string) connector.Mailbox {
	if s == "" {
		return connector.Mailbox{}
	}
	name, addr, err := address.ParseMailbox(s)
	if err != nil { // cannot happen after Validate
		return connector.Mailbox{}
	}
	return connector.Mailbox{Name: name, Address: addr}
}

// validHost reports whether s can be a host: an IP address, or a name in ASCII
// (the resolver has the last word). Certificates know names in ASCII only.
func validHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`/:@?#[]<>"\`, r) }
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, odd)
}

// validName reports whether s can stand in EHLO (RFC 5321 section 4.1.1.1).
func validName(s string) bool {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	return len(s) <= maxName && !strings.ContainsFunc(s, odd)
}

// ms makes a duration of a number in the settings.
func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }
