package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/api"
	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
)

type shownTemplate struct {
	ID, TenantID, LanguageTag, TemplateType, UpdatedBy string
	Details                                            map[string]string
	CreatedAt, UpdatedAt                               int64
	Version                                            int
	Problems                                           []shownProblem
}

type shownProblem struct {
	Severity, Code, Message, Field string
	Line, Column                   int
}

func (s *service) put(path, body string) answer {
	s.t.Helper()
	return s.do(request{method: "PUT", path: path, key: s.admin, body: body})
}

func (s *service) patch(path, body string, header ...string) answer {
	s.t.Helper()
	r := request{method: "PATCH", path: path, key: s.admin, body: body, header: map[string]string{}}
	for i := 0; i+1 < len(header); i += 2 {
		r.header[header[i]] = header[i+1]
	}
	return s.do(r)
}

func (s *service) delete(path string) answer {
	s.t.Helper()
	return s.do(request{method: "DELETE", path: path, key: s.admin})
}

// putOne stores one template and returns it.
func (s *service) putOne(language, kind, details string) shownTemplate {
	s.t.Helper()
	return read[[]shownTemplate](s.put("/api/email-templates", putBody(language, kind, details)).is(200))[0]
}

// named are templates by language and type.
func named(list []shownTemplate) string {
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = t.LanguageTag + ":" + t.TemplateType
	}
	return strings.Join(names, " ")
}

func TestTemplatesArePutAndListed(t *testing.T) {
	t.Parallel()
	s := start(t)
	body := `{"templates":[
		{"languageTag":"fr","templateType":"SignIn","details":{"subject":"S","content":"C","contentType":"text/plain","replyTo":"r@example.com","sendFrom":"F"}},
		{"languageTag":"de","templateType":"SignIn","details":{"subject":"s","content":"c"}},
		{"languageTag":"de","templateType":"Generic","details":{"subject":"g","content":"c","replyTo":""},"id":"mine"}]}`
	first := read[[]shownTemplate](s.put("/api/email-templates", body).is(200))
	if named(first) != "fr:SignIn de:SignIn de:Generic" {
		t.Fatalf("put %s", named(first))
	}
	one := first[0]
	if one.ID == "" || one.TenantID != "default" || one.Version != 1 || one.CreatedAt == 0 || one.UpdatedAt != one.CreatedAt ||
		one.UpdatedBy == "" || len(one.Details) != 5 || one.Details["sendFrom"] != "F" || one.Details["contentType"] != "text/plain" {
		t.Errorf("template %+v", one)
	}
	if len(first[2].Details) != 2 || first[2].ID == "mine" {
		t.Errorf("template %+v", first[2])
	}
	for query, want := range map[string]string{
		"": "de:Generic de:SignIn fr:SignIn", "?languageTag=DE": "de:Generic de:SignIn", "?templateType=SignIn": "de:SignIn fr:SignIn",
		"?languageTag=fr&templateType=Generic": "", "?page=2&page_size=2": "fr:SignIn", "?languageTag=de&page=1&page_size=1": "de:Generic",
	} {
		if got := named(read[[]shownTemplate](s.get("/api/email-templates" + query).is(200))); got != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
	}
	if total := s.get("/api/email-templates?page=1").header.Get("Total-Number"); total != "3" {
		t.Errorf("total %s", total)
	}
	a := s.get("/api/email-templates/" + one.ID).is(200)
	if got := read[shownTemplate](a); got.ID != one.ID || got.Details["content"] != "C" || a.header.Get("ETag") != `"1"` {
		t.Errorf("got %s %v", a.body, a.header)
	}

	// A template takes the place of the one of its language, in any case, and
	// type; one that says the same is no new version.
	s.clock.advance(time.Second)
	again := read[[]shownTemplate](s.put("/api/email-templates", `{"templates":[
		{"languageTag":"FR","templateType":"SignIn","details":{"subject":"S2","content":"C"}},
		{"languageTag":"de","templateType":"SignIn","details":{"subject":"s","content":"c"}}]}`).is(200))
	if again[0].ID != one.ID || again[0].CreatedAt != one.CreatedAt || again[0].UpdatedAt <= one.UpdatedAt || again[0].Version != 2 ||
		again[0].LanguageTag != "fr" || len(again[0].Details) != 2 {
		t.Errorf("replaced %+v", again[0])
	}
	if again[1].Version != 1 || again[1].ID != first[1].ID {
		t.Errorf("the same again %+v", again[1])
	}
}

func TestTemplateDetailsAreChanged(t *testing.T) {
	t.Parallel()
	s := start(t)
	one := s.putOne("en", "SignIn", `{"subject":"s","content":"c","contentType":"text/plain","replyTo":"r@example.com"}`)
	path := "/api/email-templates/" + one.ID + "/details"
	for _, c := range []struct {
		body    string
		want    map[string]string
		version int
	}{
		{`{}`, map[string]string{"subject": "s", "content": "c", "contentType": "text/plain", "replyTo": "r@example.com"}, 1},
		{`{"subject":"s2","colour":"red"}`, map[string]string{"subject": "s2", "content": "c", "contentType": "text/plain", "replyTo": "r@example.com"}, 2},
		{`{"contentType":null,"replyTo":null,"sendFrom":"F"}`, map[string]string{"subject": "s2", "content": "c", "sendFrom": "F"}, 3},
		{`{"sendFrom":""}`, map[string]string{"subject": "s2", "content": "c"}, 4},
	} {
		a := s.patch(path, c.body).is(200)
		got := read[shownTemplate](a)
		if fmt.Sprint(got.Details) != fmt.Sprint(c.want) || got.Version != c.version || a.header.Get("ETag") != fmt.Sprintf("%q", fmt.Sprint(c.version)) {
			t.Errorf("%s makes %s %v", c.body, a.body, a.header)
		}
	}
	for body, fields := range map[string]string{
		`{"subject":null}`: "subject", `{"content":""}`: "content", `{"contentType":"x"}`: "contentType", `{"subject":1}`: "subject",
		`{"content":"` + strings.Repeat("x", 300<<10) + `"}`: "content", `[]`: "(all)",
	} {
		if got := s.patch(path, body).refuses(400, "guard.invalid_input").problem().paths(); !slices.Equal(got, []string{fields}) {
			t.Errorf("%.40s: fields at fault %v", body, got)
		}
	}
	s.patch(path, `{"subject":"late"}`, "If-Match", `"3"`).refuses(412, "request.precondition_failed")
	s.patch(path, `{"subject":"in time"}`, "If-Match", `"3", "4"`).is(200)
	s.patch(path, `{"subject":"any"}`, "If-Match", `*`).is(200)
	if got := read[shownTemplate](s.get("/api/email-templates/" + one.ID)); got.Version != 6 || got.Details["subject"] != "any" {
		t.Errorf("template %+v", got)
	}
}

func TestTemplatesAreDeleted(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, name := range []string{"de:SignIn", "de:Generic", "fr:SignIn", "fr:Generic", "it:Generic"} {
		language, kind, _ := strings.Cut(name, ":")
		s.putOne(language, kind, goodDetails)
	}
	it := read[[]shownTemplate](s.get("/api/email-templates?languageTag=it"))[0]
	s.delete("/api/email-templates/" + it.ID).is(204)
	s.delete("/api/email-templates/"+it.ID).refuses(404, "entity.not_exists_with_id")
	s.get("/api/email-templates/"+it.ID).refuses(404, "entity.not_exists_with_id")
	for _, c := range []struct{ query, want string }{
		{"?languageTag=nl", `{"rowCount":0}`}, {"?languageTag=FR&templateType=SignIn", `{"rowCount":1}`},
		{"?templateType=Generic", `{"rowCount":2}`}, {"?languageTag=de", `{"rowCount":1}`},
	} {
		if got := s.delete("/api/email-templates" + c.query).is(200).body; got != c.want+"\n" {
			t.Errorf("delete %s: %s", c.query, got)
		}
	}
	if rest := s.get("/api/email-templates").body; rest != "[]\n" {
		t.Errorf("left %s", rest)
	}
}

func TestTemplateVersionsAreKeptAndRestored(t *testing.T) {
	t.Parallel()
	s := start(t)
	one := s.putOne("en", "SignIn", `{"subject":"v1","content":"c"}`)
	path := "/api/email-templates/" + one.ID
	for i := 2; i <= templates.KeptVersions+2; i++ {
		s.patch(path+"/details", fmt.Sprintf(`{"subject":"v%d"}`, i)).is(200)
	}
	list := read[[]struct {
		Version              int
		Details              map[string]string
		CreatedAt, CreatedBy any
	}](s.get(path + "/versions").is(200))
	if len(list) != templates.KeptVersions || list[0].Version != templates.KeptVersions+2 || list[len(list)-1].Version != 3 ||
		list[1].Details["subject"] != fmt.Sprint("v", templates.KeptVersions+1) || list[0].CreatedBy != one.UpdatedBy {
		t.Fatalf("%d versions, the first %+v", len(list), list[0])
	}
	if page := s.get(path + "/versions?page=5&page_size=12").is(200); strings.Count(page.body, `"version"`) != 2 {
		t.Errorf("page %s", page.body)
	}
	s.post(path+"/versions/1/restore", "").refuses(404, "entity.not_found")
	restored := read[shownTemplate](s.post(path+"/versions/3/restore", "").is(200))
	if restored.Version != templates.KeptVersions+3 || restored.Details["subject"] != "v3" || restored.ID != one.ID {
		t.Errorf("restored %+v", restored)
	}
}

// What the check finds is told in the answers to changes, and refuses none.
func TestTemplatesAreChecked(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *api.Options) {
		o.CheckTemplate = func(kind connector.TemplateType, d templates.Custom) []templates.Problem {
			if kind == connector.SignIn && !strings.Contains(d.Content, "{{code}}") {
				return []templates.Problem{{
					Severity: templates.SeverityError, Code: "missing_code", Message: "Add {{code}}.", Field: "content", Line: 1, Column: 2,
				}}
			}
			return nil
		}
	})
	want := shownProblem{Severity: "error", Code: "missing_code", Message: "Add {{code}}.", Field: "content", Line: 1, Column: 2}
	bad := s.putOne("en", "SignIn", `{"subject":"s","content":"none"}`)
	if len(bad.Problems) != 1 || bad.Problems[0] != want {
		t.Errorf("put %+v", bad)
	}
	path := "/api/email-templates/" + bad.ID
	if strings.Contains(s.get(path).body, "problems") {
		t.Error("a template that is read is checked")
	}
	if a := s.patch(path+"/details", `{"subject":"s2"}`); len(read[shownTemplate](a.is(200)).Problems) != 1 {
		t.Errorf("patch %s", a.body)
	}
	if a := s.patch(path+"/details", `{"content":"{{code}}"}`); strings.Contains(a.is(200).body, "problems") {
		t.Errorf("patch %s", a.body)
	}
	if a := s.post(path+"/versions/1/restore", ""); len(read[shownTemplate](a.is(200)).Problems) != 1 {
		t.Errorf("restore %s", a.body)
	}
	for content, n := range map[string]int{"none": 1, "{{code}}": 0} {
		a := s.post("/api/email-templates/check", `{"templateType":"SignIn","details":{"subject":"s","content":"`+content+`"}}`).is(200)
		if got := read[struct{ Problems []shownProblem }](a).Problems; got == nil || len(got) != n {
			t.Errorf("check of %s: %s", content, a.body)
		}
	}
}

// The check knows the partials of the tenant.
func TestTemplatesAreCheckedWithPartials(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *api.Options) {
		o.CheckTemplate = func(_ connector.TemplateType, c templates.Custom) []templates.Problem {
			tpl, err := template.Compile(c.Content, template.Options{Library: c.Partials})
			if err != nil || len(tpl.Problems()) > 0 {
				return []templates.Problem{{Severity: templates.SeverityError, Code: "unknown_partial"}}
			}
			return nil
		}
	})
	s.put("/api/email-partials/foot", `{"content":"x"}`).is(200)
	for content, n := range map[string]int{"{{> foot}}": 0, "{{> hand}}": 1} {
		a := s.post("/api/email-templates/check", `{"templateType":"SignIn","details":{"subject":"s","content":"`+content+`"}}`).is(200)
		if got := read[struct{ Problems []shownProblem }](a).Problems; len(got) != n {
			t.Errorf("check of %s: %s", content, a.body)
		}
	}
}
