package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/audit"
)

type shownEntry struct {
	ID, TenantID, Actor, Action, Subject string
	CreatedAt                            int64
	Details                              struct{ Before, After any }
}

// told is a call and what the audit log tells of it.
type told struct {
	method, path, body string
	// action is "" where nothing is told; several are told as one each.
	action, subject string
	before, after   string // part of them as package fmt prints maps; "" for nothing there
}

// entries are the entries with these filters, newest first.
func (s *service) entries(query string) []shownEntry {
	s.t.Helper()
	return read[[]shownEntry](s.get("/api/audit-logs?" + query).is(200))
}

const template1 = `{"templates":[{"languageTag":"en","templateType":"SignIn","details":{"subject":"One","content":"{{code}}"}}]}`

// changesToTell are calls in an order in which each does what it should; ID is
// the id that the last answer had.
func changesToTell() []told {
	const config = `"config":{"apiKey":"` + providerSecret + `","fromEmail":"%s"}`
	return []told{
		{"POST", "/api/connectors", `{"connectorId":"test-email","id":"one",` + fmt.Sprintf(config, "a@example.com") + `}`,
			"connector.created", "one", "", "apiKey:******** fromEmail:a@example.com"},
		{"PATCH", "/api/connectors/one", `{` + fmt.Sprintf(config, "b@example.com") + `}`,
			"connector.updated", "one", "fromEmail:a@example.com", "fromEmail:b@example.com"},
		{"PATCH", "/api/connectors/one", `{"config":{"apiKey":"********","fromEmail":"b@example.com"}}`, "", "", "", ""},
		{"PATCH", "/api/connectors/one", `{"config":{"apiKey":"` + signature + `","fromEmail":"b@example.com"}}`,
			"connector.updated", "one", "apiKey:********", "secretsChanged:true"},
		{"PATCH", "/api/connectors/one", `{"config":{"apiKey":1}}`, "", "", "", ""},
		{"PUT", "/api/connectors/fallbacks", `{"fallbackConnectors":[{"connectorId":"report-email","id":"two","config":{"key":"` + signature + `"}}]}`,
			"fallback-connectors.updated", "default", "[]", "id:two"},
		{"PUT", "/api/connectors/fallbacks", `{"fallbackConnectors":[{"connectorId":"report-email","id":"two","config":{"key":"********"}}]}`,
			"", "", "", ""},
		{"POST", "/api/connectors", `{"connectorId":"postern-email","id":"three"}`, "connector.created", "three", "id:one", "connectorId:postern-email"},
		{"POST", "/api/connectors", `{"connectorId":"postern-email","id":"two"}`, "", "", "", ""}, // taken
		{"DELETE", "/api/connectors/three", "", "connector.deleted", "three", "connectorId:postern-email", ""},
		{"DELETE", "/api/connectors/three", "", "", "", "", ""},
		{"POST", "/api/connectors", `{"connectorId":"postern-email"}`, "connector.created", "ID", "", "connectorId:postern-email"},

		{"PUT", "/api/email-templates", template1, "email-template.created", "ID", "", "subject:One"},
		{"PUT", "/api/email-templates", template1, "", "", "", ""},
		{"PUT", "/api/email-templates", strings.Replace(template1, "One", "Two", 1), "email-template.updated", "ID", "subject:One", "subject:Two"},
		{"PATCH", "/api/email-templates/ID/details", `{"subject":"Three"}`, "email-template.updated", "ID", "subject:Two", "subject:Three"},
		{"PATCH", "/api/email-templates/ID/details", `{"subject":""}`, "", "", "", ""},
		{"PATCH", "/api/email-templates/ID/details", `{"subject":"Three"}`, "", "", "", ""},
		{"POST", "/api/email-templates/ID/versions/1/restore", "", "email-template.restored", "ID", "subject:Three", "subject:One"},
		{"POST", "/api/email-templates/ID/versions/9/restore", "", "", "", "", ""},
		{"DELETE", "/api/email-templates/ID", "", "email-template.deleted", "ID", "templateType:SignIn", ""},
		{"DELETE", "/api/email-templates/ID", "", "", "", "", ""},
		{"PUT", "/api/email-templates", template1, "email-template.created", "ID", "", "languageTag:en"},
		{"DELETE", "/api/email-templates?languageTag=de", "", "", "", "", ""},
		{"DELETE", "/api/email-templates?languageTag=EN", "", "email-template.deleted", "ID", "subject:One", ""},

		{"PUT", "/api/email-partials/footer", `{"content":"a"}`, "email-partial.created", "footer", "", "content:a"},
		{"PUT", "/api/email-partials/footer", `{"content":"b"}`, "email-partial.updated", "footer", "content:a", "content:b"},
		{"PUT", "/api/email-partials/footer", `{"content":"b"}`, "", "", "", ""},
		{"PUT", "/api/email-partials/footer", `{"content":"\u0000"}`, "", "", "", ""},
		{"DELETE", "/api/email-partials/footer", "", "email-partial.deleted", "footer", "content:b", ""},
		{"DELETE", "/api/email-partials/footer", "", "", "", "", ""},

		{"PATCH", "/api/sign-in-exp", `{"verificationCodePolicy":{"codeLength":8}}`, "settings.updated", "default", "codeLength:6", "codeLength:8"},
		{"PATCH", "/api/sign-in-exp", `{"verificationCodePolicy":{"codeLength":8}}`, "", "", "", ""},
		{"PATCH", "/api/sign-in-exp", `{"verificationCodePolicy":{"codeLength":9}}`, "", "", "", ""},

		{"PUT", "/api/suppressions", `{"email":"Bob@example.org","reason":"asked"}`, "suppression.created", "bob@example.org", "", "detail:asked email:Bob@example.org"},
		{"PUT", "/api/suppressions", `{"email":"bob@example.org","scope":"strangers"}`, "suppression.updated", "bob@example.org", "scope:all", "scope:strangers"},
		{"DELETE", "/api/suppressions/BOB@example.org", "", "suppression.deleted", "bob@example.org", "scope:strangers", ""},
		{"DELETE", "/api/suppressions/bob@example.org", "", "", "", "", ""},

		{"POST", "/api/tenants", `{"id":"prod","name":"Production"}`, "", "", "", ""}, // told at that tenant
		{"DELETE", "/api/inbox", "", "", "", "", ""},                                  // there is nothing in it
		{"POST", "/api/connectors/postern-email/test", `{"email":"bob@example.org","config":{}}`, "", "", "", ""},
		{"DELETE", "/api/inbox", "", "inbox.cleared", "default", "", ""},
	}
}

// Each management call that changes something has one entry, which says who
// and what; those that fail or change nothing have none. That no entry holds a
// secret the end of every test looks at.
func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	s := start(t)
	keyID := read[[]shownKey](s.get("/api/api-keys").is(200))[0].ID
	newest := s.entries("")[0].ID
	id := ""
	for _, c := range changesToTell() {
		a := s.withKey(s.admin, c.method, strings.ReplaceAll(c.path, "ID", id), c.body)
		id = idIn(a, id)
		name := fmt.Sprintf("%s %s %s: status %d", c.method, c.path, c.body, a.status)
		list := s.entries("")
		var fresh []shownEntry
		for _, e := range list {
			if e.ID > newest {
				fresh = append(fresh, e)
			}
		}
		newest = list[0].ID
		if c.action == "" {
			if len(fresh) != 0 {
				t.Errorf("%s: %+v", name, fresh)
			}
			continue
		}
		if len(fresh) != 1 {
			t.Fatalf("%s: %d entries", name, len(fresh))
		}
		e := fresh[0]
		if e.Action != c.action || e.Subject != strings.ReplaceAll(c.subject, "ID", id) || e.Actor != keyID || e.TenantID != "default" ||
			e.CreatedAt == 0 || !tells(e.Details.Before, c.before) || !tells(e.Details.After, c.after) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if of := s.entries("tenantId=prod"); len(of) != 1 || of[0].Action != "tenant.created" || of[0].Actor != keyID || !tells(of[0].Details.After, "name:Production") {
		t.Errorf("entries of prod: %+v", of)
	}
}

// idIn returns the id in an answer, or the one before.
func idIn(a answer, before string) string {
	var one struct{ ID string }
	switch {
	case strings.HasPrefix(a.body, "{") && a.status < 300:
		a.into(&one)
	case strings.HasPrefix(a.body, "[{") && a.status < 300:
		one = read[[]struct{ ID string }](a)[0]
	}
	if one.ID == "" || one.ID == "default" {
		return before
	}
	return one.ID
}

// tells reports whether what was or is holds a part.
func tells(state any, part string) bool {
	if part == "" {
		return state == nil
	}
	return strings.Contains(fmt.Sprint(state), part)
}

func TestAuditLogIsFiltered(t *testing.T) {
	t.Parallel()
	s := start(t)
	admin := read[[]shownKey](s.get("/api/api-keys").is(200))[0].ID
	before := s.clock.now().UnixMilli()
	s.clock.advance(time.Hour)
	s.keepMails()
	s.withKey(s.admin, "PUT", "/api/email-partials/a", `{"content":"1"}`).is(200)
	s.clock.advance(time.Hour)
	later := s.clock.now().UnixMilli()
	s.withKey(s.admin, "PUT", "/api/email-partials/a", `{"content":"2"}`).is(200)
	s.withKey(s.admin, "PUT", "/api/email-partials/b", `{"content":"1"}`).is(200)
	if _, _, err := s.options.Access.Create(audit.By(t.Context(), audit.CLI), "default", "by hand", access.Scopes(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	actions := func(query string) string {
		t.Helper()
		var text []string
		for _, e := range s.entries(query) {
			text = append(text, e.Action)
		}
		return strings.Join(text, " ")
	}
	const three = " api-key.created api-key.created api-key.created" // the first ones
	for query, want := range map[string]string{
		"":               "api-key.created email-partial.created email-partial.updated email-partial.created connector.created" + three,
		"actor=" + admin: "email-partial.created email-partial.updated email-partial.created connector.created",
		"actor=cli":      "api-key.created",
		"actor=system":   three[1:],
		"actor=" + url.QueryEscape("' OR 1=1 --"):                         "",
		"action=email-partial.created":                                    "email-partial.created email-partial.created",
		"action=never.heard":                                              "",
		"subject=a":                                                       "email-partial.updated email-partial.created",
		"subject=a&action=email-partial.created":                          "email-partial.created",
		fmt.Sprintf("until=%d", before+1):                                 three[1:],
		fmt.Sprintf("since=%d", later):                                    "api-key.created email-partial.created email-partial.updated",
		fmt.Sprintf("since=%d&until=%d&actor=%s", before+1, later, admin): "email-partial.created connector.created",
	} {
		if got := actions(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	page := s.get("/api/audit-logs?subject=a&page=2&page_size=1").is(200)
	if list := read[[]shownEntry](page); len(list) != 1 || list[0].Action != "email-partial.created" || page.header.Get("Total-Number") != "2" ||
		!strings.Contains(page.header.Get("Link"), "subject=a") {
		t.Errorf("page %s %v", page.body, page.header)
	}
}

// An entry of a large template is shown in part, and a list without a page is
// no longer than the longest page.
func TestLargeChangesAreCut(t *testing.T) {
	t.Parallel()
	s := start(t)
	large := strings.Repeat("x", 200_000)
	s.withKey(s.admin, "PUT", "/api/email-partials/large", `{"content":"`+large+`"}`).is(200)
	s.withKey(s.admin, "PUT", "/api/email-partials/large", `{"content":"`+large+`y"}`).is(200)
	list := s.get("/api/audit-logs?subject=large").is(200)
	entries := read[[]shownEntry](list)
	if len(entries) != 2 || len(list.body) > 2*(audit.MaxDetails+1000) || !tells(entries[0].Details.After, "bytes more)") {
		t.Errorf("%d entries in %d bytes", len(entries), len(list.body))
	}
	for i := range 100 {
		s.withKey(s.admin, "PUT", "/api/email-partials/small", fmt.Sprintf(`{"content":"%d"}`, i)).is(200)
	}
	if n := len(s.entries("")); n != 100 {
		t.Errorf("%d entries at once", n)
	}
}

func auditRefusals() []refusal {
	var cases []refusal
	for query, fields := range map[string]string{
		"action=Connector.Created": "action", "action=connector": "action", "action=a..b": "action", "action=%25.%25": "action",
		"since=0": "since", "since=-1": "since", "since=yesterday": "since", "since=1.5": "since", "since=253402300800000": "since",
		"until=x": "until", "since=2000&until=2000": "until", "since=2000&until=1000": "until",
		"actor=%00": "actor", "actor=a%0d%0ab": "actor", "subject=%ff": "subject", "subject=" + strings.Repeat("a", 257): "subject",
	} {
		cases = append(cases, refusal{
			name: query, method: "GET", path: "/api/audit-logs?" + query, who: admin,
			status: 400, code: "guard.invalid_input", fields: fields,
		})
	}
	return cases
}
