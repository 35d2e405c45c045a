package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/api"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/outbox"
)

// broken reads messages as the test tells it to.
type broken struct {
	events.Reader

	list func(ctx context.Context) error
}

func (b *broken) ListMessages(ctx context.Context, _ string, _ events.Filter) ([]outbox.Message, int, error) {
	return nil, 0, b.list(ctx)
}

// What goes wrong inside is shown as a request id, and told to the log.
func TestUnexpectedErrors(t *testing.T) {
	t.Parallel()
	reader := &broken{}
	s := start(t, func(o *api.Options) { o.Messages = reader })
	for name, list := range map[string]func(context.Context) error{
		"an error": func(context.Context) error { return errors.New("SELECT inner-detail FROM messages") },
		"a panic with an error": func(context.Context) error {
			panic(errors.New("inner-detail"))
		},
		"a panic by mistake": func(context.Context) error {
			var none map[string]int
			none["inner-detail"]++
			return nil
		},
	} {
		reader.list = list
		r := request{method: "GET", path: "/api/messages?to=secret-query", key: s.admin, header: map[string]string{"X-Request-Id": "req-" + strings.Fields(name)[1]}}
		e := s.do(r).refuses(500, "entity.internal_error").problem()
		if e.Data.RequestID != "req-"+strings.Fields(name)[1] || !strings.Contains(e.Message, e.Data.RequestID) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	log := s.log.String()
	for _, want := range []string{"SELECT inner-detail", "request=req-error", "request=req-panic", "observe_test.go", "level=ERROR"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
	if strings.Contains(s.shown.String(), "inner-detail") || strings.Contains(log, "secret-query") {
		t.Error("too much was told")
	}
	if !strings.Contains(s.do(request{method: "GET", path: "/metrics"}).body, `route="/api/messages",status="500"} 3`) {
		t.Error("the figures lack the failures")
	}
}

// What is thrown may hold anything, so only its type is told.
func TestPanicWithText(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *api.Options) {
		o.Messages = &broken{list: func(context.Context) error { panic("code 123123") }}
	})
	s.get("/api/messages").refuses(500, "entity.internal_error")
	if log := s.log.String(); strings.Contains(log, "123123") || !strings.Contains(log, "panic of type string") {
		t.Errorf("log: %s", log)
	}
}

// A handler that breaks the connection on purpose is let do so.
func TestAbortedHandler(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *api.Options) {
		o.Web = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	})
	defer func() {
		if thrown := recover(); thrown != http.ErrAbortHandler { //nolint:errorlint // it is this very value
			t.Errorf("thrown: %v", thrown)
		}
	}()
	s.do(request{method: "GET", path: "/"})
}

// Half an answer cannot be taken back: the connection breaks.
func TestPanicAfterTheAnswerBegan(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *api.Options) {
		o.Web = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("half"))
			panic(errors.New("inner-detail"))
		})
	})
	defer func() {
		if thrown := recover(); thrown != http.ErrAbortHandler { //nolint:errorlint // it is this very value
			t.Errorf("thrown: %v", thrown)
		}
		if !strings.Contains(s.log.String(), "inner-detail") {
			t.Errorf("log: %s", s.log.String())
		}
	}()
	s.do(request{method: "GET", path: "/"})
}

func TestClientWentAway(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *api.Options) {
		o.Messages = &broken{list: func(ctx context.Context) error { return ctx.Err() }}
	})
	// The key must be known before the context ends.
	s.do(request{method: "GET", path: "/api/connectors", key: s.admin}).is(200)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.doWith(ctx, request{method: "GET", path: "/api/messages", key: s.admin})
	if log := s.log.String(); !strings.Contains(log, "status=499") || strings.Contains(log, "level=ERROR") {
		t.Errorf("log: %s", log)
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	s := start(t)
	seen := map[string]bool{}
	for given, kept := range map[string]bool{
		"abc-1.2_Z": true, strings.Repeat("x", 64): true, strings.Repeat("x", 65): false, "a b": false, "": false,
		"a\"b": false, "ä": false, "a=b": false,
	} {
		id := s.do(request{method: "GET", path: "/api/status", header: map[string]string{"X-Request-Id": given}}).header.Get("X-Request-Id")
		if (id == given) != kept || len(id) < 9 || seen[id] {
			t.Errorf("%q became %q", given, id)
		}
		seen[id] = true
		if !strings.Contains(s.log.String(), "request="+id+"\n") {
			t.Errorf("the log lacks %s", id)
		}
	}
}

func TestOneLineARequest(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	before := strings.Count(s.log.String(), "msg=request")
	s.post("/api/verification-codes?query=hidden", `{"email":"ann@example.com"}`).is(204)
	s.get("/api/messages/no-such-id").refuses(404, "entity.not_found")
	s.do(request{method: "BREW", path: "/pot/of/coffee"}).is(405)
	log := s.log.String()
	if n := strings.Count(log, "msg=request") - before; n != 3 {
		t.Errorf("%d lines for 3 requests", n)
	}
	for _, want := range []string{
		"method=POST route=/api/verification-codes status=204 took=", "method=GET route=/api/messages/{id} status=404 took=",
		"code=entity.not_found", "method=other route=unmatched status=405 took=", " key=", " message=",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	for _, never := range []string{"hidden", "no-such-id", "coffee", "BREW"} {
		if strings.Contains(log, never) {
			t.Errorf("the log holds %q", never)
		}
	}
}

// The log names recipients only when it is told to.
func TestAddressesInTheLog(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *api.Options) { o.LogAddresses = true })
	s.keepMails()
	s.post("/api/verification-codes", `{"email":"ann@example.com"}`).is(204)
	if !strings.Contains(s.log.String(), "to=ann@example.com") {
		t.Error("the log lacks the address")
	}
}

func TestNotReady(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *api.Options) {
		o.Ready = func(context.Context) error { return errors.New("database: connection refused to db.internal") }
	})
	a := s.do(request{method: "GET", path: "/readyz"}).refuses(503, "service.not_ready")
	if strings.Contains(a.body, "db.internal") || !strings.Contains(s.log.String(), "db.internal") {
		t.Errorf("answer %s, log %s", a.body, s.log.String())
	}
	s.do(request{method: "GET", path: "/healthz"}).is(200)
}

// What is neither API nor health belongs to the console.
func TestWeb(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *api.Options) {
		o.Web = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("page " + r.URL.Path)) })
	})
	for path, want := range map[string]string{"/": "page /", "/connectors": "page /connectors", "/apiary": "page /apiary"} {
		if got := s.do(request{method: "GET", path: path}).is(200).body; got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	s.do(request{method: "GET", path: "/api/nothing"}).refuses(404, "entity.not_found")
	s.do(request{method: "GET", path: "/api"}).refuses(404, "entity.not_found")
	if !strings.Contains(s.log.String(), "route=web") {
		t.Error("the log lacks the console's route")
	}
}
