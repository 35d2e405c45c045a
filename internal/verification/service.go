package verification

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"math/big"
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/tenants"
)

// Service issues and checks codes. It is safe for concurrent use.
type Service struct {
	store    Store
	outbox   *outbox.Outbox
	keys     *secrets.Keys
	settings Settings
	now      func() time.Time
}

// Settings returns a tenant's settings.
type Settings func(ctx context.Context, tenantID string) (tenants.Settings, error)

// Options are what a Service needs.
type Options struct {
	Store    Store
	Outbox   *outbox.Outbox
	Keys     *secrets.Keys
	Settings Settings
	Now      func() time.Time
}

// New makes a Service.
func New(o Options) *Service {
	return &Service{store: o.Store, outbox: o.Outbox, keys: o.Keys, settings: o.Settings, now: o.Now}
}

// Request asks for a code by mail.
type Request struct {
	TenantID  string
	Type      connector.TemplateType // carries a code
	To        string                 // checked by address.Parse
	SessionID string
	Payload   map[string]any // further variables; must not hold "code"
	IP        string
	// Charges are what the mail counts on.
	Charges []limits.Charge
}

// Issue makes a code and accepts the mail that carries it. It returns the
// message's id. Earlier codes of the subject stay valid, as many as the
// policy allows.
func (s *Service) Issue(ctx context.Context, r Request) (messageID string, err error) {
	settings, err := s.settings(ctx, r.TenantID)
	if err != nil {
		return "", err
	}
	policy := settings.VerificationCodePolicy
	digits, err := newDigits(policy.Length)
	if err != nil {
		return "", err
	}
	subject := Subject{TenantID: r.TenantID, Address: address.Key(r.To), Type: r.Type, SessionID: r.SessionID}
	hash, err := s.keys.Hash(subject.parts(digits)...)
	if err != nil {
		return "", err
	}
	payload := make(map[string]any, len(r.Payload)+1)
	maps.Copy(payload, r.Payload)
	payload["code"] = digits
	m, err := s.outbox.Make(outbox.Draft{
		TenantID: r.TenantID, Type: r.Type, To: r.To, Payload: payload, IP: r.IP,
		SessionID: r.SessionID, Lifetime: policy.Expiration(), Charges: r.Charges,
	})
	if err != nil {
		return "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make code id: %w", err)
	}
	code := Code{ID: id.String(), Subject: subject, Hash: hash, CreatedAt: m.CreatedAt, ExpiresAt: m.Deadline}
	if err := s.store.SaveCode(ctx, code, m); err != nil {
		return "", fmt.Errorf("save code: %w", err)
	}
	return m.ID, nil
}

// Check verifies digits against the subject's active codes and, when one
// matches, uses all of them up. Otherwise it returns a fault: not_found,
// expired, exceed_max_try or code_mismatch, in this order of precedence. After
// too many failed tries at an address, whatever the subject, it looks at no
// code for some time.
func (s *Service) Check(ctx context.Context, subject Subject, digits string) error {
	subject.Address = address.Key(subject.Address)
	settings, err := s.settings(ctx, subject.TenantID)
	if err != nil {
		return err
	}
	policy := settings.VerificationCodePolicy
	tries, err := limits.Key(s.keys, subject.TenantID, "tries", address.Person(subject.Address))
	if err != nil {
		return err
	}
	var verdict error
	check := func(codes []Code, failed *limits.Window) (d Decision) {
		now := s.now()
		if failed.Until.After(now) {
			verdict = blocked(failed.Until.Sub(now))
			return d
		}
		d, verdict = s.decide(codes, policy, digits)
		if d.Failed {
			failed.Strike(settings.SentinelPolicy, now)
		}
		return d
	}
	err = s.store.CheckCodes(ctx, subject, policy.ActiveCodes, tries, check)
	if err != nil {
		return fmt.Errorf("check code: %w", err)
	}
	return verdict
}

// decide is the rule of Check. All active codes share one budget of tries: a
// failed try counts on each of them, the oldest one's count is the budget's,
// and when it is used up they all end. A code issued afterwards has its own.
func (s *Service) decide(codes []Code, policy tenants.CodePolicy, digits string) (Decision, error) {
	if len(codes) == 0 {
		return Decision{}, refuse("not_found", "No code is outstanding for this address. Ask for a new one.")
	}
	now := s.now()
	var active []Code
	expired, spent := 0, 0
	for _, c := range codes {
		switch {
		case !now.Before(c.ExpiresAt):
			expired++
		case c.Tries >= policy.MaxTries:
			spent++
		default:
			active = append(active, c)
		}
	}
	if len(active) == 0 {
		if spent == 0 {
			return Decision{}, refuse("expired", "This code has expired. Ask for a new one.")
		}
		return Decision{}, refuse("exceed_max_try", "There were too many wrong tries. Ask for a new code.")
	}
	tries, matched := 0, false
	for _, c := range active {
		tries = max(tries, c.Tries)
		// No early exit: the time must not tell which of the codes matched.
		if s.keys.Matches(c.Hash, c.parts(digits)...) {
			matched = true
		}
	}
	if matched {
		return Decision{UseUp: true}, nil
	}
	d := Decision{Tries: make(map[string]int, len(active)), Failed: true}
	for _, c := range active {
		d.Tries[c.ID] = c.Tries + 1
		if tries+1 >= policy.MaxTries {
			d.Tries[c.ID] = policy.MaxTries
		}
	}
	return d, refuse("code_mismatch", "This is not the right code.")
}

// parts is what a code's hash is made from.
func (s Subject) parts(digits string) []string {
	return []string{"code", s.TenantID, s.Address, string(s.Type), s.SessionID, digits}
}

// Blocked is the code of the fault of an address with too many failed tries.
const Blocked = "session.verification_blocked_too_many_attempts"

// blocked is the fault of an address with too many failed tries.
func blocked(wait time.Duration) error {
	f := fault.New(fault.Invalid, Blocked,
		"There were too many wrong tries at this address. Try again later.")
	f.RetryAfter = wait
	return f
}

func refuse(code, message string) error {
	return fault.New(fault.Invalid, "verification_code."+code, "%s", message)
}

// newDigits draws a code of n digits, each value as likely as any other.
func newDigits(n int) (string, error) {
	bound := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	v, err := rand.Int(rand.Reader, bound)
	if err != nil {
		return "", fmt.Errorf("draw code: %w", err)
	}
	return fmt.Sprintf("%0*d", n, v), nil
}
