package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/configuration"
	"github.com/postern-mail/postern/internal/templates"
)

// otherSecret is in the settings of the connector that is there before.
const otherSecret = "0ther-s3cret-Kp4"

type shownChanges struct {
	Changes []struct {
		Section, Key, Change, Diff string
		Fields                     []string
		Values                     []struct{ Field, Before, After string }
	}
	Fingerprint string
	Applied     bool
}

func (c shownChanges) String() string {
	var b strings.Builder
	for _, one := range c.Changes {
		fmt.Fprintf(&b, "%s %s %s %v\n", one.Change, one.Section, one.Key, one.Fields)
	}
	return b.String()
}

// withKey calls the service as another tenant.
func (s *service) withKey(key, method, path, body string) answer {
	s.t.Helper()
	return s.do(request{method: method, path: path, key: key, body: body})
}

func providerWith(secret, from string) string {
	return `{"connectorId":"test-email","config":{"apiKey":"` + secret + `","fromEmail":"` + from + `"}}`
}

// configured makes the tenant dev with something of everything, and prod with
// other things. It returns their keys.
func (s *service) configured() (dev, prod string) {
	s.t.Helper()
	dev, prod = s.tenant("dev"), s.tenant("prod")
	s.withKey(dev, "POST", "/api/connectors", providerWith(providerSecret, "dev@example.com")).is(200)
	s.withKey(dev, "PUT", "/api/email-partials/frame", `{"content":"<main>{{> @partial-block}}</main>"}`).is(200)
	s.withKey(dev, "PUT", "/api/email-templates", `{"templates":[
		{"languageTag":"de","templateType":"SignIn","details":{"subject":"Ihr Code","content":"{{#layout \"frame\"}}{{code}}{{/layout}}"}},
		{"languageTag":"en","templateType":"Generic","details":{"subject":"Code","content":"{{code}}","contentType":"text/plain"}}]}`).is(200)
	s.withKey(dev, "PATCH", "/api/sign-in-exp", `{"verificationCodePolicy":{"codeLength":8}}`).is(200)
	s.withKey(prod, "POST", "/api/connectors", providerWith(otherSecret, "prod@example.com")).is(200)
	s.withKey(prod, "PUT", "/api/email-partials/old", `{"content":"old"}`).is(200)
	s.withKey(prod, "PUT", "/api/email-templates", `{"templates":[
		{"languageTag":"DE","templateType":"SignIn","details":{"subject":"Alt","content":"{{> old}} {{code}}"}},
		{"languageTag":"fr","templateType":"SignIn","details":{"subject":"Ancien","content":"{{code}}"}}]}`).is(200)
	return dev, prod
}

const allChanges = "changed connector test-email [config.apiKey config.fromEmail]\n" +
	"changed settings verificationCodePolicy [codeLength]\n" +
	"changed templates de/SignIn [subject content]\n" +
	"added templates en/Generic [subject content contentType]\n" +
	"removed templates fr/SignIn [subject content contentType]\n" +
	"added partials frame [content]\n" +
	"removed partials old [content]\n"

func TestPromote(t *testing.T) {
	t.Parallel()
	s := start(t)
	dev, prod := s.configured()
	before := s.get("/api/tenants/prod/configuration").is(200).body
	found := read[shownChanges](s.post("/api/tenants/dev/promote", `{"to":"prod","dryRun":true}`).is(200))
	if found.String() != allChanges || found.Applied || found.Fingerprint == "" {
		t.Errorf("dry run %+v", found)
	}
	if v := found.Changes[0].Values; len(v) != 1 || v[0].Field != "config.fromEmail" || v[0].Before != "prod@example.com" || v[0].After != "dev@example.com" {
		t.Errorf("values %+v", v)
	}
	if d := found.Changes[2].Diff; !strings.Contains(d, "-subject: Alt\n+subject: Ihr Code\n") {
		t.Errorf("diff %s", d)
	}
	if after := s.get("/api/tenants/prod/configuration").body; after != before {
		t.Fatalf("a dry run changed something:\n%s%s", before, after)
	}
	old := read[[]shownTemplate](s.withKey(prod, "GET", "/api/email-templates?languageTag=de", ""))[0]
	wasConnector := read[[]shownConnector](s.withKey(prod, "GET", "/api/connectors", ""))[0]

	done := read[shownChanges](s.post("/api/tenants/dev/promote", `{"to":"prod","fingerprint":"`+found.Fingerprint+`"}`).is(200))
	if done.String() != allChanges || !done.Applied || done.Fingerprint == found.Fingerprint {
		t.Errorf("promoted %+v", done)
	}
	devs, prods := s.get("/api/tenants/dev/configuration").is(200).body, s.get("/api/tenants/prod/configuration").is(200).body
	if strings.Replace(prods, `"languageTag":"DE"`, `"languageTag":"de"`, 1) != devs {
		t.Errorf("the target differs from its source:\n%s%s", devs, prods)
	}
	// It takes effect at once, with the secret, which nobody saw.
	opened, err := s.router.InUse(t.Context(), "prod")
	if err != nil || !strings.Contains(string(opened.PlainConfig), providerSecret) || opened.ID != wasConnector.ID {
		t.Errorf("in use: %v", err)
	}
	if d, ok, err := s.options.Templates.Find(t.Context(), "prod", "de", connector.SignIn); err != nil || !ok || d.Subject != "Ihr Code" {
		t.Errorf("template %+v, %v", d, err)
	}
	if known, err := s.options.Settings.Settings(t.Context(), "prod"); err != nil || known.VerificationCodePolicy.Length != 8 {
		t.Errorf("settings %+v, %v", known, err)
	}
	// Templates keep their ids and what they said.
	now := read[shownTemplate](s.withKey(prod, "GET", "/api/email-templates/"+old.ID, "").is(200))
	if now.Version != 2 || now.CreatedAt != old.CreatedAt {
		t.Errorf("template %+v", now)
	}
	if versions := s.withKey(prod, "GET", "/api/email-templates/"+old.ID+"/versions", "").is(200).body; !strings.Contains(versions, `"subject":"Alt"`) {
		t.Errorf("versions %s", versions)
	}
	// Once more there is nothing to do.
	if again := read[shownChanges](s.post("/api/tenants/dev/promote", `{"to":"prod"}`).is(200)); len(again.Changes) != 0 || !again.Applied || again.Fingerprint != done.Fingerprint {
		t.Errorf("again %+v", again)
	}
	s.wantAudit(prod, found)
	if log := s.withKey(dev, "GET", "/api/audit-logs?action=configuration.promoted", "").is(200).body; log != "[]\n" {
		t.Errorf("audit log of the source: %s", log)
	}
	if strings.Contains(s.shown.String(), otherSecret) || strings.Contains(s.log.String(), otherSecret) {
		t.Error("the secret that was replaced was shown")
	}
}

// wantAudit wants one entry, of a promotion by the admin's key.
func (s *service) wantAudit(key string, want shownChanges) {
	s.t.Helper()
	type entry struct {
		ID, TenantID, Actor, Action, Subject string
		CreatedAt                            int64
		Details                              struct {
			From string
			shownChanges
		}
	}
	list := read[[]entry](s.withKey(key, "GET", "/api/audit-logs?action=configuration.promoted", "").is(200))
	if len(list) != 1 {
		s.t.Fatalf("audit log %+v", list)
	}
	e := list[0]
	if e.TenantID != "prod" || e.Action != "configuration.promoted" || e.Subject != "prod" || e.CreatedAt == 0 || e.Actor == "" ||
		e.Details.From != "dev" || e.Details.String() != want.String() {
		s.t.Errorf("audit entry %+v", e)
	}
	if keys := s.get("/api/api-keys").body; !strings.Contains(keys, `"id":"`+e.Actor+`"`) {
		s.t.Errorf("actor %s is none of %s", e.Actor, keys)
	}
	if list := read[[]entry](s.get("/api/audit-logs?tenantId=prod&action=configuration.promoted&page=1").is(200)); len(list) != 1 || list[0].ID != e.ID {
		s.t.Errorf("as the administrator sees it: %+v", list)
	}
}

// What was shown is what is done, or nothing.
func TestPromoteChangedMeanwhile(t *testing.T) {
	t.Parallel()
	s := start(t)
	dev, prod := s.configured()
	for name, change := range map[string]func(){
		"target": func() {
			s.withKey(prod, "PATCH", "/api/sign-in-exp", `{"verificationCodePolicy":{"activeCodes":1}}`).is(200)
		},
		"source": func() { s.withKey(dev, "PUT", "/api/email-partials/more", `{"content":"x"}`).is(200) },
		"connector": func() {
			s.withKey(prod, "POST", "/api/connectors", providerWith("an0ther", "p@example.com")).is(200)
		},
	} {
		found := read[shownChanges](s.post("/api/tenants/dev/promote", `{"to":"prod","dryRun":true}`).is(200))
		change()
		before := s.get("/api/tenants/prod/configuration").body
		body := `{"to":"prod","testEmail":"ann@example.com","fingerprint":"` + found.Fingerprint + `"}`
		s.post("/api/tenants/dev/promote", body).refuses(409, "configuration.changed")
		s.post("/api/tenants/dev/promote", strings.Replace(body, "{", `{"dryRun":true,`, 1)).refuses(409, "configuration.changed")
		if after := s.get("/api/tenants/prod/configuration").body; after != before {
			t.Errorf("%s: something changed:\n%s%s", name, before, after)
		}
	}
	if len(s.provider.mails()) != 0 {
		t.Error("a test mail went out before it was clear what for")
	}
}

func TestPromoteWithTestMail(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.configured()
	before := s.get("/api/tenants/prod/configuration").body
	s.provider.fails(connector.Error{Class: connector.ConfigFault, Message: "535 5.7.8 no", Status: 535})
	body := `{"to":"prod","testEmail":"ann@example.com"}`
	if e := s.post("/api/tenants/dev/promote", body).refuses(400, "connector.general").problem(); !strings.Contains(e.Message, "535 5.7.8 no") {
		t.Errorf("problem %+v", e)
	}
	if after := s.get("/api/tenants/prod/configuration").body; after != before || s.get("/api/audit-logs?tenantId=prod&action=configuration.promoted").body != "[]\n" {
		t.Error("a refused test mail changed something")
	}
	s.provider.answers(nil)
	s.post("/api/tenants/dev/promote", strings.Replace(body, "{", `{"dryRun":true,`, 1)).is(200)
	if n := len(s.provider.mails()); n != 1 {
		t.Errorf("%d mails after a dry run", n)
	}
	s.post("/api/tenants/dev/promote", `{"to":"prod","testEmail":"ann@example.com, eve@example.com"}`).refuses(400, "guard.invalid_input")
	s.post("/api/tenants/dev/promote", body).is(200)
	mails := s.provider.mails()
	if len(mails) != 2 || mails[1].To != "ann@example.com" || mails[1].Payload["code"] != "000000" {
		t.Errorf("mails %+v", mails)
	}
	// The budget is that of tests of connectors.
	for range 8 {
		s.post("/api/tenants/dev/promote", body).is(200)
	}
	s.post("/api/tenants/dev/promote", body).refuses(429, "connector.rate_limit_exceeded")
	// Without a connector there is nothing to test.
	s.tenant("bare")
	s.post("/api/tenants/bare/promote", `{"to":"prod"}`).is(200)
	if opened, err := s.router.InUse(t.Context(), "prod"); err != nil || opened.FactoryID != "postern-email" {
		t.Errorf("in use: %v", err)
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	s := start(t)
	dev, prod := s.configured()
	masked := s.withKey(dev, "GET", "/api/tenants/dev/configuration", "").is(200).body
	sealed := s.withKey(dev, "GET", "/api/tenants/dev/configuration?secrets=sealed", "").is(200).body
	secretOf := func(tenant string) string {
		opened, err := s.router.InUse(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		var config struct{ APIKey string }
		if err := json.Unmarshal(opened.PlainConfig, &config); err != nil {
			t.Fatal(err)
		}
		return config.APIKey
	}
	put := func(key, tenant, query, body string) answer {
		return s.withKey(key, "PUT", "/api/tenants/"+tenant+"/configuration"+query, body)
	}

	// A mask keeps the target's own secret.
	found := read[shownChanges](put(prod, "prod", "?dryRun=true", masked).is(200))
	if strings.Contains(found.String(), "apiKey") || !strings.Contains(found.String(), "config.fromEmail") || found.Applied {
		t.Errorf("dry run %s", found)
	}
	done := read[shownChanges](put(prod, "prod", "?fingerprint="+found.Fingerprint, masked).is(200))
	if !done.Applied || secretOf("prod") != otherSecret {
		t.Errorf("imported %+v", done)
	}
	put(prod, "prod", "?fingerprint="+found.Fingerprint, masked).refuses(409, "configuration.changed")
	if log := s.withKey(prod, "GET", "/api/audit-logs", "").body; strings.Count(log, `"configuration.imported"`) != 1 {
		t.Errorf("audit log %s", log)
	}
	// Where there is none it is asked for.
	s.tenant("fresh")
	if e := put(s.admin, "fresh", "", masked).refuses(400, "configuration.secrets_required").problem(); fmt.Sprint(e.paths()) != "[connector.config.apiKey]" || e.Data.Issues[0].Code != "secret_required" {
		t.Errorf("problem %+v", e)
	}
	given := strings.Replace(masked, connector.SecretMask, "g1ven-here", 1)
	put(s.admin, "fresh", "", given).is(200)
	if got := secretOf("fresh"); got != "g1ven-here" {
		t.Errorf("secret %s", got)
	}
	// What is sealed goes before what the target has, for who may open it.
	put(s.admin, "prod", "", sealed).is(200)
	if secretOf("prod") != providerSecret {
		t.Error("the sealed secret was not used")
	}
	put(dev, "dev", "", sealed).is(200)
	e := put(prod, "prod", "", sealed).refuses(400, "configuration.secrets_required").problem()
	if !strings.Contains(e.Details, "sealed for another tenant") {
		t.Errorf("problem %+v", e)
	}
	for name, spoiled := range map[string]string{
		"another tenant's": strings.Replace(sealed, `"tenantId":"dev"`, `"tenantId":"prod"`, 1),
		"changed":          strings.Replace(sealed, `"data":"A`, `"data":"B`, 1),
		"none":             strings.Replace(sealed, `"data":"`, `"data":"","x":"`, 1),
	} {
		if name == "none" {
			put(s.admin, "prod", "", spoiled).refuses(400, "guard.invalid_input")
			continue
		}
		if e := put(s.admin, "prod", "", spoiled).refuses(400, "configuration.secrets_required").problem(); !strings.Contains(e.Details, "keyset") {
			t.Errorf("%s: %+v", name, e)
		}
	}
	// Everything is checked before anything changes.
	before := s.get("/api/tenants/prod/configuration").body
	broken := strings.Replace(strings.Replace(masked, "text/plain", "text/x", 1), `"codeLength":8`, `"codeLength":99,"colour":1`, 1)
	broken = strings.Replace(broken, `"fromEmail":"dev@example.com"`, `"from":"x"`, 1)
	p := put(s.admin, "prod", "", broken).refuses(400, "guard.invalid_input").problem()
	if got := fmt.Sprint(p.paths()); got != "[connector.config.from connector.config.fromEmail settings templates[1].details.contentType]" {
		t.Errorf("fields at fault %s: %s", got, p.Details)
	}
	if after := s.get("/api/tenants/prod/configuration").body; after != before {
		t.Error("a refused import changed something")
	}
	if strings.Contains(s.shown.String()+s.log.String(), otherSecret) {
		t.Error("a secret was shown")
	}
}

// A file of another installation opens nothing here.
func TestImportOfAnotherInstallation(t *testing.T) {
	t.Parallel()
	there := start(t)
	there.configured()
	sealed := there.get("/api/tenants/dev/configuration?secrets=sealed").is(200).body
	here := start(t)
	here.configured()
	e := here.do(request{method: "PUT", path: "/api/tenants/dev/configuration", key: here.admin, body: sealed}).
		refuses(400, "configuration.secrets_required").problem()
	if len(e.Data.Issues) != 1 || !strings.Contains(e.Details, "keyset of another installation") {
		t.Errorf("problem %+v", e)
	}
}

func TestLargestConfiguration(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.tenant("large")
	d := read[configuration.Document](s.get("/api/tenants/large/configuration").is(200))
	for i := range 40 {
		d.Templates = append(d.Templates, configuration.Template{
			LanguageTag: fmt.Sprintf("x-%03d", i), TemplateType: connector.SignIn,
			Details: templates.Details{Subject: "s", Content: strings.Repeat("a line\n", 20_000)},
		})
	}
	text, err := json.Marshal(d)
	if err != nil || len(text) < 4<<20 {
		t.Fatal(len(text), err)
	}
	put := func(body string) answer { // what is answered is too much to search for secrets
		return s.doSecretly(request{method: "PUT", path: "/api/tenants/large/configuration", key: s.admin, body: body})
	}
	put(string(text)).is(200)
	large := s.doSecretly(request{method: "GET", path: "/api/tenants/large/configuration", key: s.admin})
	if got := read[configuration.Document](large.is(200)); len(got.Templates) != 40 {
		t.Errorf("%d templates", len(got.Templates))
	}
	huge := string(text) + strings.Repeat(" ", configuration.MaxDocument+1-len(text))
	e := put(huge).refuses(413, "request.body_too_large").problem()
	if !strings.Contains(e.Message, fmt.Sprint(configuration.MaxDocument)) {
		t.Errorf("problem %+v", e)
	}
	put(huge[:len(huge)-1]).is(200)
}

// What is exported and imported elsewhere is the same, to the letter, and
// exporting it again gives the same document.
func TestExportImportIsIdentity(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.tenant("one")
	s.tenant("other")
	put := func(t *rapid.T, tenant, body string) {
		if a := s.send(s.t.Context(), request{method: "PUT", path: "/api/tenants/" + tenant + "/configuration", key: s.admin, body: body}); a.status != 200 {
			t.Fatalf("import to %s: %s", tenant, a.body)
		}
	}
	text := rapid.Custom(func(t *rapid.T) string {
		piece := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"{{code}}", "\r\n", "\n---\n", `"\`, "\u2028", "<p>", "ﷺ", "\x00", "\x1b", "{{> footer}}", "👩\u200d💻",
		}))
		return "x" + strings.Join(rapid.SliceOfN(piece, 0, 4).Draw(t, "pieces"), "")
	}).Filter(func(text string) bool { // what is refused needs no proof
		return !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(text, "{{code}}", ""), "{{> footer}}", ""), "{{")
	})
	document := rapid.Custom(func(t *rapid.T) configuration.Document {
		d := configuration.Document{
			Version: 1, FallbackConnectors: []configuration.Connector{},
			Connector: &configuration.Connector{ConnectorID: "postern-email", Config: json.RawMessage(`{}`)},
			Settings: json.RawMessage(fmt.Sprintf(`{"languageInfo":{"fallbackLanguage":"de"},"verificationCodePolicy":{"codeLength":%d}}`,
				rapid.IntRange(6, 8).Draw(t, "length"))),
			Partials: []configuration.Partial{{Name: "footer", Content: strings.ReplaceAll(strings.ReplaceAll(text.Draw(t, "partial"), "\x00", ""), "{{> footer}}", "")}},
		}
		key := func(c configuration.Template) string { return strings.ToLower(c.LanguageTag) + string(c.TemplateType) }
		d.Templates = rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) configuration.Template {
			return configuration.Template{
				LanguageTag:  rapid.SampledFrom([]string{"de", "fr", "pt-BR"}).Draw(t, "language"),
				TemplateType: rapid.SampledFrom(connector.TemplateTypes()).Draw(t, "type"),
				Details: templates.Details{
					Subject: text.Draw(t, "subject"), Content: text.Draw(t, "content"),
					ContentType: rapid.SampledFrom([]connector.ContentType{connector.TextHTML, connector.TextPlain}).Draw(t, "content type"),
				},
			}
		}), 0, 4, key).Draw(t, "templates")
		return d
	})
	rapid.Check(t, func(t *rapid.T) {
		body, err := json.Marshal(document.Draw(t, "document"))
		if err != nil {
			t.Fatal(err)
		}
		put(t, "one", string(body))
		exported := s.send(s.t.Context(), request{method: "GET", path: "/api/tenants/one/configuration", key: s.admin}).body
		put(t, "other", exported)
		if again := s.send(s.t.Context(), request{method: "GET", path: "/api/tenants/other/configuration", key: s.admin}).body; again != exported {
			t.Fatalf("became another:\n%s%s", exported, again)
		}
	})
}

func configurationRefusals() []refusal {
	const rest = `"fallbackConnectors":[],"settings":{},"templates":[],"partials":[]}`
	cases := at("/api/tenants/default/configuration", admin, []refusal{
		{name: "nothing", body: `{}`, fields: "connector fallbackConnectors partials settings templates version"},
		{name: "no JSON", body: `{`, fields: "(all)"},
		{name: "null", body: `null`, fields: "(all)"},
		{name: "unknown key", body: `{"version":1,"connector":null,"users":[],` + rest, fields: "users"},
		{name: "unknown factory", body: `{"version":1,"connector":{"connectorId":"carrier-pigeon","config":{}},` + rest, fields: "connector.connectorId"},
		{name: "refused config", body: `{"version":1,"connector":{"connectorId":"test-email","config":{"apiKey":"` + providerSecret + `","colour":1}},` + rest, fields: "connector.config.colour connector.config.fromEmail"},
		{name: "config no object", body: `{"version":1,"connector":{"connectorId":"test-email","config":"` + providerSecret + `"},` + rest, fields: "connector.config"},
		{name: "config a mask", body: `{"version":1,"connector":{"connectorId":"test-email","config":"********"},` + rest, fields: "connector.config"},
		{name: "masks", body: `{"version":1,"connector":{"connectorId":"test-email","config":{"apiKey":"********","fromEmail":"a@example.com"}},` + rest, status: 400, code: "configuration.secrets_required", fields: "connector.config.apiKey"},
		{name: "masks and more", body: `{"version":1,"connector":{"connectorId":"test-email","config":{"apiKey":"********","fromEmail":"a@example.com"}},` + strings.Replace(rest, `"settings":{}`, `"settings":{"x":1}`, 1), fields: "connector.config.apiKey settings"},
		{name: "settings of another type", body: `{"version":1,"connector":null,` + strings.Replace(rest, `"settings":{}`, `"settings":{"languageInfo":{"fallbackLanguage":1}}`, 1), fields: "settings.languageInfo.fallbackLanguage"},
		{name: "settings null", body: `{"version":1,"connector":null,` + strings.Replace(rest, `"settings":{}`, `"settings":null`, 1), fields: "settings"},
		{name: "config null", body: `{"version":1,"connector":{"connectorId":"test-email","config":null},` + rest, fields: "connector.config"},
		{name: "settings a list", body: `{"version":1,"connector":null,` + strings.Replace(rest, `"settings":{}`, `"settings":[]`, 1), fields: "settings"},
		{name: "templates", body: `{"version":1,"connector":null,` + strings.Replace(rest, `"templates":[]`, `"templates":[
			{"languageTag":"d e","templateType":"Newsletter","details":{"subject":"","content":"x","contentType":"text/x"}},
			{"languageTag":"de","templateType":"SignIn","details":{"subject":"s","content":"c"}},
			{"languageTag":"DE","templateType":"SignIn","details":{"subject":"s","content":"c"}}]`, 1),
			fields: "templates[0].details.contentType templates[0].details.subject templates[0].languageTag templates[0].templateType templates[2]"},
		{name: "partials", body: `{"version":1,"connector":null,` + strings.Replace(rest, `"partials":[]`, `"partials":[
			{"name":"a b","content":"x"},{"name":"c","content":"{{> c}}"},{"name":"d","content":"x"},{"name":"d","content":"x"}]`, 1),
			fields: "partials[0].name partials[1].content partials[3].name"},
	})
	for i := range cases {
		cases[i].method = "PUT"
	}
	return cases
}
