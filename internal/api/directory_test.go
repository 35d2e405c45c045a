package api_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// thing is anything of the directory.
type thing = map[string]any

// keys are the keys of an object, sorted.
func keys(v any) string {
	object, _ := v.(map[string]any)
	return strings.Join(slices.Sorted(maps.Keys(object)), " ")
}

// make posts a thing and returns its id.
func (s *service) make(path, body string) string {
	s.t.Helper()
	a := s.post(path, body)
	if a.status != 200 && a.status != 201 {
		s.t.Fatalf("%s %s: %d %s", path, body, a.status, a.body)
	}
	return read[thing](a)["id"].(string)
}

// The shapes of Logto's API, as far as mails need them: nothing a client of
// Logto reads may be missing.
func TestDirectoryShapes(t *testing.T) {
	t.Parallel()
	s := start(t)
	app := s.post("/api/applications", `{"name":"Shop","type":"SPA","description":null,"oidcClientMetadata":{}}`).is(200)
	got := read[thing](app)
	if keys(got) != "createdAt customData description id isThirdParty name tenantId type updatedAt" || got["description"] != nil ||
		got["tenantId"] != "default" || got["isThirdParty"] != false || keys(got["customData"]) != "" || app.header.Get("ETag") != `"1"` {
		t.Errorf("application %s", app.body)
	}
	path := "/api/applications/" + got["id"].(string) + "/sign-in-experience"
	experience := s.get(path).is(200)
	if e := read[thing](experience); keys(e) != "applicationId branding color displayName privacyPolicyUrl tenantId termsOfUseUrl" ||
		e["applicationId"] != got["id"] || e["displayName"] != nil || e["termsOfUseUrl"] != nil {
		t.Errorf("sign-in experience %s", experience.body)
	}
	s.put(path, `{"branding":{"logoUrl":"https://example.com/l","favicon":"https://example.com/f?a=1&b=2"},"displayName":"The Shop","color":{"primaryColor":"#fff"}}`).is(200)
	changed := s.put(path, `{"branding":{"darkLogoUrl":"https://example.com/d"}}`).is(200)
	if e := read[thing](changed); keys(e["branding"]) != "darkLogoUrl" || e["displayName"] != "The Shop" || changed.header.Get("ETag") != `"3"` {
		t.Errorf("sign-in experience changed %s %v", changed.body, changed.header)
	}

	o := s.post("/api/organizations", `{"name":"Acme","customData":{"a":"<b>"},"branding":{"logoUrl":"https://example.com/l"}}`).is(201)
	if got := read[thing](o); keys(got) != "branding createdAt customData description id isMfaRequired name tenantId updatedAt" ||
		got["isMfaRequired"] != false || !strings.Contains(o.body, `{"a":"<b>"}`) {
		t.Errorf("organization %s", o.body)
	}
	role := s.post("/api/organization-roles", `{"name":"editor"}`).is(201)
	if got := read[thing](role); keys(got) != "createdAt description id name tenantId type" || got["type"] != "User" {
		t.Errorf("role %s", role.body)
	}
	u := s.post("/api/users", `{"username":"ann","primaryEmail":"Ann@example.com","name":"Ann","avatar":"","profile":{"givenName":"Ann","address":{"locality":"Berlin"}},"password":"not kept"}`).is(200)
	if got := read[thing](u); keys(got) != "applicationId avatar createdAt customData hasPassword id identities isSuspended lastSignInAt "+
		"name primaryEmail primaryPhone profile tenantId updatedAt username" || got["primaryPhone"] != nil || got["avatar"] != nil ||
		got["hasPassword"] != false || got["primaryEmail"] != "Ann@example.com" || keys(got["profile"]) != "address givenName" {
		t.Errorf("user %s", u.body)
	}
	if strings.Contains(s.get("/api/audit-logs").body, "not kept") {
		t.Error("a password that is not kept is in the audit log")
	}
	if empty := s.post("/api/users", `{}`).is(200); read[thing](empty)["username"] != nil {
		t.Errorf("user %s", empty.body)
	}
}

func TestDirectoryIsChanged(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := "/api/users/" + s.make("/api/users", `{"username":"ann","name":"Ann","profile":{"givenName":"Ann","nickname":"A"},"customData":{"a":1}}`)
	for i, c := range []struct{ body, etag, want string }{
		{`{}`, "1", `"username":"ann"`},
		{`{"name":"Ann"}`, "1", `"name":"Ann"`},
		{`{"name":"Anna","id":"mine","tenantId":"other","createdAt":1}`, "2", `"name":"Anna"`},
		{`{"name":null,"avatar":"https://example.com/a"}`, "3", `"name":null`},
		{`{"customData":{"b":2}}`, "4", `"customData":{"b":2}`},
		{`{"profile":{"locale":"de"}}`, "5", `"profile":{"locale":"de"}`},
		{`{"isSuspended":true}`, "6", `"isSuspended":true`},
		{`{"profile":null}`, "7", `"profile":{}`},
	} {
		a := s.patch(path, c.body).is(200)
		if a.header.Get("ETag") != `"`+c.etag+`"` || !strings.Contains(a.body, c.want) || !strings.Contains(path, read[thing](a)["id"].(string)) {
			t.Errorf("%d: %s %s, want %s", i, a.header.Get("ETag"), a.body, c.want)
		}
		if got := s.get(path).is(200); got.body != a.body || got.header.Get("ETag") != a.header.Get("ETag") {
			t.Errorf("%d: read %s, answered %s", i, got.body, a.body)
		}
	}
	for _, c := range []struct{ body, want string }{
		{`{"profile":{"givenName":"Ann","website":"example.com"}}`, `{"givenName":"Ann","website":"example.com"}`},
		{`{"profile":{"website":null,"address":{"country":"DE"},"shoeSize":38}}`, `{"givenName":"Ann","address":{"country":"DE"}}`},
		{`{"profile":{}}`, `{"givenName":"Ann","address":{"country":"DE"}}`},
	} {
		if a := s.patch(path+"/profile", c.body).is(200); a.body != c.want+"\n" {
			t.Errorf("%s: %s, want %s", c.body, a.body, c.want)
		}
	}
	s.delete(path).is(204)
	s.get(path).refuses(404, "entity.not_found")
	s.delete(path).refuses(404, "entity.not_found")

	role := "/api/organization-roles/" + s.make("/api/organization-roles", `{"name":"editor"}`)
	s.make("/api/organization-roles", `{"name":"viewer"}`)
	s.patch(role, `{"name":"viewer"}`).refuses(422, "entity.unique_integrity_violation")
	s.patch(role, `{"description":"May write.","type":"MachineToMachine"}`).is(200)
	s.delete(role).is(204)
	app := "/api/applications/" + s.make("/api/applications", `{"name":"Shop","type":"Native","customData":{"a":1}}`)
	if a := s.patch(app, `{"name":"Store","type":"SPA","description":"d"}`).is(200); read[thing](a)["type"] != "Native" || read[thing](a)["name"] != "Store" {
		t.Errorf("application %s", a.body)
	}
	s.delete(app).is(204)
	s.get(app+"/sign-in-experience").refuses(404, "entity.not_found")
}

func TestDirectoryIfMatch(t *testing.T) {
	t.Parallel()
	s := start(t)
	user := "/api/users/" + s.make("/api/users", `{}`)
	app := "/api/applications/" + s.make("/api/applications", `{"name":"Shop","type":"SPA"}`)
	organization := "/api/organizations/" + s.make("/api/organizations", `{"name":"Acme"}`)
	role := "/api/organization-roles/" + s.make("/api/organization-roles", `{"name":"editor"}`)
	with := func(method, path, body, etag string) answer {
		return s.do(request{method: method, path: path, key: s.admin, body: body, header: map[string]string{"If-Match": etag}})
	}
	for _, c := range []struct{ method, path, body string }{
		{"PATCH", user, `{"name":"A"}`}, {"PATCH", user + "/profile", `{"profile":{"nickname":"A"}}`},
		{"PATCH", app, `{"name":"A"}`}, {"PUT", app + "/sign-in-experience", `{"displayName":"A"}`},
		{"PATCH", organization, `{"name":"A"}`}, {"PATCH", role, `{"name":"A"}`},
		{"DELETE", user, ""}, {"DELETE", app, ""}, {"DELETE", organization, ""}, {"DELETE", role, ""},
	} {
		read := strings.TrimSuffix(strings.TrimSuffix(c.path, "/profile"), "/sign-in-experience")
		etag := s.get(read).is(200).header.Get("ETag")
		for _, other := range []string{`"9"`, "1", "W/" + etag, `"1`, `""`} {
			with(c.method, c.path, c.body, other).refuses(412, "request.precondition_failed")
		}
		if now := s.get(read).is(200).header.Get("ETag"); now != etag {
			t.Errorf("%s %s: a refused change made the version %s", c.method, c.path, now)
		}
		a := with(c.method, c.path, c.body, `"9", `+etag)
		if a.status != 200 && a.status != 204 {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
	}

	// Of those who read the same version one wins.
	path := "/api/organizations/" + s.make("/api/organizations", `{"name":"Acme"}`)
	answers := make([]int, 20)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() { answers[i] = with("PATCH", path, fmt.Sprintf(`{"name":"Acme %d"}`, i), `"1"`).status })
	}
	group.Wait()
	slices.Sort(answers)
	if answers[0] != 200 || answers[1] != 412 || answers[19] != 412 {
		t.Errorf("answers %v", answers)
	}
}

func TestDirectoryLists(t *testing.T) {
	t.Parallel()
	s := start(t)
	organization := "/api/organizations/" + s.make("/api/organizations", `{"name":"Acme"}`)
	var ids []string
	for i := range 25 {
		ids = append(ids, s.make("/api/users", fmt.Sprintf(`{"username":"user_%02d","primaryEmail":"u%02d@example.com"}`, i, i)))
		s.clock.advance(2)
	}
	s.post(organization+"/users", `{"userIds":["`+strings.Join(ids, `","`)+`"]}`).is(201)
	for _, path := range []string{"/api/users", organization + "/users"} {
		for query, want := range map[string]struct {
			total string
			n     int
		}{
			"?page=1": {"25", 20}, "?page=2": {"25", 5}, "?page=3&page_size=10": {"25", 5}, "?page=9": {"25", 0}, "": {"", 25},
			"?search=user_07&page=1": {"1", 1}, "?search=%25USER%5C_0%25&page=1": {"0", 0}, "?search=%25ser_0%25&page=1&page_size=3": {"10", 3},
			"?search=u0_@example.com": {"", 10}, "?search=user": {"", 0}, "?q=r_1&page=1": {"10", 10}, "?q=%25": {"", 0},
			"?search=" + ids[3] + "&page=1": {"1", 1}, "?q=%27%3B--": {"", 0},
		} {
			a := s.get(path + query).is(200)
			if list := read[[]thing](a); len(list) != want.n || list == nil || a.header.Get("Total-Number") != want.total {
				t.Errorf("%s%s: %d of %q, want %+v", path, query, len(list), a.header.Get("Total-Number"), want)
			}
		}
	}
	if a := s.get("/api/users?search=%25ser_0%25&page=2&page_size=3").is(200); !strings.Contains(a.header.Get("Link"), "search=%25ser_0%25") {
		t.Errorf("links %s", a.header.Get("Link"))
	}
	for _, path := range []string{"/api/applications", "/api/organizations", "/api/organization-roles"} {
		if body := s.get(path + "?search=nothing&page=1").is(200).body; body != "[]\n" {
			t.Errorf("%s: %s", path, body)
		}
	}
}

func TestOrganizationMembers(t *testing.T) {
	t.Parallel()
	s := start(t)
	organization := "/api/organizations/" + s.make("/api/organizations", `{"name":"Acme"}`)
	ann, bob := s.make("/api/users", `{"username":"ann"}`), s.make("/api/users", `{"username":"bob"}`)
	editor, viewer := s.make("/api/organization-roles", `{"name":"editor"}`), s.make("/api/organization-roles", `{"name":"viewer"}`)
	added := s.post(organization+"/users", `{"userIds":["`+ann+`","`+ann+`"]}`).is(201)
	if added.body != `{"userIds":["`+ann+`","`+ann+`"]}`+"\n" {
		t.Errorf("added %s", added.body)
	}
	refused := s.post(organization+"/users", `{"userIds":["`+bob+`","nobody"]}`).refuses(422, "entity.relation_foreign_key_not_found")
	if fields := refused.problem().paths(); !slices.Equal(fields, []string{"userIds[1]"}) {
		t.Errorf("fields %v", fields)
	}
	roles := organization + "/users/" + ann + "/roles"
	s.post(roles, `{"organizationRoleIds":["`+viewer+`"]}`).is(201)
	s.put(roles, `{"organizationRoleIds":["`+viewer+`","`+editor+`"]}`).is(204)
	s.put(roles, `{"organizationRoleIds":["`+viewer+`","nothing"]}`).refuses(422, "entity.relation_foreign_key_not_found")
	list := read[[]thing](s.get(organization + "/users").is(200))
	if len(list) != 1 || keys(list[0]) != "applicationId avatar createdAt customData hasPassword id identities isSuspended lastSignInAt "+
		"name organizationRoles primaryEmail primaryPhone profile tenantId updatedAt username" {
		t.Fatalf("members %v", list)
	}
	if got := list[0]["organizationRoles"].([]any); len(got) != 2 || got[0].(thing)["name"] != "editor" || keys(got[0]) != "id name" {
		t.Errorf("roles of a member %v", got)
	}
	if got := read[[]thing](s.get(roles + "?page=2&page_size=1").is(200)); len(got) != 1 || got[0]["name"] != "viewer" {
		t.Errorf("roles %v", got)
	}
	s.delete(roles + "/" + viewer).is(204)
	s.delete(roles+"/"+viewer).refuses(404, "entity.not_found")
	s.put(roles, `{"organizationRoleIds":[]}`).is(204)
	if body := s.get(roles).is(200).body; body != "[]\n" {
		t.Errorf("roles %s", body)
	}
	s.get(organization+"/users/"+bob+"/roles").refuses(422, "organization.require_membership")
	s.delete(organization+"/users/"+bob).refuses(404, "entity.not_found")
	s.delete(organization + "/users/" + ann).is(204)
	if body := s.get(organization + "/users").is(200).body; body != "[]\n" {
		t.Errorf("members %s", body)
	}
	log := s.get("/api/audit-logs").is(200).body
	for _, action := range []string{"organizationMember.added", "organizationMember.updated", "organizationMember.removed", "user.created"} {
		if !strings.Contains(log, `"action":"`+action+`"`) {
			t.Errorf("the audit log lacks %s", action)
		}
	}
}

// One tenant's people and things are not there for another, by whatever call.
func TestDirectoryOfAnotherTenant(t *testing.T) {
	t.Parallel()
	s := start(t)
	user, role := s.make("/api/users", `{"username":"ann","primaryEmail":"ann@example.com"}`), s.make("/api/organization-roles", `{"name":"editor"}`)
	app, organization := s.make("/api/applications", `{"name":"Shop","type":"SPA"}`), s.make("/api/organizations", `{"name":"Acme"}`)
	s.post("/api/organizations/"+organization+"/users", `{"userIds":["`+user+`"]}`).is(201)
	key := s.tenant("dev")
	as := func(method, path, body string) answer {
		return s.do(request{method: method, path: path, key: key, body: body})
	}
	own := read[thing](as("POST", "/api/organizations", `{"name":"Own"}`).is(201))["id"].(string)
	ownUser := read[thing](as("POST", "/api/users", `{"username":"ann","primaryEmail":"ann@example.com"}`).is(200))["id"].(string)
	as("POST", "/api/organization-roles", `{"name":"editor"}`).is(201)
	as("POST", "/api/organizations/"+own+"/users", `{"userIds":["`+ownUser+`"]}`).is(201)
	as("POST", "/api/organizations/"+own+"/users", `{"userIds":["`+user+`"]}`).refuses(422, "entity.relation_foreign_key_not_found")
	as("POST", "/api/organizations/"+own+"/users/"+ownUser+"/roles", `{"organizationRoleIds":["`+role+`"]}`).refuses(422, "entity.relation_foreign_key_not_found")
	for _, c := range []struct{ methods, path, body string }{
		{"GET PATCH DELETE", "/api/users/" + user, `{"name":"Eve"}`},
		{"PATCH", "/api/users/" + user + "/profile", `{"profile":{"nickname":"Eve"}}`},
		{"GET PATCH DELETE", "/api/applications/" + app, `{"name":"Eve"}`},
		{"GET PUT", "/api/applications/" + app + "/sign-in-experience", `{"displayName":"Eve"}`},
		{"GET PATCH DELETE", "/api/organizations/" + organization, `{"name":"Eve"}`},
		{"GET POST", "/api/organizations/" + organization + "/users", `{"userIds":["` + ownUser + `"]}`},
		{"DELETE", "/api/organizations/" + organization + "/users/" + user, ""},
		{"GET POST PUT", "/api/organizations/" + organization + "/users/" + user + "/roles", `{"organizationRoleIds":[]}`},
		{"DELETE", "/api/organizations/" + organization + "/users/" + user + "/roles/" + role, ""},
		{"GET PATCH DELETE", "/api/organization-roles/" + role, `{"name":"eve"}`},
	} {
		for method := range strings.FieldsSeq(c.methods) {
			body := c.body
			if method == "GET" || method == "DELETE" {
				body = ""
			}
			theirs := as(method, c.path, body).refuses(404, "entity.not_found")
			// One that is there and one that is not look alike.
			nothing := as(method, strings.NewReplacer(user, "x", app, "x", organization, "x", role, "x").Replace(c.path), body)
			if theirs.body != nothing.body {
				t.Errorf("%s %s: %s%s", method, c.path, theirs.body, nothing.body)
			}
		}
	}
	for path, n := range map[string]int{"/api/users": 1, "/api/applications": 0, "/api/organizations": 1, "/api/organization-roles": 1} {
		if list := read[[]thing](as("GET", path+"?q=a", "").is(200)); len(list) > n {
			t.Errorf("%s: %v", path, list)
		}
		if list := read[[]thing](as("GET", path, "").is(200)); len(list) != n {
			t.Errorf("%s: %v", path, list)
		}
	}
}

func TestConcurrentUsers(t *testing.T) {
	t.Parallel()
	s := start(t)
	answers := make([]answer, 20)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() {
			answers[i] = s.post("/api/users", fmt.Sprintf(`{"primaryEmail":"ANN@example.com","username":"ann%d"}`, i))
		})
	}
	group.Wait()
	made := 0
	for _, a := range answers {
		if a.status == 200 {
			made++
			continue
		}
		a.refuses(422, "user.email_already_in_use")
		if strings.Contains(strings.ToLower(a.body), "ann@") {
			t.Errorf("the refusal repeats the address: %s", a.body)
		}
	}
	if made != 1 {
		t.Errorf("%d users with one address", made)
	}
}
