package api_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/invitations"
	"github.com/postern-mail/postern/internal/tenants"
)

const (
	invitationsPath = "/api/organization-invitations"
	// secretLink lets people in: nothing but mails may have it.
	secretLink = "https://example.com/join/Zu9-s3cr3t"
	// someday is long after the tests' clock.
	someday = `"expiresAt":4102444800000`
)

func invitationRefusals() []refusal {
	mail := func(payload string) string {
		return `{"organizationId":"none","invitee":"ann@example.com",` + someday + `,"messagePayload":` + payload + `}`
	}
	and := func(more string) string {
		return `{"organizationId":"none","invitee":"ann@example.com",` + someday + `,` + more + `}`
	}
	create := []refusal{
		{name: "nothing", body: `{}`, fields: "expiresAt invitee organizationId"},
		{name: "nulls", body: `{"organizationId":null,"invitee":null,"expiresAt":null}`, fields: "expiresAt invitee organizationId"},
		{name: "invitee a list", body: `{"organizationId":"none","invitee":["a@b.c"],` + someday + `}`, fields: "invitee"},
		{name: "expiry a string", body: `{"organizationId":"none","invitee":"ann@example.com","expiresAt":"2030-01-01"}`, fields: "expiresAt"},
		{name: "expiry a fraction", body: `{"organizationId":"none","invitee":"ann@example.com","expiresAt":4102444800000.5}`, fields: "expiresAt"},
		{name: "expiry beyond time", body: `{"organizationId":"none","invitee":"ann@example.com","expiresAt":9007199254740993}`, fields: "expiresAt"},
		{name: "expired", body: `{"organizationId":"none","invitee":"ann@example.com","expiresAt":1000}`, code: "request.invalid_input", status: 400, fields: "expiresAt"},
		{name: "expired before 1970", body: `{"organizationId":"none","invitee":"ann@example.com","expiresAt":-1}`, code: "request.invalid_input", status: 400, fields: "expiresAt"},
		{name: "unknown organization", body: and(`"messagePayload":false`), code: "entity.relation_foreign_key_not_found", status: 422, fields: "organizationId"},
		{name: "unknown role", body: and(`"organizationRoleIds":["none"]`), code: "entity.relation_foreign_key_not_found", status: 422, fields: "organizationRoleIds"},
		{name: "role with NUL", body: and(`"organizationRoleIds":["a","b\u0000"]`), fields: "organizationRoleIds[1]"},
		{name: "role a number", body: and(`"organizationRoleIds":[1]`), fields: "organizationRoleIds[0]"},
		{name: "101 roles", body: and(`"organizationRoleIds":["r"` + strings.Repeat(`,"r"`, 100) + `]`), fields: "organizationRoleIds"},
		{name: "inviter with NUL", body: and(`"inviterId":"a\u0000"`), fields: "inviterId"},
		{name: "reminders without mail", body: and(`"reminders":[3]`), fields: "reminders"},
		{name: "reminders without mail, said", body: and(`"messagePayload":false,"reminders":[3]`), fields: "reminders"},
		{name: "no reminder", body: and(`"reminders":[]`), fields: "reminders"},
		{name: "eleven reminders", body: and(`"reminders":[1,2,3,4,5,6,7,8,9,10,11]`), fields: "reminders"},
		{name: "reminder a fraction", body: and(`"reminders":[1.5]`), fields: "reminders[0]"},
		{name: "reminders falling", body: and(`"messagePayload":{"link":"https://example.com"},"reminders":[3,2]`), fields: "reminders[1]"},
		{name: "reminder on day 91", body: and(`"messagePayload":{"link":"https://example.com"},"reminders":[91]`), fields: "reminders[0]"},
		{name: "mail true", body: mail(`true`), fields: "messagePayload"},
		{name: "mail null", body: mail(`null`), fields: "messagePayload"},
		{name: "mail a string", body: mail(`"https://example.com"`), fields: "messagePayload"},
		{name: "mail a list", body: mail(`[]`), fields: "messagePayload"},
		{name: "no link", body: mail(`{}`), fields: "messagePayload.link"},
		{name: "link a number", body: mail(`{"link":1}`), fields: "messagePayload"},
		{name: "link not of the web", body: mail(`{"link":"javascript:alert(1)"}`), fields: "messagePayload.link"},
		{name: "link with LF", body: mail(`{"link":"https://example.com/\n"}`), fields: "messagePayload.link"},
		{name: "link too long", body: mail(`{"link":"https://example.com/` + strings.Repeat("x", 2048) + `"}`), fields: "messagePayload.link"},
		{name: "a code", body: mail(`{"link":"https://example.com","code":"123456"}`), fields: "messagePayload.code"},
		{name: "locale with LF", body: mail(`{"link":"https://example.com","locale":"de\n"}`), fields: "messagePayload.locale"},
		{name: "mail too big", body: mail(`{"link":"https://example.com","x":"` + strings.Repeat("x", 64<<10) + `"}`), fields: "messagePayload"},
		{
			name: "129 characters", body: `{"organizationId":"none","invitee":"` + strings.Repeat("a", 117) + `@example.com",` + someday + `}`,
			status: 422, code: "entity.value_too_long", fields: "invitee",
		},
	}
	for name, bad := range badAddresses() {
		create = append(create, refusal{name: "address: " + name, body: `{"organizationId":"none","invitee":"` + bad + `",` + someday + `}`, fields: "invitee"})
	}
	cases := at(invitationsPath, admin, create)
	cases = append(cases, at(invitationsPath+"/none/message", admin, []refusal{
		{name: "send nothing", body: `{}`, fields: "link"},
		{name: "send null", body: `null`, fields: "(all)"},
		{name: "send a list", body: `[]`, fields: "(all)"},
		{name: "send no JSON", body: `link=x`, fields: "(all)"},
		{name: "send a bad link", body: `{"link":"ftp://example.com"}`, fields: "link"},
		{name: "send a code", body: `{"link":"https://example.com","code":"1"}`, fields: "code"},
		{name: "send a bad locale", body: `{"link":"https://example.com","uiLocales":"de\r\n"}`, fields: "uiLocales"},
		{name: "send what is not there", body: `{"link":"https://example.com"}`, status: 404, code: "entity.not_found"},
	})...)
	status := at(invitationsPath+"/none/status", admin, []refusal{
		{name: "status nothing", body: `{}`, fields: "status"},
		{name: "status Pending", body: `{"status":"Pending"}`, fields: "status"},
		{name: "status Expired", body: `{"status":"Expired"}`, fields: "status"},
		{name: "status in lower case", body: `{"status":"revoked"}`, fields: "status"},
		{name: "status of a user with NUL", body: `{"status":"Accepted","acceptedUserId":"\u0000"}`, fields: "acceptedUserId"},
		{name: "status of what is not there", body: `{"status":"Revoked"}`, status: 404, code: "entity.not_found"},
		{name: "accept what is not there", body: `{"status":"Accepted"}`, status: 404, code: "entity.not_found"},
	})
	for i := range status {
		status[i].method = "PUT"
	}
	return slices.Concat(cases, status, invitationPathRefusals())
}

func invitationPathRefusals() []refusal {
	var cases []refusal
	for _, id := range []string{"none", "a%00b", "%ff", "a%2fb", "a.b"} {
		for method, path := range map[string]string{"GET": id, "DELETE": id, "POST": id + "/message", "PUT": id + "/status"} {
			body := map[string]string{"POST": `{"link":"https://example.com"}`, "PUT": `{"status":"Revoked"}`}[method]
			cases = append(cases, refusal{
				name: method + " " + path, method: method, path: invitationsPath + "/" + path, who: admin, body: body,
				status: 404, code: "entity.not_found",
			})
		}
	}
	for path, methods := range map[string]string{"": "GET POST", "/x": "GET DELETE", "/x/message": "POST", "/x/status": "PUT"} {
		for method := range strings.FieldsSeq(methods) {
			cases = append(cases,
				refusal{name: method + path + " as sender", method: method, path: invitationsPath + path, who: sender, status: 403, code: "auth.forbidden"},
				refusal{name: method + path + " as nobody", method: method, path: invitationsPath + path, status: 401, code: "auth.authorization_header_missing"},
			)
		}
	}
	for query, field := range map[string]string{
		"status=gone": "status", "organizationId=%00": "organizationId", "inviterId=%ff": "inviterId", "invitee=%0d%0a": "invitee",
		"page=0": "page", "page_size=101": "page_size",
	} {
		code := "guard.invalid_input"
		if strings.HasPrefix(field, "page") {
			code = "guard.invalid_pagination"
		}
		cases = append(cases, refusal{
			name: "list " + query, method: "GET", path: invitationsPath + "?" + query, who: admin, status: 400, code: code, fields: field,
		})
	}
	return cases
}

// company is a tenant's people: two organizations, roles and users.
type company struct {
	*service

	tenantID, org, org2, editor, reader, ann, bob string
	mails                                         chan connector.Message
}

func (s *service) company(tenantID string) *company {
	s.t.Helper()
	ctx := s.t.Context()
	people := directory.NewService(s.store, s.clock.now)
	c := &company{service: s, tenantID: tenantID, mails: make(chan connector.Message, 100)}
	for name, id := range map[string]*string{"Example Ltd": &c.org, "Other Ltd": &c.org2} {
		*id = must[directory.Organization](s.t)(people.Organizations.Create(ctx, tenantID, directory.Organization{Name: name})).ID
	}
	for name, id := range map[string]*string{"editor": &c.editor, "reader": &c.reader} {
		role := directory.Role{Name: name, Type: directory.RoleOfUsers}
		*id = must[directory.Role](s.t)(people.Roles.Create(ctx, tenantID, role)).ID
	}
	for name, id := range map[string]*string{"Ann": &c.ann, "Bob": &c.bob} {
		user := directory.User{Name: directory.Text(name), PrimaryEmail: directory.Text(name + "@example.com")}
		*id = must[directory.User](s.t)(people.Users.Create(ctx, tenantID, user)).ID
	}
	s.t.Cleanup(func() {
		for name, text := range map[string]string{"an answer": s.shown.String(), "the log": s.log.String()} {
			if strings.Contains(text, "Zu9-s3cr3t") || strings.Contains(text, url.QueryEscape(secretLink)) {
				s.t.Errorf("%s holds a link", name)
			}
		}
	})
	return c
}

// takeMails has the provider take all mails.
func (c *company) takeMails() *company {
	c.t.Helper()
	c.useProvider()
	c.provider.answers(func(_ context.Context, m connector.Message) error {
		c.mails <- m
		return nil
	})
	return c
}

// mail waits for the next mail.
func (c *company) mail() connector.Message {
	c.t.Helper()
	select {
	case m := <-c.mails:
		return m
	case <-c.t.Context().Done():
		c.t.Fatal("no mail came")
		return connector.Message{}
	}
}

// lifetime is how long the invitations of tests last: 10 days, and a bit for
// the test.
const lifetime = 10*24*time.Hour + time.Hour

// invite is the body of an invitation into the first organization.
func (c *company) invite(invitee, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"organizationId":%q,"invitee":%q,"inviterId":%q,"expiresAt":%d%s}`,
		c.org, invitee, c.bob, c.clock.now().Add(lifetime).UnixMilli(), more)
}

func (c *company) create(body string, header ...string) invitations.Invitation {
	c.t.Helper()
	return read[invitations.Invitation](c.post(invitationsPath, body, header...).is(201))
}

func (c *company) end(id, body string) answer {
	c.t.Helper()
	return c.do(request{method: "PUT", path: invitationsPath + "/" + id + "/status", key: c.admin, body: body})
}

// withMail asks for a mail in a language.
func withMail(locale string) string {
	return `"messagePayload":{"link":"` + secretLink + `","locale":"` + locale + `"}`
}

func TestInvitation(t *testing.T) {
	t.Parallel()
	c := start(t).company(tenants.Default).takeMails()
	roles := fmt.Sprintf(`"organizationRoleIds":[%q,%q,%q],`, c.reader, c.editor, c.reader)
	a := c.post(invitationsPath, c.invite("ANN@example.com", roles+withMail("de")), "Prefer", "wait=10").is(201)
	if a.header.Get("Postern-Message-Id") == "" || a.header.Get("Preference-Applied") != "wait=10" {
		t.Errorf("headers %v", a.header)
	}
	made := read[invitations.Invitation](a)
	if made.TenantID != "default" || *made.InviterID != c.bob || made.Invitee != "ANN@example.com" || made.AcceptedUserID != nil ||
		made.OrganizationID != c.org || made.Status != invitations.Pending || made.CreatedAt != made.UpdatedAt ||
		made.ExpiresAt <= made.CreatedAt || made.NextReminderAt != nil {
		t.Errorf("made %+v", made)
	}
	if want := fmt.Sprintf(`"organizationRoles":[{"id":%q,"name":"editor"},{"id":%q,"name":"reader"}],"reminders":[]`, c.editor, c.reader); !strings.Contains(a.body, want) {
		t.Errorf("roles in %s", a.body)
	}
	m := c.mail()
	organization, _ := m.Payload["organization"].(map[string]any)
	inviter, _ := m.Payload["inviter"].(map[string]any)
	if m.To != "ANN@example.com" || m.Type != connector.OrganizationInvitation || m.Locale != "de" || m.Payload["link"] != secretLink ||
		organization["name"] != "Example Ltd" || inviter["name"] != "Bob" {
		t.Errorf("mail to %s in %s: %v", m.To, m.Locale, m.Payload)
	}
	if !strings.Contains(m.Text, secretLink) || !strings.Contains(m.Text, "Example Ltd") || !strings.Contains(m.Text, "10 Tage") {
		t.Errorf("text %s", m.Text)
	}
	if got := c.get(invitationsPath + "/" + made.ID).is(200).body; got != a.body {
		t.Errorf("read %s, made %s", got, a.body)
	}

	// Again, in another language.
	again := c.post(invitationsPath+"/"+made.ID+"/message", `{"link":"`+secretLink+`?2","uiLocales":"xx fr"}`, "Prefer", "wait=10").is(204)
	if again.header.Get("Postern-Message-Id") == "" || again.header.Get("Preference-Applied") != "wait=10" {
		t.Errorf("headers %v", again.header)
	}
	if m := c.mail(); m.Locale != "fr" || m.Payload["link"] != secretLink+"?2" || m.Payload["inviter"] == nil {
		t.Errorf("mail in %s: %v", m.Locale, m.Payload)
	}

	c.post(invitationsPath, c.invite("Ann@Example.com", "")).refuses(422, "entity.unique_integrity_violation")
	c.end(made.ID, `{"status":"Accepted"}`).refuses(422, "request.invalid_input")
	c.end(made.ID, `{"status":"Accepted","acceptedUserId":"nobody"}`).refuses(422, "entity.relation_foreign_key_not_found")
	c.end(made.ID, fmt.Sprintf(`{"status":"Accepted","acceptedUserId":%q}`, c.bob)).refuses(422, "request.invalid_input")
	c.clock.advance(time.Minute)
	ended := read[invitations.Invitation](c.end(made.ID, fmt.Sprintf(`{"status":"Accepted","acceptedUserId":%q}`, c.ann)).is(200))
	if ended.Status != invitations.Accepted || *ended.AcceptedUserID != c.ann || ended.UpdatedAt <= ended.CreatedAt || len(ended.Roles) != 2 {
		t.Errorf("accepted %+v", ended)
	}
	people := directory.NewService(c.store, c.clock.now)
	if held := must[[]directory.Role](t)(people.MemberRoles(t.Context(), "default", c.org, c.ann)); len(held) != 2 {
		t.Errorf("roles of the member: %v", held)
	}
	c.end(made.ID, `{"status":"Revoked"}`).refuses(422, "request.invalid_input")
	c.end(made.ID, fmt.Sprintf(`{"status":"Accepted","acceptedUserId":%q}`, c.ann)).refuses(422, "request.invalid_input")
	c.post(invitationsPath+"/"+made.ID+"/message", `{"link":"`+secretLink+`"}`).refuses(422, "request.invalid_input")
	c.post(invitationsPath, c.invite("ann@example.com", "")).refuses(422, "request.invalid_input")

	c.do(request{method: "DELETE", path: invitationsPath + "/" + made.ID, key: c.admin}).is(204)
	c.get(invitationsPath+"/"+made.ID).refuses(404, "entity.not_found")
	log := c.get("/api/audit-logs").is(200).body
	for _, action := range []string{"created", "updated", "deleted"} {
		if n := strings.Count(log, `"organizationInvitation.`+action+`"`); n != 1 {
			t.Errorf("%d audit entries of %s: %s", n, action, log)
		}
	}
}

func TestInvitationWithoutMail(t *testing.T) {
	t.Parallel()
	c := start(t).company(tenants.Default)
	for i, more := range []string{"", `"messagePayload":false`} {
		if a := c.post(invitationsPath, c.invite(fmt.Sprint("x", i, "@example.com"), more)).is(201); a.header.Get("Postern-Message-Id") != "" {
			t.Errorf("a mail without being asked for: %v", a.header)
		}
	}
	// Without a connector there is neither mail nor invitation.
	c.post(invitationsPath, c.invite("ann@example.com", withMail("en"))).refuses(501, "connector.not_found")
	list := read[[]invitations.Invitation](c.get(invitationsPath).is(200))
	if len(list) != 2 || c.get("/api/messages").body != "[]\n" {
		t.Errorf("invitations %+v", list)
	}
	c.post(invitationsPath+"/"+list[0].ID+"/message", `{"link":"`+secretLink+`"}`).refuses(501, "connector.not_found")
	revoked := read[invitations.Invitation](c.end(list[0].ID, `{"status":"Revoked","acceptedUserId":"x"}`).is(200))
	if revoked.Status != invitations.Revoked || revoked.AcceptedUserID != nil {
		t.Errorf("revoked %+v", revoked)
	}
}

// Whoever hears that the mail was refused can ask again.
func TestInvitationWhoseMailIsRefused(t *testing.T) {
	t.Parallel()
	c := start(t).company(tenants.Default)
	c.useProvider()
	c.provider.fails(connector.Error{Class: connector.Permanent, Message: "554 policy"})
	for range 2 {
		a := c.post(invitationsPath, c.invite("ann@example.com", withMail("en")), "Prefer", "wait=10").refuses(400, "connector.general")
		if a.header.Get("Postern-Message-Id") == "" {
			t.Error("a call that sent something must name the message")
		}
	}
	if list := c.get(invitationsPath).is(200).body; list != "[]\n" {
		t.Errorf("left: %s", list)
	}
}

func TestInvitationExpires(t *testing.T) {
	t.Parallel()
	c := start(t).company(tenants.Default)
	made := c.create(c.invite("ann@example.com", ""))
	status := func(want invitations.Status) {
		t.Helper()
		if got := read[invitations.Invitation](c.get(invitationsPath + "/" + made.ID).is(200)); got.Status != want {
			t.Errorf("status %s, want %s", got.Status, want)
		}
		for _, s := range invitations.Statuses() {
			found := c.get(invitationsPath+"?status="+string(s)).is(200).body != "[]\n"
			if found != (s == want) {
				t.Errorf("%s: listed as %s: %v", want, s, found)
			}
		}
	}
	c.clock.advance(lifetime - time.Minute)
	status(invitations.Pending)
	c.clock.advance(time.Minute)
	status(invitations.Expired)
	c.end(made.ID, fmt.Sprintf(`{"status":"Accepted","acceptedUserId":%q}`, c.ann)).refuses(422, "request.invalid_input")
	c.post(invitationsPath+"/"+made.ID+"/message", `{"link":"`+secretLink+`"}`).refuses(501, "connector.not_found")
	c.takeMails()
	c.post(invitationsPath+"/"+made.ID+"/message", `{"link":"`+secretLink+`"}`).refuses(422, "request.invalid_input")
	// It makes room for another one, and stays expired.
	c.create(c.invite("Ann@example.com", ""))
	if got := read[invitations.Invitation](c.get(invitationsPath + "/" + made.ID).is(200)); got.Status != invitations.Expired || got.UpdatedAt != made.UpdatedAt {
		t.Errorf("then %+v", got)
	}
}

func TestRemindersOfAnInvitation(t *testing.T) {
	t.Parallel()
	c := start(t).company(tenants.Default).takeMails()
	remind := func(days int) int {
		t.Helper()
		c.clock.advance(time.Duration(days) * 24 * time.Hour)
		return must[int](t)(c.options.Invitations.Remind(t.Context()))
	}
	c.post(invitationsPath, c.invite("ann@example.com", withMail("de")+`,"reminders":[3,11]`)).refuses(400, "guard.invalid_input")
	made := c.create(c.invite("ann@example.com", withMail("de")+`,"reminders":[3,5,7]`))
	c.mail()
	if got := made.NextReminderAt; got == nil || *got != made.CreatedAt+3*24*3600*1000 || !slices.Equal(made.Reminders, []int{3, 5, 7}) {
		t.Errorf("reminders %v, next %v", made.Reminders, got)
	}
	if n := remind(2); n != 0 {
		t.Errorf("%d reminders on day 2", n)
	}
	if n := remind(1); n != 1 {
		t.Fatalf("%d reminders on day 3", n)
	}
	if m := c.mail(); m.Locale != "de" || m.Payload["link"] != secretLink || m.Payload["organization"] == nil || !strings.Contains(m.Text, "7 Tage") {
		t.Errorf("reminder in %s: %v\n%s", m.Locale, m.Payload, m.Text)
	}
	c.post(invitationsPath+"/"+made.ID+"/message", `{"link":"`+secretLink+`?2","locale":"fr"}`).is(204)
	c.mail()
	if n := remind(2); n != 1 {
		t.Fatalf("%d reminders on day 5", n)
	}
	if m := c.mail(); m.Locale != "fr" || m.Payload["link"] != secretLink+"?2" {
		t.Errorf("reminder in %s: %v", m.Locale, m.Payload)
	}
	c.end(made.ID, `{"status":"Revoked"}`).is(200)
	if n := remind(2); n != 0 {
		t.Errorf("%d reminders of what was revoked", n)
	}
}

// However many ask at once, there is one invitation, and one membership.
func TestInvitationsAtOnce(t *testing.T) {
	t.Parallel()
	c := start(t).company(tenants.Default).takeMails()
	count := func(call func() answer, status int) int {
		results, n := make(chan int), 0
		for range 20 {
			go func() { results <- call().status }()
		}
		for range 20 {
			switch got := <-results; got {
			case status:
				n++
			case 422:
			default:
				t.Errorf("status %d", got)
			}
		}
		return n
	}
	body := c.invite("ann@example.com", withMail("en"))
	if n := count(func() answer { return c.post(invitationsPath, body) }, 201); n != 1 {
		t.Errorf("%d invitations", n)
	}
	c.mail()
	list := read[[]invitations.Invitation](c.get(invitationsPath).is(200))
	accept := fmt.Sprintf(`{"status":"Accepted","acceptedUserId":%q}`, c.ann)
	if n := count(func() answer { return c.end(list[0].ID, accept) }, 200); n != 1 {
		t.Errorf("accepted %d times", n)
	}
	if sent := len(c.provider.mails()); sent != 1 {
		t.Errorf("%d mails", sent)
	}
}

func TestListInvitations(t *testing.T) {
	t.Parallel()
	c := start(t).company(tenants.Default)
	for i := range 5 {
		c.create(c.invite(fmt.Sprintf("Ann%d@example.com", i), ""))
	}
	other := strings.Replace(c.invite("ann1@example.com", ""), c.org, c.org2, 1)
	c.create(strings.Replace(other, fmt.Sprintf(`"inviterId":%q,`, c.bob), "", 1))
	for query, want := range map[string]int{
		"": 6, "organizationId=" + c.org: 5, "inviterId=" + c.bob: 5, "invitee=ANN1@example.com": 2, "status=Pending": 6, "status=Revoked": 0,
		"invitee=ann1@example.com&organizationId=" + c.org2: 1, "inviterId=" + c.ann: 0, "page_size=4&page=2": 2,
	} {
		a := c.get(invitationsPath + "?" + query).is(200)
		if got := read[[]invitations.Invitation](a); len(got) != want {
			t.Errorf("%s: %d, want %d", query, len(got), want)
		}
		if total := a.header.Get("Total-Number"); strings.Contains(query, "page") != (total == "6") {
			t.Errorf("%s: %q in all", query, total)
		}
	}
}

// Another tenant's invitations, organizations and people are not there.
func TestInvitationsOfAnotherTenant(t *testing.T) {
	t.Parallel()
	s := start(t)
	if err := s.store.EnsureTenant(t.Context(), tenants.Tenant{ID: "other", Name: "Other", CreatedAt: s.clock.now()}); err != nil {
		t.Fatal(err)
	}
	ours, theirs := s.company(tenants.Default), s.company("other")
	made := ours.create(ours.invite("ann@example.com", ""))
	_, key, err := s.options.Access.Create(t.Context(), "other", "test", []access.Scope{access.Management}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	as := func(method, path, body string) answer {
		return s.do(request{method: method, path: invitationsPath + path, key: key, body: body})
	}
	as("GET", "/"+made.ID, "").refuses(404, "entity.not_found")
	as("DELETE", "/"+made.ID, "").refuses(404, "entity.not_found")
	as("PUT", "/"+made.ID+"/status", `{"status":"Revoked"}`).refuses(404, "entity.not_found")
	if list := as("GET", "", "").is(200).body; list != "[]\n" {
		t.Errorf("list %s", list)
	}
	mixed := theirs.invite("ann@example.com", "")
	as("POST", "", strings.Replace(mixed, theirs.org, ours.org, 1)).refuses(422, "entity.relation_foreign_key_not_found")
	as("POST", "", strings.Replace(mixed, theirs.bob, ours.bob, 1)).refuses(422, "entity.relation_foreign_key_not_found")
	as("POST", "", theirs.invite("ann@example.com", fmt.Sprintf(`"organizationRoleIds":[%q]`, ours.editor))).
		refuses(422, "entity.relation_foreign_key_not_found")
	theirOwn := read[invitations.Invitation](as("POST", "", mixed).is(201))
	as("PUT", "/"+theirOwn.ID+"/status", fmt.Sprintf(`{"status":"Accepted","acceptedUserId":%q}`, ours.ann)).
		refuses(422, "entity.relation_foreign_key_not_found")
}
