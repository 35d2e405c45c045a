package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/tenants"
)

// KeyFields is an API key without its text. The name is exported because
// package huma passes over embedded types that are not.
type KeyFields struct {
	ID         string         `json:"id"`
	TenantID   string         `json:"tenantId" example:"default"`
	Name       string         `json:"name" example:"Backend"`
	Scopes     []access.Scope `json:"scopes" enum:"management,messages:send,verification"`
	Hint       string         `json:"hint" example:"postern_Ab3d…" doc:"The first characters, to recognize the key by."`
	CreatedAt  int64          `json:"createdAt" doc:"Milliseconds since 1970."`
	ExpiresAt  *int64         `json:"expiresAt" doc:"Milliseconds since 1970; null for never."`
	RevokedAt  *int64         `json:"revokedAt" doc:"Milliseconds since 1970; null while in force."`
	LastUsedAt *int64         `json:"lastUsedAt" doc:"When a request came with it last, to five minutes or so; milliseconds since 1970; null for never."`
}

type createdKeyJSON struct {
	KeyFields
	Key string `json:"key" doc:"The key itself. It is shown this once and cannot be had again."`
}

func keyOf(k access.Key) KeyFields {
	return KeyFields{
		ID: k.ID, TenantID: k.TenantID, Name: k.Name, Scopes: k.Scopes, Hint: k.Hint, CreatedAt: k.CreatedAt.UnixMilli(),
		ExpiresAt: optionalMillis(k.ExpiresAt), RevokedAt: optionalMillis(k.RevokedAt),
		LastUsedAt: optionalMillis(k.LastUsedAt),
	}
}

type newKeyInput struct {
	Body newKeyJSON
}

type newKeyJSON struct {
	Name      string         `json:"name" minLength:"1" maxLength:"128" example:"Backend"`
	Scopes    []access.Scope `json:"scopes" minItems:"1" maxItems:"3" enum:"management,messages:send,verification"`
	ExpiresAt *int64         `json:"expiresAt,omitempty" nullable:"true" doc:"Milliseconds since 1970; null for never."`
	TenantID  string         `json:"tenantId,omitempty" example:"dev" doc:"Whose key it will be; the caller's own tenant unless given. Other tenants are for keys of the tenant default."`
}

type createdKeyOutput struct {
	Body createdKeyJSON
}

type keyListInput struct {
	PageInput
	TenantID string `query:"tenantId" maxLength:"128" example:"dev" doc:"Whose keys; the caller's own tenant unless given."`
}

type changeKeyInput struct {
	IDInput
	Body changedKeyJSON
}

type changedKeyJSON struct {
	Name      *string     `json:"name,omitempty" minLength:"1" maxLength:"128" example:"Backend"`
	ExpiresAt givenMillis `json:"expiresAt,omitzero"`
}

// givenMillis is a time that may be missing; null means never.
type givenMillis struct {
	given bool
	at    *int64
}

// UnmarshalJSON implements json.Unmarshaler.
func (g *givenMillis) UnmarshalJSON(data []byte) error {
	g.given = true
	return json.Unmarshal(data, &g.at)
}

// Schema implements huma.SchemaProvider.
func (givenMillis) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Nullable: true, Description: "Milliseconds since 1970; null for never."}
}

type keyOutput struct {
	Body KeyFields
}

type keyListOutput struct {
	PageOutput
	Body []KeyFields
}

const (
	noKey      = "`entity.not_found`: no such key, none in force, or not the caller's to see"
	anyTenants = "Keys of the tenant `default` reach those of all tenants. "
	inASecond  = "Takes effect at once on this node and within a second on others."
)

func (s *server) mountKeys() {
	failures := pageFailures()
	failures[http.StatusNotFound] = noTenant
	register(s, operation{
		id: "createApiKey", method: http.MethodPost, path: "/api/api-keys", tag: tagKeys,
		scope: access.Management, status: http.StatusCreated, summary: "Make an API key",
		description: "The answer holds the key's text, which is stored only as a hash.",
		failures: map[int]string{
			http.StatusForbidden:           "`auth.forbidden`: a key of another tenant is for keys of the tenant `default` to make",
			http.StatusUnprocessableEntity: "`entity.relation_foreign_key_not_found`: there is no tenant `tenantId`",
		},
	}, s.createKey)
	register(s, operation{
		id: "listApiKeys", method: http.MethodGet, path: "/api/api-keys", tag: tagKeys,
		scope: access.Management, summary: "List API keys, oldest first",
		description: "Revoked and expired ones, too. " + anyTenants, failures: failures,
	}, s.listKeys)
	register(s, operation{
		id: "updateApiKey", method: http.MethodPatch, path: "/api/api-keys/{id}", tag: tagKeys,
		scope: access.Management, summary: "Rename an API key, or change when it expires",
		description: "What is not given stays. A key's scopes never change, and one that has expired stays so. " + anyTenants + inASecond,
		failures:    map[int]string{http.StatusNotFound: noKey},
	}, s.updateKey)
	register(s, operation{
		id: "revokeApiKey", method: http.MethodDelete, path: "/api/api-keys/{id}", tag: tagKeys,
		scope: access.Management, summary: "Revoke an API key",
		description: "The last management key can be revoked as well, for it may have leaked: `postern keys create` makes " +
			"another on the database itself. " + anyTenants + inASecond,
		failures: map[int]string{http.StatusNotFound: noKey},
	}, s.revokeKey)
}

func (s *server) createKey(ctx context.Context, in *newKeyInput) (*createdKeyOutput, error) {
	expires, err := s.expiry(in.Body.ExpiresAt)
	if err != nil {
		return nil, err
	}
	tenantID, err := s.tenantOfNewKey(ctx, in.Body.TenantID)
	if err != nil {
		return nil, err
	}
	scopes := slices.Compact(slices.Sorted(slices.Values(in.Body.Scopes)))
	k, text, err := s.Access.Create(ctx, tenantID, in.Body.Name, scopes, expires)
	if err != nil {
		return nil, err
	}
	return &createdKeyOutput{Body: createdKeyJSON{KeyFields: keyOf(k), Key: text}}, nil
}

// expiry reads when a key expires; nil means never.
func (s *server) expiry(ms *int64) (time.Time, error) {
	if ms == nil {
		return time.Time{}, nil
	}
	at := time.UnixMilli(*ms)
	if !at.After(s.Now()) {
		return at, fault.Input("must be in the future, in milliseconds since 1970", "expiresAt")
	}
	return at, nil
}

// tenantOfNewKey returns whose key a new one will be.
func (s *server) tenantOfNewKey(ctx context.Context, asked string) (string, error) {
	own := callOf(ctx).key.TenantID
	switch {
	case asked == "" || asked == own:
		return own, nil
	case own != tenants.Default:
		return "", errNotAdministrator()
	}
	t, err := tenants.Get(ctx, s.Tenants, asked)
	if f, known := errors.AsType[*fault.Fault](err); known {
		f.Kind, f.Code = fault.Unprocessable, "entity.relation_foreign_key_not_found"
		f.Issues = []fault.Issue{{Path: []any{"tenantId"}, Code: "invalid_value", Message: "is no tenant's id"}}
		return "", f
	}
	return t.ID, err
}

func (s *server) listKeys(ctx context.Context, in *keyListInput) (*keyListOutput, error) {
	c := callOf(ctx)
	tenantID, err := s.tenantOrOwn(ctx, in.TenantID)
	if err != nil {
		return nil, err
	}
	list, err := s.Access.List(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	out := &keyListOutput{PageOutput: in.output(c.r.URL, len(list)), Body: []KeyFields{}}
	for _, k := range cut(in.PageInput, list) {
		out.Body = append(out.Body, keyOf(k))
	}
	return out, nil
}

// tenantOfKey returns whose key it is that the caller may manage. Others are
// not found, so that nobody learns which ones there are.
func (s *server) tenantOfKey(ctx context.Context, id string) (string, error) {
	if !validID(id) {
		return "", access.NotFound()
	}
	k, err := s.Access.Get(ctx, id)
	if own := callOf(ctx).key; err == nil && k.TenantID != own.TenantID && !administers(own) {
		err = access.NotFound()
	}
	return k.TenantID, err
}

func (s *server) updateKey(ctx context.Context, in *changeKeyInput) (*keyOutput, error) {
	tenantID, err := s.tenantOfKey(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	k, err := s.Access.Update(ctx, tenantID, in.ID, func(k *access.Key) (err error) {
		if in.Body.Name != nil {
			k.Name = *in.Body.Name
		}
		if in.Body.ExpiresAt.given {
			k.ExpiresAt, err = s.expiry(in.Body.ExpiresAt.at)
		}
		return err
	})
	return &keyOutput{Body: keyOf(k)}, err
}

func (s *server) revokeKey(ctx context.Context, in *IDInput) (*struct{}, error) {
	tenantID, err := s.tenantOfKey(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.Access.Revoke(ctx, tenantID, in.ID)
}
