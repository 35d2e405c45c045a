package api

import (
	"context"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/suppression"
)

type suppressionJSON struct {
	Email     string             `json:"email" example:"ann@example.com"`
	Scope     scopeJSON          `json:"scope"`
	Reason    suppression.Reason `json:"reason" enum:"bounced,complained,manual" doc:"bounced: there is no such address. complained: its owner called a mail spam. manual: it was put here by a call."`
	Detail    string             `json:"detail,omitempty" example:"550 5.1.1 user unknown" doc:"More in one line, such as the provider's words."`
	MessageID *string            `json:"messageId" doc:"The message that it came from, or null."`
	CreatedAt int64              `json:"createdAt" example:"1767225600000" doc:"Milliseconds since 1970."`
}

func suppressionOf(e suppression.Entry) suppressionJSON {
	out := suppressionJSON{
		Email: e.Address, Scope: scopeJSON(e.Scope), Reason: e.Reason, Detail: e.Detail, CreatedAt: e.CreatedAt.UnixMilli(),
	}
	if e.MessageID != "" {
		out.MessageID = &e.MessageID
	}
	return out
}

type suppressionListInput struct {
	PageInput
	Email  string `query:"email" maxLength:"128" example:"ann@example.com" doc:"Only this address, in any case."`
	Search string `query:"search" maxLength:"128" example:"@example.com" doc:"Only addresses that hold this text, in any case."`
}

type suppressionListOutput struct {
	PageOutput
	Body []suppressionJSON
}

type newSuppressionInput struct {
	Body newSuppressionJSON
}

type newSuppressionJSON struct {
	Email  string    `json:"email" example:"ann@example.com" doc:"One address, at most 128 bytes."`
	Scope  scopeJSON `json:"scope,omitempty" default:"all"`
	Reason string    `json:"reason,omitempty" maxLength:"300" example:"Asked us to stop by telephone." doc:"One line, kept as detail."`
}

type suppressionOutput struct {
	Body suppressionJSON
}

type liftInput struct {
	Email string `path:"email" example:"ann@example.com"`
}

func (s *server) mountSuppressions() {
	register(s, operation{
		id: "listSuppressions", method: http.MethodGet, path: "/api/suppressions", tag: tagSuppressed,
		scope: access.Management, summary: "List suppressed addresses, newest first",
		description: "Without `page` and `page_size` the newest 1,000.", failures: pageFailures(),
	}, s.listSuppressions)
	register(s, operation{
		id: "putSuppression", method: http.MethodPut, path: "/api/suppressions", tag: tagSuppressed,
		scope: access.Management, summary: "Suppress an address",
		description: "In the place of whatever is known of the address, and until it is lifted: no bounce or complaint changes it. " +
			"Takes effect at once on this node and within a second on others, for mails under way too.",
		failures: map[int]string{http.StatusUnprocessableEntity: "`entity.value_too_long`: an address over 128 bytes"},
	}, s.putSuppression)
	register(s, operation{
		id: "liftSuppression", method: http.MethodDelete, path: "/api/suppressions/{email}", tag: tagSuppressed,
		scope: access.Management, summary: "Let mail go to an address again",
		description: "Takes effect at once. What the provider has reported so far does not count again; another bounce or complaint does. " +
			"Some providers keep a list of their own, which this does not change.",
		failures: map[int]string{http.StatusNotFound: "`entity.not_found`: the address is not suppressed"},
	}, s.liftSuppression)
}

func (s *server) listSuppressions(ctx context.Context, in *suppressionListInput) (*suppressionListOutput, error) {
	c := callOf(ctx)
	if err := checkTexts("email", in.Email, "search", in.Search); err != nil {
		return nil, err
	}
	f := suppression.Filter{Email: address.Key(in.Email), Search: address.Key(in.Search)}
	f.Limit, f.Offset = in.window()
	list, total, err := s.Suppressions.List(ctx, c.key.TenantID, f)
	if err != nil {
		return nil, err
	}
	out := &suppressionListOutput{PageOutput: in.output(c.r.URL, total), Body: make([]suppressionJSON, len(list))}
	for i, e := range list {
		out.Body[i] = suppressionOf(e)
	}
	return out, nil
}

func (s *server) putSuppression(ctx context.Context, in *newSuppressionInput) (*suppressionOutput, error) {
	b := in.Body
	addr, err := parseAddress(b.Email, "email")
	if err != nil {
		return nil, err
	}
	if err := checkText(b.Reason, "reason"); err != nil {
		return nil, err
	}
	if len(b.Reason) > suppression.MaxDetail {
		return nil, fault.Input("must be at most 300 bytes", "reason")
	}
	scope := suppression.Scope(b.Scope)
	if scope == "" {
		scope = suppression.All
	}
	e, err := s.Suppressions.Put(ctx, callOf(ctx).key.TenantID, addr, scope, b.Reason)
	return &suppressionOutput{Body: suppressionOf(e)}, err
}

func (s *server) liftSuppression(ctx context.Context, in *liftInput) (*struct{}, error) {
	// What is no address is not suppressed, and may be nothing that a database takes.
	addr, err := address.Parse(in.Email)
	if err != nil {
		return nil, fault.New(fault.NotFound, "entity.not_found", "This address is not suppressed.")
	}
	return nil, s.Suppressions.Lift(ctx, callOf(ctx).key.TenantID, addr)
}
