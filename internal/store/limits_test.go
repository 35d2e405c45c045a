package store

import (
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/limits"
)

// A mail that one limit refuses writes nothing to the others.
func TestARefusalWritesNothing(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_760_000_000_000)
	charge := func(key string, limit int) limits.Charge {
		return limits.Charge{Name: limits.IP, Key: key, Rule: limits.Rule{Limit: limit, Period: time.Hour}}
	}
	c := make(counts)
	if err := c.take([]limits.Charge{charge("full", 1)}, at); err != nil || len(c.changed()) != 1 {
		t.Fatalf("the first: %v, %v", err, c.changed())
	}
	c.of("full").changed = false // as it is stored
	if err := c.take([]limits.Charge{charge("ann", 10), charge("full", 1)}, at); err == nil || len(c.changed()) != 0 {
		t.Errorf("over a limit: %v, writes %v", err, c.changed())
	}
	if err := c.take([]limits.Charge{charge("bob", 10)}, at); err != nil {
		t.Fatal(err)
	}
	if err := c.take([]limits.Charge{charge("bob", 10), charge("full", 1)}, at); err == nil || len(c.changed()) != 1 {
		t.Errorf("beside one that was taken: %v, writes %v", err, c.changed())
	}
}
