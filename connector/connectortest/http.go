package connectortest

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
)

// HTTPCase is one connector that speaks to a provider's HTTP API.
type HTTPCase struct {
	Factory connector.Factory
	// Config returns settings that work with the API at a URL. They name every
	// key that the form shows and that has no default, but for proxy.
	Config func(endpoint string) json.RawMessage
	// Sender is the sender that Config names; none where the provider knows it.
	Sender connector.Mailbox
	// Secrets are the secrets in Config.
	Secrets []string
	// Lacks lists what the provider does not take.
	Lacks []Feature
	// Accept is the provider's answer to a mail that it takes, as documented.
	Accept func(Request) Answer
	// ProviderID is the id in that answer, as the receipt has it.
	ProviderID string
	// Refuse is the provider's answer to a mail that it refuses, as documented,
	// with these words in the place of its own.
	Refuse func(status int, words string) Answer
	// Read reads a mail out of a request, as the provider does.
	Read func(t testing.TB, r Request) Mail
	// Other answers requests that are no mails, such as those for a token; ok
	// is false for a mail. Nil means that all are.
	Other func(Request) (a Answer, ok bool)
	// AnyAnswer says that any 2xx accepts, whatever its body.
	AnyAnswer bool
	// Statuses are the classes of statuses that mean something else here than
	// providerapi.ClassOf says. The answer to them is Refuse's.
	Statuses map[int]connector.Class
	// Refusals are refusals that the provider documents, by name.
	Refusals map[string]Refusal
	// Unsigned are headers and form values that differ in each request, such
	// as a date and a signature; fixtures show them as "…".
	Unsigned []string
	// Shown, if set, is what fixtures show of a body that is encoded.
	Shown func(Request) string
	// Bad are settings that are refused, laid over Config, each with its
	// issues as "path: message". A value of null takes a key away.
	Bad map[string][]string
}

// Refusal is one documented way to be refused.
type Refusal struct {
	Answer   Answer
	Want     connector.Class
	Enhanced string // of the error, or ""
}

// RunHTTP proves that a connector keeps the promises of package connector,
// and those of every connector over HTTP (contract of the connectors): its
// requests are those of the fixtures testdata/NAME.http, which are written
// from the provider's documentation; each way to fail has its class; nothing
// is told that must not be.
func RunHTTP(t *testing.T, c HTTPCase) {
	t.Helper()
	p := c.provider(t, c.Accept)
	Run(t, Case{
		Factory: c.Factory, Config: c.Config(p.URL), Sender: c.Sender, Secrets: c.Secrets, Lacks: c.Lacks,
		Arrived: func(t testing.TB, to string) []Mail {
			t.Helper()
			var arrived []Mail
			for _, r := range p.mails(c) {
				if mail := c.Read(t, r); mail.To == to {
					arrived = append(arrived, mail)
				}
			}
			return arrived
		},
		Stall: c.stall,
	})
	t.Run("fixtures", c.fixtures)
	t.Run("receipt", c.receipt)
	t.Run("statuses", c.statuses)
	t.Run("refusals", c.refusals)
	t.Run("Retry-After", c.retryAfter)
	t.Run("redirects", c.redirects)
	t.Run("answers", c.answers)
	t.Run("connections", c.connections)
	t.Run("kept connection", c.keptConnection)
	t.Run("time-out", c.timeOut)
	t.Run("proxy", c.proxy)
	t.Run("bad settings", c.badSettings)
}

// sample returns a Sample as the connector gets it.
func (c HTTPCase) sample() connector.Message {
	return Case{Factory: c.Factory, Lacks: c.Lacks}.sample()
}

// provider starts a provider that answers mails with answer.
func (c HTTPCase) provider(t testing.TB, answer func(Request) Answer) *Provider {
	t.Helper()
	return NewProvider(t, c.answering(answer))
}

func (c HTTPCase) answering(mail func(Request) Answer) func(Request) Answer {
	return func(r Request) Answer {
		if c.Other != nil {
			if a, ok := c.Other(r); ok {
				return a
			}
		}
		return mail(r)
	}
}

// mails returns the requests that are mails.
func (p *Provider) mails(c HTTPCase) []Request {
	var list []Request
	for _, r := range p.Requests() {
		if c.Other != nil {
			if _, other := c.Other(r); other {
				continue
			}
		}
		list = append(list, r)
	}
	return list
}

// opened opens the connector on a provider that answers mails like this.
func (c HTTPCase) opened(t *testing.T, answer func(Request) Answer) (connector.Connector, *Provider) {
	t.Helper()
	p := c.provider(t, answer)
	return Open(t, c.Factory, c.Config(p.URL), connector.Host{}), p
}

// always is a provider of one answer.
func always(a Answer) func(Request) Answer { return func(Request) Answer { return a } }

// receipt proves that the provider's id is in the receipt.
func (c HTTPCase) receipt(t *testing.T) {
	t.Parallel()
	opened, _ := c.opened(t, c.Accept)
	receipt, err := opened.Send(t.Context(), c.sample())
	must(t, err)
	if receipt.ProviderID != c.ProviderID {
		t.Errorf("provider's id %q, want %q", receipt.ProviderID, c.ProviderID)
	}
}

// badSettings proves that wrong settings are refused with exactly the issues
// expected, and that none of them repeats a value.
func (c HTTPCase) badSettings(t *testing.T) {
	t.Parallel()
	if len(c.Bad) == 0 {
		t.Error("the case has no bad settings")
	}
	base := map[string]json.RawMessage{}
	must(t, json.Unmarshal(c.Config("https://api.example.com"), &base))
	for change, want := range c.Bad {
		changed := maps.Clone(base)
		over := map[string]json.RawMessage{}
		must(t, json.Unmarshal([]byte(change), &over))
		for key, value := range over {
			changed[key] = value
			if string(value) == "null" {
				delete(changed, key)
			}
		}
		CheckIssues(t, c.Factory, marshal(t, changed), want...)
	}
}

// requestText is all that a provider got, as a hostile one would repeat it.
func requestText(r Request) string {
	var b strings.Builder
	b.WriteString(r.Method + " " + r.Path + "\n")
	for name, values := range r.Header {
		b.WriteString(name + ": " + strings.Join(values, ", ") + "\n")
	}
	b.WriteString("\n" + bodyText(r))
	return b.String()
}

// bodyText is the body that a provider got, of a form also its values.
func bodyText(r Request) string {
	text := string(r.Body)
	if form := r.Form(); r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		for name, values := range form {
			text = name + "=" + strings.Join(values, ",") + "\n" + text
		}
	}
	return text
}

// statusCodes are those that the suite goes through.
func statusCodes() []int {
	return []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden,
		http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestTimeout, http.StatusConflict,
		http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout, 599,
	}
}
