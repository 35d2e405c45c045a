package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/templates"
)

type preview struct {
	Subject, HTML, Text, From, ReplyTo, LanguageTag, Source string
	Problems                                                []shownProblem
}

func (s *service) preview(body string) preview {
	s.t.Helper()
	return read[preview](s.post("/api/email-templates/preview", body).is(200))
}

// What would be sent is shown without a connector, too.
func TestPreview(t *testing.T) {
	t.Parallel()
	s := start(t)
	builtin := s.preview(`{"templateType":"SignIn"}`)
	if builtin.Source != "builtin" || builtin.LanguageTag != "en" || !strings.Contains(builtin.Text, "507293") ||
		!strings.Contains(builtin.HTML, "507293") || builtin.Problems == nil {
		t.Errorf("built-in %+v", builtin)
	}
	if got := s.preview(`{"templateType":"SignIn","languageTag":"de"}`); got.LanguageTag != "de" || got.Subject == builtin.Subject {
		t.Errorf("German %+v", got)
	}
	if got := s.preview(`{"templateType":"OrganizationInvitation"}`); !strings.Contains(got.Text, "https://example.com/") {
		t.Errorf("invitation %+v", got)
	}
	s.putOne("fr", "SignIn", `{"subject":"{{code}} {{application.name}} {{x}}","content":"<p>{{code}} {{locale}}</p>",
		"sendFrom":"Boutique <b@example.com>","replyTo":"r@example.com"}`)
	want := preview{
		Subject: "111111 Example Shop {{x}}", HTML: "<p>111111 fr-CA</p>", Text: "111111 fr-CA", From: "Boutique <b@example.com>",
		ReplyTo: "r@example.com", LanguageTag: "fr", Source: "custom", Problems: []shownProblem{},
	}
	for _, body := range []string{
		`{"templateType":"SignIn","languageTag":"fr-CA","payload":{"code":"111111"}}`,
		`{"templateType":"SignIn","payload":{"code":"111111","locale":"fr-CA"}}`,
		`{"templateType":"SignIn","languageTag":"fr-CA","payload":{"code":"111111","locale":"de","uiLocales":"it"}}`,
	} {
		if got := s.preview(body); !slices.Equal(got.Problems, want.Problems) || !same(got, want) {
			t.Errorf("%s shows %+v", body, got)
		}
	}
	given := s.preview(`{"templateType":"SignIn","languageTag":"fr","details":{"subject":"draft","content":"{{code}}","contentType":"text/plain"}}`)
	if given.Subject != "draft" || given.HTML != "" || given.Text != "507293" || given.Source != "custom" || given.LanguageTag != "fr" || given.From != "" {
		t.Errorf("details given %+v", given)
	}
	if n := len(s.provider.mails()); n != 0 || s.get("/api/messages").body != "[]\n" {
		t.Errorf("a preview sent %d mails", n)
	}
}

// What a wording does not say of the sender is the connector's.
func TestPreviewShowsTheSender(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	if got := s.preview(`{"templateType":"SignIn"}`).From; got != "no-reply@postern.localhost" {
		t.Errorf("from %q", got)
	}
}

func same(a, b preview) bool {
	a.Problems, b.Problems = nil, nil
	return a.Subject == b.Subject && a.HTML == b.HTML && a.Text == b.Text && a.From == b.From && a.ReplyTo == b.ReplyTo &&
		a.LanguageTag == b.LanguageTag && a.Source == b.Source
}

func TestPreviewOfAConnector(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.post("/api/connectors", `{"connectorId":"postern-email","id":"mine"}`).is(200)
	s.putOne("en", "SignIn", goodDetails)
	if got := s.preview(`{"templateType":"SignIn","connectorId":"mine"}`); got.Source != "builtin" {
		t.Errorf("%+v: the built-in connector sends built-in mails only", got)
	}
	if got := s.preview(`{"templateType":"SignIn","connectorId":"mine","details":{"subject":"draft","content":"x"}}`); got.Subject != "draft" {
		t.Errorf("%+v", got)
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	generic := s.putOne("en", "Generic", goodDetails)
	sign := s.putOne("x-Own", "SignIn", goodDetails)
	type entry struct {
		LanguageTag, TemplateType, Source string
		ServedBy                          *struct{ ID, LanguageTag, TemplateType string }
	}
	got := read[struct {
		LanguageTags, TemplateTypes []string
		Entries                     []entry
	}](s.get("/api/email-templates/coverage").is(200))
	builtin, err := templates.NewBuiltin()
	if err != nil {
		t.Fatal(err)
	}
	languages := len(builtin.Languages()) + 1
	if len(got.TemplateTypes) != 9 || len(got.LanguageTags) != languages || len(got.Entries) != 9*languages ||
		!slices.Contains(got.LanguageTags, "x-Own") {
		t.Fatalf("%d types, languages %v, %d entries", len(got.TemplateTypes), got.LanguageTags, len(got.Entries))
	}
	for _, e := range got.Entries {
		want := generic
		if e.LanguageTag == "x-Own" && e.TemplateType == "SignIn" {
			want = sign
		}
		if e.Source != "custom" || e.ServedBy == nil || e.ServedBy.ID != want.ID || e.ServedBy.TemplateType != want.TemplateType ||
			e.ServedBy.LanguageTag != want.LanguageTag {
			t.Errorf("%s %s is served by %+v", e.LanguageTag, e.TemplateType, e.ServedBy)
		}
	}
	s.delete("/api/email-templates/" + generic.ID).is(204)
	if body := s.get("/api/email-templates/coverage").body; strings.Count(body, `"builtin"`) != 9*languages-1 {
		t.Errorf("without Generic: %.300s", body)
	}
}
