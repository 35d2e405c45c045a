package smtp

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/oauth"
	"github.com/postern-mail/postern/connector/providerapi"
)

// credentials sign in to a server.
type credentials struct {
	user, pass string
	tokens     *oauth.Source // for OAuth2, else nil
}

// Reasons not to sign in.
var (
	errPlainLine   = errors.New("the line is not encrypted")
	errNoMechanism = errors.New("the server offers no way to sign in that these settings can use")
	errIterations  = errors.New("the server asks for too many SCRAM iterations")
)

// signIn runs AUTH as the settings and the server's offer allow.
//
// A server that offers no AUTH at all gets the mail without it, as from
// nodemailer: configurations for open relays often carry a made-up user. If it
// wanted one it refuses the mail, and the error says why.
func (d *dialer) signIn(ctx context.Context, s *session, refused string) *failure {
	if d.auth == nil {
		return nil
	}
	offered, list := s.client.Extension("AUTH")
	if !offered {
		s.unsigned = true
		return nil
	}
	mechanism := d.auth.choose(strings.Fields(strings.ToUpper(list)))
	if mechanism == "" {
		return fail(stageAuth, errNoMechanism)
	}
	if tellsSecret(mechanism) && !d.private(s) {
		return fail(stageAuth, errPlainLine)
	}
	var token string
	var fresh bool
	if d.auth.tokens != nil {
		var err error
		if token, fresh, err = d.auth.tokens.Token(ctx, refused); err != nil {
			return fail(stageToken, err)
		}
	}
	s.line.step(0)
	f := fail(stageAuth, s.client.Auth(d.auth.exchange(mechanism, token, d.host)))
	if f != nil && !fresh && d.auth.replaceable(f) {
		f.token = token
	}
	return f
}

// choose picks the strongest way to sign in that the server offers: one that
// proves the password before one that tells it.
func (c *credentials) choose(offer []string) string {
	known := []string{"SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"}
	if c.tokens != nil {
		known = []string{"XOAUTH2"}
	}
	for _, mechanism := range known {
		if slices.Contains(offer, mechanism) {
			return mechanism
		}
	}
	return ""
}

// tellsSecret reports whether a mechanism shows the secret to whoever reads
// the line.
func tellsSecret(mechanism string) bool {
	return mechanism == "PLAIN" || mechanism == "LOGIN" || mechanism == "XOAUTH2"
}

// private reports whether a secret may be sent over this line: encrypted,
// within this machine, or because the settings give up encryption.
func (d *dialer) private(s *session) bool {
	if _, encrypted := s.client.TLSConnectionState(); encrypted || d.ignoreTLS {
		return true
	}
	remote, ok := s.line.RemoteAddr().(*net.TCPAddr)
	return ok && remote.IP.IsLoopback()
}

// exchange returns the client's side of a mechanism. Whether the line is fit
// for it has been checked before, better than by the host's name.
func (c *credentials) exchange(mechanism, token, host string) smtp.Auth {
	switch mechanism {
	case "SCRAM-SHA-256":
		return &boundedSCRAM{smtp.ScramSHA256Auth(c.user, c.pass)}
	case "SCRAM-SHA-1":
		return &boundedSCRAM{smtp.ScramSHA1Auth(c.user, c.pass)}
	case "CRAM-MD5":
		return smtp.CRAMMD5Auth(c.user, c.pass)
	case "XOAUTH2":
		return smtp.XOAuth2Auth(c.user, token)
	case "LOGIN":
		return smtp.LoginAuth(c.user, c.pass, host, true)
	default:
		return smtp.PlainAuth("", c.user, c.pass, host, true)
	}
}

// replaceable reports whether another access token might pass where one was
// refused for good.
func (c *credentials) replaceable(f *failure) bool {
	code, _, isReply := f.reply()
	return c.tokens != nil && c.tokens.Renewable() && isReply && code/100 == 5
}

// maxIterations bounds the work of a SCRAM exchange; servers use 4,096 to
// some 100,000. Without a bound a server could ask for hours of hashing.
const maxIterations = 1_000_000

// boundedSCRAM refuses a challenge that asks for too much work.
type boundedSCRAM struct{ smtp.Auth }

// Next implements smtp.Auth. The server-first-message is r=…,s=…,i=… (RFC
// 5802 section 7).
func (b *boundedSCRAM) Next(challenge []byte, more bool) ([]byte, error) {
	for attribute := range bytes.SplitSeq(challenge, []byte(",")) {
		value, is := bytes.CutPrefix(attribute, []byte("i="))
		if !is || !bytes.HasPrefix(challenge, []byte("r=")) {
			continue
		}
		if n, err := strconv.Atoi(string(value)); err != nil || n < 1 || n > maxIterations {
			return nil, errIterations
		}
	}
	return b.Auth.Next(challenge, more)
}

// newCredentials makes the credentials of settings that have some.
func newCredentials(a authSettings, host connector.Host, proxy connector.Secret) (*credentials, error) {
	if a.kind() == authLogin {
		return &credentials{user: a.User, pass: a.Pass.Reveal()}, nil
	}
	grant, err := a.grant()
	if err != nil {
		return nil, err
	}
	o := oauth.Options{
		HTTP: providerapi.NewCarrier(host, proxy), TokenURL: a.tokenURL(), Grant: grant, Token: a.AccessToken,
	}
	if a.Expires > 0 {
		o.Expires = time.UnixMilli(a.Expires)
	}
	return &credentials{user: a.User, tokens: oauth.New(o)}, nil
}

// close lets go of connections to the token endpoint.
func (c *credentials) close() {
	if c != nil && c.tokens != nil {
		c.tokens.Close()
	}
}
