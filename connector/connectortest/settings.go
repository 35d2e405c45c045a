package connectortest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
)

// metadata proves that a provider can be shown to people.
func (c Case) metadata(t *testing.T) {
	t.Parallel()
	meta := c.Factory.Metadata()
	for what, text := range map[string]string{
		"ID": meta.ID, "Target": meta.Target,
		"Name[en]": meta.Name["en"], "Description[en]": meta.Description["en"], "Readme": meta.Readme,
	} {
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s is empty", what)
		}
	}
	for _, logo := range []string{meta.Logo, meta.LogoDark} {
		if logo == "" && meta.Logo != "" {
			continue // a dark one is not needed
		}
		picture, ok := strings.CutPrefix(logo, "data:image/svg+xml;base64,")
		svg, err := base64.StdEncoding.DecodeString(picture)
		if !ok || err != nil || !strings.Contains(string(svg), "<svg") || strings.Contains(string(svg), "<script") {
			t.Errorf("a logo is not a data: URL of an SVG picture")
		}
	}
	if !strings.Contains(meta.Readme, "\n#") && !strings.HasPrefix(meta.Readme, "#") {
		t.Errorf("the guide has no heading")
	}
	if _, reads := c.open(t).(connector.EventReader); reads != (len(meta.Events) > 0) {
		t.Errorf("Events lists %d kinds of events; is it a connector.EventReader: %t", len(meta.Events), reads)
	}
}

// form proves that form and settings name the same keys.
func (c Case) form(t *testing.T) {
	t.Parallel()
	given := c.object(t)
	shown := map[string]bool{}
	for _, item := range c.Factory.Form() {
		if item.Key == "" || item.Label == "" || item.Type == "" || shown[item.Key] {
			t.Errorf("form item %+v is incomplete or there twice", item)
		}
		shown[item.Key] = true
	}
	for key := range given {
		if !shown[key] {
			t.Errorf("the config's key %q is not in the form", key)
		}
	}
	for key := range shown {
		if _, ok := given[key]; !ok {
			given[key] = json.RawMessage("null") // means absent, but the key must be known
		}
	}
	if err := c.Factory.Check(marshal(t, given)); err != nil {
		t.Errorf("the form's keys are refused: %v", err)
	}
}

// strictSettings proves that wrong settings are refused, each fault by its
// path, by Check and Open alike.
func (c Case) strictSettings(t *testing.T) {
	t.Parallel()
	if err := c.Factory.Check(c.Config); err != nil {
		t.Fatalf("Check of the config: %v", err)
	}
	with := func(key, value string) json.RawMessage {
		given := c.object(t)
		given[key] = json.RawMessage(value)
		return marshal(t, given)
	}
	c.refused(t, with("noSuchKey", `"x"`), "noSuchKey", "unrecognized_key")
	for _, item := range c.Factory.Form() {
		switch item.Type {
		case connector.FormText, connector.FormMultilineText, connector.FormNumber, connector.FormSwitch, connector.FormSelect:
			c.refused(t, with(item.Key, `{"a": []}`), item.Key, "invalid_type")
		case connector.FormJSON: // may be of any type
		}
		if item.Required && item.DefaultValue == nil {
			c.refused(t, with(item.Key, "null"), item.Key, "required")
		}
	}
	for _, broken := range []string{`[]`, `"x"`, `{`, `null`, `12`} {
		c.refused(t, json.RawMessage(broken), "", "invalid_type")
	}
}

// refused fails the test unless config has this issue at this key.
func (c Case) refused(t *testing.T, config json.RawMessage, key, code string) {
	t.Helper()
	err := c.Factory.Check(config)
	var e *connector.ConfigError
	if !errors.As(err, &e) {
		t.Errorf("Check of a bad %q: %v, want a *connector.ConfigError", key, err)
		return
	}
	found := false
	for _, issue := range e.Issues {
		at := len(issue.Path) == 0 && key == "" || len(issue.Path) == 1 && issue.Path[0] == key
		found = found || at && issue.Code == code
	}
	if !found {
		t.Errorf("Check of a bad %q: issues %+v, want %s there", key, e.Issues, code)
	}
	CheckHidden(t, err, c.Secrets...)
	if _, err := c.Factory.Open(config, c.Host); !errors.As(err, &e) {
		t.Errorf("Open with a bad %q: %v, want a *connector.ConfigError", key, err)
	}
}

// mask proves that secrets are write-only, and come back where they were.
func (c Case) mask(t *testing.T) {
	t.Parallel()
	masked, err := c.Factory.Mask(c.Config)
	must(t, err)
	for _, secret := range c.Secrets {
		quoted, err := json.Marshal(secret)
		must(t, err)
		if strings.Contains(string(masked), strings.Trim(string(quoted), `"`)) {
			t.Errorf("a secret is not masked")
		}
	}
	if n := strings.Count(string(masked), `"`+connector.SecretMask+`"`); n < len(c.Secrets) {
		t.Errorf("%d masks for %d secrets", n, len(c.Secrets))
	}
	back, err := c.Factory.Unmask(masked, c.Config)
	must(t, err)
	var got, want any
	must(t, json.Unmarshal(back, &got))
	must(t, json.Unmarshal(c.Config, &want))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Mask and Unmask do not give the config back")
	}
	if len(c.Secrets) > 0 {
		var e *connector.ConfigError
		if _, err := c.Factory.Unmask(masked, json.RawMessage(`{}`)); !errors.As(err, &e) {
			t.Errorf("Unmask with nothing stored: %v, want a *connector.ConfigError", err)
		}
	}
}

// says proves that an open connector tells the service who its mails come
// from, and which templates its settings hold. Without that the service goes
// on as if there were none.
func (c Case) says(t *testing.T) {
	t.Parallel()
	if c.Sender != (connector.Mailbox{}) {
		sender, ok := c.open(t).(connector.Sender)
		if !ok {
			t.Fatal("the settings name a sender, but the connector is no connector.Sender")
		}
		if from, _ := sender.DefaultSender(); from != c.Sender {
			t.Errorf("sender %+v, want %+v", from, c.Sender)
		}
	}
	hasTemplates := slices.ContainsFunc(c.Factory.Form(), func(i connector.FormItem) bool { return i.Key == "templates" })
	if !hasTemplates || c.Factory.Metadata().Wording != connector.WordingCustom {
		return
	}
	want := connector.Templates{}
	for _, kind := range []connector.TemplateType{connector.Register, connector.SignIn, connector.ForgotPassword, connector.Generic} {
		want = append(want, connector.Template{UsageType: kind, Subject: "of " + string(kind), Content: "{{code}}", ContentType: connector.TextPlain})
	}
	given := c.object(t)
	given["templates"] = marshal(t, want)
	source, ok := Open(t, c.Factory, marshal(t, given), c.Host).(connector.TemplateSource)
	if !ok {
		t.Fatal("the settings have templates, but the connector is no connector.TemplateSource")
	}
	if got := source.ConfigTemplates(); !slices.Equal(got, want) {
		t.Errorf("templates %+v, want %+v", got, want)
	}
}

func (c Case) object(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	var given map[string]json.RawMessage
	must(t, json.Unmarshal(c.Config, &given))
	return given
}

func marshal(t *testing.T, v any) json.RawMessage {
	t.Helper()
	out, err := json.Marshal(v)
	must(t, err)
	return out
}

// CheckIssues fails the test unless a factory refuses config with exactly
// these issues, each "path: message", in any order. Paths are joined by dots.
func CheckIssues(t testing.TB, f connector.Factory, config json.RawMessage, want ...string) {
	t.Helper()
	err := f.Check(config)
	e, ok := errors.AsType[*connector.ConfigError](err)
	if !ok {
		t.Errorf("Check of %s: %v, want %q", config, err, want)
		return
	}
	got := make([]string, 0, len(e.Issues))
	for _, issue := range e.Issues {
		steps := make([]string, len(issue.Path))
		for i, step := range issue.Path {
			steps[i] = fmt.Sprint(step)
		}
		got = append(got, strings.Join(steps, ".")+": "+issue.Message)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("Check of %s:\n%q, want\n%q", config, got, want)
	}
}
