package api_test

import (
	"strings"
	"testing"
)

type shownPartial struct {
	Name, Content, UpdatedBy string
	UpdatedAt                int64
}

func TestPartials(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := strings.Repeat("a-Z_9", 12) + "four"
	if len(name) != 64 {
		t.Fatal(name)
	}
	made := read[shownPartial](s.put("/api/email-partials/"+name, `{"content":"<p>{{x}}</p>","name":"other"}`).is(200))
	if made.Name != name || made.Content != "<p>{{x}}</p>" || made.UpdatedAt == 0 || made.UpdatedBy == "" {
		t.Errorf("partial %+v", made)
	}
	s.put("/api/email-partials/Footer", `{"content":"one"}`).is(200)
	s.put("/api/email-partials/Footer", `{"content":""}`).is(200)
	if got := read[shownPartial](s.get("/api/email-partials/Footer").is(200)); got.Content != "" {
		t.Errorf("partial %+v", got)
	}
	s.get("/api/email-partials/footer").refuses(404, "entity.not_found")
	list := read[[]shownPartial](s.get("/api/email-partials").is(200))
	if len(list) != 2 || list[0].Name != "Footer" || list[1].Name != name {
		t.Errorf("partials %+v", list)
	}
	if page := read[[]shownPartial](s.get("/api/email-partials?page=2&page_size=1").is(200)); len(page) != 1 || page[0].Name != name {
		t.Errorf("page %+v", page)
	}
	s.delete("/api/email-partials/Footer").is(204)
	s.delete("/api/email-partials/Footer").refuses(404, "entity.not_found")
}

func TestPartialInUse(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.put("/api/email-partials/foot", `{"content":"x"}`).is(200)
	for name, source := range map[string]string{
		"partial": `a {{> foot}} b`, "close": `{{>foot}}`, "with white space": `{{~ >\n foot ~}}`, "layout": `{{#layout \"foot\"}}{{code}}{{/layout}}`,
	} {
		one := s.putOne("en", "SignIn", `{"subject":"s","content":"`+source+`"}`)
		s.put("/api/email-partials/outer", `{"content":"`+source+`"}`).is(200)
		a := s.delete("/api/email-partials/foot").refuses(422, "entity.in_use")
		data := read[struct {
			Data struct {
				Templates []struct{ ID, LanguageTag, TemplateType string }
				Partials  []string
			}
		}](a).Data
		if len(data.Templates) != 1 || data.Templates[0].ID != one.ID || data.Templates[0].LanguageTag != "en" ||
			data.Templates[0].TemplateType != "SignIn" || len(data.Partials) != 1 || data.Partials[0] != "outer" {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	s.put("/api/email-partials/outer", `{"content":"{{> footer}} {{#layout \"foot2\"}}{{/layout}} {{foot}} > foot"}`).is(200)
	s.putOne("en", "SignIn", goodDetails)
	s.delete("/api/email-partials/foot").is(204)
}
