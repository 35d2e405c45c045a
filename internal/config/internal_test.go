package config

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"addr", "data", "database", "allow-private-networks"}
	for word, want := range map[string]string{
		"adr": "addr", "addresses": "", "databse": "database", "dtaa": "data", "allow-private-network": "allow-private-networks",
		"allow_private_networks": "allow-private-networks", "smtp": "", "": "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}

func TestDistanceIsAMetric(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[ab]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		switch {
		case (distance(a, b) == 0) != (a == b):
			t.Errorf("%q and %q: distance %d", a, b, distance(a, b))
		case distance(a, b) != distance(b, a):
			t.Errorf("%q and %q: not symmetric", a, b)
		case distance(a, c) > distance(a, b)+distance(b, c):
			t.Errorf("%q, %q, %q: longer than by a detour", a, b, c)
		case distance(a, b) > max(len(a), len(b)):
			t.Errorf("%q and %q: distance %d", a, b, distance(a, b))
		}
	})
}

func TestNoPasswordOutlivesMasking(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.StringMatching(`hunter[0-9%&=?@/:]{0,6}`).Draw(t, "password")
		given := strings.ReplaceAll(rapid.SampledFrom([]string{
			"postgres://u:P@db/x", "postgres://u:P@db", "postgres://u:P@db/x?password=P", "postgres://:P@db/x?sslmode=disable",
			"postgres://db/x?a=b&sslpassword=P", "postgres://u:p@db/x?&&password=P&sslmode=disable", "postgres:///x?host=/run&password=P",
		}).Draw(t, "url"), "P", password)
		if _, err := databaseURL(given); err != nil {
			return
		}
		// A stray mark of a URL ends the password before its end: what must be
		// gone is its beginning.
		if got := maskURL(given); strings.Contains(got, "hunter") {
			t.Errorf("%q is shown as %q", given, got)
		}
	})
}
