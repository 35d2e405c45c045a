package api

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/fault"
)

// public marks operations that need no key.
const public access.Scope = ""

// authorize lets only requests with a key of this scope pass.
func (s *server) authorize(scope access.Scope) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humachi.Unwrap(ctx)
		c := callOf(r.Context())
		text, err := bearer(r.Header.Get("Authorization"))
		if err == nil {
			c.key, err = s.Access.Authenticate(r.Context(), text)
		}
		if err == nil && !c.key.Allows(scope) {
			err = fault.New(fault.Forbidden, "auth.forbidden", "This API key does not have the scope %s.", scope)
		}
		if err != nil {
			s.refuse(c, w, err)
			return
		}
		next(ctx)
	}
}

// bearer returns the token of an Authorization header (RFC 6750 section 2.1).
func bearer(header string) (string, error) {
	if header == "" {
		return "", fault.New(fault.Unauthorized, "auth.authorization_header_missing",
			"Send the header Authorization: Bearer <API key>.")
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", fault.New(fault.Unauthorized, "auth.authorization_token_type_not_supported",
			"The Authorization header must be of the type Bearer.")
	}
	return strings.TrimSpace(token), nil
}
