package smtp

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/connectortest"
)

// wantIssue proves that settings are refused with an issue at this path.
func wantIssue(t *testing.T, more object, path ...any) {
	t.Helper()
	err := New().Check(config(t, "mail.example.com", 587, more))
	var e *connector.ConfigError
	if !errors.As(err, &e) {
		t.Fatalf("Check: %v, want a *connector.ConfigError", err)
	}
	for _, issue := range e.Issues {
		if reflect.DeepEqual(issue.Path, path) {
			return
		}
	}
	t.Errorf("issues %+v, want one at %v", e.Issues, path)
}

func TestSettingsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		more object
		path []any
	}{
		"a host with scheme":      {object{"host": "smtp://mail.example.com"}, []any{"host"}},
		"a host with port":        {object{"host": "mail.example.com:25"}, []any{"host"}},
		"a host with line end":    {object{"host": "mail.example.com\r\nX"}, []any{"host"}},
		"a host beyond ASCII":     {object{"host": "mäil.example.com"}, []any{"host"}},
		"port 0":                  {object{"port": 0}, []any{"port"}},
		"port 65536":              {object{"port": 65536}, []any{"port"}},
		"a port as text":          {object{"port": "587"}, []any{"port"}},
		"a sender list":           {object{"fromEmail": "a@example.com, b@example.com"}, []any{"fromEmail"}},
		"a sender without @":      {object{"fromEmail": "Example"}, []any{"fromEmail"}},
		"a sender with line end":  {object{"fromEmail": "A\r\nBcc: x@example.com <a@example.com>"}, []any{"fromEmail"}},
		"a bad reply-to":          {object{"replyTo": "nobody"}, []any{"replyTo"}},
		"a name beyond ASCII":     {object{"name": "möx.example.com"}, []any{"name"}},
		"a name with line end":    {object{"name": "mx\r\nMAIL FROM:<x>"}, []any{"name"}},
		"a local name":            {object{"localAddress": "localhost"}, []any{"localAddress"}},
		"TLS needed and ignored":  {object{"requireTLS": true, "ignoreTLS": true}, []any{"requireTLS"}},
		"a time of 0":             {object{"socketTimeout": 0}, []any{"socketTimeout"}},
		"an endless time":         {object{"greetingTimeout": 1 << 40}, []any{"greetingTimeout"}},
		"no connections":          {object{"pool": object{"maxConnections": 0}}, []any{"pool", "maxConnections"}},
		"no messages":             {object{"pool": object{"maxMessages": 0}}, []any{"pool", "maxMessages"}},
		"a pool that is a switch": {object{"pool": true}, []any{"pool"}},
		"an old TLS":              {object{"tls": object{"minVersion": "SSLv3"}}, []any{"tls", "minVersion"}},
		"a CA that is none":       {object{"tls": object{"ca": "x"}}, []any{"tls", "ca"}},
		"a key alone":             {object{"tls": object{"key": "x"}}, []any{"tls", "cert"}},
		"an unknown TLS option":   {object{"tls": object{"ciphers": "x"}}, []any{"tls", "ciphers"}},
		"header Bcc":              {object{"customHeaders": object{"Bcc": "x@example.com"}}, []any{"customHeaders", "Bcc"}},
		"header Subject":          {object{"customHeaders": object{"subject": "x"}}, []any{"customHeaders", "subject"}},
		"a header with line end":  {object{"customHeaders": object{"X-A": "x\r\nBcc: y"}}, []any{"customHeaders", "X-A"}},
		"a header's bad name":     {object{"customHeaders": object{"X A": "x"}}, []any{"customHeaders", "X A"}},
		"a user alone":            {object{"auth": object{"user": "u"}}, []any{"auth", "pass"}},
		"a password alone":        {object{"auth": object{"pass": "p"}}, []any{"auth", "user"}},
		"a password with NUL":     {object{"auth": object{"user": "u", "pass": "p\x00"}}, []any{"auth", "pass"}},
		"an unknown sign-in":      {object{"auth": object{"type": "ntlm", "user": "u", "pass": "p"}}, []any{"auth", "type"}},
		"OAuth2 without token":    {object{"auth": object{"type": "OAuth2", "user": "u", "clientId": "c"}}, []any{"auth", "refreshToken"}},
		"OAuth2 without client":   {object{"auth": object{"type": "oauth2", "user": "u", "refreshToken": "r"}}, []any{"auth", "clientId"}},
		"OAuth2 without user":     {object{"auth": object{"clientId": "c", "refreshToken": "r"}}, []any{"auth", "user"}},
		"a token over HTTP": {
			object{"auth": object{"user": "u", "accessToken": "a", "accessUrl": "http://auth.example.com/t"}},
			[]any{"auth", "accessUrl"},
		},
		"a token URL with password": {
			object{"auth": object{"user": "u", "accessToken": "a", "accessUrl": "https://a:b@auth.example.com/t"}},
			[]any{"auth", "accessUrl"},
		},
		"a service without key": {
			object{"auth": object{"type": "oauth2", "user": "u", "serviceClient": "s"}}, []any{"auth", "privateKey"},
		},
		"a service key that is none": {
			object{"auth": object{"user": "u", "serviceClient": "s", "privateKey": "x"}}, []any{"auth", "privateKey"},
		},
		"a service key of another kind": {
			object{"auth": object{"user": "u", "serviceClient": "s", "privateKey": ed25519PEM(t)}},
			[]any{"auth", "privateKey"},
		},
		"templates without Generic": {
			object{"templates": []object{{"usageType": "SignIn", "subject": "s", "content": "c"}}}, []any{"templates"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantIssue(t, c.more, c.path...)
		})
	}
}

// TestSettingsOfLogto proves that a configuration as Logto's console makes it
// is accepted as it is.
func TestSettingsOfLogto(t *testing.T) {
	t.Parallel()
	err := New().Check(json.RawMessage(`{
		"host": "smtp.example.com", "port": 587, "secure": false,
		"auth": {"type": "login", "user": "u", "pass": "p"},
		"fromEmail": "Example <no-reply@example.com>", "replyTo": "support@example.com",
		"templates": [
			{"usageType": "Register", "subject": "s", "content": "c {{code}}", "contentType": "text/plain"},
			{"usageType": "SignIn", "subject": "s", "content": "c {{code}}", "contentType": "text/plain"},
			{"usageType": "ForgotPassword", "subject": "s", "content": "c {{code}}", "contentType": "text/html"},
			{"usageType": "Generic", "subject": "s", "content": "c {{code}}", "contentType": "text/plain"}
		],
		"logger": true, "debug": true, "disableFileAccess": true, "disableUrlAccess": true,
		"tls": {}, "ignoreTLS": false, "requireTLS": true, "servername": "", "name": "client.example.com",
		"localAddress": "192.0.2.1", "connectionTimeout": 120000, "greetingTimeout": 30000,
		"socketTimeout": 600000, "dnsTimeout": 30000, "customHeaders": {"X-Team": "sign-in"}
	}`))
	if err != nil {
		t.Error(err)
	}
}

func TestTemplatesAreOffered(t *testing.T) {
	t.Parallel()
	var list []object
	for _, usage := range []string{"Register", "SignIn", "ForgotPassword", "Generic"} {
		list = append(list, object{"usageType": usage, "subject": usage, "content": "{{code}}"})
	}
	source, ok := opened(t, "127.0.0.1", 25, object{"templates": list}).(connector.TemplateSource)
	if !ok {
		t.Fatal("no connector.TemplateSource")
	}
	if got := source.ConfigTemplates(); len(got) != 4 || got[1].Subject != "SignIn" {
		t.Errorf("Templates: %+v", got)
	}
}

// TestSettingsTellNothing prints settings: no field that
// package fmt reaches may show a secret.
func TestSettingsTellNothing(t *testing.T) {
	t.Parallel()
	const hidden = "a-password-of-the-settings"
	s := defaults()
	s.Auth = authSettings{User: "u", Pass: hidden, ClientSecret: hidden, RefreshToken: hidden, AccessToken: hidden, PrivateKey: hidden}
	s.TLS.Key = hidden
	s.DKIM = dkimSettings{PrivateKey: hidden}
	connectortest.CheckHidden(t, s, hidden)
	for _, issue := range s.Validate() {
		if strings.Contains(issue.Message, hidden) {
			t.Errorf("an issue shows a secret: %s", issue.Message)
		}
	}
}
