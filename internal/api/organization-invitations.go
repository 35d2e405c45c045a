package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/invitations"
)

type newInvitationInput struct {
	Body newInvitationJSON
}

type newInvitationJSON struct {
	OrganizationID string            `json:"organizationId" maxLength:"128"`
	Invitee        string            `json:"invitee" example:"ann@example.com" doc:"One address, at most 128 bytes."`
	ExpiresAt      int64             `json:"expiresAt" maximum:"253402300799999" example:"1767830400000" doc:"Until when it can be accepted; milliseconds since 1970."`
	InviterID      string            `json:"inviterId,omitempty" maxLength:"128" doc:"Id of the user who invites."`
	RoleIDs        []string          `json:"organizationRoleIds,omitempty" maxItems:"100" doc:"Roles that accepting gives."`
	Payload        invitationPayload `json:"messagePayload,omitzero"`
	Reminders      []int             `json:"reminders,omitempty" minItems:"1" maxItems:"10" example:"[3,7]" doc:"Days after now on which the mail is sent again while the invitation is pending: 1 to 90, rising, before expiresAt. Needs messagePayload."`
}

// invitationPayload are the variables of an invitation's mail, unread, or
// false for no mail.
type invitationPayload struct{ payloadJSON }

// Schema implements huma.SchemaProvider.
func (invitationPayload) Schema(r huma.Registry) *huma.Schema {
	variables := r.Schema(reflect.TypeFor[messagePayloadJSON](), true, "")
	return &huma.Schema{
		Description: "Variables of the mail, which go before what is known of organization and inviter. No mail without it, or if it is false.",
		OneOf:       []*huma.Schema{{Type: huma.TypeBoolean, Enum: []any{false}}, variables},
	}
}

// read returns the variables; nil for no mail.
func (p invitationPayload) read() (map[string]any, error) {
	switch string(p.raw) {
	case "", "false":
		return nil, nil //nolint:nilnil // no mail, and that is in order
	case "null":
		return nil, fault.Input("must be an object, or false for no mail", "payload")
	}
	return p.payloadJSON.read()
}

// messagePayloadJSON are the variables of an invitation's mail, unread.
type messagePayloadJSON struct{ payloadJSON }

// Schema implements huma.SchemaProvider.
func (messagePayloadJSON) Schema(huma.Registry) *huma.Schema {
	text := func(about string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: about} }
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true,
		Description: "Variables of the mail: `link`, and any more, which go before what is known of organization and inviter. " +
			"At most 64 KiB, 500 keys, 16 levels.",
		Properties: map[string]*huma.Schema{
			"link":      text("Where the invitation is accepted: an http or https URL of at most 2048 bytes. It is kept secret."),
			"locale":    text("Language of the mail (BCP 47), used as it is."),
			"uiLocales": text("Languages that the person prefers, in order; the first that there is goes before locale."),
		},
		Examples: []any{map[string]any{"link": "https://example.com/join/7c3e9a57", "locale": "de"}},
	}
}

type sendInvitationInput struct {
	ID   string `path:"id"`
	Body messagePayloadJSON
}

type invitationStatusInput struct {
	ID   string `path:"id"`
	Body invitationStatusJSON
}

type invitationStatusJSON struct {
	Status         string `json:"status" enum:"Accepted,Revoked"`
	AcceptedUserID string `json:"acceptedUserId,omitempty" maxLength:"128" doc:"Who accepts; needed for Accepted. The user's primaryEmail must be the invitee's address."`
}

type invitationListInput struct {
	PageInput
	OrganizationID string `query:"organizationId" maxLength:"128" doc:"Only those into this organization."`
	InviterID      string `query:"inviterId" maxLength:"128" doc:"Only those of this user."`
	Invitee        string `query:"invitee" maxLength:"128" example:"ann@example.com" doc:"Only those of this address, in any case."`
	Status         string `query:"status" enum:"Pending,Accepted,Expired,Revoked" doc:"Only those with this status."`
}

type invitationListOutput struct {
	PageOutput
	Body []invitations.Invitation
}

type invitationOutput struct {
	Body invitations.Invitation
}

type newInvitationOutput struct {
	SentOutput
	Body invitations.Invitation
}

const (
	unknownFailure = "`entity.relation_foreign_key_not_found`: no such "
	closedFailure  = "`request.invalid_input`: it is not pending any more"
)

func (s *server) mountInvitations() {
	const path = "/api/organization-invitations"
	manage := operation{tag: tagInvitations, scope: access.Management}
	at := func(id, method, path, summary string) operation {
		op := manage
		op.id, op.method, op.path, op.summary = id, method, path, summary
		return op
	}
	create := at("createOrganizationInvitation", http.MethodPost, path, "Invite somebody into an organization")
	create.status, create.sends = http.StatusCreated, true
	create.description = "With `messagePayload` a mail of the type OrganizationInvitation is sent. If it cannot be accepted, or " +
		"with `Prefer: wait` is refused for good, nothing is created."
	create.failures = map[int]string{
		http.StatusBadRequest: "`request.invalid_input`: expiresAt is past; " + refusedFailure,
		http.StatusUnprocessableEntity: unknownFailure + "organization, inviter or role; " +
			"`entity.unique_integrity_violation`: the address has a pending invitation; " +
			"`request.invalid_input`: the invitee is a member already; `entity.value_too_long`: an address over 128 bytes; " + reservedFailure,
		http.StatusTooManyRequests: limitedFailure,
		http.StatusNotImplemented:  "`connector.not_found`: a mail is asked for and no connector is set up",
	}
	register(s, create, s.createInvitation)

	list := at("listOrganizationInvitations", http.MethodGet, path, "List invitations, newest first")
	list.description, list.failures = "Without `page` and `page_size` the newest 1,000.", pageFailures()
	register(s, list, s.listInvitations)

	missing := map[int]string{http.StatusNotFound: "`entity.not_found`"}
	get := at("getOrganizationInvitation", http.MethodGet, path+"/{id}", "Get an invitation")
	get.failures = missing
	register(s, get, s.getInvitation)

	remove := at("deleteOrganizationInvitation", http.MethodDelete, path+"/{id}", "Delete an invitation")
	remove.description, remove.failures = "Whoever became a member by it stays one.", missing
	register(s, remove, s.deleteInvitation)

	send := at("sendOrganizationInvitation", http.MethodPost, path+"/{id}/message", "Send an invitation again")
	send.sends = true
	send.description = "In whatever language. Reminders to come are made from these variables, too."
	send.failures = map[int]string{
		http.StatusBadRequest: refusedFailure, http.StatusNotFound: "`entity.not_found`",
		http.StatusUnprocessableEntity: closedFailure + "; " + reservedFailure, http.StatusTooManyRequests: limitedFailure,
		http.StatusNotImplemented: "`connector.not_found`: no connector is set up",
	}
	register(s, send, s.sendInvitation)

	end := at("setOrganizationInvitationStatus", http.MethodPut, path+"/{id}/status", "Accept or revoke an invitation")
	end.description = "Accepting makes the user a member of the organization, with the invitation's roles."
	end.failures = map[int]string{
		http.StatusNotFound: "`entity.not_found`",
		http.StatusUnprocessableEntity: closedFailure + ", acceptedUserId is missing, or that user's primaryEmail is not the invitee's; " +
			unknownFailure + "user",
	}
	register(s, end, s.setInvitationStatus)
}

func (s *server) createInvitation(ctx context.Context, in *newInvitationInput) (*newInvitationOutput, error) {
	c := callOf(ctx)
	draft, err := invitationDraft(in.Body)
	if err != nil {
		return nil, err
	}
	draft.TenantID = c.key.TenantID
	if err := s.prepare(ctx, draft.TenantID, draft.Payload, "messagePayload"); err != nil {
		return nil, err
	}
	made, messageID, err := s.Invitations.Create(ctx, draft)
	if err != nil {
		return nil, below(err, "messagePayload")
	}
	out := &newInvitationOutput{Body: made}
	if messageID == "" {
		return out, nil
	}
	s.accepted(c, messageID, draft.Invitee, connector.OrganizationInvitation)
	v, err := s.await(ctx, messageID)
	if err != nil {
		// The caller hears of a failure, so nothing may be left of it, even where
		// they are gone.
		if err := s.Invitations.Delete(context.WithoutCancel(ctx), draft.TenantID, made.ID); err != nil {
			s.Log.Error("an invitation whose mail was refused stays", "request", c.id, "invitation", made.ID, "error", err)
		}
		return nil, err
	}
	out.SentOutput = SentOutput{MessageID: messageID, Applied: v.applied}
	return out, nil
}

func invitationDraft(b newInvitationJSON) (invitations.Draft, error) {
	invitee, err := parseAddress(b.Invitee, "invitee")
	if err != nil {
		return invitations.Draft{}, err
	}
	if err := checkTexts("organizationId", b.OrganizationID, "inviterId", b.InviterID); err != nil {
		return invitations.Draft{}, err
	}
	for i, id := range b.RoleIDs {
		if !plain(id) {
			return invitations.Draft{}, fault.Input("must not hold control characters", "organizationRoleIds", i)
		}
	}
	payload, err := b.Payload.read()
	return invitations.Draft{
		OrganizationID: b.OrganizationID, InviterID: b.InviterID, Invitee: invitee, ExpiresAt: time.UnixMilli(b.ExpiresAt).UTC(),
		RoleIDs: b.RoleIDs, Payload: payload, Reminders: b.Reminders,
	}, below(err, "messagePayload")
}

// prepare chooses the language of a mail with this payload, if there is one,
// which stands at a place in the request, and makes sure of a connector.
func (s *server) prepare(ctx context.Context, tenantID string, payload map[string]any, place ...any) error {
	if payload == nil {
		return nil
	}
	if _, err := s.Router.Route(ctx, tenantID); err != nil {
		return err
	}
	return below(s.speak(ctx, tenantID, payload, "", ""), place...)
}

// below moves the fields at fault from "payload" to the place that the request
// has the payload at.
func below(err error, place ...any) error {
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok {
		return err
	}
	for i, issue := range f.Issues {
		if len(issue.Path) > 0 && issue.Path[0] == "payload" {
			f.Issues[i].Path = slices.Concat(place, issue.Path[1:])
		}
	}
	return err
}

func (s *server) sendInvitation(ctx context.Context, in *sendInvitationInput) (*SentOutput, error) {
	c := callOf(ctx)
	if !validID(in.ID) {
		return nil, errNotFound("invitation")
	}
	if !in.Body.given() {
		return nil, fault.Input("expected object")
	}
	payload, err := in.Body.read()
	if err != nil {
		return nil, below(err)
	}
	if err := s.prepare(ctx, c.key.TenantID, payload); err != nil {
		return nil, err
	}
	sent, err := s.Invitations.Send(ctx, c.key.TenantID, in.ID, payload)
	if err != nil {
		return nil, below(err)
	}
	s.accepted(c, sent.MessageID, sent.To, connector.OrganizationInvitation)
	v, err := s.await(ctx, sent.MessageID)
	if err != nil {
		return nil, err
	}
	return &SentOutput{MessageID: sent.MessageID, Applied: v.applied}, nil
}

func (s *server) setInvitationStatus(ctx context.Context, in *invitationStatusInput) (*invitationOutput, error) {
	tenantID := callOf(ctx).key.TenantID
	if !validID(in.ID) {
		return nil, errNotFound("invitation")
	}
	if err := checkText(in.Body.AcceptedUserID, "acceptedUserId"); err != nil {
		return nil, err
	}
	var ended invitations.Invitation
	var err error
	if in.Body.Status == string(invitations.Accepted) {
		ended, err = s.Invitations.Accept(ctx, tenantID, in.ID, in.Body.AcceptedUserID)
	} else {
		ended, err = s.Invitations.Revoke(ctx, tenantID, in.ID)
	}
	return &invitationOutput{Body: ended}, err
}

func (s *server) listInvitations(ctx context.Context, in *invitationListInput) (*invitationListOutput, error) {
	c := callOf(ctx)
	if err := checkTexts("organizationId", in.OrganizationID, "inviterId", in.InviterID, "invitee", in.Invitee); err != nil {
		return nil, err
	}
	f := invitations.Filter{
		OrganizationID: in.OrganizationID, InviterID: in.InviterID, Invitee: address.Key(in.Invitee),
		Status: invitations.Status(in.Status),
	}
	f.Limit, f.Offset = in.window()
	list, total, err := s.Invitations.List(ctx, c.key.TenantID, f)
	if err != nil {
		return nil, err
	}
	return &invitationListOutput{PageOutput: in.output(c.r.URL, total), Body: list}, nil
}

func (s *server) getInvitation(ctx context.Context, in *IDInput) (*invitationOutput, error) {
	if !validID(in.ID) {
		return nil, errNotFound("invitation")
	}
	found, err := s.Invitations.Get(ctx, callOf(ctx).key.TenantID, in.ID)
	return &invitationOutput{Body: found}, err
}

func (s *server) deleteInvitation(ctx context.Context, in *IDInput) (*struct{}, error) {
	if !validID(in.ID) {
		return nil, errNotFound("invitation")
	}
	return nil, s.Invitations.Delete(ctx, callOf(ctx).key.TenantID, in.ID)
}
