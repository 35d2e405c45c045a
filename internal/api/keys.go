package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/tenants"
)

// KeyFields is an API key without its text. The name is exported because
// package huma passes over embedded types that are not.
type KeyFields struct {
	ID        string         `json:"id"`
	TenantID  string         `json:"tenantId" example:"default"`
	Name      string         `json:"name" example:"Backend"`
	Scopes    []access.Scope `json:"scopes" enum:"management,messages:send,verification"`
	Hint      string         `json:"hint" example:"postern_Ab3d…" doc:"The first characters, to recognize the key by."`
	CreatedAt int64          `json:"createdAt" doc:"Milliseconds since 1970."`
	ExpiresAt *int64         `json:"expiresAt" doc:"Milliseconds since 1970; null for never."`
	RevokedAt *int64         `json:"revokedAt" doc:"Milliseconds since 1970; null while in force."`
}

type createdKeyJSON struct {
	KeyFields
	Key string `json:"key" doc:"The key itself. It is shown this once and cannot be had again."`
}

func keyOf(k access.Key) KeyFields {
	return KeyFields{
		ID: k.ID, TenantID: k.TenantID, Name: k.Name, Scopes: k.Scopes, Hint: k.Hint, CreatedAt: k.CreatedAt.UnixMilli(),
		ExpiresAt: optionalMillis(k.ExpiresAt), RevokedAt: optionalMillis(k.RevokedAt),
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

type keyListOutput struct {
	PageOutput
	Body []KeyFields
}

func (s *server) mountKeys() {
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
		scope: access.Management, summary: "List API keys, oldest first", failures: pageFailures(),
	}, s.listKeys)
	register(s, operation{
		id: "revokeApiKey", method: http.MethodDelete, path: "/api/api-keys/{id}", tag: tagKeys,
		scope: access.Management, summary: "Revoke an API key",
		description: "Takes effect at once on this node and within a second on others.",
		failures:    map[int]string{http.StatusNotFound: "`entity.not_found`: no such key, or none in force"},
	}, s.revokeKey)
}

func (s *server) createKey(ctx context.Context, in *newKeyInput) (*createdKeyOutput, error) {
	if err := checkText(in.Body.Name, "name"); err != nil {
		return nil, err
	}
	var expires time.Time
	if in.Body.ExpiresAt != nil {
		if expires = time.UnixMilli(*in.Body.ExpiresAt); !expires.After(s.Now()) {
			return nil, fault.Input("must be in the future, in milliseconds since 1970", "expiresAt")
		}
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

func (s *server) listKeys(ctx context.Context, in *PageInput) (*keyListOutput, error) {
	c := callOf(ctx)
	list, err := s.Access.List(ctx, c.key.TenantID)
	if err != nil {
		return nil, err
	}
	out := &keyListOutput{PageOutput: in.output(c.r.URL, len(list)), Body: []KeyFields{}}
	for _, k := range cut(*in, list) {
		out.Body = append(out.Body, keyOf(k))
	}
	return out, nil
}

func (s *server) revokeKey(ctx context.Context, in *IDInput) (*struct{}, error) {
	if !validID(in.ID) {
		return nil, errNotFound("API key")
	}
	return nil, s.Access.Revoke(ctx, callOf(ctx).key.TenantID, in.ID)
}
