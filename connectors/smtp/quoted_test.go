package smtp

import (
	"encoding/base64"
	"strings"
	"testing"

	ct "github.com/postern-mail/postern/connector/connectortest"
)

// TestQuotedContent: a server repeats the mail as it went over the wire, in
// base64 here. That is the body, too.
func TestQuotedContent(t *testing.T) {
	t.Parallel()
	server := ct.NewScriptServer(t, ct.Script{Acts: map[ct.Stage]ct.Act{ct.StageEnd: ct.Echo("554")}})
	m := ct.Sample()
	m.Text = strings.Repeat("Слова этого письма не для чужих. ", 8)
	m.HTML = ""
	e := fails(t, opened(t, server.Host, server.Port, nil), m)
	for at := 0; at+24 <= len(m.Text); at += 3 {
		if strings.Contains(e.Message, base64.StdEncoding.EncodeToString([]byte(m.Text[at:at+24]))) {
			t.Fatalf("the body is in %q", e.Message)
		}
	}
}
