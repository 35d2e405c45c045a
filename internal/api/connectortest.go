package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/compose"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/routing"
)

// Limits of test mails.
const (
	testsAMinute = 10
	testTime     = 30 * time.Second
	maxBudgets   = 10_000
)

// What test mails carry in place of a code or a link.
const (
	testCode = "000000"
	testLink = "https://example.com/invitation"
)

type testInput struct {
	FactoryID string `path:"factoryId" example:"simple-mail-transfer-protocol"`
	Body      testJSON
}

type testJSON struct {
	Email     string          `json:"email,omitempty" example:"ann@example.com" doc:"Where the test mail goes."`
	Phone     string          `json:"phone,omitempty" deprecated:"true" doc:"Refused: connectors send e-mail."`
	Config    json.RawMessage `json:"config" doc:"The settings to test; ******** stands for secrets of the connector in use."`
	Locale    string          `json:"locale,omitempty" maxLength:"64" example:"en" doc:"Language of the mail (BCP 47), used as it is."`
	UILocales string          `json:"uiLocales,omitempty" maxLength:"512" example:"de-CH de en" doc:"Languages that the person prefers, in order; the first that there is goes before locale."`
	Type      typeJSON        `json:"type,omitempty" doc:"Template type; Generic unless given."`
	Payload   payloadJSON     `json:"payload,omitzero"`
}

// SentOutput are the headers of an answer to a call that sent something.
type SentOutput struct {
	MessageID string `header:"Postern-Message-Id" doc:"Id of the message."`
	Applied   string `header:"Preference-Applied" doc:"The preference that was honoured, e.g. wait=10."`
}

type testOutput struct {
	MessageID string `header:"Postern-Message-Id" doc:"Id of the message, which is not stored."`
}

func (s *server) mountConnectorTest() {
	register(s, operation{
		id: "testConnector", method: http.MethodPost, path: "/api/connectors/{factoryId}/test",
		tag: tagConnectors, scope: access.Management, summary: "Send a test mail with settings that are not stored",
		description: "Sends one mail with the code 000000 and answers 204 when the provider took it. Nothing is stored. " +
			"10 a minute for each API key.",
		failures: map[int]string{
			http.StatusBadRequest: "`connector.not_found`: unknown factory; `connector.unexpected_type`: `phone` was given; " +
				"`connector.invalid_config`; `connector.general`: refused, with the provider's words; `connector.invalid_response`; " +
				"`connector.template_not_found`: the settings name no template at the provider for this type",
			http.StatusUnprocessableEntity: "`entity.value_too_long`: an address over 128 bytes; " + reservedFailure,
			http.StatusTooManyRequests:     "`connector.rate_limit_exceeded`: by us or by the provider; `Retry-After` says when to try again",
		},
	}, s.testConnector)
	s.requireInDocument("Test", "email")
}

func (s *server) testConnector(ctx context.Context, in *testInput) (*testOutput, error) {
	c := callOf(ctx)
	request, err := s.testRequest(in)
	if err != nil {
		return nil, err
	}
	request.TenantID = c.key.TenantID
	if err := s.speak(ctx, request.TenantID, request.Payload, in.Body.UILocales, in.Body.Locale); err != nil {
		return nil, err
	}
	via, err := s.Router.OpenForTest(ctx, c.key.TenantID, in.FactoryID, in.Body.Config)
	if err != nil {
		return nil, err
	}
	defer s.closeTested(c, via)
	if err := s.sendTest(ctx, c, request, via); err != nil {
		return nil, err
	}
	return &testOutput{MessageID: request.MessageID}, nil
}

// sendTest sends a test mail, on the budget of the call's key.
func (s *server) sendTest(ctx context.Context, c *call, request compose.Request, via *routing.Opened) error {
	if err := s.Admission.Reserved(request.To, via.Keeps()); err != nil {
		return err
	}
	if wait := s.tests.spend(c.key.ID, s.Now()); wait > 0 {
		f := fault.New(fault.TooMany, "connector.rate_limit_exceeded",
			"An API key may send %d test mails a minute.", testsAMinute)
		f.RetryAfter = wait
		return f
	}
	mail, _, err := s.Composer.Compose(ctx, request, via)
	if err != nil {
		return testRefusal(err)
	}
	c.holdOn(testTime)
	ctx, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	if _, err := via.Connector.Send(ctx, mail); err != nil {
		return testRefusal(err)
	}
	return nil
}

// testRequest reads what is to be sent.
func (s *server) testRequest(in *testInput) (compose.Request, error) {
	if _, ok := s.Router.Registry().Get(in.FactoryID); !ok {
		return compose.Request{}, fault.New(fault.Invalid, "connector.not_found",
			"There is no connector factory with this id. GET /api/connector-factories lists them.")
	}
	if in.Body.Phone != "" && in.Body.Email == "" {
		return compose.Request{}, fault.New(fault.Invalid, "connector.unexpected_type",
			"This connector sends e-mail: give email, not phone.")
	}
	to, err := parseAddress(in.Body.Email, "email")
	if err != nil {
		return compose.Request{}, err
	}
	t, err := in.Body.Type.read(connector.Generic)
	if err != nil {
		return compose.Request{}, err
	}
	if err := checkTexts("locale", in.Body.Locale, "uiLocales", in.Body.UILocales); err != nil {
		return compose.Request{}, err
	}
	given, err := in.Body.Payload.read()
	if err != nil {
		return compose.Request{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return compose.Request{}, fmt.Errorf("make message id: %w", err)
	}
	r := compose.Request{MessageID: id.String(), Type: t, To: to, Validity: outbox.OtherLifetime, Payload: map[string]any{}}
	if !t.CarriesCode() {
		r.Payload["link"] = testLink
	}
	maps.Copy(r.Payload, given)
	if t.CarriesCode() {
		r.Payload["code"], r.Validity = testCode, outbox.CodeLifetime
	}
	return r, nil
}

// testRefusal is the answer to a test mail that did not go out.
func testRefusal(err error) error {
	failure, ok := errors.AsType[*connector.Error](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return refused(&connector.Error{Class: connector.Temporary, Message: "the provider took longer than 30 seconds"})
	case !ok:
		return fmt.Errorf("send test mail: %w", err)
	}
	return refused(failure)
}

func (s *server) closeTested(c *call, via *routing.Opened) {
	closer, ok := via.Connector.(io.Closer)
	if !ok {
		return
	}
	if err := closer.Close(); err != nil {
		s.Log.Warn("closing a tested connector", "request", c.id, "connector", via.FactoryID, "error", err)
	}
}

// testBudget counts the test mails of each API key. It is safe for
// concurrent use.
type testBudget struct {
	mu   sync.Mutex
	sent map[string][]time.Time // by key id: the last minute's, oldest first
}

func newTestBudget() *testBudget { return &testBudget{sent: make(map[string][]time.Time)} }

// spend takes one test mail from a key's budget, or returns how long it is
// until there is one again.
func (b *testBudget) spend(key string, now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.sent) >= maxBudgets {
		b.forget(now)
	}
	recent := within(b.sent[key], now)
	if len(recent) >= testsAMinute {
		return recent[0].Add(time.Minute).Sub(now)
	}
	b.sent[key] = append(recent, now)
	return 0
}

// forget drops keys that sent nothing in the last minute.
func (b *testBudget) forget(now time.Time) {
	for key, sent := range b.sent {
		if len(within(sent, now)) == 0 {
			delete(b.sent, key)
		}
	}
}

// within drops the times that are a minute ago.
func within(sent []time.Time, now time.Time) []time.Time {
	for len(sent) > 0 && now.Sub(sent[0]) >= time.Minute {
		sent = sent[1:]
	}
	return sent
}
