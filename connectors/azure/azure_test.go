package azure

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
	"github.com/postern-mail/postern/connector/providerapi"
)

const (
	accessKey = "c2VjcmV0LWtleS1vZi10aGUtdGVzdC0wMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODk="
	password  = "webhook-passw0rd"
	accepted  = "8540c0de-899f-5cce-acb5-3ec493af3800"
)

func config(endpoint string) json.RawMessage {
	return json.RawMessage(`{"endpoint": "` + endpoint + `", "accessKey": "` + accessKey + `", "senderAddress": "no-reply@auth.example.com",
		"replyTo": "help@example.com", "headers": {"X-Team": "sign-in"}, "templates": null,
		"webhookUser": "azure", "webhookPassword": "` + password + `"}`)
}

// refuse is an error as the API documents it; target may be "".
func refuse(status int, code, target, words string) ct.Answer {
	body, _ := json.Marshal(map[string]any{"error": fault{Code: code, Message: words, Target: target}}) // plain structs always encode
	return ct.Answer{Status: status, Header: map[string]string{"x-ms-error-code": code}, Body: string(body)}
}

// read reads a request as Azure does.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	var e email
	if r.Method != http.MethodPost || r.Path != "/emails:send?api-version=2023-03-31" || json.Unmarshal(r.Body, &e) != nil ||
		len(e.Recipients.To) != 1 || len(e.ReplyTo) > 1 || !e.TrackingDisabled {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
		return ct.Mail{}
	}
	m := ct.Mail{
		From: connector.Mailbox{Address: e.SenderAddress}, To: e.Recipients.To[0].Address,
		Subject: e.Content.Subject, HTML: e.Content.HTML, Text: e.Content.PlainText,
	}
	for _, to := range e.ReplyTo {
		m.ReplyTo = connector.Mailbox{Name: to.DisplayName, Address: to.Address}
	}
	return m
}

func TestConformance(t *testing.T) {
	t.Parallel()
	const notBase64 = "accessKey: must be a key of the resource, in base64"
	const notEndpoint = "endpoint: must be an https URL without user, query and fragment"
	ct.RunHTTP(t, ct.HTTPCase{
		Factory: New(), Config: config, Secrets: []string{accessKey, password},
		Sender: connector.Mailbox{Address: "no-reply@auth.example.com"},
		Lacks:  []ct.Feature{ct.SenderName},
		Accept: func(ct.Request) ct.Answer {
			return ct.Answer{Status: http.StatusAccepted, Body: `{"id": "` + accepted + `", "status": "Running", "error": null}`}
		},
		ProviderID: accepted,
		Refuse:     func(status int, words string) ct.Answer { return refuse(status, "SomethingElse", "", words) },
		Read:       read,
		Statuses:   map[int]connector.Class{http.StatusConflict: connector.InvalidResponse},
		Unsigned:   []string{"X-Ms-Date", "Authorization"},
		Refusals: map[string]ct.Refusal{
			"a wrong key":          {Answer: refuse(401, "Denied", "", "Denied by the resource provider."), Want: connector.ConfigFault},
			"an unlinked domain":   {Answer: refuse(404, "DomainNotLinked", "", "The specified sender domain has not been linked."), Want: connector.ConfigFault},
			"an unknown sender":    {Answer: refuse(400, "InvalidSenderUserName", "", "Invalid email sender username found."), Want: connector.ConfigFault},
			"another resource":     {Answer: refuse(404, "ResourceNotFound", "", "The resource does not exist."), Want: connector.ConfigFault},
			"a bad recipient":      {Answer: refuse(400, "BadRequest", "recipients.to[0].address", "Invalid format for email address"), Want: connector.Recipient},
			"a bad sender":         {Answer: refuse(400, "BadRequest", "senderAddress", "Invalid format for email address"), Want: connector.Permanent},
			"suppressed there":     {Answer: refuse(400, "EmailDroppedAllRecipientsSuppressed", "", "Message dropped because all recipients were suppressed."), Want: connector.Recipient},
			"too fast":             {Answer: refuse(429, "TooManyRequests", "", "The request has exceeded the assigned quota."), Want: connector.Throttled},
			"taken before":         {Answer: refuse(409, "Conflict", "", "The operation exists."), Want: connector.InvalidResponse},
			"too large":            {Answer: refuse(413, "RequestTooLarge", "", "The request is too large."), Want: connector.Permanent},
			"out of order there":   {Answer: refuse(503, "ServiceUnavailable", "", "Try again later."), Want: connector.Temporary},
			"a recipient, detail":  {Answer: ct.Answer{Status: 400, Body: `{"error": {"code": "BadRequest", "message": "Bad.", "details": [{"code": "x", "target": "Recipients.To", "message": "Bad address"}]}}`}, Want: connector.Recipient},
			"of another operation": {Answer: refuse(403, "Forbidden", "", "No permission."), Want: connector.ConfigFault},
		},
		Bad: map[string][]string{
			`{"endpoint": null}`:                                                             {"endpoint: is required"},
			`{"endpoint": "acme.communication.azure.com"}`:                                   {notEndpoint},
			`{"endpoint": "http://acme.communication.azure.com"}`:                            {notEndpoint},
			`{"endpoint": "https://acme.communication.azure.com/?a=b"}`:                      {notEndpoint},
			`{"accessKey": null}`:                                                            {"accessKey: is required"},
			`{"accessKey": "not-b64"}`:                                                       {notBase64},
			`{"accessKey": "endpoint=https://acme.communication.azure.com/;accesskey=c2Vj"}`: {notBase64},
			`{"senderAddress": null}`:                                                        {"senderAddress: is required"},
			`{"senderAddress": "acme"}`:                                                      {"senderAddress: must be an e-mail address, or a name with one in angle brackets"},
			`{"senderAddress": "Acme <no-reply@acme.example>"}`:                              {"senderAddress: must be an address alone: its display name is set in Azure"},
			`{"replyTo": "a@b.example, c@d.example"}`:                                        {"replyTo: must be an e-mail address, or a name with one in angle brackets"},
			`{"headers": {"Subject": "x"}}`:                                                  {"headers.Subject: is not a header that may be set: Subject is set by the service itself"},
			`{"fromName": "Acme"}`:                                                           {"fromName: is not a known key"},
			`{"templates": {}}`:                                                              {"templates: must be a list"},
		},
	})
}

// TestSignature: the worked examples of Microsoft's own client
// (https://github.com/Azure/azure-sdk-for-python,
// sdk/communication/azure-communication-identity/tests/test_hmac.py).
func TestSignature(t *testing.T) {
	t.Parallel()
	// Microsoft's client takes "pw==" for a key, whose last bits are not zero.
	key, err := newSigner("pw==")
	if err != nil {
		t.Fatal(err)
	}
	const empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" // SHA-256 of no body
	for path, want := range map[string]string{
		"/":                       "88MDmJhUR3m5QhFxb8ztShsSwlGrg7g/6XPnWf7QEO4=",
		"/testPath":               "RoCrHjw7fb9fpHSbqvRUY2xa8RBS0YvI1cxI1x8AS38=",
		"/testPath?testQuery=yes": "il99+rd6V5O136roX/zVePCNle78HmvC4B7tu9zRH3I=",
	} {
		got := key.authorization(http.MethodGet, path, "contoso.communicationservices.azure.com", "Wed, 13 Apr 2022 18:09:12 GMT", empty)
		if got != "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="+want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// TestRequestIsSigned checks a request as the service does: over what came.
func TestRequestIsSigned(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 4, 13, 18, 9, 12, 0, time.UTC)
	raw, err := base64.StdEncoding.DecodeString(accessKey)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		expected := providerapi.Request{URL: "http://" + r.Host + r.RequestURI, Header: http.Header{}, Body: body}
		if err := signer(raw).sign(expected, at); err != nil {
			t.Error(err)
		}
		for name := range expected.Header {
			if got := r.Header.Get(name); got != expected.Header.Get(name) {
				t.Errorf("%s: %s, want %s", name, got, expected.Header.Get(name))
			}
		}
		if got := r.Header.Get("X-Ms-Date"); got != "Mon, 13 Apr 2026 18:09:12 GMT" {
			t.Errorf("date %s", got)
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"id": "`+accepted+`", "status": "Running"}`)
	}))
	t.Cleanup(server.Close)
	for _, endpoint := range []string{server.URL, server.URL + "/", server.URL + "/gateway"} {
		opened := ct.Open(t, New(), config(endpoint), connector.Host{})
		sender, _ := opened.(*azure)
		sender.now = func() time.Time { return at.In(time.FixedZone("elsewhere", 3600)) }
		if _, err := opened.Send(t.Context(), ct.Sample()); err != nil {
			t.Error(err)
		}
	}
}

func TestOperationID(t *testing.T) {
	t.Parallel()
	const id = "0193a1b2-0000-7000-8000-000000000001"
	if got := operationID(id); got != id {
		t.Errorf("a UUID became %s", got)
	}
	one, again, other := operationID("m-1"), operationID("m-1"), operationID("m-2")
	if one != again || one == other || len(one) != len(id) {
		t.Errorf("%s, %s, %s", one, again, other)
	}
}

func sign(t testing.TB, body []byte, at time.Time) connector.Callback {
	t.Helper()
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth("azure", password)
	return connector.Callback{Header: r.Header, Body: body, At: at}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	// The event as the documentation shows it, with a status of ours.
	data := func(status, message string) string {
		return `{"sender": "no-reply@auth.example.com", "recipient": "ann@example.com", "messageId": "` + accepted + `",
			"internetMessageId": "<x@azurecomm.net>", "status": "` + status + `", "deliveryStatusDetails": {"statusMessage": "` + message + `"},
			"deliveryAttemptTimeStamp": "2020-09-18T00:22:20.2855749+00:00"}`
	}
	event := func(status, message string) string {
		return `{"id": "e-` + status + `", "topic": "/subscriptions/s/resourceGroups/g/providers/microsoft.communication/communicationservices/c",
			"subject": "sender/no-reply@auth.example.com/message/` + accepted + `", "data": ` + data(status, message) + `,
			"eventType": "Microsoft.Communication.EmailDeliveryReportReceived", "dataVersion": "1.0", "metadataVersion": "1",
			"eventTime": "2020-09-18T00:22:20.822Z"}`
	}
	at := time.Date(2020, 9, 18, 0, 22, 20, 285574900, time.UTC)
	want := func(status string, kind connector.EventKind) connector.Event {
		return connector.Event{ID: "e-" + status, Kind: kind, MessageID: accepted, ProviderID: accepted, Recipient: "ann@example.com", At: at}
	}
	hard := want("Bounced", connector.EventBounced)
	hard.Hard, hard.Enhanced, hard.Detail = true, "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound"
	spam, quarantined := want("FilteredSpam", connector.EventBounced), want("Quarantined", connector.EventBounced)
	spam.Enhanced, spam.Detail, quarantined.Detail = "5.7.1", "FilteredSpam 554 5.7.1 spam", "Quarantined"
	expanded, viewed := want("Expanded", connector.EventOther), want("v", connector.EventOther)
	expanded.Detail = "Expanded"
	viewed.Detail, viewed.Recipient, viewed.At = "view", "", time.Date(2022, 9, 6, 22, 34, 52, 130359500, time.UTC)
	cloud := `{"id": "e-Delivered", "source": "/subscriptions/s", "type": "Microsoft.Communication.EmailDeliveryReportReceived",
		"time": "2020-09-18T00:22:20.822Z", "specversion": "1.0", "data": ` + data("Delivered", "") + `}`
	ct.RunEvents(t, ct.EventCase{
		Factory: New(), Config: config("https://acme.communication.azure.com"), Secrets: []string{accessKey, password},
		Sign: sign,
		Forge: map[string]func(*connector.Callback){
			"another password": func(c *connector.Callback) { c.Header.Set("Authorization", "Basic YXp1cmU6eA==") },
			"another user": func(c *connector.Callback) {
				r := http.Request{Header: c.Header}
				r.SetBasicAuth("azur", password)
			},
			"a token": func(c *connector.Callback) { c.Header.Set("Authorization", "Bearer "+password) },
		},
		Reports: map[string]ct.Report{
			"a batch": {
				Body: "[" + event("Delivered", "250 OK") + "," + event("Suppressed", "") + "," + event("Failed", "451 later") + "]",
				Want: []connector.Event{
					want("Delivered", connector.EventDelivered), want("Suppressed", connector.EventSuppressed), want("Failed", connector.EventBounced),
				},
			},
			"bounced":       {Body: "[" + event("Bounced", "550 5.1.10 RESOLVER.ADR.RecipientNotFound") + "]", Want: []connector.Event{hard}},
			"spam":          {Body: "[" + event("FilteredSpam", "554 5.7.1 spam") + "]", Want: []connector.Event{spam}},
			"quarantined":   {Body: "[" + event("Quarantined", "") + "]", Want: []connector.Event{quarantined}},
			"a group":       {Body: "[" + event("Expanded", "") + "]", Want: []connector.Event{expanded}},
			"a cloud event": {Body: cloud, Want: []connector.Event{want("Delivered", connector.EventDelivered)}},
			"cloud events":  {Body: "[" + cloud + "," + cloud + "]", Want: []connector.Event{want("Delivered", connector.EventDelivered), want("Delivered", connector.EventDelivered)}},
			"viewed": {Body: `[{"id": "e-v", "data": {"sender": "no-reply@auth.example.com", "messageId": "` + accepted + `",
				"userActionTimeStamp": "2022-09-06T22:34:52.1303595+00:00", "engagementContext": "", "userAgent": "", "engagementType": "view"},
				"eventType": "Microsoft.Communication.EmailEngagementTrackingReportReceived", "eventTime": "2022-09-06T22:34:52.1303612Z"}]`, Want: []connector.Event{viewed}},
			"a handshake": {
				Body: `[{"id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66", "topic": "/subscriptions/s", "subject": "", "data":
					{"validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6", "validationUrl": "https://rp-eastus2.eventgrid.azure.net/validate"},
					"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "eventTime": "2018-01-25T22:12:19.4556811Z"}]`,
				Answer: `{"validationResponse":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}`,
			},
			"an SMS": {Body: `[{"id": "x", "eventType": "Microsoft.Communication.SMSReceived", "data": {"messageId": "1"}, "eventTime": "2020-09-18T00:22:20Z"}]`},
		},
	})
}

// TestEventsByPathAlone: without user and password the secret in the path is
// all that proves a callback.
func TestEventsByPathAlone(t *testing.T) {
	t.Parallel()
	opened := ct.Open(t, New(), json.RawMessage(`{"endpoint": "https://acme.communication.azure.com", "accessKey": "`+accessKey+`",
		"senderAddress": "no-reply@auth.example.com"}`), connector.Host{})
	reader, _ := opened.(connector.EventReader)
	if _, err := reader.ReadEvents(t.Context(), connector.Callback{Body: []byte("[]")}); err != nil {
		t.Error(err)
	}
}
