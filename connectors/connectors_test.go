package connectors

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
)

// TestBuiltin: every connector that comes with Postern is complete enough to
// be shown and looked up.
func TestBuiltin(t *testing.T) {
	t.Parallel()
	if _, err := connector.NewRegistry(Builtin()...); err != nil {
		t.Fatal(err)
	}
	for _, f := range Builtin() {
		m := f.Metadata()
		t.Run(m.ID, func(t *testing.T) {
			t.Parallel()
			if m.Target == "" || m.Name["en"] == "" || m.Description["en"] == "" || len(f.Form()) == 0 {
				t.Errorf("the metadata is not complete: %+v", m)
			}
			if !strings.HasPrefix(m.Logo, "data:image/") {
				t.Error("the logo is no data: URL")
			}
			if !strings.HasPrefix(m.Readme, "# ") {
				t.Error("the guide has no title")
			}
			if _, err := json.Marshal(f.Form()); err != nil {
				t.Errorf("the form has no JSON: %v", err)
			}
		})
	}
}
