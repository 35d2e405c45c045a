package smtp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/redact"
	"github.com/postern-mail/postern/internal/mime"
	"github.com/postern-mail/postern/internal/network"
)

// explainer turns failures into the errors that the queue and people read.
type explainer struct {
	address  string // host:port
	port     int
	secure   bool
	greeting time.Duration
	idle     time.Duration
	connect  time.Duration
}

// explain makes the error of a failed attempt. r knows what it must not say.
func (x explainer) explain(f *failure, r redact.Redactor) *connector.Error {
	if code, words, isReply := f.reply(); isReply {
		return refusal(f.stage, code, words, r)
	}
	if f.stage == stageEnd {
		// The mail may have been taken. Repeating it is the lesser evil: a
		// second mail annoys, none locks somebody out.
		return &connector.Error{
			Class: connector.Temporary, Err: network.Cause(f.err),
			Message: "the mail was handed over, but " + x.what(f) + " before the server confirmed it: the outcome is unknown",
		}
	}
	if e, is := errors.AsType[*connector.Error](f.err); is { // of the service's Dial, or of the token endpoint
		explained := *e
		explained.Message = x.doing(f.stage) + r.Words(e.Message, redact.MaxWords)
		return &explained
	}
	class, text := x.own(f)
	return &connector.Error{Class: class, Message: x.doing(f.stage) + r.Words(text, redact.MaxWords), Err: network.Cause(f.err)}
}

// refusal explains a reply.
func refusal(at stage, code int, words string, r redact.Redactor) *connector.Error {
	s, text, rest := enhanced(words)
	full := strconv.Itoa(code)
	if text != "" {
		full += " " + text
	}
	message := "the server " + refused(at) + ": " + full
	if said := r.Words(rest, redact.MaxWords-len(full)-1); said != "" {
		message += " " + said
	}
	return &connector.Error{Class: byReply(at, code, s, rest), Status: code, Enhanced: text, Message: message}
}

// refused says what a server does not take at a stage.
func refused(at stage) string {
	switch at {
	case stageWait, stageConnect, stageGreeting, stageHello:
		return "refused the connection"
	case stageTLS:
		return "refused STARTTLS"
	case stageAuth:
		return "refused the sign-in"
	case stageMail:
		return "refused the sender"
	case stageRcpt:
		return "refused the recipient"
	default:
		return "refused the mail"
	}
}

// doing begins the text of a failure without reply.
func (x explainer) doing(at stage) string {
	switch at {
	case stageWait:
		return "waiting for a connection to " + x.address + ": "
	case stageConnect:
		return "connecting to " + x.address + ": "
	case stageTLS:
		return "encrypting the connection to " + x.address + ": "
	case stageGreeting, stageHello:
		return "greeting " + x.address + ": "
	case stageToken:
		return "fetching an access token: "
	case stageAuth:
		return "signing in to " + x.address + ": "
	default:
		return "sending through " + x.address + ": "
	}
}

// own explains a failure that is not the server's word.
func (x explainer) own(f *failure) (connector.Class, string) {
	switch {
	case isEnd(f.err), network.IsLost(f.err), network.IsTimeout(f.err), errors.Is(f.err, errTooMuch):
		return connector.Temporary, x.what(f)
	case errors.Is(f.err, errPlainLine):
		return connector.ConfigFault, "the line is not encrypted, so the password or token was not sent; " +
			"use a port with TLS, or set ignoreTLS if nobody can listen"
	case errors.Is(f.err, errNoSTARTTLS):
		return connector.ConfigFault, "the server offers no STARTTLS, and requireTLS is on"
	case errors.Is(f.err, errNoMechanism), errors.Is(f.err, errIterations), errors.Is(f.err, errLocalAddr):
		return connector.ConfigFault, f.err.Error()
	case errors.Is(f.err, fs.ErrPermission): // the service or the system forbids this connection
		return connector.ConfigFault, "the connection is not permitted"
	case network.IsUnknownHost(f.err):
		return connector.ConfigFault, "the host does not exist in the DNS"
	case network.IsTLSFault(f.err), f.stage == stageTLS && !network.Is(f.err):
		return connector.ConfigFault, network.TLSWords(f.err)
	case isGarbage(f.err) && f.stage <= stageHello:
		return connector.ConfigFault, "what answers there does not speak SMTP"
	case f.stage == stageAuth && !network.Is(f.err):
		return connector.ConfigFault, "the exchange with the server failed"
	default:
		return connector.Temporary, x.what(f)
	}
}

// what names a failure in a few words.
func (x explainer) what(f *failure) string {
	var dns *net.DNSError
	switch {
	case isEnd(f.err) && errors.Is(f.err, context.Canceled):
		return "the attempt was cancelled"
	case isEnd(f.err):
		return "the attempt ran out of time"
	case errors.Is(f.err, errLookupTime):
		return "the look-up of the host took too long"
	case network.IsTimeout(f.err) && !errors.As(f.err, &dns):
		return x.waited(f.stage)
	case errors.Is(f.err, errTooMuch), errors.Is(f.err, errClosed):
		return f.err.Error()
	case isGarbage(f.err):
		return "the server's answer was not SMTP"
	default:
		return cmp.Or(network.Words(f.err), "the connection failed")
	}
}

// waited explains a time-out, and the usual mistake behind it.
func (x explainer) waited(at stage) string {
	switch {
	case at == stageConnect:
		return fmt.Sprintf("no connection within %v", x.connect)
	case at == stageGreeting && x.port == 465 && !x.secure:
		return fmt.Sprintf("no greeting within %v; port 465 wants the setting secure", x.greeting)
	case at == stageGreeting:
		return fmt.Sprintf("no greeting within %v", x.greeting)
	default:
		return fmt.Sprintf("the server was silent for %v", x.idle)
	}
}

// attemptEndError is the end of the context of an attempt.
type attemptEndError struct{ error }

func (e attemptEndError) Unwrap() error { return e.error }

func isEnd(err error) bool { return errors.As(err, new(attemptEndError)) }

// blame puts the end of the context in place of the broken connection that
// it left behind. A reply that came in time keeps its word.
func blame(ctx context.Context, f *failure) *failure {
	if _, _, isReply := f.reply(); isReply || ctx.Err() == nil || errors.Is(f.err, errClosed) {
		return f
	}
	return fail(f.stage, attemptEndError{ctx.Err()})
}

// unsendable explains why a mail could not be made.
func unsendable(err error) *connector.Error {
	text := "the mail cannot be written: "
	switch {
	case errors.Is(err, mime.ErrNeedsUTF8), errors.Is(err, mime.ErrAddress), errors.Is(err, mime.ErrHeader):
		text += err.Error()
	case errors.Is(err, errBareLineEnd):
		text += errBareLineEnd.Error()
	default:
		text += "its parts do not make a mail"
	}
	return &connector.Error{Class: connector.Permanent, Message: text}
}

// needsUTF8 explains that a server cannot take an address. Another server
// might, so the recipient is not to blame; a sender from the settings stops
// every mail.
func needsUTF8(m connector.Message, sender connector.Mailbox) *connector.Error {
	class, whose := connector.Permanent, "recipient"
	switch {
	case mime.NeedsUTF8(m.To):
	case m.From.Address == "" && mime.NeedsUTF8(sender.Address):
		class, whose = connector.ConfigFault, "sender"
	default:
		whose = "sender or reply-to"
	}
	return &connector.Error{
		Class:   class,
		Message: "the " + whose + "'s address needs a mail server that accepts UTF-8 addresses (SMTPUTF8), and this one does not",
	}
}
