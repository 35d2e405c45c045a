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
	// ListKeys returns a tenant's keys, oldest first.
	ListKeys(ctx context.Context, tenantID string) ([]Key, error)
	// RevokeKey ends a key; ok tells whether there was one in force.
	RevokeKey(ctx context.Context, tenantID, id string, at time.Time) (ok bool, err error)
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
}

// New makes a Service.
func New(store Store, now func() time.Time) (*Service, error) {
	cache, err := otter.New(&otter.Options[[sha256.Size]byte, Key]{
		MaximumSize:      cacheSize,
		ExpiryCalculator: otter.ExpiryCreating[[sha256.Size]byte, Key](cacheFor),
	})
	if err != nil {
		return nil, fmt.Errorf("make key cache: %w", err)
	}
	return &Service{store: store, now: now, cache: cache}, nil
}

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
	hash := sha256.Sum256([]byte(text))
	k := Key{
		ID: uuid.NewString(), TenantID: tenantID, Name: name, Scopes: scopes, Hint: hint(text),
		Hash: hash[:], CreatedAt: s.now(), ExpiresAt: expiresAt,
	}
	if err := s.store.InsertKey(ctx, k); err != nil {
		return Key{}, fmt.Errorf("store key: %w", err)
	}
	return k, nil
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
	hash := sha256.Sum256([]byte(text))
	k, ok := s.cache.GetIfPresent(hash)
	if !ok {
		var err error
		k, ok, err = s.store.KeyByHash(ctx, hash[:])
		if err != nil {
			return Key{}, fmt.Errorf("find key: %w", err)
		}
		if ok {
			s.cache.Set(hash, k)
		}
	}
	if !ok || !k.RevokedAt.IsZero() || (!k.ExpiresAt.IsZero() && !s.now().Before(k.ExpiresAt)) {
		return Key{}, fault.New(fault.Unauthorized, "auth.unauthorized", "This API key is unknown, revoked or expired.")
	}
	return k, nil
}

// List returns a tenant's keys, oldest first.
func (s *Service) List(ctx context.Context, tenantID string) ([]Key, error) {
	keys, err := s.store.ListKeys(ctx, tenantID)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return keys, nil
}

// Revoke ends a key: at once on this node, within cacheFor on others.
func (s *Service) Revoke(ctx context.Context, tenantID, id string) error {
	ok, err := s.store.RevokeKey(ctx, tenantID, id, s.now())
	if err != nil {
		return fmt.Errorf("revoke key: %w", err)
	}
	if !ok {
		return fault.New(fault.NotFound, "entity.not_found", "There is no API key with this id in force.")
	}
	s.cache.InvalidateAll()
	return nil
}
