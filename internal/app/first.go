package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/connectors/builtin"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/configuration"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/tenants"
)

// The canary is sealed with the keyset when the database is new. A keyset
// that cannot open it is not this database's.
const (
	canaryName    = "keyset-canary"
	canaryPurpose = "canary"
)

// openKeys loads the keyset, makes one for a new database, and proves that it
// is the database's own: with a wrong one every stored code would be refused
// and every connector unreadable.
func openKeys(ctx context.Context, s *store.Store, o Options) (*secrets.Keys, error) {
	canary, err := s.Fact(ctx, canaryName)
	if err != nil {
		return nil, fmt.Errorf("read keyset canary: %w", err)
	}
	keys, err := loadKeys(o, canary == nil)
	if err != nil {
		return nil, err
	}
	if canary == nil {
		sealed, err := keys.Seal([]byte("postern"), canaryPurpose)
		if err != nil {
			return nil, err
		}
		if canary, err = s.ClaimFact(ctx, canaryName, sealed); err != nil {
			return nil, fmt.Errorf("store keyset canary: %w", err)
		}
	}
	if _, err := keys.Open(canary, canaryPurpose); err != nil {
		return nil, errors.New("this is not the keyset that the database was made with: " +
			"give every node the same one, by " + secrets.FileName + " in the data folder or by POSTERN_KEYSET")
	}
	return keys, nil
}

func loadKeys(o Options, newDatabase bool) (*secrets.Keys, error) {
	if o.Keyset != "" {
		return secrets.Parse([]byte(o.Keyset.Reveal()))
	}
	keys, err := secrets.Load(o.DataDir)
	if !errors.Is(err, secrets.ErrNoKeyset) {
		return keys, err
	}
	if !newDatabase {
		return nil, fmt.Errorf("the database is in use but there is no %s in %s: "+
			"copy it from another node or a backup, or set POSTERN_KEYSET", secrets.FileName, o.DataDir)
	}
	return secrets.Create(o.DataDir)
}

// firstStartName is the fact that says that the first start is done.
const firstStartName = "first-start"

// firstStart makes the tenant, its connector and its first API key. It
// returns the text of a key that it made itself. Of several nodes that start
// at once on a new database, one makes the key.
func firstStart(ctx context.Context, s *store.Store, router *routing.Router, keys *access.Service, o Options) (string, error) {
	err := s.EnsureTenant(ctx, tenants.Tenant{ID: tenants.Default, Name: "Default", CreatedAt: now()})
	if err != nil {
		return "", fmt.Errorf("make tenant: %w", err)
	}
	if o.APIKey != "" {
		if err := importKey(ctx, keys, o.APIKey.Reveal()); err != nil {
			return "", err
		}
	}
	if done, err := s.Fact(ctx, firstStartName); err != nil || done != nil {
		return "", err
	}
	if err := setFirstConnector(ctx, router); err != nil {
		return "", fmt.Errorf("set up the first connector: %w", err)
	}
	mine := []byte(uuid.NewString())
	claimed, err := s.ClaimFact(ctx, firstStartName, mine)
	if err != nil || !bytes.Equal(claimed, mine) {
		return "", err
	}
	if existing, err := keys.List(ctx, tenants.Default); err != nil || len(existing) > 0 {
		return "", err
	}
	_, text, err := keys.Create(ctx, tenants.Default, "First key", []access.Scope{access.Management}, time.Time{})
	return text, err
}

// firstConnector is what a new tenant sends with: the built-in connector,
// which keeps mails in the inbox.
func firstConnector() configuration.Connector {
	return configuration.Connector{ConnectorID: builtin.ID, Config: json.RawMessage(`{"delivery":"inbox"}`)}
}

// setFirstConnector gives the first tenant a connector unless it has one.
func setFirstConnector(ctx context.Context, router *routing.Router) error {
	_, err := router.InUse(ctx, tenants.Default)
	if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Code != "connector.not_found" {
		return err
	}
	first := firstConnector()
	_, err = router.Set(ctx, tenants.Default, first.ConnectorID, "", first.Config)
	return err
}

// minKeyLength keeps an operator from choosing a key that can be guessed.
const minKeyLength = 16

// importKey makes the operator's key a management key, unless it is one.
func importKey(ctx context.Context, keys *access.Service, text string) error {
	if len(text) < minKeyLength {
		return fmt.Errorf("the API key (POSTERN_API_KEY) is too short: it takes at least %d characters", minKeyLength)
	}
	_, err := keys.Find(ctx, text)
	refused, ok := errors.AsType[*fault.Fault](err)
	if err == nil || !ok {
		return err
	}
	if _, err := keys.Import(ctx, tenants.Default, "POSTERN_API_KEY", text, []access.Scope{access.Management}, time.Time{}); err != nil {
		return errors.New("the API key (POSTERN_API_KEY) was revoked or has expired; choose another one: " + refused.Message)
	}
	return nil
}
