package connector

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// four are the templates that settings must have if they have any.
const four = `{"usageType":"Register","subject":"s","content":"c"},{"usageType":"SignIn","subject":"s","content":"c"},` +
	`{"usageType":"ForgotPassword","subject":"s","content":"c"},{"usageType":"Generic","subject":"s","content":"c"}`

type withTemplates struct {
	Templates Templates `json:"templates" form:"Json" label:"Templates"`
}

func TestTemplatesRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, templates, want string }{
		{"none", `[]`, "templates must also hold templates for Register, SignIn, ForgotPassword, Generic"},
		{"some", `[{"usageType":"SignIn","subject":"s","content":"c"}]`, "templates must also hold templates for Register, ForgotPassword, Generic"},
		{"no list", `{}`, "templates must be a list"},
		{"no subject", `[` + four + `,{"usageType":"BindMfa","content":"c"}]`, "templates[4].subject is required"},
		{"empty content", `[` + four + `,{"usageType":"BindMfa","subject":"s","content":""}]`, "templates[4].content must not be empty"},
		{"no usage type", `[` + four + `,{"subject":"s","content":"c"}]`, "templates[4].usageType is required"},
		{"unknown usage type", `[` + four + `,{"usageType":"signIn","subject":"s","content":"c"}]`, "templates[4].usageType must be one of SignIn, Register, "},
		{"unknown content type", `[` + four + `,{"usageType":"BindMfa","subject":"s","content":"c","contentType":"html"}]`,
			"templates[4].contentType must be one of text/html, text/plain"},
		{"unknown type", `[` + four + `,{"usageType":"BindMfa","subject":"s","content":"c","type":"html"}]`,
			"templates[4].type must be one of text/html, text/plain"},
		{"both names", `[` + four + `,{"usageType":"BindMfa","subject":"s","content":"c","type":"text/html","contentType":"text/html"}]`,
			"templates[4].type means the same as contentType; give one of them"},
		{"unknown key", `[` + four + `,{"usageType":"BindMfa","subject":"s","content":"c","html":""}]`, "templates[4].html is not a known key"},
		{"what only other connectors have keys for", `[` + four + `,{"usageType":"BindMfa","subject":"s","content":"c","text":"","replyTo":"","AtProvider":true}]`,
			"templates[4].text is not a known key; templates[4].replyTo is not a known key; templates[4].AtProvider is not a known key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := factoryFor(withTemplates{}).Check(json.RawMessage(`{"templates":` + tt.templates + `}`))
			if err == nil || !strings.Contains(err.Error(), ": "+tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestTemplatesRead(t *testing.T) {
	t.Parallel()
	open := func(config string) Templates {
		c, err := factoryFor(withTemplates{}).Open(json.RawMessage(config), Host{})
		if err != nil {
			t.Fatal(err)
		}
		return c.(opened[withTemplates]).settings.Templates
	}
	if got := open(`{}`); got != nil {
		t.Errorf("left out: got %v", got)
	}
	got := open(`{"templates":[` + four +
		`,{"usageType":"BindMfa","subject":"s","content":"c","type":"text/plain"}` +
		`,{"usageType":"BindMfa","subject":"s","content":"c","contentType":"text/plain","type":null}]}`)
	want := Template{UsageType: BindMfa, Subject: "s", Content: "c", ContentType: TextPlain}
	if len(got) != 6 || !reflect.DeepEqual(got[4], want) || !reflect.DeepEqual(got[5], want) || got[0].ContentType != "" {
		t.Errorf("got %+v", got)
	}
}

func TestConfigErrorText(t *testing.T) {
	t.Parallel()
	issue := func(path ...any) Issue { return Issue{Path: path, Code: codeInvalid, Message: "is bad"} }
	many := make([]Issue, 12)
	for i := range many {
		many[i] = issue("a", i)
	}
	tests := []struct {
		issues []Issue
		want   string
	}{
		{nil, "the settings are not valid"},
		{[]Issue{issue()}, "the settings are not valid: is bad"},
		{[]Issue{issue("auth", "user"), issue("hops", 0, "pass")}, "the settings are not valid: auth.user is bad; hops[0].pass is bad"},
		{[]Issue{issue("a\r\nb", "", "c d")}, `the settings are not valid: "a\r\nb".""."c d" is bad`},
		{[]Issue{issue(strings.Repeat("ä", 40))}, "the settings are not valid: " + strings.Repeat("ä", 32) + "… is bad"},
		{many, "the settings are not valid: a[0] is bad; a[1] is bad; a[2] is bad; a[3] is bad; a[4] is bad; a[5] is bad; " +
			"a[6] is bad; a[7] is bad; a[8] is bad; a[9] is bad; and 2 more"},
	}
	for _, tt := range tests {
		if got := (&ConfigError{Issues: tt.issues}).Error(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestClassOf(t *testing.T) {
	t.Parallel()
	if got := ClassOf(errors.New("x")); got != Temporary {
		t.Errorf("an unknown error is %s", got)
	}
	wrapped := errors.Join(errors.New("x"), &Error{Class: Recipient, Message: "no such mailbox"})
	if got := ClassOf(wrapped); got != Recipient {
		t.Errorf("a wrapped error is %s", got)
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	one := New(Metadata{ID: "one"}, struct{}{}, func(struct{}, Host) (Connector, error) { return nil, nil })
	two := New(Metadata{ID: "two"}, struct{}{}, func(struct{}, Host) (Connector, error) { return nil, nil })
	r, err := NewRegistry(two, one)
	if err != nil {
		t.Fatal(err)
	}
	if all := r.All(); len(all) != 2 || all[0] != two || all[1] != one {
		t.Errorf("All gives %v", all)
	}
	if f, ok := r.Get("one"); !ok || f != one {
		t.Error("one is not found")
	}
	if _, ok := r.Get("three"); ok {
		t.Error("three is found")
	}
	if _, err := NewRegistry(one, two, one); err == nil || !strings.Contains(err.Error(), `"one"`) {
		t.Errorf("an id was taken twice: %v", err)
	}
}

func TestDataURL(t *testing.T) {
	t.Parallel()
	if got := DataURL([]byte("<svg/>")); got != "data:image/svg+xml;base64,PHN2Zy8+" {
		t.Errorf("got %s", got)
	}
}
