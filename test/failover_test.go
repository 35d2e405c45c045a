//go:build unix

package test

import (
	"net/http"
	"testing"

	"github.com/postern-mail/postern/test/servers"
)

// fallBackTo makes an SMTP connector with these settings the only fallback.
func (c *client) fallBackTo(t testing.TB, config map[string]any) {
	t.Helper()
	c.call(t, http.MethodPut, "/api/connectors/fallbacks", map[string]any{
		"fallbackConnectors": []any{map[string]any{"connectorId": "simple-mail-transfer-protocol", "config": config}},
	}, http.StatusOK)
}

// A mail server that is gone, or refuses our password, does not keep people
// out while there is another one.
func TestFailOver(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			first, second := servers.Postfix(t), servers.Postfix(t)
			n := startNode(t, nodeOptions{data: t.TempDir(), database: db.create(t)})
			n.useSMTP(t, postfixConfig(first, first.Password))
			n.fallBackTo(t, postfixConfig(second, second.Password))
			n.askCode(t, "before@inbox.test")
			n.wantVerified(t, "before@inbox.test", fetchCode(t, first, "before@inbox.test"))

			first.Stop(t)
			m := n.awaitStatus(t, n.askCode(t, "ann@inbox.test"), "sent")
			if len(m.Attempts) != 2 || m.Attempts[0].Outcome != "temporary" || m.Events[1].Kind != "rerouted" {
				t.Errorf("a server that is gone: %+v", m)
			}
			n.wantVerified(t, "ann@inbox.test", fetchCode(t, second, "ann@inbox.test"))

			first.Start(t)
			n.useSMTP(t, postfixConfig(first, "wrong-"+first.Password))
			m = n.awaitStatus(t, n.askCode(t, "bob@inbox.test"), "sent")
			if len(m.Attempts) != 2 || m.Attempts[0].Outcome != "config" || m.Attempts[0].Status != 535 {
				t.Errorf("a wrong password: %+v", m)
			}
			n.wantVerified(t, "bob@inbox.test", fetchCode(t, second, "bob@inbox.test"))

			first.Refuse(t, "closed@inbox.test", "550 5.1.1 No such mailbox", -1)
			n.useSMTP(t, postfixConfig(first, first.Password))
			m = n.awaitStatus(t, n.askCode(t, "closed@inbox.test"), "failed")
			if len(m.Attempts) != 1 || m.Attempts[0].Outcome != "recipient" {
				t.Errorf("a refused recipient: %+v", m)
			}
			if mails := second.Read(t, "closed@inbox.test"); len(mails) != 0 {
				t.Error("the recipient that the first server refused got the mail from the second")
			}
		})
	}
}

// A fallback that is set up at one node serves at the other.
func TestFallbackReachesOtherNodes(t *testing.T) {
	t.Parallel()
	mails, spare := startSink(t), startSink(t)
	nodes := twoNodes(t, mails)
	nodes[0].fallBackTo(t, spare.config())
	gone := mails.config()
	gone["port"] = 1 // nobody listens there
	nodes[0].useSMTP(t, gone)
	await(t, "the other node sends through the fallback", func() bool {
		id := nodes[1].askCode(t, "ann@example.com")
		nodes[1].awaitStatus(t, id, "sent")
		return spare.has(id)
	})
}
