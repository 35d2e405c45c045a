package smtp

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/connectortest"
)

// object is a JSON object.
type object = map[string]any

// config returns settings for a server on loopback; more is laid over them.
func config(t testing.TB, host string, port int, more object) json.RawMessage {
	t.Helper()
	all := object{"host": host, "port": port, "fromEmail": "Example <no-reply@example.com>"}
	maps.Copy(all, more)
	out, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	user   = "mailer@example.com"
	secret = "p4ss/word+öf ✓"
)

func login() object { return object{"user": user, "pass": secret} }

// opened opens a connector with settings for a server on loopback.
func opened(t testing.TB, host string, port int, more object) connector.Connector {
	t.Helper()
	return connectortest.Open(t, New(), config(t, host, port, more), connector.Host{})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	server := connectortest.NewSMTPServer(t, connectortest.SMTPOptions{
		TLS: connectortest.StartTLS, Auth: []string{"PLAIN"}, User: user, Pass: secret, UTF8: true,
	})
	dkimKey := ed25519PEM(t)
	connectortest.Run(t, connectortest.Case{
		Factory: New(),
		Config: config(t, server.Host, server.Port, object{
			"auth": login(), "tls": object{"ca": server.CA.PEM}, "requireTLS": true,
			"dkim":          object{"domainName": "example.com", "keySelector": "s1", "privateKey": dkimKey},
			"customHeaders": object{"X-Team": "sign-in"},
		}),
		Sender:  connector.Mailbox{Name: "Example", Address: "no-reply@example.com"},
		Arrived: server.Arrived,
		Secrets: []string{secret, dkimKey},
		Stall:   stall,
		Faults:  echoes(t),
	})
}

// stall is a server that takes the mail and never says so.
func stall(t *testing.T) connectortest.Stall {
	t.Helper()
	reached := make(chan struct{}, 1)
	server := connectortest.NewScriptServer(t, connectortest.Script{
		Acts: map[connectortest.Stage]connectortest.Act{connectortest.StageEnd: connectortest.Hang(reached)},
	})
	return connectortest.Stall{Config: config(t, server.Host, server.Port, nil), Reached: reached}
}

// echoes are servers that refuse with everything they have heard: sign-in,
// recipient, mail.
func echoes(t *testing.T) []connectortest.Fault {
	t.Helper()
	var faults []connectortest.Fault
	for stage, want := range map[connectortest.Stage]connector.Class{
		connectortest.StageAuth: connector.ConfigFault,
		connectortest.StageMail: connector.ConfigFault,
		connectortest.StageRcpt: connector.Recipient,
		connectortest.StageData: connector.Permanent,
		connectortest.StageEnd:  connector.Permanent,
	} {
		server := connectortest.NewScriptServer(t, connectortest.Script{
			Offer: []string{"AUTH PLAIN"},
			Acts:  map[connectortest.Stage]connectortest.Act{stage: connectortest.Echo("550")},
		})
		faults = append(faults, connectortest.Fault{
			Name:   "a server that echoes at " + string(stage),
			Config: config(t, server.Host, server.Port, object{"auth": login()}), Want: want,
		})
	}
	return faults
}
