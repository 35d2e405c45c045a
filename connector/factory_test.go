package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// network has a field of every sort that settings may have.
type network struct {
	Host      string            `json:"host" form:"Text,required" label:"Host" placeholder:"smtp.example.com" desc:"Its name." tooltip:"Ask your provider."`
	Port      int16             `json:"port" form:"Number,required" label:"Port"`
	Weight    uint8             `json:"weight"`
	Share     float64           `json:"share"`
	Secure    bool              `json:"secure" form:"Switch" label:"Secure"`
	Kind      string            `json:"kind" form:"Select" label:"Kind" options:"a=Title A|b=Title B"`
	Token     Secret            `json:"token" form:"Text" label:"Token" show:"kind=b|secure=true"`
	Auth      *login            `json:"auth" form:"Json" label:"Auth"`
	Hops      []login           `json:"hops"`
	Headers   map[string]string `json:"headers" form:"Json" label:"Headers"`
	Keys      map[string]Secret `json:"keys"`
	Extra     any               `json:"extra"`
	Raw       json.RawMessage   `json:"raw"`
	Range     span              `json:"range"`
	Templates Templates         `json:"templates"`
	Common
	unused int //nolint:unused // fields that are not exported are left alone
}

type Common struct {
	ReplyTo string `json:"replyTo" form:"Text" label:"Reply to"`
}

type login struct {
	User string `json:"user" form:",required"`
	Pass Secret `json:"pass"`
	Next *login `json:"next"`
}

func (l login) Validate() []Issue {
	if l.User == "root" {
		return []Issue{{Path: []any{"user"}, Code: codeInvalid, Message: "must not be root"}}
	}
	return nil
}

func (n *network) Validate() []Issue {
	if n.Host == n.ReplyTo {
		return []Issue{{Path: []any{"replyTo"}, Code: codeInvalid, Message: "must differ from host"}}
	}
	return nil
}

// span reads "low..high".
type span struct{ low, high int }

func (s *span) UnmarshalJSON(text []byte) error {
	var both string
	if err := json.Unmarshal(text, &both); err != nil {
		return err
	}
	if _, err := fmt.Sscanf(both, "%d..%d", &s.low, &s.high); err != nil {
		return &ConfigError{Issues: []Issue{{Path: []any{"low"}, Code: codeInvalid, Message: "must be a number"}}}
	}
	return nil
}

type opened[S any] struct {
	Connector
	settings S
}

func factoryFor[S any](defaults S) Factory {
	return New(Metadata{ID: "test"}, defaults, func(s S, _ Host) (Connector, error) {
		return opened[S]{settings: s}, nil
	})
}

func networkFactory() Factory {
	return factoryFor(network{Port: 587, Kind: "a", Auth: &login{User: "default"}})
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, config, want string }{
		{"no JSON", `{"host":`, "[] invalid_type"},
		{"bad UTF-8", "{\"host\":\"\xff\"}", "[] invalid_type"},
		{"more after it", `{"host":"h"} {}`, "[] invalid_type"},
		{"a list", `[]`, "[] invalid_type"},
		{"null", `null`, "[] invalid_type"},
		{"missing", `{}`, "[host] required"},
		{"required null", `{"host":null}`, "[host] required"},
		{"required blank", `{"host":"  "}`, "[host] required"},
		{"unknown", `{"host":"h","Host":"i"}`, "[Host] unrecognized_key"},
		{"unknown, deep", `{"host":"h","hops":[{"user":"u","next":{"usr":"u"}}]}`, "[hops 0 next user] required, [hops 0 next usr] unrecognized_key"},
		{"repeated", `{"host":"h","host":"i"}`, "[host] invalid_value"},
		{"repeated where anything goes", `{"host":"h","extra":[{"a":1,"a":2}]}`, "[extra 0 a] invalid_value"},
		{"string for number", `{"host":"h","port":"25"}`, "[port] invalid_type"},
		{"number for string", `{"host":25}`, "[host] invalid_type"},
		{"string for bool", `{"host":"h","secure":"true"}`, "[secure] invalid_type"},
		{"number for secret", `{"host":"h","token":1}`, "[token] invalid_type"},
		{"fraction", `{"host":"h","port":25.5}`, "[port] invalid_type"},
		{"small fraction", `{"host":"h","port":1e-1}`, "[port] invalid_type"},
		{"too big", `{"host":"h","port":32768}`, "[port] too_big"},
		{"far too big", `{"host":"h","port":1e999}`, "[port] too_big"},
		{"too small", `{"host":"h","port":-32769}`, "[port] too_big"},
		{"unsigned below 0", `{"host":"h","weight":-1}`, "[weight] too_big"},
		{"unsigned too big", `{"host":"h","weight":256}`, "[weight] too_big"},
		{"float too big", `{"host":"h","share":1e999}`, "[share] too_big"},
		{"any too big", `{"host":"h","extra":[1e999]}`, "[extra 0] too_big"},
		{"not an option", `{"host":"h","kind":"c"}`, "[kind] invalid_value"},
		{"object for list", `{"host":"h","hops":{}}`, "[hops] invalid_type"},
		{"list for object", `{"host":"h","auth":[]}`, "[auth] invalid_type"},
		{"list for map", `{"host":"h","headers":[]}`, "[headers] invalid_type"},
		{"wrong in map", `{"host":"h","headers":{"a":1,"b":"","c":null}}`, "[headers a] invalid_type, [headers c] invalid_type"},
		{"wrong in list", `{"host":"h","hops":[null,{"user":"u"},{"user":1}]}`, "[hops 0] invalid_type, [hops 2 user] invalid_type"},
		{"own reader, its issue", `{"host":"h","range":"x"}`, "[range low] invalid_value"},
		{"own reader, other error", `{"host":"h","range":1}`, "[range] invalid_value"},
		{"own rules", `{"host":"h","replyTo":"h"}`, "[replyTo] invalid_value"},
		{"own rules of a part", `{"host":"h","hops":[{"user":"root"}],"auth":{"user":"root"}}`, "[auth user] invalid_value, [hops 0 user] invalid_value"},
		{"own rules wait for the shape", `{"host":"h","replyTo":"h","port":"x"}`, "[port] invalid_type"},
		{"part's rules do not", `{"port":"x","auth":{"user":"root"}}`, "[host] required, [port] invalid_type, [auth user] invalid_value"},
		{"all of them", `{"z":1,"kind":1,"y":1,"secure":1}`,
			"[host] required, [secure] invalid_type, [kind] invalid_type, [z] unrecognized_key, [y] unrecognized_key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := networkFactory().Check(json.RawMessage(tt.config))
			ce, ok := errors.AsType[*ConfigError](err)
			if !ok {
				t.Fatalf("got %v, want a *ConfigError", err)
			}
			if got := summary(ce.Issues); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if _, err := networkFactory().Open(json.RawMessage(tt.config), Host{}); err == nil {
				t.Error("Open took what Check refuses")
			}
		})
	}
}

func summary(issues []Issue) string {
	var list []string
	for _, i := range issues {
		list = append(list, fmt.Sprint(i.Path, " ", i.Code))
	}
	return strings.Join(list, ", ")
}

func TestDecodeReads(t *testing.T) {
	t.Parallel()
	base := network{Host: "h", Port: 587, Kind: "a", Auth: &login{User: "default"}}
	with := func(change func(*network)) network {
		n := base
		change(&n)
		return n
	}
	tests := []struct {
		config string
		want   network
	}{
		{`{"host":"h"}`, base},
		{` {"host":"h","port":null,"auth":null,"kind":null,"extra":null,"raw":null,"range":null,"hops":null} `, base},
		{`{"host":"h","kind":""}`, base},
		{`{"host":"h","port":25.0}`, with(func(n *network) { n.Port = 25 })},
		{`{"host":"h","port":1e3}`, with(func(n *network) { n.Port = 1000 })},
		{`{"host":"h","port":-32768,"weight":255}`, with(func(n *network) { n.Port, n.Weight = math.MinInt16, 255 })},
		{`{"host":"h","port":-0,"weight":-0}`, with(func(n *network) { n.Port = 0 })},
		{`{"host":"h","share":0.25}`, with(func(n *network) { n.Share = 0.25 })},
		{`{"host":"h","token":"********"}`, with(func(n *network) { n.Token = SecretMask })},
		{`{"host":"h","auth":{"user":"u","pass":"p"}}`, with(func(n *network) { n.Auth = &login{User: "u", Pass: "p"} })},
		{`{"host":"h","auth":{"pass":"p"}}`, with(func(n *network) { n.Auth = &login{User: "default", Pass: "p"} })},
		{`{"host":"h","hops":[]}`, with(func(n *network) { n.Hops = []login{} })},
		{`{"host":"h","headers":{"a":"b"},"keys":{"k":"v"}}`, with(func(n *network) {
			n.Headers, n.Keys = map[string]string{"a": "b"}, map[string]Secret{"k": "v"}
		})},
		{`{"host":"h","extra":{"a":[1,"x",true,null]}}`, with(func(n *network) {
			n.Extra = map[string]any{"a": []any{1.0, "x", true, nil}}
		})},
		{`{"host":"h","raw":{ "a" : 12345678901234567890 }}`, with(func(n *network) {
			n.Raw = json.RawMessage(`{"a":12345678901234567890}`)
		})},
		{`{"host":"h","range":"1..2"}`, with(func(n *network) { n.Range = span{1, 2} })},
		{`{"host":"h","replyTo":"r"}`, with(func(n *network) { n.ReplyTo = "r" })},
	}
	for _, tt := range tests {
		t.Run(tt.config, func(t *testing.T) {
			t.Parallel()
			c, err := networkFactory().Open(json.RawMessage(tt.config), Host{})
			if err != nil {
				t.Fatal(err)
			}
			if got := c.(opened[network]).settings; !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}
