package client

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"time"
)

// InvitationRequest invites an address to an organization.
type InvitationRequest struct {
	OrganizationID string
	Invitee        string    // one address
	ExpiresAt      time.Time // in the future
	// InviterID is the user who invites; "" for none.
	InviterID string
	// OrganizationRoleIDs are the roles that the invitee is to get.
	OrganizationRoleIDs []string
	// Mail is sent to the invitee; nil for no mail.
	Mail *InvitationMail
	// Reminders are the days after which the mail is sent again, while the
	// invitation is pending.
	Reminders []int

	// IdempotencyKey is as in CodeRequest.
	IdempotencyKey string
}

// InvitationMail is the mail of an invitation.
type InvitationMail struct {
	Link string // where the invitee accepts; http or https
	// Locale and UILocales choose the language, as in CodeRequest.
	Locale    string
	UILocales string
	// Payload are further variables for the template.
	Payload map[string]any

	// Wait is as in CodeRequest. An invitation whose mail is refused for good
	// is not made.
	Wait time.Duration
}

// MarshalJSON writes the mail as its variables.
func (m InvitationMail) MarshalJSON() ([]byte, error) {
	variables := make(map[string]any, len(m.Payload)+3)
	maps.Copy(variables, m.Payload)
	for name, value := range map[string]string{"link": m.Link, "locale": m.Locale, "uiLocales": m.UILocales} {
		if value != "" {
			variables[name] = value
		}
	}
	return json.Marshal(variables)
}

// InvitationStatus is where an invitation stands.
type InvitationStatus string

// The statuses. All but InvitationPending are final.
const (
	InvitationPending  InvitationStatus = "Pending"
	InvitationAccepted InvitationStatus = "Accepted"
	InvitationExpired  InvitationStatus = "Expired"
	InvitationRevoked  InvitationStatus = "Revoked"
)

// Invitation is an address that was invited to an organization.
type Invitation struct {
	ID                string
	OrganizationID    string
	InviterID         string // "" for none
	Invitee           string
	AcceptedUserID    string // "" unless accepted
	Status            InvitationStatus
	CreatedAt         time.Time
	UpdatedAt         time.Time
	ExpiresAt         time.Time
	OrganizationRoles []OrganizationRole
	// MessageID is the id of the mail that CreateInvitation sent; "" otherwise.
	MessageID string
}

// OrganizationRole is a role that the invitee is to get.
type OrganizationRole struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// CreateInvitation invites an address, and sends it the mail in the request,
// if any: both or neither. ErrExists where a pending invitation is there
// already.
func (c *Client) CreateInvitation(ctx context.Context, r InvitationRequest) (Invitation, error) {
	var wait time.Duration
	if r.Mail != nil {
		wait = r.Mail.Wait
	}
	return c.invitation(ctx, call{
		method: http.MethodPost, path: "/api/organization-invitations", wait: wait, key: keyOr(r.IdempotencyKey),
		body: newInvitationJSON{
			OrganizationID: r.OrganizationID, Invitee: r.Invitee, ExpiresAt: r.ExpiresAt.UnixMilli(), InviterID: r.InviterID,
			OrganizationRoleIDs: r.OrganizationRoleIDs, MessagePayload: r.Mail, Reminders: r.Reminders,
		},
		want: http.StatusCreated,
	})
}

// ResendInvitation sends the mail of a pending invitation again, as mail says:
// in another language, for one. It returns the id of the message.
func (c *Client) ResendInvitation(ctx context.Context, id string, mail InvitationMail) (messageID string, err error) {
	path, err := under("/api/organization-invitations", id)
	if err != nil {
		return "", err
	}
	header, err := c.do(ctx, call{
		method: http.MethodPost, path: path + "/message", body: mail, wait: mail.Wait, key: newKey(), want: http.StatusNoContent,
	})
	if err != nil {
		return "", err
	}
	return messageIDOf(header)
}

// Invitation returns an invitation. ErrNotFound where none has this id.
func (c *Client) Invitation(ctx context.Context, id string) (Invitation, error) {
	path, err := under("/api/organization-invitations", id)
	if err != nil {
		return Invitation{}, err
	}
	return c.invitation(ctx, call{method: http.MethodGet, path: path, want: http.StatusOK})
}

// AcceptInvitation marks a pending invitation as accepted by a user.
// ErrInvalidInput where it is not pending any more.
func (c *Client) AcceptInvitation(ctx context.Context, id, userID string) (Invitation, error) {
	return c.setInvitationStatus(ctx, id, invitationStatusJSON{Status: InvitationAccepted, AcceptedUserID: userID})
}

// RevokeInvitation ends a pending invitation. ErrInvalidInput where it is not
// pending any more.
func (c *Client) RevokeInvitation(ctx context.Context, id string) (Invitation, error) {
	return c.setInvitationStatus(ctx, id, invitationStatusJSON{Status: InvitationRevoked})
}

func (c *Client) setInvitationStatus(ctx context.Context, id string, body invitationStatusJSON) (Invitation, error) {
	path, err := under("/api/organization-invitations", id)
	if err != nil {
		return Invitation{}, err
	}
	return c.invitation(ctx, call{method: http.MethodPut, path: path + "/status", body: body, want: http.StatusOK})
}

// invitation makes a call that is answered with one.
func (c *Client) invitation(ctx context.Context, asked call) (Invitation, error) {
	var wire invitationJSON
	asked.answer = &wire
	header, err := c.do(ctx, asked)
	out := wire.invitation()
	out.MessageID = header.Get("Postern-Message-Id")
	return out, err
}

type newInvitationJSON struct {
	OrganizationID      string          `json:"organizationId"`
	Invitee             string          `json:"invitee"`
	ExpiresAt           int64           `json:"expiresAt"`
	InviterID           string          `json:"inviterId,omitempty"`
	OrganizationRoleIDs []string        `json:"organizationRoleIds,omitempty"`
	MessagePayload      *InvitationMail `json:"messagePayload,omitempty"`
	Reminders           []int           `json:"reminders,omitempty"`
}

type invitationStatusJSON struct {
	Status         InvitationStatus `json:"status"`
	AcceptedUserID string           `json:"acceptedUserId,omitempty"`
}

type invitationJSON struct {
	ID                string             `json:"id"`
	OrganizationID    string             `json:"organizationId"`
	InviterID         string             `json:"inviterId"`
	Invitee           string             `json:"invitee"`
	AcceptedUserID    string             `json:"acceptedUserId"`
	Status            InvitationStatus   `json:"status"`
	CreatedAt         millis             `json:"createdAt"`
	UpdatedAt         millis             `json:"updatedAt"`
	ExpiresAt         millis             `json:"expiresAt"`
	OrganizationRoles []OrganizationRole `json:"organizationRoles"`
}

func (w invitationJSON) invitation() Invitation {
	return Invitation{
		ID: w.ID, OrganizationID: w.OrganizationID, InviterID: w.InviterID, Invitee: w.Invitee, AcceptedUserID: w.AcceptedUserID,
		Status: w.Status, CreatedAt: w.CreatedAt.time(), UpdatedAt: w.UpdatedAt.time(), ExpiresAt: w.ExpiresAt.time(),
		OrganizationRoles: w.OrganizationRoles,
	}
}
