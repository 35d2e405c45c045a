package connector

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestForm(t *testing.T) {
	t.Parallel()
	got := factoryFor(network{
		Port: 587, Kind: "a", Token: "never shown",
		Auth: &login{User: "u", Pass: "never shown"}, Headers: map[string]string{"a": "b"},
	}).Form()
	want := []FormItem{
		{
			Key: "host", Type: FormText, Label: "Host", Required: true, Placeholder: "smtp.example.com",
			Description: "Its name.", Tooltip: "Ask your provider.",
		},
		{Key: "port", Type: FormNumber, Label: "Port", Required: true, DefaultValue: int64(587)},
		{Key: "secure", Type: FormSwitch, Label: "Secure", DefaultValue: false},
		{
			Key: "kind", Type: FormSelect, Label: "Kind", DefaultValue: "a",
			SelectItems: []SelectItem{{Value: "a", Title: "Title A"}, {Value: "b", Title: "Title B"}},
		},
		{
			Key: "token", Type: FormText, Label: "Token", IsConfidential: true,
			ShowConditions: []ShowCondition{{TargetKey: "kind", ExpectValue: "b"}, {TargetKey: "secure", ExpectValue: true}},
		},
		{Key: "auth", Type: FormJSON, Label: "Auth", DefaultValue: map[string]any{"user": "u"}},
		{Key: "headers", Type: FormJSON, Label: "Headers", DefaultValue: map[string]string{"a": "b"}},
		{Key: "replyTo", Type: FormText, Label: "Reply to"},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d items, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("item %d:\ngot  %#v\nwant %#v", i, got[i], want[i])
		}
	}
}

func TestFormIsNeverNull(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(factoryFor(struct{}{}).Form())
	if err != nil || string(text) != "[]" {
		t.Errorf("a form without items is %s (%v)", text, err)
	}
}

// sealed reads itself, and is secret all over; partly is so in part.
type (
	sealed struct {
		ID  Secret `json:"id"`
		Key Secret `json:"key"`
	}
	partly struct {
		ID  string `json:"id"`
		Key Secret `json:"key"`
	}
)

func (*sealed) UnmarshalJSON([]byte) error { return nil }
func (*partly) UnmarshalJSON([]byte) error { return nil }

func TestFormKnowsWhatIsConfidential(t *testing.T) {
	t.Parallel()
	items := factoryFor(struct {
		Sealed  sealed  `json:"sealed" form:"Json" label:"Sealed"`
		Pointer *sealed `json:"pointer" form:"Json" label:"Pointer"`
		Opened  partly  `json:"opened" form:"Json" label:"Opened"`
	}{Sealed: sealed{Key: "never shown"}}).Form()
	for i, want := range []bool{true, true, false} {
		if items[i].IsConfidential != want || items[i].DefaultValue != nil && want {
			t.Errorf("%s: %+v, want confidential %v", items[i].Key, items[i], want)
		}
	}
}

func TestFormBelongsToTheCaller(t *testing.T) {
	t.Parallel()
	f := networkFactory()
	f.Form()[0].Label = "changed"
	if got := f.Form()[0].Label; got != "Host" {
		t.Errorf("a caller changed the form: %q", got)
	}
}

// TestNewPanics: a settings struct that cannot work fails at the first run.
func TestNewPanics(t *testing.T) {
	t.Parallel()
	tests := []struct {
		say string
		new func()
	}{
		{"must be a struct", func() { factoryFor("") }},
		{"must not read themselves", func() { factoryFor(union{}) }},
		{"no json tag", func() { factoryFor(struct{ A string }{}) }},
		{"two fields have the key", func() {
			factoryFor(struct {
				A string `json:"a"`
				B string `json:"b" alias:"a"`
			}{})
		}},
		{"map keys must be strings", func() {
			factoryFor(struct {
				A map[int]string `json:"a"`
			}{})
		}},
		{"bytes have no form", func() {
			factoryFor(struct {
				A []byte `json:"a"`
			}{})
		}},
		{"only any can be read", func() {
			factoryFor(struct {
				A error `json:"a"`
			}{})
		}},
		{"cannot be read", func() {
			factoryFor(struct {
				A chan int `json:"a"`
			}{})
		}},
		{"no form item is called", func() {
			factoryFor(struct {
				A string `json:"a" form:"Colour" label:"A"`
			}{})
		}},
		{"knows the word required", func() {
			factoryFor(struct {
				A string `json:"a" form:"Text,needed" label:"A"`
			}{})
		}},
		{"has no label", func() {
			factoryFor(struct {
				A string `json:"a" form:"Text"`
			}{})
		}},
		{"Select without options", func() {
			factoryFor(struct {
				A string `json:"a" form:"Select" label:"A"`
			}{})
		}},
		{"is not exported", func() {
			factoryFor(struct {
				a Secret
			}{a: "x"})
		}},
		{"another field", func() {
			factoryFor(struct {
				A string `json:"a" form:"Text" label:"A" show:"b=1"`
			}{})
		}},
		{"compares a number", func() {
			factoryFor(struct {
				A string `json:"a" form:"Text" label:"A" show:"b=x"`
				B int    `json:"b"`
			}{})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.say, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, tt.say) {
					t.Errorf("New says %q", said)
				}
			}()
			tt.new()
		})
	}
}
