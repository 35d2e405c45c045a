package providerapi

import (
	"encoding/json"
	"testing"
)

// TestText: strings and numbers come as they are, and nothing else breaks what
// stands beside it.
func TestText(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]Text{
		`"a \"b\""`: `a "b"`, `""`: "", `1604933653123`: "1604933653123", `-1.5`: "-1.5", `12345678901234567890`: "12345678901234567890",
		`null`: "", `true`: "", `{"a": 1}`: "", `["a"]`: "",
	} {
		got := struct{ A, B Text }{A: "kept from before"}
		if err := json.Unmarshal([]byte(`{"A": `+value+`, "B": "b"}`), &got); err != nil {
			t.Errorf("%s: %v", value, err)
		}
		if got.A != want || got.B != "b" {
			t.Errorf("%s reads as %q, want %q", value, got.A, want)
		}
	}
}
