package connectortest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
)

// Feature is something that not every provider takes.
type Feature string

// The features that a Case may lack.
const (
	ReplyTo       Feature = "reply-to"           // Message.ReplyTo
	SenderName    Feature = "the sender's name"  // Message.From.Name
	SenderAddress Feature = "the sender address" // Message.From.Address
	TextPart      Feature = "a text part"        // Message.Text beside HTML
	// Wording is Message.Subject, HTML and Text: the provider renders. Messages
	// come without them, and Mail.Type and Payload are compared in their place.
	// Every connector of connector.WordingProvider lacks it.
	Wording Feature = "wording from here"
)

// Case is one connector under test.
type Case struct {
	Factory connector.Factory
	// Config works: a mail sent with it arrives. It names every key that the
	// form shows and that has no default, as far as they go together.
	Config json.RawMessage
	Host   connector.Host
	// Sender is the sender that Config names.
	Sender connector.Mailbox
	// Arrived returns the mails that have arrived for an address so far.
	Arrived func(t testing.TB, to string) []Mail
	// Secrets are the secrets in Config. No text may hold one.
	Secrets []string
	// Faults are ways to fail.
	Faults []Fault
	// Stall, if set, opens the connector on a provider that takes a message
	// and never answers.
	Stall func(t *testing.T) Stall
	// Lacks lists what the provider does not take.
	Lacks []Feature
}

// Fault is one way to fail: settings or surroundings under which every Send
// must end with an error of this class.
type Fault struct {
	Name   string
	Config json.RawMessage
	Host   connector.Host
	Want   connector.Class
}

// Stall is a provider that does not answer.
type Stall struct {
	Config json.RawMessage
	Host   connector.Host
	// Reached gets a value when the provider has the request.
	Reached <-chan struct{}
}

// Run proves that a connector keeps the promises of package connector. It
// sends some hundred mails to addresses under example.com.
func Run(t *testing.T, c Case) {
	t.Helper()
	for _, secret := range c.Secrets {
		if quoted, err := json.Marshal(secret); err != nil || !strings.Contains(string(c.Config), strings.Trim(string(quoted), `"`)) {
			t.Fatalf("a secret of the case is not in its config")
		}
	}
	t.Run("metadata", c.metadata)
	t.Run("form", c.form)
	t.Run("strict settings", c.strictSettings)
	t.Run("mask", c.mask)
	t.Run("open is quiet", c.openIsQuiet)
	t.Run("says what its settings say", c.says)
	t.Run("send", func(t *testing.T) { c.send(t, c.open(t)) })
	t.Run("injection", func(t *testing.T) { c.injection(t, c.open(t)) })
	t.Run("concurrent", func(t *testing.T) { c.concurrent(t, c.open(t)) })
	t.Run("cancelled", c.cancelled)
	t.Run("close", c.closing)
	t.Run("faults", c.faults)
}

// Sample returns a message to a new address under example.com. Its code is
// six digits and stands in both parts, as in a real one.
func Sample() connector.Message {
	id := strings.ToLower(rand.Text())
	code := Code()
	return connector.Message{
		ID:      "m-" + id,
		Type:    connector.SignIn,
		To:      "recipient-" + id + "@example.com",
		Subject: "Your sign-in code",
		HTML:    "<p>The words of this mail are private.</p>\n<p>Your code: <b>" + code + "</b></p>\n",
		Text:    "The words of this mail are private.\n\nYour code: " + code + "\n",
		Locale:  "en",
		Payload: map[string]any{"code": code, "locale": "en"},
	}
}

// Code returns six digits that no other text of a test is likely to hold.
func Code() string {
	raw := make([]byte, 6)
	_, _ = rand.Read(raw) // never fails (package crypto/rand)
	for i := range raw {
		raw[i] = '0' + raw[i]%10
	}
	return string(raw)
}

// open opens the connector; it is closed with the test.
func (c Case) open(t *testing.T) connector.Connector {
	t.Helper()
	return Open(t, c.Factory, c.Config, c.Host)
}

// Open opens a connector for a test and closes it at the end.
func Open(t testing.TB, f connector.Factory, config json.RawMessage, host connector.Host) connector.Connector {
	t.Helper()
	opened, err := f.Open(config, host)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	if closer, ok := opened.(io.Closer); ok {
		t.Cleanup(func() {
			if err := closer.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
	return opened
}

func (c Case) lacks(f Feature) bool {
	return slices.Contains(c.Lacks, f) || f == Wording && c.Factory.Metadata().Wording == connector.WordingProvider
}

// sample returns a Sample as the connector gets it.
func (c Case) sample() connector.Message { return c.composed(Sample()) }

// composed takes the wording away where the provider renders. There the
// variables are the body, and as private.
func (c Case) composed(m connector.Message) connector.Message {
	if c.lacks(Wording) {
		m.Subject, m.HTML, m.Text = "", "", ""
		m.Payload["note"] = "The words of this mail are private."
	}
	return m
}

// openIsQuiet proves that Open does no network I/O.
func (c Case) openIsQuiet(t *testing.T) {
	t.Parallel()
	host := c.Host
	host.Dial = func(context.Context, string, string) (net.Conn, error) {
		t.Error("Open dials")
		return nil, errors.New("not now")
	}
	_ = Open(t, c.Factory, c.Config, host)
}

// cancelled proves that the end of the context ends a Send at once.
func (c Case) cancelled(t *testing.T) {
	t.Parallel()
	t.Run("before", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		m := c.sample()
		_, err := c.open(t).Send(ctx, m)
		e := CheckError(t, err, c.hidden(m)...)
		if e.Class != connector.Temporary || !errors.Is(err, context.Canceled) {
			t.Errorf("class %s, cause %v; want temporary, context.Canceled", e.Class, errors.Unwrap(err))
		}
		if n := len(c.Arrived(t, m.To)); n != 0 {
			t.Errorf("%d mails arrived", n)
		}
	})
	t.Run("while the provider is silent", func(t *testing.T) {
		t.Parallel()
		if c.Stall == nil {
			t.Skip("this connector waits for nobody")
		}
		stall := c.Stall(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		m := c.sample()
		opened := Open(t, c.Factory, stall.Config, stall.Host)
		failed := make(chan error, 1)
		go func() {
			_, err := opened.Send(ctx, m)
			failed <- err
		}()
		<-stall.Reached
		cancel()
		err := <-failed // hangs, and so fails, if Send does not see the end
		_ = CheckError(t, err, c.hidden(m)...)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cause %v, want context.Canceled", errors.Unwrap(err))
		}
	})
}

// closing proves that Close lets Sends finish: each ends well and arrives, or
// ends with an error and does not.
func (c Case) closing(t *testing.T) {
	t.Parallel()
	opened, err := c.Factory.Open(c.Config, c.Host)
	must(t, err)
	closer, ok := opened.(io.Closer)
	if !ok {
		t.Skip("nothing to close")
	}
	messages := make([]connector.Message, 8)
	results := make([]chan error, len(messages))
	for i := range messages {
		messages[i], results[i] = c.sample(), make(chan error, 1)
		go func() {
			_, err := opened.Send(t.Context(), messages[i])
			results[i] <- err
		}()
	}
	must(t, closer.Close())
	for i, m := range messages {
		err := <-results[i]
		if err != nil {
			_ = CheckError(t, err, c.hidden(m)...)
		}
		if n := len(c.Arrived(t, m.To)); (n == 1) != (err == nil) || n > 1 {
			t.Errorf("Send: %v, %d mails arrived", err, n)
		}
	}
	_, err = opened.Send(t.Context(), c.sample())
	if e := CheckError(t, err, c.Secrets...); e.Class != connector.Temporary {
		t.Errorf("Send after Close: class %s, want temporary", e.Class)
	}
	must(t, closer.Close()) // twice does no harm
}

// faults proves the class of each way to fail, and that no error tells.
func (c Case) faults(t *testing.T) {
	for _, f := range c.Faults {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			m := c.sample()
			_, err := Open(t, c.Factory, f.Config, f.Host).Send(t.Context(), m)
			if e := CheckError(t, err, c.hidden(m)...); e.Class != f.Want {
				t.Errorf("class %s (%v), want %s", e.Class, e, f.Want)
			}
		})
	}
}

// hidden lists what no error about m may hold.
func (c Case) hidden(m connector.Message) []string {
	local, _, _ := strings.Cut(m.To, "@")
	code, _ := m.Payload["code"].(string)
	return append([]string{code, local, "The words of this mail"}, c.Secrets...)
}
