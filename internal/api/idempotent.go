package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/idempotency"
)

// maxIdempotencyKey is the longest Idempotency-Key taken, in bytes.
const maxIdempotencyKey = 255

func idempotencyParam() *huma.Param {
	longest := maxIdempotencyKey
	return &huma.Param{
		Name: "Idempotency-Key", In: "header",
		Description: "Makes the request safe to repeat: for 24 hours the same key gets the first answer again, " +
			"marked by `Idempotent-Replayed: true`. Printable ASCII. Answers that say to try again (5xx, 429) are not kept.",
		Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &longest},
	}
}

// keptAnswer is an answer as it is kept for repeats of its request.
type keptAnswer struct {
	Status int         `json:"status"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
}

// idempotent answers the repeats of a request that carries an Idempotency-Key
// as it was answered first.
func (s *server) idempotent(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	given := r.Header.Values("Idempotency-Key")
	if len(given) == 0 {
		next(ctx)
		return
	}
	c := callOf(r.Context())
	record, body, err := s.claim(c, r, given)
	if err != nil {
		s.refuse(c, w, err)
		return
	}
	found, err := s.Idempotency.Begin(r.Context(), record)
	switch {
	case err != nil:
		s.refuse(c, w, fmt.Errorf("claim idempotency key: %w", err))
	case found != nil:
		s.replay(c, w, record, found)
	default:
		s.runOnce(ctx, record, body, next)
	}
}

// claim reads the request as far as its identity goes.
func (s *server) claim(c *call, r *http.Request, keys []string) (idempotency.Record, []byte, error) {
	if len(keys) != 1 || !printable(keys[0], maxIdempotencyKey) {
		return idempotency.Record{}, nil, fault.Input("must be 1 to 255 printable ASCII characters", "Idempotency-Key")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return idempotency.Record{}, nil, invalidBody("The body could not be read to its end.")
	case len(body) > maxBody:
		return idempotency.Record{}, nil, errTooLarge(maxBody)
	}
	hash := sha256.New()
	hash.Write([]byte(r.Method + "\n" + r.URL.RequestURI() + "\n"))
	hash.Write(body)
	return idempotency.Record{
		Owner: c.key.ID, Key: keys[0], Request: hash.Sum(nil), CreatedAt: s.Now(),
	}, body, nil
}

// printable reports whether s is 1 to n characters of printable ASCII.
func printable(s string, n int) bool {
	if s == "" || len(s) > n {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// replay answers a repeat.
func (s *server) replay(c *call, w http.ResponseWriter, mine idempotency.Record, found *idempotency.Record) {
	if !bytes.Equal(mine.Request, found.Request) {
		s.refuse(c, w, fault.New(fault.Unprocessable, "request.idempotency_key_reused",
			"This Idempotency-Key came with another request before. Use a new one for each request."))
		return
	}
	if found.Answer == nil {
		f := fault.New(fault.Conflict, "request.idempotency_in_progress",
			"The first request with this Idempotency-Key is still running.")
		f.RetryAfter = time.Second
		s.refuse(c, w, f)
		return
	}
	var first keptAnswer
	plain, err := s.Keys.Open(found.Answer, answerPurpose(*found))
	if err == nil {
		err = json.Unmarshal(plain, &first)
	}
	if err != nil {
		s.refuse(c, w, fmt.Errorf("kept answer: %w", err))
		return
	}
	w.Header().Set("Idempotent-Replayed", "true")
	first.write(w)
}

func answerPurpose(r idempotency.Record) string { return "idempotency:" + r.Owner + ":" + r.Key }

// runOnce answers a first request and keeps the answer. It runs to its end
// even when the client goes away: the repeat is owed what became of it.
func (s *server) runOnce(ctx huma.Context, record idempotency.Record, body []byte, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	patient := context.WithoutCancel(r.Context())
	r = r.WithContext(patient)
	r.Body = io.NopCloser(bytes.NewReader(body))
	recorder := &answerRecorder{header: make(http.Header)}
	keep := false
	defer func() { // also when the handler panics
		if keep {
			return
		}
		if err := s.Idempotency.Release(patient, record); err != nil {
			s.Log.Warn("an idempotency key could not be given up", "request", callOf(patient).id, "error", err)
		}
	}()
	next(humachi.NewContext(ctx.Operation(), r, recorder))
	first := recorder.answer()
	if first.Status < http.StatusInternalServerError && first.Status != http.StatusTooManyRequests {
		// From here on the key stays claimed: what was asked for is done.
		keep = true
		if err := s.keep(patient, record, first); err != nil {
			s.Log.Error("an answer could not be kept for repeats of its request", "request", callOf(patient).id, "error", err)
		}
	}
	first.write(w)
}

func (s *server) keep(ctx context.Context, record idempotency.Record, first keptAnswer) error {
	plain, err := json.Marshal(first)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	if record.Answer, err = s.Keys.Seal(plain, answerPurpose(record)); err != nil {
		return err
	}
	return s.Idempotency.Finish(ctx, record)
}

func (a keptAnswer) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // a client that is gone may ask again
}

// answerRecorder takes an answer into memory.
type answerRecorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answerRecorder) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answerRecorder) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answerRecorder) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

func (a *answerRecorder) answer() keptAnswer {
	a.WriteHeader(http.StatusOK)
	return keptAnswer{Status: a.status, Header: a.header, Body: a.body.Bytes()}
}
