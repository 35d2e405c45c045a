package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postern-mail/postern/internal/audit"
)

type thing struct {
	Name string `json:"name"`
	Note string `json:"note,omitempty"`
}

// told returns the entries that a context carries after a change is told.
func told(ctx context.Context, t *testing.T, before, after any) (context.Context, []audit.Entry) {
	t.Helper()
	ctx, err := audit.Tell(ctx, time.UnixMilli(1_760_000_000_000), audit.Change{
		TenantID: "prod", Action: "thing.updated", Subject: "id", Before: before, After: after,
	})
	if err != nil {
		t.Fatal(err)
	}
	return ctx, audit.Entries(ctx)
}

func TestTell(t *testing.T) {
	t.Parallel()
	var nothing *thing
	for name, c := range map[string]struct {
		before, after any
		want          string // details; "" for no entry
	}{
		"created":     {nil, thing{Name: "a"}, `{"after":{"name":"a"}}`},
		"updated":     {thing{Name: "a"}, thing{Name: "<b>"}, `{"before":{"name":"a"},"after":{"name":"<b>"}}`},
		"deleted":     {&thing{Name: "a"}, nil, `{"before":{"name":"a"}}`},
		"nil pointer": {nothing, &thing{Name: "a"}, `{"after":{"name":"a"}}`},
		"done":        {nil, nil, `{}`},
		"unchanged":   {thing{Name: "a"}, &thing{Name: "a"}, ""},
	} {
		_, entries := told(audit.By(t.Context(), "key"), t, c.before, c.after)
		if c.want == "" {
			if len(entries) != 0 {
				t.Errorf("%s: %+v", name, entries)
			}
			continue
		}
		if len(entries) != 1 || string(entries[0].Details) != c.want || entries[0].Actor != "key" ||
			entries[0].TenantID != "prod" || entries[0].Action != "thing.updated" || entries[0].Subject != "id" {
			t.Errorf("%s: %+v", name, entries)
		}
	}
	if _, err := audit.Tell(t.Context(), time.Now(), audit.Change{After: func() {}}); err == nil {
		t.Error("what is no JSON was told")
	}
}

// A context carries all that was told with it and those before it, and tells
// nothing to its siblings.
func TestEntriesAdd(t *testing.T) {
	t.Parallel()
	first, entries := told(t.Context(), t, nil, 1)
	if len(entries) != 1 || entries[0].Actor != audit.System {
		t.Fatalf("%+v", entries)
	}
	_, left := told(first, t, nil, 2)
	_, right := told(first, t, nil, 3)
	if len(left) != 2 || len(right) != 2 || string(left[1].Details) != `{"after":2}` || string(right[1].Details) != `{"after":3}` {
		t.Errorf("%v, %v", left, right)
	}
	if without := audit.Without(first); len(audit.Entries(without)) != 0 || len(audit.Entries(first)) != 1 {
		t.Error("without entries there are some, or with them none")
	}
	if audit.Actor(audit.By(first, "")) != audit.System {
		t.Error("nobody is somebody")
	}
}

// An entry is at most so long; what is cut are its long strings, and it stays
// JSON that tells the rest.
func TestEntriesAreBounded(t *testing.T) {
	t.Parallel()
	long := func(s string, n int) string { return strings.Repeat(s, n) }
	many := make([]string, 30_000)
	for name, c := range map[string]struct {
		after any
		holds string
		whole bool
	}{
		"at the limit":     {thing{Name: long("x", audit.MaxDetails-len(`{"after":{"name":""}}`))}, "xxx", true},
		"one over":         {thing{Name: long("x", audit.MaxDetails-len(`{"after":{"name":""}}`)+1)}, "bytes more)", false},
		"a megabyte":       {thing{Name: "short", Note: long("y", 1<<20)}, `"name":"short"`, false},
		"many bytes each":  {thing{Note: long("語", 100_000)}, "語… (", false},
		"escaped":          {thing{Note: long("\x01", 100_000)}, "bytes more)", false},
		"many long ones":   {[]string{long("a", 30_000), long("b", 30_000), long("c", 30_000)}, "ccc", false},
		"many small ones":  {many, "omittedBytes", false},
		"a number":         {map[string]any{"n": json.Number("12345678901234567890"), "s": long("x", 1<<17)}, "12345678901234567890", false},
		"keys, not values": {map[string]string{long("k", 1<<17): ""}, "omittedBytes", false},
	} {
		_, entries := told(t.Context(), t, nil, c.after)
		details := entries[0].Details
		if len(details) > audit.MaxDetails || !json.Valid(details) || !utf8.Valid(details) || !bytes.Contains(details, []byte(c.holds)) {
			t.Errorf("%s: %d bytes: %.200s", name, len(details), details)
		}
		if whole := !bytes.Contains(details, []byte("more)")) && !bytes.Contains(details, []byte("omitted")); whole != c.whole {
			t.Errorf("%s: whole %v", name, whole)
		}
	}
}
