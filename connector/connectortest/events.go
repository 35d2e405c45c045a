package connectortest

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
)

// EventCase is one connector whose provider reports by callback.
type EventCase struct {
	Factory connector.Factory
	// Config holds what callbacks are checked with.
	Config json.RawMessage
	Host   connector.Host
	// Secrets are the secrets in Config.
	Secrets []string
	// Sign returns body as the provider sends it at a time: its header, and
	// the body with whatever the provider puts into it.
	Sign func(t testing.TB, body []byte, at time.Time) connector.Callback
	// Forge makes genuine callbacks that are not, by name; the suite has those
	// of its own (no header, another body where it is signed).
	Forge map[string]func(c *connector.Callback)
	// BodySigned says that the signature covers the body, Dated that it covers
	// a time. Nonce says that each callback has a nonce.
	BodySigned, Dated, Nonce bool
	// Bare, if set, are settings without what callbacks are checked with:
	// ErrNotSetUp. Nil when the secret in the path is enough.
	Bare json.RawMessage
	// Reports are callbacks that the provider documents, and what they say.
	// An expected event without At or Detail leaves them unchecked.
	Reports map[string]Report
}

// Report is one callback and what it says.
type Report struct {
	Body   string
	Want   []connector.Event
	Answer string // JSON that goes back, or ""
}

// RunEvents proves what package connector promises of an EventReader.
func RunEvents(t *testing.T, c EventCase) {
	t.Helper()
	reader, ok := Open(t, c.Factory, c.Config, c.Host).(connector.EventReader)
	if !ok {
		t.Fatal("the connector is no connector.EventReader")
	}
	t.Run("metadata", c.metadata)
	t.Run("reports", func(t *testing.T) { c.reports(t, reader) })
	t.Run("not genuine", func(t *testing.T) { c.notGenuine(t, reader) })
	if c.Bare != nil { // else the secret in the path is enough for this provider
		t.Run("not set up", c.notSetUp)
	}
	t.Run("garbage", func(t *testing.T) { c.garbage(t, reader) })
}

// metadata proves that the metadata lists the kinds of events that the case's
// reports hold, and no other, once each.
func (c EventCase) metadata(t *testing.T) {
	reported := map[connector.EventKind]bool{}
	for _, r := range c.Reports {
		for _, event := range r.Want {
			reported[event.Kind] = event.Kind != connector.EventOther
		}
	}
	maps.DeleteFunc(reported, func(_ connector.EventKind, listed bool) bool { return !listed })
	want := slices.Sorted(maps.Keys(reported))
	if got := slices.Sorted(slices.Values(c.Factory.Metadata().Events)); !slices.Equal(got, want) {
		t.Errorf("Metadata().Events lists %q, the reports hold %q", got, want)
	}
}

// signed signs a body as of now.
func (c EventCase) signed(t *testing.T, body string) connector.Callback {
	t.Helper()
	now := time.Now()
	out := c.Sign(t, []byte(body), now)
	out.At = now
	return out
}

// reports proves what callbacks say, and that a repeated one says the same,
// so that it can be told to be one.
func (c EventCase) reports(t *testing.T, reader connector.EventReader) {
	nonces := map[string]bool{}
	for name, want := range c.Reports {
		callback := c.signed(t, want.Body)
		got, err := reader.ReadEvents(t.Context(), callback)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := reader.ReadEvents(t.Context(), callback)
		must(t, err)
		if !reflect.DeepEqual(got, again) {
			t.Errorf("%s: read again it says %+v, not %+v", name, again, got)
		}
		if c.Nonce != (got.Nonce != "") || nonces[got.Nonce] && c.Nonce {
			t.Errorf("%s: nonce %q", name, got.Nonce)
		}
		nonces[got.Nonce] = true
		if string(got.Answer) != want.Answer {
			t.Errorf("%s: answer %s, want %s", name, got.Answer, want.Answer)
		}
		if len(got.Events) != len(want.Want) {
			t.Errorf("%s: %d events %+v, want %d", name, len(got.Events), got.Events, len(want.Want))
			continue
		}
		for i, event := range got.Events {
			sameEvent(t, name, event, want.Want[i])
		}
	}
}

func sameEvent(t *testing.T, name string, got, want connector.Event) {
	t.Helper()
	if got.MessageID == "" && got.ProviderID == "" {
		t.Errorf("%s: the event says of no message", name)
	}
	if got.Kind == connector.EventOther && got.Detail == "" {
		t.Errorf("%s: an event of another kind does not say which", name)
	}
	if want.At.IsZero() {
		got.At = time.Time{}
	}
	if want.Detail == "" {
		got.Detail = ""
	}
	if !got.At.Equal(want.At) {
		t.Errorf("%s: at %v, want %v", name, got.At, want.At)
	}
	got.At, want.At = time.Time{}, time.Time{}
	if got != want {
		t.Errorf("%s:\n%+v, want\n%+v", name, got, want)
	}
}

// notGenuine proves that only the provider can report.
func (c EventCase) notGenuine(t *testing.T, reader connector.EventReader) {
	body := ""
	for _, r := range c.Reports {
		body = r.Body
	}
	forge := maps.Clone(c.Forge)
	if forge == nil {
		forge = map[string]func(*connector.Callback){}
	}
	if c.Bare != nil || len(c.Secrets) > 0 && len(c.Forge) > 0 {
		forge["no header, no credentials"] = func(cb *connector.Callback) {
			if len(cb.Header) > 0 {
				cb.Header = http.Header{}
				return
			}
			cb.Body = []byte("{}")
		}
	}
	if c.BodySigned {
		forge["another body"] = func(cb *connector.Callback) { cb.Body = append(cb.Body, ' ') }
	}
	if c.Dated {
		forge["stale"] = func(cb *connector.Callback) { cb.At = cb.At.Add(time.Hour) }
		forge["from the future"] = func(cb *connector.Callback) { cb.At = cb.At.Add(-time.Hour) }
	}
	for name, change := range forge {
		callback := c.signed(t, body)
		change(&callback)
		report, err := reader.ReadEvents(t.Context(), callback)
		if !errors.Is(err, connector.ErrNotGenuine) || len(report.Events) > 0 {
			t.Errorf("%s: %d events, %v; want ErrNotGenuine", name, len(report.Events), err)
		}
		if err != nil {
			CheckHidden(t, err, c.Secrets...)
		}
	}
}

func (c EventCase) notSetUp(t *testing.T) {
	reader, _ := Open(t, c.Factory, c.Bare, c.Host).(connector.EventReader)
	for _, r := range c.Reports {
		if _, err := reader.ReadEvents(t.Context(), c.signed(t, r.Body)); !errors.Is(err, connector.ErrNotSetUp) {
			t.Errorf("%v, want ErrNotSetUp", err)
		}
	}
}

// garbage proves that what is genuine and unreadable is refused, and breaks
// nothing.
func (c EventCase) garbage(t *testing.T, reader connector.EventReader) {
	for name, body := range map[string]string{
		"no JSON": "<html>", "nothing": "", "a string": `"x"`, "a number": "12", "deep": strings.Repeat("[", 100_000),
		"not UTF-8": "{\"event\": \"\xff\"", "wrong types": `{"type": [], "event": {}, "event-data": 1, "data": 7, "Type": {}, "msys": 3}`,
	} {
		callback := c.signed(t, body)
		report, err := reader.ReadEvents(t.Context(), callback)
		switch {
		case err == nil && len(report.Events) > 0:
			t.Errorf("%s: %+v", name, report.Events)
		case err != nil && !errors.Is(err, connector.ErrBadCallback) && !errors.Is(err, connector.ErrNotGenuine):
			t.Errorf("%s: %v, want ErrBadCallback", name, err)
		}
		if err != nil {
			CheckHidden(t, err, c.Secrets...)
		}
	}
}
