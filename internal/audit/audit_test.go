package audit_test

import (
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/audit"
)

func TestNew(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_760_000_000_000)
	details := map[string]string{"diff": "+<p>{{code}}</p>"}
	one, err := audit.New(at, "key", audit.ConfigurationImported, "prod", "prod", details)
	if err != nil {
		t.Fatal(err)
	}
	if string(one.Details) != `{"diff":"+<p>{{code}}</p>"}` || one.At != at || one.Actor != "key" || one.TenantID != "prod" {
		t.Errorf("entry %+v", one)
	}
	next, err := audit.New(at, "key", audit.ConfigurationImported, "prod", "prod", nil)
	if err != nil || next.ID <= one.ID {
		t.Errorf("ids %s, then %s: %v", one.ID, next.ID, err)
	}
	if _, err := audit.New(at, "key", audit.ConfigurationImported, "prod", "prod", func() {}); err == nil {
		t.Error("details that are no JSON were taken")
	}
}
