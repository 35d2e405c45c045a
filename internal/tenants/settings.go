package tenants

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/blocklist"
	"github.com/postern-mail/postern/internal/branding"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/locale"
)

// Settings are what a tenant may set. Their JSON is that of the API and of
// the store.
type Settings struct {
	LanguageInfo           LanguageInfo `json:"languageInfo"`
	VerificationCodePolicy CodePolicy   `json:"verificationCodePolicy"`
	// SentinelPolicy rules what failed tries lead to.
	SentinelPolicy limits.Sentinel `json:"sentinelPolicy"`
	// MessageRateLimit rules how many mails may be asked for.
	MessageRateLimit limits.Policy `json:"messageRateLimit"`
	// EmailBlocklistPolicy rules which addresses may become somebody's.
	EmailBlocklistPolicy blocklist.Policy `json:"emailBlocklistPolicy"`
	// Branding is how the tenant looks; each is a URL (http or https) or "".
	Branding Branding `json:"branding"`
}

// Branding is how a tenant looks.
type Branding = branding.Branding

// LanguageInfo rules the language of mails.
type LanguageInfo struct {
	// AutoDetect lets Accept-Language choose on pages and in client-side calls.
	AutoDetect bool `json:"autoDetect"`
	// FallbackLanguage serves when nothing else chooses.
	FallbackLanguage string `json:"fallbackLanguage"`
}

// CodePolicy rules verification codes.
type CodePolicy struct {
	ExpirationSeconds int `json:"expirationDuration"` // 60 to 3600: how long a code is valid
	MaxTries          int `json:"maxRetryAttempts"`   // 1 to 100: failed tries that all active codes share
	Length            int `json:"codeLength"`         // 6 to 8 digits
	ActiveCodes       int `json:"activeCodes"`        // 1 to 5: how many of the newest codes stay valid
}

// Expiration is how long a code is valid.
func (p CodePolicy) Expiration() time.Duration {
	return time.Duration(p.ExpirationSeconds) * time.Second
}

// DefaultSettings are those of a tenant that has set nothing.
func DefaultSettings() Settings {
	return Settings{
		LanguageInfo:           LanguageInfo{AutoDetect: true, FallbackLanguage: "en"},
		VerificationCodePolicy: CodePolicy{ExpirationSeconds: 600, MaxTries: 10, Length: 6, ActiveCodes: 3},
		SentinelPolicy:         limits.DefaultSentinel(),
		MessageRateLimit:       limits.DefaultPolicy(),
		EmailBlocklistPolicy:   blocklist.DefaultPolicy(),
	}
}

// Check returns what is wrong with settings, with paths from their top.
func (s Settings) Check() []fault.Issue {
	var issues []fault.Issue
	if !locale.Valid(s.LanguageInfo.FallbackLanguage) {
		issues = append(issues, fault.Issue{
			Path: []any{"languageInfo", "fallbackLanguage"}, Code: "invalid_value",
			Message: fmt.Sprintf("must be a language tag (BCP 47) of 1 to %d characters", locale.MaxTag),
		})
	}
	p := s.VerificationCodePolicy
	for _, limit := range []struct {
		key           string
		value, lo, hi int
	}{
		{"expirationDuration", p.ExpirationSeconds, 60, 3600},
		{"maxRetryAttempts", p.MaxTries, 1, 100},
		{"codeLength", p.Length, 6, 8},
		{"activeCodes", p.ActiveCodes, 1, 5},
	} {
		if limit.value < limit.lo || limit.value > limit.hi {
			issues = append(issues, fault.Issue{
				Path: []any{"verificationCodePolicy", limit.key}, Code: "invalid_value",
				Message: fmt.Sprintf("must be from %d to %d", limit.lo, limit.hi),
			})
		}
	}
	issues = append(issues, under("sentinelPolicy", s.SentinelPolicy.Check())...)
	issues = append(issues, under("messageRateLimit", s.MessageRateLimit.Check())...)
	issues = append(issues, under("emailBlocklistPolicy", s.EmailBlocklistPolicy.Check())...)
	return append(issues, under("branding", s.Branding.Check())...)
}

// under puts a key before the paths of issues.
func under(key string, issues []fault.Issue) []fault.Issue {
	for i := range issues {
		issues[i].Path = append([]any{key}, issues[i].Path...)
	}
	return issues
}

// SettingsUpdated is what the audit log tells of settings; their subject is the
// tenant.
const SettingsUpdated audit.Action = "settings.updated"

// Store keeps settings.
type Store interface {
	// TenantSettings returns the JSON of a tenant's settings; "{}" when it has
	// set nothing.
	TenantSettings(ctx context.Context, tenantID string) (string, error)
	// SetTenantSettings stores them where they are still was; ok tells whether
	// they were.
	SetTenantSettings(ctx context.Context, tenantID, settings, was string) (ok bool, err error)
}

// freshness is how long settings that were read serve without being read
// again: a change on one node reaches all others within it.
const freshness = 500 * time.Millisecond

// Service reads and changes settings. It is safe for concurrent use.
type Service struct {
	store Store
	now   func() time.Time

	reading sync.Mutex // keeps readings in order with changes
	mu      sync.Mutex
	cache   map[string]cached // by tenant id
}

type cached struct {
	settings Settings
	readAt   time.Time
}

// NewService makes a Service.
func NewService(store Store, now func() time.Time) *Service {
	return &Service{store: store, now: now, cache: make(map[string]cached)}
}

// Settings returns a tenant's settings.
func (s *Service) Settings(ctx context.Context, tenantID string) (Settings, error) {
	s.mu.Lock()
	known, ok := s.cache[tenantID]
	if ok {
		fresh := s.now().Sub(known.readAt) < freshness
		// One caller reads again; the others go on with what is there.
		s.cache[tenantID] = cached{known.settings, s.now()}
		if fresh {
			s.mu.Unlock()
			return known.settings, nil
		}
	}
	s.mu.Unlock()
	s.reading.Lock()
	defer s.reading.Unlock()
	settings, _, err := s.read(ctx, tenantID)
	return settings, err
}

// read reads settings and keeps them; reading must be held.
func (s *Service) read(ctx context.Context, tenantID string) (Settings, string, error) {
	text, err := s.store.TenantSettings(ctx, tenantID)
	if err != nil {
		return Settings{}, "", fmt.Errorf("read settings: %w", err)
	}
	settings, err := ReadSettings(text)
	if err != nil {
		return Settings{}, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache[tenantID] = cached{settings, s.now()}
	return settings, text, nil
}

// Change lays patch, JSON of some of the settings, over a tenant's settings.
// A refusal is a fault with the places of what is wrong, and changes nothing.
func (s *Service) Change(ctx context.Context, tenantID string, patch json.RawMessage) (Settings, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	for {
		before, was, err := s.read(ctx, tenantID)
		if err != nil {
			return Settings{}, err
		}
		settings, err := ReadSettings(was) // shares nothing with those that are kept
		if err != nil {
			return Settings{}, err
		}
		if err := json.Unmarshal(patch, &settings); err != nil {
			return Settings{}, fault.Input("not settings: " + err.Error())
		}
		if issues := settings.Check(); len(issues) > 0 {
			f := fault.New(fault.Invalid, "guard.invalid_input", "The request is not valid.")
			f.Issues = issues
			return Settings{}, f
		}
		text, err := json.Marshal(settings)
		if err != nil {
			return Settings{}, fmt.Errorf("encode settings: %w", err)
		}
		telling, err := audit.Tell(ctx, s.now(), audit.Change{
			TenantID: tenantID, Action: SettingsUpdated, Subject: tenantID, Before: before, After: settings,
		})
		if err != nil {
			return Settings{}, err
		}
		ok, err := s.store.SetTenantSettings(telling, tenantID, string(text), was)
		if err != nil {
			return Settings{}, fmt.Errorf("store settings: %w", err)
		}
		if ok {
			settings, _, err = s.read(ctx, tenantID)
			return settings, err
		}
		// Somebody else changed them meanwhile: lay the patch over theirs.
	}
}
