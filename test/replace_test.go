//go:build unix

package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
)

// swaps is how often the connector is replaced.
const swaps = 100

// A new connector takes the place of the old one at once, also while others
// send: what is asked for after the answer goes out through the new one.
func TestReplacedUnderLoad(t *testing.T) {
	t.Parallel()
	sinks := [2]*sink{startSink(t), startSink(t)}
	l := &load{at: 2}
	t.Cleanup(l.callers.Wait) // they end with the node, before it
	n := startNode(t, nodeOptions{data: t.TempDir()})
	n.useSMTP(t, sinks[1].config())
	l.until(t, n, 1)

	for i := range swaps {
		current := sinks[i%len(sinks)]
		a := n.call(t, http.MethodPost, "/api/connectors", map[string]any{
			"connectorId": "simple-mail-transfer-protocol", "config": current.config(),
		}, http.StatusOK)
		var stored struct{ Config struct{ Port int } }
		if err := json.Unmarshal(a.body, &stored); err != nil || stored.Config.Port != current.port {
			t.Errorf("swap %d: the answer shows another connector: %s, %v", i, a.body, err)
		}
		id := n.askCode(t, fmt.Sprintf("after%d@example.com", i))
		n.awaitStatus(t, id, "sent")
		if !current.has(id) {
			t.Errorf("swap %d: the old connector sent what was asked for after it was replaced", i)
		}
	}
}
