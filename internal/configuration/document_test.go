package configuration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/configuration"
	"github.com/postern-mail/postern/internal/fault"
)

// document returns a sound document with some keys laid over it; "-" removes
// one.
func document(over map[string]string) string {
	members := map[string]string{
		"version": "1", "connector": "null", "fallbackConnectors": "[]", "settings": "{}", "templates": "[]", "partials": "[]",
	}
	maps.Copy(members, over)
	var parts []string
	for key, value := range members {
		if value != "-" {
			parts = append(parts, fmt.Sprintf("%q:%s", key, value))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func TestParse(t *testing.T) {
	t.Parallel()
	d, err := configuration.Parse([]byte(document(map[string]string{
		"connector":          `{"connectorId":"a","config":{"x":1},"sealedSecrets":{"tenantId":"dev","data":"AQI="}}`,
		"fallbackConnectors": `[{"connectorId":"b","config":{}}]`,
		"settings":           `{"languageInfo":{"autoDetect":false}}`,
		"templates":          `[{"languageTag":"de","templateType":"SignIn","details":{"subject":"s","content":"c","replyTo":"r"}}]`,
		"partials":           `[{"name":"footer","content":""}]`,
	})))
	if err != nil {
		t.Fatal(err)
	}
	if d.Connector == nil || d.Connector.ConnectorID != "a" || string(d.Connector.Config) != `{"x":1}` ||
		d.Connector.SealedSecrets.TenantID != "dev" || string(d.Connector.SealedSecrets.Data) != "\x01\x02" ||
		len(d.FallbackConnectors) != 1 || d.FallbackConnectors[0].ConnectorID != "b" ||
		len(d.Templates) != 1 || d.Templates[0].Details.ReplyTo != "r" || len(d.Partials) != 1 || d.Partials[0].Name != "footer" {
		t.Errorf("document %+v", d)
	}
	if d, err := configuration.Parse([]byte(document(nil))); err != nil || d.Connector != nil {
		t.Errorf("empty document: %+v, %v", d, err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for name, c := range map[string]struct{ text, paths string }{
		"nothing":               {"", "(all)"},
		"no JSON":               {"{" + secret, "(all)"},
		"null":                  {"null", "(all)"},
		"a list":                {"[]", "(all)"},
		"not UTF-8":             {"{\"\xff\":1}", "(all)"},
		"empty object":          {"{}", "connector fallbackConnectors partials settings templates version"},
		"another version":       {document(map[string]string{"version": "2"}), "version"},
		"version a string":      {document(map[string]string{"version": `"1"`}), "version"},
		"no templates":          {document(map[string]string{"templates": "-"}), "templates"},
		"unknown key":           {document(map[string]string{"messages": "[]"}), "messages"},
		"key in another case":   {document(map[string]string{"partials": "-", "Partials": "[]"}), "Partials partials"},
		"connector a string":    {document(map[string]string{"connector": `"` + secret + `"`}), "connector"},
		"connector empty":       {document(map[string]string{"connector": "{}"}), "connector.config connector.connectorId"},
		"connector's id":        {document(map[string]string{"connector": `{"connectorId":1,"config":{},"id":"` + secret + `"}`}), "connector.connectorId connector.id"},
		"sealed a string":       {document(map[string]string{"connector": `{"connectorId":"a","config":{},"sealedSecrets":"` + secret + `"}`}), "connector.sealedSecrets"},
		"sealed not Base64":     {document(map[string]string{"connector": `{"connectorId":"a","config":{},"sealedSecrets":{"tenantId":"t","data":"?"}}`}), "connector.sealedSecrets.data"},
		"fallbacks null":        {document(map[string]string{"fallbackConnectors": "null"}), "fallbackConnectors"},
		"four fallbacks":        {document(map[string]string{"fallbackConnectors": "[1,2,3,4]"}), "fallbackConnectors"},
		"fallback without":      {document(map[string]string{"fallbackConnectors": `[{"connectorId":"a"}]`}), "fallbackConnectors.0.config"},
		"template of nothing":   {document(map[string]string{"templates": "[{}]"}), "templates.0.details templates.0.languageTag templates.0.templateType"},
		"template details":      {document(map[string]string{"templates": `[{"languageTag":"de","templateType":"SignIn","details":{"subject":1,"body":"x"}}]`}), "templates.0.details.body templates.0.details.content templates.0.details.subject"},
		"null in details":       {document(map[string]string{"templates": `[{"languageTag":"de","templateType":"SignIn","details":{"subject":"s","content":null}}]`}), "templates.0.details.content"},
		"partial with more":     {document(map[string]string{"partials": `[{"name":"a","content":"","id":1}]`}), "partials.0.id"},
		"over 1,000 partials":   {document(map[string]string{"partials": "[" + strings.Repeat("1,", 1000) + "1]"}), "partials"},
		"tenth after the ninth": {document(map[string]string{"partials": "[" + strings.Repeat(`{"name":"a","content":""},`, 9) + `1,{}]`}), "partials.10.content partials.10.name partials.9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := configuration.Parse([]byte(c.text))
			f, ok := errors.AsType[*fault.Fault](err)
			if !ok || f.Kind != fault.Invalid || f.Code != "guard.invalid_input" {
				t.Fatalf("error %v", err)
			}
			if got := strings.Join(paths(f), " "); got != c.paths {
				t.Errorf("fields at fault %q, want %q", got, c.paths)
			}
			if text := fmt.Sprint(f, f.Issues); strings.Contains(text, secret) {
				t.Errorf("the error repeats a value: %s", text)
			}
		})
	}
}

func paths(f *fault.Fault) []string {
	var list []string
	for _, issue := range f.Issues {
		path := "(all)"
		for i, step := range issue.Path {
			if i == 0 {
				path = fmt.Sprint(step)
			} else {
				path += fmt.Sprint(".", step)
			}
		}
		list = append(list, path)
	}
	slices.Sort(list)
	return list
}

func parsed(t *testing.T, over map[string]string) configuration.Document {
	t.Helper()
	d, err := configuration.Parse([]byte(document(over)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// lines writes changes for tests to compare.
func lines(changes []configuration.Change) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "%s %s %s %v", c.Kind, c.Section, c.Key, c.Fields)
		for _, v := range c.Values {
			show := func(s *string) string {
				if s == nil {
					return "-"
				}
				return *s
			}
			fmt.Fprintf(&b, " %s:%s>%s", v.Field, show(v.Before), show(v.After))
		}
		if c.Cut {
			b.WriteString(" cut")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestCompare(t *testing.T) {
	t.Parallel()
	connector := func(config string) map[string]string {
		return map[string]string{"connector": `{"connectorId":"a","config":` + config + `}`}
	}
	template := func(language, details string) map[string]string {
		return map[string]string{"templates": `[{"languageTag":"` + language + `","templateType":"SignIn","details":` + details + `}]`}
	}
	for name, c := range map[string]struct {
		was, is map[string]string
		want    string
	}{
		"alike": {connector(`{"a":1}`), connector(`{"a": 1}`), ""},
		"a value": {connector(`{"a":1,"b":[true,{"c":"x"}]}`), connector(`{"b":[true,{"c":"y"}],"a":1}`),
			"changed connector a [config.b[1].c] config.b[1].c:x>y\n"},
		"a number is no string": {connector(`{"a":1}`), connector(`{"a":"1"}`), "changed connector a [config.a] config.a:1>1\n"},
		"empty is not absent":   {connector(`{"a":{}}`), connector(`{}`), "changed connector a [config config.a] config:->{} config.a:{}>-\n"},
		"a key with a dot":      {connector(`{"a.b":1}`), connector(`{"a":{"b":1}}`), "changed connector a [config.a.b config[\"a.b\"]] config.a.b:->1 config[\"a.b\"]:1>-\n"},
		"masks are alike":       {connector(`{"a":"********"}`), connector(`{"a":"********"}`), ""},
		"a mask and a secret":   {connector(`{"a":"********"}`), connector(`{"a":"hunter2"}`), "changed connector a [config.a]\n"},
		"a secret and a mask":   {connector(`{"a":"hunter2"}`), connector(`{"a":"********"}`), "changed connector a [config.a]\n"},
		"no connector":          {connector(`{"a":1}`), nil, "removed connector a [connectorId config.a] connectorId:a>- config.a:1>-\n"},
		"another factory": {connector(`{"a":1}`), map[string]string{"connector": `{"connectorId":"b","config":{"a":1}}`},
			"changed connector b [connectorId] connectorId:a>b\n"},
		"a fallback": {nil, map[string]string{"fallbackConnectors": `[{"connectorId":"b","config":{"x":null}}]`},
			"added fallbackConnectors 0 [connectorId config.x] connectorId:->b config.x:->null\n"},
		"settings": {map[string]string{"settings": `{"a":{"x":1,"y":2},"b":3}`}, map[string]string{"settings": `{"a":{"x":1,"y":3},"c":{"z":""}}`},
			"changed settings a [y] y:2>3\nremoved settings b [b] b:3>-\nadded settings c [z] z:->\n"},
		"a template in another case": {template("pt-BR", `{"subject":"s","content":"c"}`), template("pt-br", `{"subject":"s","content":"c"}`), ""},
		"the usual content type":     {template("de", `{"subject":"s","content":"c"}`), template("de", `{"subject":"s","content":"c","contentType":"text/html"}`), ""},
		"a template": {template("de", `{"subject":"s","content":"c"}`), template("de", `{"subject":"t","content":"c","sendFrom":"x"}`),
			"changed templates de/SignIn [subject sendFrom]\n"},
		"a template for another": {template("de", `{"subject":"s","content":"c"}`), template("fr", `{"subject":"s","content":"c"}`),
			"removed templates de/SignIn [subject content contentType]\nadded templates fr/SignIn [subject content contentType]\n"},
		"a partial":    {nil, map[string]string{"partials": `[{"name":"footer","content":"x"}]`}, "added partials footer [content]\n"},
		"a long value": {connector(`{"a":"x"}`), connector(`{"a":"` + strings.Repeat("é", 3000) + `"}`), "changed connector a [config.a] config.a:x>" + strings.Repeat("é", 2048) + "… cut\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := lines(configuration.Compare(parsed(t, c.was), parsed(t, c.is), "old", "new"))
			if none := configuration.Compare(parsed(t, c.is), parsed(t, c.is), "old", "new"); none == nil || len(none) > 0 {
				t.Errorf("against itself: %v", none)
			}
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// However much differs, what is shown of it has an end.
func TestCompareIsBounded(t *testing.T) {
	t.Parallel()
	var list []configuration.Template
	for i := range 200 {
		one := configuration.Template{LanguageTag: fmt.Sprintf("x-%03d", i), TemplateType: "SignIn"}
		one.Details.Subject, one.Details.Content = "s", strings.Repeat("a long line of wording\n", 10_000)
		list = append(list, one)
	}
	is := parsed(t, nil)
	is.Templates = list
	changes := configuration.Compare(parsed(t, nil), is, "old", "new")
	text, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) != 200 || len(text) > 6<<20 || !changes[0].Cut || changes[0].Diff == "" || !changes[199].Cut || changes[199].Diff != "" {
		t.Errorf("%d changes of %d bytes", len(changes), len(text))
	}
}
