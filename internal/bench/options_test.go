package bench

import (
	"testing"
	"time"
)

func TestOptionsDefaultsAreSound(t *testing.T) {
	t.Parallel()
	o := Options{}.withDefaults()
	if err := o.check(); err != nil {
		t.Error(err)
	}
	for _, part := range Parts() {
		if !o.wants(part) {
			t.Errorf("%s is left out", part)
		}
	}
}

func TestOptionsAreBounded(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*Options){
		"callers":           func(o *Options) { o.Callers = 1001 },
		"negative":          func(o *Options) { o.Callers = -1 },
		"count":             func(o *Options) { o.Count = 1_000_001 },
		"rate":              func(o *Options) { o.Rate = 50_001 },
		"delivery rate":     func(o *Options) { o.SlowRate = -50 },
		"long":              func(o *Options) { o.Duration = time.Hour },
		"short":             func(o *Options) { o.Duration = time.Millisecond },
		"unknown part":      func(o *Options) { o.Only = []Part{"everything"} },
		"somebody else":     func(o *Options) { o.URL = "http://192.0.2.1:3001" },
		"a name":            func(o *Options) { o.URL = "http://localhost.example.com:3001" },
		"https":             func(o *Options) { o.URL = "https://127.0.0.1:3001" },
		"no port":           func(o *Options) { o.URL = "http://127.0.0.1" },
		"not a URL":         func(o *Options) { o.URL = ":" },
		"URL and database":  func(o *Options) { o.URL, o.Database = "http://127.0.0.1:1", "postgres://x" },
		"credentials aside": func(o *Options) { o.URL = "http://127.0.0.1@192.0.2.1:80" },
	}
	for name, change := range cases {
		o := Options{}.withDefaults()
		change(&o)
		if err := o.check(); err == nil {
			t.Errorf("%s passes", name)
		}
	}
	for url, want := range map[string]string{
		"http://127.0.0.1:3001": "127.0.0.1:3001", "http://localhost:3001/": "localhost:3001", "http://[::1]:80": "[::1]:80",
	} {
		if addr, err := (Options{URL: url}).runningAddr(); err != nil || addr != want {
			t.Errorf("%s: %q, %v", url, addr, err)
		}
	}
}
