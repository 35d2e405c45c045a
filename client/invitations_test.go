package client_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/postern-mail/postern/client"
)

// What is asked for, and how the answers are read, is as the API has it.
func TestInvitationsOnTheWire(t *testing.T) {
	t.Parallel()
	const invitation = `{"id":"i1","tenantId":"default","inviterId":null,"invitee":"ann@example.com","acceptedUserId":null,
		"organizationId":"acme","status":"Pending","createdAt":1767225600000,"updatedAt":1767225600000,"expiresAt":1767830400000,
		"organizationRoles":[{"id":"r1","name":"Editor","description":"x"}]}`
	want := client.Invitation{
		ID: "i1", OrganizationID: "acme", Invitee: "ann@example.com", Status: client.InvitationPending,
		CreatedAt: time.UnixMilli(1767225600000), UpdatedAt: time.UnixMilli(1767225600000), ExpiresAt: time.UnixMilli(1767830400000),
		OrganizationRoles: []client.OrganizationRole{{ID: "r1", Name: "Editor"}}, MessageID: "m1",
	}
	for name, tt := range map[string]struct {
		do     func(c *client.Client) (client.Invitation, error)
		asked  string
		body   string // JSON; "" for none
		status int
		answer string
	}{
		"create without a mail": {
			func(c *client.Client) (client.Invitation, error) {
				return c.CreateInvitation(t.Context(), client.InvitationRequest{
					OrganizationID: "acme", Invitee: "ann@example.com", ExpiresAt: time.UnixMilli(1767830400000),
				})
			},
			"POST /api/organization-invitations",
			`{"organizationId":"acme","invitee":"ann@example.com","expiresAt":1767830400000}`, 201, invitation,
		},
		"create with all there is": {
			func(c *client.Client) (client.Invitation, error) {
				return c.CreateInvitation(t.Context(), client.InvitationRequest{
					OrganizationID: "acme", Invitee: "ann@example.com", ExpiresAt: time.UnixMilli(1767830400000), InviterID: "u1",
					OrganizationRoleIDs: []string{"r1"}, Reminders: []int{2, 5},
					Mail: &client.InvitationMail{
						Link: "https://app.example.com/join", Locale: "de", UILocales: "de-CH de", Payload: map[string]any{"team": "Red", "link": "x"},
					},
				})
			},
			"POST /api/organization-invitations",
			`{"organizationId":"acme","invitee":"ann@example.com","expiresAt":1767830400000,"inviterId":"u1","organizationRoleIds":["r1"],
				"reminders":[2,5],"messagePayload":{"link":"https://app.example.com/join","locale":"de","uiLocales":"de-CH de","team":"Red"}}`,
			201, invitation,
		},
		"get": {
			func(c *client.Client) (client.Invitation, error) { return c.Invitation(t.Context(), "i1") },
			"GET /api/organization-invitations/i1", "", 200, invitation,
		},
		"accept": {
			func(c *client.Client) (client.Invitation, error) { return c.AcceptInvitation(t.Context(), "i1", "u2") },
			"PUT /api/organization-invitations/i1/status", `{"status":"Accepted","acceptedUserId":"u2"}`, 200, invitation,
		},
		"revoke": {
			func(c *client.Client) (client.Invitation, error) { return c.RevokeInvitation(t.Context(), "i1") },
			"PUT /api/organization-invitations/i1/status", `{"status":"Revoked"}`, 200, invitation,
		},
		"resend": {
			func(c *client.Client) (client.Invitation, error) {
				id, err := c.ResendInvitation(t.Context(), "i1", client.InvitationMail{Link: "https://app.example.com/join", Locale: "en"})
				resent := want
				resent.MessageID = id
				return resent, err
			},
			"POST /api/organization-invitations/i1/message", `{"link":"https://app.example.com/join","locale":"en"}`, 204, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := wire(func(r *http.Request) (*http.Response, error) {
				if got := r.Method + " " + r.URL.Path; got != tt.asked {
					t.Errorf("asked for %s, want %s", got, tt.asked)
				}
				if keyed := r.Header.Get("Idempotency-Key") != ""; keyed != (r.Method == http.MethodPost) {
					t.Errorf("%s with an idempotency key: %v", r.Method, keyed)
				}
				sameJSON(t, r.Body, tt.body)
				return answer(tt.status, tt.answer, "Postern-Message-Id", "m1")
			}).client(t)
			if got, err := tt.do(c); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, %v, want %+v", got, err, want)
			}
		})
	}
}

func sameJSON(t *testing.T, body io.Reader, want string) {
	t.Helper()
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	if want == "" {
		if len(text) > 0 {
			t.Errorf("body %s, want none", text)
		}
		return
	}
	var got, wanted any
	if err := errors.Join(json.Unmarshal(text, &got), json.Unmarshal([]byte(want), &wanted)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("body %s, want %s", text, want)
	}
}

// The whole life of an invitation.
func TestInvitations(t *testing.T) {
	t.Parallel()
	s, c := realService(t)
	ctx := t.Context()
	var organization, user struct{ ID string }
	if err := errors.Join(
		s.call(http.MethodPost, "/api/organizations", `{"name":"Acme"}`, &organization),
		s.call(http.MethodPost, "/api/users", `{"username":"ann","primaryEmail":"ann@example.com"}`, &user),
	); err != nil {
		t.Fatal(err)
	}
	mail := client.InvitationMail{Link: "https://app.example.com/join", Locale: "de"}
	r := client.InvitationRequest{
		OrganizationID: organization.ID, Invitee: "ann@example.com", ExpiresAt: time.Now().Add(time.Hour), Mail: &mail,
	}
	mail.Wait = 30 * time.Second
	made, err := c.CreateInvitation(ctx, r)
	if err != nil || made.ID == "" || made.Status != client.InvitationPending || made.Invitee != r.Invitee || made.InviterID != "" ||
		made.OrganizationID != organization.ID || !made.ExpiresAt.Equal(r.ExpiresAt.Truncate(time.Millisecond)) {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, err := c.CreateInvitation(ctx, r); !errors.Is(err, client.ErrExists) {
		t.Errorf("a second one: %v", err)
	}
	mail.Locale = "en"
	again, err := c.ResendInvitation(ctx, made.ID, mail)
	if err != nil {
		t.Errorf("again: %v", err)
	}
	for _, id := range []string{made.MessageID, again} {
		if m, err := c.Message(ctx, id); err != nil || m.Status != client.Sent || m.Type != client.OrganizationInvitation {
			t.Errorf("mail %q: %+v, %v", id, m, err)
		}
	}
	accepted, err := c.AcceptInvitation(ctx, made.ID, user.ID)
	if err != nil || accepted.Status != client.InvitationAccepted || accepted.AcceptedUserID != user.ID {
		t.Errorf("%+v, %v", accepted, err)
	}
	if got, err := c.Invitation(ctx, made.ID); err != nil || !reflect.DeepEqual(got, accepted) {
		t.Errorf("%+v, %v, want %+v", got, err, accepted)
	}
	if _, err := c.RevokeInvitation(ctx, made.ID); !errors.Is(err, client.ErrInvalidInput) {
		t.Errorf("revoked after all: %v", err)
	}
	r.Invitee, r.ExpiresAt = "bob@example.com", time.Now().Add(-time.Hour)
	if _, err := c.CreateInvitation(ctx, r); !errors.Is(err, client.ErrInvalidInput) {
		t.Errorf("expired as it is made: %v", err)
	}
	if _, err := c.Invitation(ctx, "nothing"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("no invitation: %v", err)
	}
}

// startOrganization starts a service with an organization.
func startOrganization() (s *service, organizationID string) {
	s = startService()
	var organization struct{ ID string }
	if err := s.call(http.MethodPost, "/api/organizations", `{"name":"Acme"}`, &organization); err != nil {
		panic(err)
	}
	return s, organization.ID
}
