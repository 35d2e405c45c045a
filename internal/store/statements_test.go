package store

import (
	"testing"

	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/suppression"
)

// Whoever pages through lists does not fill the memory with statements: each
// list is prepared once.
func TestPagesAreOneStatement(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	prepared := func() (n int) {
		s.db.(*sqliteDB).readQ.stmts.Range(func(any, any) bool { n++; return true })
		return n
	}
	read := func(offset int) {
		t.Helper()
		if _, _, err := s.ListMessages(t.Context(), "t", events.Filter{Limit: 20, Offset: offset}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.ListSuppressions(t.Context(), "t", suppression.Filter{Limit: 20, Offset: offset}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.ListMails(t.Context(), "t", "", 20, offset); err != nil {
			t.Fatal(err)
		}
	}
	read(0)
	first := prepared()
	for page := range 50 {
		read(20 * page)
	}
	if after := prepared(); after != first {
		t.Errorf("%d statements after one page, %d after fifty", first, after)
	}
}
