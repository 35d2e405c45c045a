package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/postern-mail/postern/internal/fault"
)

// Scope is what an API key allows.
type Scope string

// The scopes. Management includes the others.
const (
	Management   Scope = "management"
	SendMessages Scope = "messages:send"
	Verification Scope = "verification"
)

// Scopes returns all scopes.
func Scopes() []Scope { return []Scope{Management, SendMessages, Verification} }

// Key is an API key as stored: never the key itself.
type Key struct {
	ID        string
	TenantID  string
	Name      string
	Scopes    []Scope
	Hint      string // the first characters, to recognize it by
	Hash      []byte // SHA-256 of the key: it has 256 bits of entropy, so a slow hash adds nothing
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	RevokedAt time.Time // zero: in force
	// LastUsedAt is when a request came with it last, to UsePrecision; zero:
	// never.
	LastUsedAt time.Time
}

// InForce reports whether the key serves at a time: from its expiry on it does
// not.
func (k Key) InForce(at time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || at.Before(k.ExpiresAt))
}

// Allows reports whether the key has a scope.
func (k Key) Allows(s Scope) bool {
	return slices.Contains(k.Scopes, Management) || slices.Contains(k.Scopes, s)
}

// Store keeps API keys.
type Store interface {
	// InsertKey adds a key.
	InsertKey(ctx context.Context, k Key) error
	// KeyByHash finds a key, revoked and expired ones included.
	KeyByHash(ctx context.Context, hash []byte) (k Key, ok bool, err error)
	// Key finds a key of any tenant by its id, revoked and expired ones included.
	Key(ctx context.Context, id string) (k Key, ok bool, err error)
	// ListKeys returns a tenant's keys, oldest first.
	ListKeys(ctx context.Context, tenantID string) ([]Key, error)
	// UpdateKey gives a key the name and the expiry of k where it is in force
	// and those are still the ones of was; ok tells whether they were.
	UpdateKey(ctx context.Context, k, was Key) (ok bool, err error)
	// RevokeKey ends a key; ok tells whether there was one in force.
	RevokeKey(ctx context.Context, tenantID, id string, at time.Time) (ok bool, err error)
	// KeysUsed stores when keys, by their ids, were used, where that is later
	// than what is stored.
	KeysUsed(ctx context.Context, uses map[string]time.Time) error
}

const (
	prefix = "postern_"
	// cacheFor bounds how long another node honours a revoked key.
	cacheFor  = time.Second
	cacheSize = 10_000
)

// Service makes and checks API keys. It is safe for concurrent use.
type Service struct {
	store Store
	now   func() time.Time
	cache *otter.Cache[[sha256.Size]byte, Key]
	uses  uses
}

// New makes a Service.
func New(store Store, now func() time.Time) (*Service, error) {
	cache, err := otter.New(&otter.Options[[sha256.Size]byte, Key]{
		MaximumSize:      cacheSize,
		ExpiryCalculator: otter.ExpiryCreating[[sha256.Size]byte, Key](cacheFor),
		Clock:            clock(now),
	})
	if err != nil {
		return nil, fmt.Errorf("make key cache: %w", err)
	}
	return &Service{store: store, now: now, cache: cache}, nil
}

// clock is the service's clock as the cache reads it.
type clock func() time.Time

// NowNano implements otter.Clock.
func (c clock) NowNano() int64 { return c().UnixNano() }

// Tick implements otter.Clock: when to drop what has expired.
func (clock) Tick(d time.Duration) <-chan time.Time { return time.Tick(d) }

// Create makes a key and returns it together with its text, which is not
// kept and cannot be had again.
func (s *Service) Create(ctx context.Context, tenantID, name string, scopes []Scope, expiresAt time.Time) (Key, string, error) {
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return Key{}, "", fmt.Errorf("draw key: %w", err)
	}
	text := prefix + base64.RawURLEncoding.EncodeToString(random)
	k, err := s.Import(ctx, tenantID, name, text, scopes, expiresAt)
	return k, text, err
}

// Import adds a key whose text the caller chose.
func (s *Service) Import(ctx context.Context, tenantID, name, text string, scopes []Scope, expiresAt time.Time) (Key, error) {
	if err := checkName(name); err != nil {
		return Key{}, err
	}
	id, err := uuid.NewV7() // they are listed in the order of their making
	if err != nil {
		return Key{}, fmt.Errorf("make id of key: %w", err)
	}
	hash := sha256.Sum256([]byte(text))
	k := Key{
		ID: id.String(), TenantID: tenantID, Name: name, Scopes: scopes, Hint: hint(text),
		Hash: hash[:], CreatedAt: s.now(), ExpiresAt: expiresAt,
	}
	ctx, err = s.tell(ctx, KeyCreated, k, nil, &k)
	if err != nil {
		return Key{}, err
	}
	if err := s.store.InsertKey(ctx, k); err != nil {
		return Key{}, fmt.Errorf("store key: %w", err)
	}
	return k, nil
}

// MaxName is the longest name of a key, in characters.
const MaxName = 128

// checkName refuses names that would not be one line of a list.
func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return fault.Input("must say what the key is for", "name")
	case utf8.RuneCountInString(name) > MaxName:
		return fault.Input(fmt.Sprintf("must be at most %d characters", MaxName), "name")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return fault.Input("must not hold control characters", "name")
	}
	return nil
}

// hint shows enough of a key to recognize it and too little to guess it.
func hint(text string) string {
	if !strings.HasPrefix(text, prefix) {
		return "(chosen by the operator)"
	}
	return text[:len(prefix)+4] + "…"
}

// Authenticate returns the key with this text, or the fault auth.unauthorized
// when it is unknown, revoked or expired.
func (s *Service) Authenticate(ctx context.Context, text string) (Key, error) {
	k, cached, err := s.find(ctx, text)
	if err == nil && !cached {
		s.uses.note(k, s.now())
	}
	return k, err
}

// Find is Authenticate without a use of the key.
func (s *Service) Find(ctx context.Context, text string) (Key, error) {
	k, _, err := s.find(ctx, text)
	return k, err
}

// find tells whether the key was in the cache, too.
func (s *Service) find(ctx context.Context, text string) (k Key, cached bool, err error) {
	hash := sha256.Sum256([]byte(text))
	k, cached = s.cache.GetIfPresent(hash)
	ok := cached
	if !cached {
		if k, ok, err = s.store.KeyByHash(ctx, hash[:]); err != nil {
			return Key{}, false, fmt.Errorf("find key: %w", err)
		}
		if ok {
			s.cache.Set(hash, k)
		}
	}
	if !ok || !k.InForce(s.now()) {
		return Key{}, false, fault.New(fault.Unauthorized, "auth.unauthorized", "This API key is unknown, revoked or expired.")
	}
	return k, cached, nil
}

// List returns a tenant's keys, oldest first.
func (s *Service) List(ctx context.Context, tenantID string) ([]Key, error) {
	keys, err := s.store.ListKeys(ctx, tenantID)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return keys, nil
}

// Get returns a key of any tenant, or the fault entity.not_found.
func (s *Service) Get(ctx context.Context, id string) (Key, error) {
	k, ok, err := s.store.Key(ctx, id)
	if err != nil {
		return Key{}, fmt.Errorf("find key: %w", err)
	}
	if !ok {
		return Key{}, NotFound()
	}
	return k, nil
}

// NotFound is the fault entity.not_found for a key.
func NotFound() error {
	return fault.New(fault.NotFound, "entity.not_found", "There is no API key with this id in force.")
}

// Update changes the name and the expiry of a key in force by change, which
// may refuse, and may run again when somebody else was first. Nothing else of a
// key changes, so that nobody's key gets more power than they were given. The
// fault is entity.not_found where the key is not there or not in force. It
// takes effect at once on this node, within cacheFor on others.
func (s *Service) Update(ctx context.Context, tenantID, id string, change func(*Key) error) (Key, error) {
	for {
		was, err := s.Get(ctx, id)
		if err != nil {
			return Key{}, err
		}
		if was.TenantID != tenantID || !was.InForce(s.now()) {
			return Key{}, NotFound()
		}
		wanted := was
		if err := change(&wanted); err != nil {
			return Key{}, err
		}
		if err := checkName(wanted.Name); err != nil {
			return Key{}, err
		}
		k := was
		k.Name, k.ExpiresAt = wanted.Name, wanted.ExpiresAt
		telling, err := s.tell(ctx, KeyUpdated, k, &was, &k)
		if err != nil {
			return Key{}, err
		}
		ok, err := s.store.UpdateKey(telling, k, was)
		if err != nil {
			return Key{}, fmt.Errorf("change key: %w", err)
		}
		if ok {
			s.cache.InvalidateAll()
			return k, nil
		}
	}
}

// Revoke ends a key: at once on this node, within cacheFor on others. The last
// management key can be revoked, too: one that has leaked must not have to
// wait for another, and postern keys create makes that without a key.
func (s *Service) Revoke(ctx context.Context, tenantID, id string) error {
	was, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	k := was
	k.RevokedAt = s.now()
	ctx, err = s.tell(ctx, KeyRevoked, k, &was, &k)
	if err != nil {
		return err
	}
	ok, err := s.store.RevokeKey(ctx, tenantID, id, k.RevokedAt)
	if err != nil {
		return fmt.Errorf("revoke key: %w", err)
	}
	if !ok {
		return NotFound()
	}
	s.cache.InvalidateAll()
	return nil
}
