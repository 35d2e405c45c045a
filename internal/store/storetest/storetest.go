package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/tenants"
	"github.com/postern-mail/postern/internal/verification"
)

// Database is where a test's store lives. Open may be called again after
// Close, and by several stores at once where the database allows it.
type Database struct {
	Options store.Options
	// Shared tells that several processes may have the database open.
	Shared bool
}

// Run runs the suite. fresh returns an empty database.
func Run(t *testing.T, fresh func(t *testing.T) Database) {
	t.Helper()
	tests := []struct {
		name string
		run  func(t *testing.T, db Database)
	}{
		{"schema", testSchema},
		{"accept runs the job", testAccept},
		{"accept in groups", testAcceptGroups},
		{"a broken neighbour is undone alone", testBrokenNeighbour},
		{"repeats are one message", testDedupe},
		{"check codes", testCheckCodes},
		{"fifty checks at once", testConcurrentChecks},
		{"failed tries of an address", testFailedTries},
		{"a limit is exact", testLimitIsExact},
		{"a limit and its neighbours", testLimitNeighbours},
		{"limits of one mail", testChargedTogether},
		{"superseded", testSuperseded},
		{"outcomes", testOutcomes},
		{"list messages", testListMessages},
		{"connectors", testConnectors},
		{"fallbacks", testFallbacks},
		{"api keys", testKeys},
		{"inbox", testInbox},
		{"idempotency", testIdempotency},
		{"facts", testFacts},
		{"templates are put", testPutTemplates},
		{"templates are put all or none", testPutAllOrNothing},
		{"versions of templates", testTemplateVersions},
		{"templates are deleted", testDeleteTemplates},
		{"revision of templates", testTemplateRevision},
		{"templates of another tenant", testTemplateTenants},
		{"puts of one template at once", testConcurrentPuts},
		{"partials", testPartials},
		{"settings", testSettings},
		{"connectors are retired", testRetiredConnectors},
		{"replacing a connector many times at once", testConcurrentReplacing},
		{"message of an event", testFindMessage},
		{"reports", testReports},
		{"reports count once", testConcurrentReports},
		{"reports are stored all or none", testReportsAllOrNone},
		{"nonces", testNonces},
		{"suppressions", testSuppressions},
		{"stronger suppressions", testOutrankedSuppressions},
		{"suppressions of another tenant", testSuppressionTenants},
		{"directory", testDirectory},
		{"unique users", testUniqueUsers},
		{"changes of one organization at once", testDirectoryRace},
		{"searching the directory", testDirectorySearch},
		{"ten thousand users", testManyUsers},
		{"members", testMembers},
		{"changes of one member at once", testMembersRace},
		{"variables of mails", testVariables},
		{"tenants", testTenants},
		{"configuration", testConfiguration},
		{"configuration all or nothing", testConfigurationAllOrNothing},
		{"changes of one configuration at once", testConcurrentConfigurations},
		{"state of a configuration", testConfigurationState},
		{"a change and its entry, both or neither", testAuditedChanges},
		{"audit entries are found", testAuditEntries},
		{"last uses of keys", testKeysUsed},
		{"invitations", testInvitations},
		{"invitations that are refused", testInvitationRefusals},
		{"invitation accepted", testAcceptInvitation},
		{"pending invitations", testPendingInvitations},
		{"list of invitations", testListInvitations},
		{"due invitations", testDueInvitations},
		{"reminders of invitations", testReminders},
		{"prune", testPrune},
		{"prune audit entries", testPruneAudit},
		{"prune callbacks", testPruneCallbacks},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, fresh(t))
		})
	}
}

// open opens a migrated store that is closed when the test ends.
func open(t *testing.T, db Database) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), db.Options)
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	_, _, err = s.Migrate(t.Context())
	must(t, err)
	must(t, s.EnsureTenant(t.Context(), tenants.Tenant{ID: tenant, Name: "T", CreatedAt: start}))
	return s
}

const tenant = "t1"

// start is a moment as the store keeps them: whole milliseconds.
var start = time.UnixMilli(1_760_000_000_000).UTC() //nolint:gochecknoglobals // a constant in all but syntax

func newID(t *testing.T) string {
	t.Helper()
	id, err := uuid.NewV7()
	must(t, err)
	return id.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// message makes a message to be saved.
func message(t *testing.T, to string) outbox.Message {
	t.Helper()
	return outbox.Message{
		ID: newID(t), TenantID: tenant, Type: connector.SignIn, To: to, IP: "192.0.2.1",
		Payload: []byte("sealed"), Supersedes: "group of " + to,
		CreatedAt: start, Deadline: start.Add(10 * time.Minute), Status: outbox.Accepted,
	}
}

func subject(address string) verification.Subject {
	return verification.Subject{TenantID: tenant, Address: address, Type: connector.SignIn}
}

func code(t *testing.T, address string) verification.Code {
	t.Helper()
	return verification.Code{
		ID: newID(t), Subject: subject(address), Hash: []byte("hash"),
		CreatedAt: start, ExpiresAt: start.Add(10 * time.Minute),
	}
}

// inParallel runs f n times at once and returns the errors.
func inParallel(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = f(i) })
	}
	group.Wait()
	return errs
}

func testSchema(t *testing.T, db Database) {
	s, err := store.Open(t.Context(), db.Options)
	must(t, err)
	from, to, err := s.Migrate(t.Context())
	must(t, err)
	if from != 0 || to < 1 {
		t.Errorf("first migration went from %d to %d", from, to)
	}
	again, same, err := s.Migrate(t.Context())
	must(t, err)
	equal(t, "version after migrating twice", fmt.Sprint(again, same), fmt.Sprint(to, to))
	must(t, s.Ping(t.Context()))
	must(t, s.Close())

	reopened := open(t, db)
	_, err = reopened.Fact(t.Context(), "nothing")
	must(t, err)
}

func testFacts(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	missing, err := s.Fact(ctx, "name")
	must(t, err)
	if missing != nil {
		t.Errorf("a fact nobody stored: %q", missing)
	}
	values := make([]string, 20)
	for _, err := range inParallel(20, func(i int) error {
		stands, err := s.ClaimFact(ctx, "name", []byte{byte('a' + i)})
		values[i] = string(stands)
		return err
	}) {
		must(t, err)
	}
	for _, v := range values {
		equal(t, "fact", v, values[0])
	}
}

// runQueue starts the store's queue and returns the ids it runs.
func runQueue(t *testing.T, s *store.Store) <-chan string {
	t.Helper()
	ran := make(chan string, 10_000)
	must(t, s.Queue().Start(t.Context(), func(_ context.Context, id string) (result, error) {
		ran <- id
		return result{}, nil
	}))
	t.Cleanup(func() {
		if err := s.Queue().Stop(context.Background()); err != nil {
			t.Errorf("stop queue: %v", err)
		}
	})
	return ran
}

// receive waits for n different ids.
func receive(t *testing.T, ran <-chan string, n int) map[string]bool {
	t.Helper()
	got := make(map[string]bool, n)
	for range n {
		select {
		case id := <-ran:
			if got[id] {
				t.Fatalf("job %s ran twice", id)
			}
			got[id] = true
		case <-t.Context().Done():
			t.Fatalf("%d of %d jobs ran", len(got), n)
		}
	}
	return got
}
