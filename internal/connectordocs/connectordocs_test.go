package connectordocs

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connectors"
)

type settings struct {
	Key     connector.Secret `json:"key" form:"Text,required" label:"API key" placeholder:"k_…"`
	Region  string           `json:"region" form:"Select,required" label:"Region" desc:"Where the account | is." options:"eu=Europe|us"`
	Port    int              `json:"port" form:"Number,required" label:"Port" placeholder:"587"`
	Mode    string           `json:"mode" form:"Text,required" label:"Mode" desc:"How" tooltip:"Fast <or> slow."`
	Deep    map[string]int   `json:"deep" form:"Json" label:"Deep" placeholder:"no JSON"`
	Many    map[string]int   `json:"many" form:"Json,required" label:"Many"`
	Name    string           `json:"name" form:"Text,required" label:"Name" placeholder:"A \"quoted\" <one>"`
	Secure  bool             `json:"secure" form:"Switch" label:"Secure" show:"mode=fast|port=25"`
	Hidden  string           `json:"hidden"`
	Retries int              `json:"retries" form:"Number,required" label:"Retries"`
}

type nothing struct{ connector.Connector }

func factory(id string, kinds ...connector.EventKind) connector.Factory {
	return connector.New(connector.Metadata{
		ID: id, Target: "t", Name: map[string]string{"en": "Pigeon post"}, Description: map[string]string{"en": "Send a|b."},
		Readme: "# Pigeon post\n\nFly.\n\n## Wings\n\n```\n# no heading\n```\n", Events: kinds,
	}, settings{Mode: "fast"}, func(settings, connector.Host) (connector.Connector, error) { return nothing{}, nil })
}

func TestSettings(t *testing.T) {
	t.Parallel()
	got := Settings(factory("f"))
	choices := []connector.SelectItem{{Value: "eu", Title: "Europe"}, {Value: "us", Title: "us"}}
	want := []Setting{
		{Key: "key", Type: "string", Required: true, Secret: true, Label: "API key", Example: `"…"`},
		{Key: "region", Type: "string", Required: true, Label: "Region", About: "Where the account | is.", Choices: choices, Example: `"eu"`},
		{Key: "port", Type: "number", Required: true, Label: "Port", Example: "587"},
		{Key: "mode", Type: "string", Default: `"fast"`, Label: "Mode", About: "How. Fast <or> slow."},
		{Key: "deep", Type: "JSON", Label: "Deep"},
		{Key: "many", Type: "JSON", Required: true, Label: "Many"},
		{Key: "name", Type: "string", Required: true, Label: "Name", Example: `"A \"quoted\" <one>"`},
		{Key: "secure", Type: "boolean", Default: "false", Label: "Secure", When: "mode is fast and port is 25"},
		{Key: "retries", Type: "number", Required: true, Label: "Retries"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	const example = `{
  "key": "…",
  "region": "eu",
  "port": 587,
  "many": {},
  "name": "A \"quoted\" <one>",
  "retries": 0
}`
	if got := ExampleConfig(factory("f")); got != example {
		t.Errorf("example\n%s", got)
	}
}

// The example of every connector has the keys that it must have, each of the
// right type; only the connector's own rules may want other values.
func TestExamplesHaveTheRightShape(t *testing.T) {
	t.Parallel()
	for _, f := range connectors.Builtin() {
		err := f.Check(json.RawMessage(ExampleConfig(f)))
		var refused *connector.ConfigError
		if err == nil || !errors.As(err, &refused) {
			continue
		}
		for _, issue := range refused.Issues {
			if issue.Code != "invalid_value" {
				t.Errorf("%s: %v %s", f.Metadata().ID, issue.Path, issue.Message)
			}
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	page := Page(factory("f", connector.EventDelivered, connector.EventBounced))
	for _, want := range []string{
		marker + "# Pigeon post\n\nSend a|b.\n\nFactory id `f`, target `t`.\n\n## Settings\n\n",
		"| `key` | string, secret | yes |  | **API key**. |\n",
		"| `region` | string | yes |  | **Region**: Where the account \\| is. One of `eu` (Europe), `us`. |\n",
		"| `mode` | string | no | `\"fast\"` | **Mode**: How. Fast &lt;or> slow. |\n",
		"| `secure` | boolean | no | `false` | **Secure**. Only when mode is fast and port is 25. |\n",
		"An example with the keys that must be given; \"…\" stands for what only you know:\n\n```json\n{\n  \"key\": \"…\",",
		"## Events\n\nThe provider reports by callback what became of a mail: `delivered`, `bounced`.\n",
		"## Guide\n\nFly.\n\n### Wings\n\n```\n# no heading\n```\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks\n%s", want)
		}
	}
	if strings.Contains(page, "hidden") {
		t.Error("the page shows a key that the form does not")
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "docs", "connectors")
	write := func(want Change, ids ...string) {
		t.Helper()
		factories := make([]connector.Factory, len(ids))
		for i, id := range ids {
			factories[i] = factory(id)
		}
		got, err := Write(dir, factories)
		if err != nil || !slices.Equal(got.Written, want.Written) || !slices.Equal(got.Removed, want.Removed) || got.Kept != want.Kept {
			t.Errorf("%v: %+v, %v; want %+v", ids, got, err, want)
		}
	}
	write(Change{Written: []string{"README.md", "a.md", "b.md"}}, "a", "b")
	write(Change{Kept: 3}, "a", "b")
	own := filepath.Join(dir, "own.md")
	if err := os.WriteFile(own, []byte("Mine.\n"+marker), 0o600); err != nil {
		t.Fatal(err)
	}
	write(Change{Written: []string{"README.md", "c.md"}, Removed: []string{"a.md"}, Kept: 1}, "b", "c")
	index, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil || !strings.HasSuffix(string(index), "| [Pigeon post](c.md) | Send a\\|b. | `c` | no |\n\nMore:\n\n* [own.md](own.md)\n") {
		t.Errorf("index %v:\n%s", err, index)
	}
	if err := os.Remove(filepath.Join(dir, "b.md")); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(dir, []connector.Factory{factory("b"), factory("own")}); err == nil || !strings.Contains(err.Error(), "own.md is in the way") {
		t.Errorf("over a page of somebody else: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "b.md")); err == nil {
		t.Error("a page was written although another one was in the way")
	}
	if _, err := Write(dir, []connector.Factory{factory("../escaped")}); err == nil {
		t.Error("a page was written outside of the folder")
	}
}
