package providerapi

import (
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/mime"
)

// From are the keys that name the sender. A name within fromEmail counts where
// fromName is empty.
type From struct {
	FromEmail Mailbox `json:"fromEmail" form:"Text,required" label:"From" placeholder:"no-reply@auth.example.com" desc:"The sender's address. The provider must know its domain."`
	FromName  Line    `json:"fromName" form:"Text" label:"Sender name" placeholder:"Acme" desc:"The name in front of the sender's address."`
}

// Wording are the keys of connectors whose mails are rendered here.
type Wording struct {
	ReplyTo   Mailbox             `json:"replyTo" form:"Text" label:"Reply to" placeholder:"Support <support@example.com>" desc:"Where answers go, if not to the sender."`
	Headers   Headers             `json:"headers" form:"Json" label:"Custom headers" placeholder:"{\"X-Team\": \"sign-in\"}" desc:"Further headers for every mail, as an object."`
	Templates connector.Templates `json:"templates" form:"Json" label:"Templates" desc:"Wording of the mails. Leave it out to use the built-in templates."`
}

// Server are the keys that say where the API is and how to reach it. Its
// default endpoint is the provider's public one.
type Server struct {
	Endpoint string           `json:"endpoint" form:"Text" label:"Endpoint" desc:"Where the API is: another region, or a gateway of your own."`
	Proxy    connector.Secret `json:"proxy" form:"Text" label:"Proxy" placeholder:"http://proxy.example.com:3128" desc:"Reach the API through this proxy (http, https or socks5; user and password may be in it), for a fixed IP address. By default the one in HTTPS_PROXY, if any."`
}

// Validate implements connector.Validator. A settings struct that embeds
// Server and has rules of its own calls it.
func (s Server) Validate() []connector.Issue {
	var issues []connector.Issue
	if s.Endpoint != "" && !validEndpoint(s.Endpoint) {
		issues = append(issues, Invalid("must be an https URL without user, query and fragment", "endpoint"))
	}
	return append(issues, connector.CheckProxy(s.Proxy, "proxy")...)
}

// URL returns the address of a path of the API, which begins with "/".
func (s Server) URL(path string) string { return strings.TrimRight(s.Endpoint, "/") + path }

// validEndpoint reports whether secrets may be sent to s: over TLS, or to this
// machine.
func validEndpoint(s string) bool {
	u, ok := plainURL(s)
	return ok && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()))
}

// ValidURL reports whether s is an http or https URL with a host and without
// user, query and fragment.
func ValidURL(s string) bool {
	u, ok := plainURL(s)
	return ok && (u.Scheme == "https" || u.Scheme == "http")
}

func plainURL(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	if err != nil || strings.ContainsFunc(s, unicode.IsSpace) {
		return nil, false
	}
	return u, u.Hostname() != "" && u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && u.Opaque == ""
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Invalid is the issue for a value that breaks a rule. Its message must not
// repeat the value.
func Invalid(message string, path ...any) connector.Issue {
	return connector.Issue{Path: path, Code: "invalid_value", Message: message}
}

// Required is the issue for a key that is needed in this case.
func Required(path ...any) connector.Issue {
	return connector.Issue{Path: path, Code: "required", Message: "is required"}
}

// Mailbox is an address, or a name with one in angle brackets (RFC 5322
// section 3.4).
type Mailbox string

// Validate implements connector.Validator.
func (m Mailbox) Validate() []connector.Issue {
	if m == "" {
		return nil
	}
	if _, _, err := address.ParseMailbox(string(m)); err != nil {
		return []connector.Issue{Invalid("must be an e-mail address, or a name with one in angle brackets")}
	}
	return nil
}

// Parse reads a mailbox that passed Validate; the zero value for "".
func (m Mailbox) Parse() connector.Mailbox {
	name, addr, err := address.ParseMailbox(string(m))
	if err != nil {
		return connector.Mailbox{}
	}
	return connector.Mailbox{Name: name, Address: addr}
}

// maxLine bounds a Line, in bytes.
const maxLine = 256

// Line is a text of one line.
type Line string

// Validate implements connector.Validator.
func (l Line) Validate() []connector.Issue {
	if len(l) > maxLine {
		return []connector.Issue{{Code: "too_big", Message: "is longer than 256 bytes"}}
	}
	if strings.ContainsFunc(string(l), unicode.IsControl) {
		return []connector.Issue{Invalid("must be one line without control characters")}
	}
	return nil
}

// Headers are further header fields by name. Those that the service or the
// provider writes itself are refused.
type Headers map[string]string

// Validate implements connector.Validator.
func (h Headers) Validate() []connector.Issue {
	var issues []connector.Issue
	for name, value := range h {
		if err := mime.CheckHeader(name, value); err != nil {
			issues = append(issues, Invalid("is "+err.Error(), name))
		}
	}
	return issues
}
