package awsses

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

// mailObject is what each event says of the mail; tags are there when a
// configuration set publishes.
const mailObject = `"mail": {"timestamp": "2026-02-22T23:41:12.126Z", "messageId": "` + accepted + `", "source": "no-reply@auth.example.com",
	"destination": ["ann@example.com"], "tags": {"ses:configuration-set": ["sign-in"], "message_id": ["m-1"], "type": ["SignIn"]}}`

func published(kind, more string) string {
	if more != "" {
		more = ", " + more
	}
	return `{"eventType": "` + kind + `", ` + mailObject + more + `}`
}

func TestEvents(t *testing.T) {
	t.Parallel()
	s := newSNS(t, "sns.amazonaws.com")
	ct.RunEvents(t, ct.EventCase{
		Factory: s.factory(), Config: config("https://" + sesHost), Host: connector.Host{HTTP: s.net},
		Secrets: []string{keySecret, sessionToken}, Dated: true,
		Sign: func(t testing.TB, body []byte, at time.Time) connector.Callback {
			t.Helper()
			return connector.Callback{Body: s.sign(t, s.notify(t, string(body), at))}
		},
		Bare:    json.RawMessage(`{"accessKeyId": "` + keyID + `", "accessKeySecret": "` + keySecret + `", "region": "eu-central-1"}`),
		Forge:   forgeries(t, s),
		Reports: reports(),
	})
}

func forgeries(t *testing.T, s *sns) map[string]func(*connector.Callback) {
	t.Helper()
	set := func(key, value string) func(*connector.Callback) {
		return func(c *connector.Callback) { rewritten(t, c, func(m map[string]string) { m[key] = value }) }
	}
	drop := func(key string) func(*connector.Callback) {
		return func(c *connector.Callback) { rewritten(t, c, func(m map[string]string) { delete(m, key) }) }
	}
	signedAs := func(key, value string) func(*connector.Callback) {
		return func(c *connector.Callback) {
			m := s.notify(t, "{}", c.At)
			m[key] = value
			c.Body = s.sign(t, m)
		}
	}
	other := newSNS(t, snsHost)
	forge := map[string]func(*connector.Callback){
		"another message":      set("Message", `{"eventType": "Complaint"}`),
		"another id":           set("MessageId", "other"),
		"another subject":      set("Subject", "other"),
		"no subject":           drop("Subject"),
		"another time":         set("Timestamp", time.Now().Add(time.Minute).UTC().Format(time.RFC3339)),
		"no time":              drop("Timestamp"),
		"another version":      set("SignatureVersion", "2"),
		"an unknown version":   set("SignatureVersion", "3"),
		"no signature":         drop("Signature"),
		"no base64":            set("Signature", "*"),
		"no certificate":       drop("SigningCertURL"),
		"an unlisted topic":    signedAs("TopicArn", "arn:aws:sns:eu-central-1:999999999999:postern"),
		"a confirmation of it": set("Type", "SubscriptionConfirmation"),
		"raw": func(c *connector.Callback) {
			c.Body = []byte(published("Send", ""))
			c.Header = http.Header{"X-Amz-Sns-Rawdelivery": {"true"}}
		},
		"signed by another key": func(c *connector.Callback) { c.Body = other.sign(t, other.notify(t, "{}", c.At)) },
	}
	for name, url := range map[string]string{
		"plain HTTP":        strings.Replace(certURL, "https:", "http:", 1),
		"another host":      "https://sns.example.com/SimpleNotificationService-0.pem",
		"a bucket":          "https://sns.s3.amazonaws.com/SimpleNotificationService-0.pem",
		"a regional bucket": "https://sns.s3-eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
		"a host before it":  strings.Replace(certURL, "https://", "https://evil.example/", 1),
		"a user before it":  strings.Replace(certURL, "https://", "https://evil.example@", 1),
		"a host behind it":  strings.Replace(certURL, ".com/", ".com.evil.example/", 1),
		"another path":      "https://" + snsHost + "/evil.pem",
		"a query":           certURL + "?x=.pem",
		"a line behind it":  certURL + "\n",
		"a path that leads": "https://" + snsHost + "/../SimpleNotificationService-0.pem",
	} {
		forge["a certificate at "+name] = signedAs("SigningCertURL", url)
	}
	return forge
}

func reports() map[string]ct.Report {
	at := time.Date(2026, 2, 22, 23, 41, 12, 126e6, time.UTC)
	later := time.Date(2026, 2, 22, 23, 42, 0, 0, time.UTC)
	const then = `"timestamp": "2026-02-22T23:42:00.000Z"`
	want := func(kind connector.EventKind, at time.Time, change func(*connector.Event)) []connector.Event {
		e := connector.Event{
			ID: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324/ann@example.com", Kind: kind, MessageID: "m-1", ProviderID: accepted,
			Recipient: "ann@example.com", At: at,
		}
		if change != nil {
			change(&e)
		}
		return []connector.Event{e}
	}
	bounce := func(kind, sub, recipients string) string {
		return `"bounce": {"bounceType": "` + kind + `", "bounceSubType": "` + sub + `", ` + then + `, "feedbackId": "f-1", "bouncedRecipients": [` + recipients + `]}`
	}
	const ann = `{"emailAddress": "ann@example.com", "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 <ann@example.com>... User"}`
	hard := func(e *connector.Event) { e.Hard, e.Enhanced = true, "5.1.1" }
	two := append(want(connector.EventBounced, later, hard), want(connector.EventBounced, later, func(e *connector.Event) {
		e.ID, e.Recipient, e.Hard = "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324/bob@example.com", "bob@example.com", true
	})...)
	detail := func(text string) func(*connector.Event) { return func(e *connector.Event) { e.Detail = text } }
	return map[string]ct.Report{
		"taken": {Body: published("Send", `"send": {}`), Want: want(connector.EventAccepted, at, nil)},
		"delivered": {
			Body: published("Delivery", `"delivery": {`+then+`, "recipients": ["ann@example.com"], "smtpResponse": "250 2.6.0 Message received"}`),
			Want: want(connector.EventDelivered, later, func(e *connector.Event) { e.Enhanced, e.Detail = "2.6.0", "250 2.6.0 Message received" }),
		},
		"delayed": {
			Body: published("DeliveryDelay", `"deliveryDelay": {`+then+`, "delayType": "TransientCommunicationFailure",
				"delayedRecipients": [{"emailAddress": "ann@example.com", "status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1 Unable to connect"}]}`),
			Want: want(connector.EventDeferred, later, func(e *connector.Event) { e.Enhanced = "4.4.1" }),
		},
		"bounced":                     {Body: published("Bounce", bounce("Permanent", "General", ann)), Want: want(connector.EventBounced, later, hard)},
		"two bounced":                 {Body: published("Bounce", bounce("Permanent", "General", ann+`, {"emailAddress": "bob@example.com"}`)), Want: two},
		"no such address":             {Body: published("Bounce", bounce("Permanent", "NoEmail", ann)), Want: want(connector.EventBounced, later, func(e *connector.Event) { hard(e); e.NoAddress = true })},
		"mailbox full":                {Body: published("Bounce", bounce("Transient", "MailboxFull", `{"emailAddress": "ann@example.com"}`)), Want: want(connector.EventBounced, later, detail("Transient MailboxFull"))},
		"undetermined":                {Body: published("Bounce", bounce("Undetermined", "Undetermined", `{"emailAddress": "ann@example.com"}`)), Want: want(connector.EventBounced, later, nil)},
		"suppressed by the account":   {Body: published("Bounce", bounce("Permanent", "OnAccountSuppressionList", `{"emailAddress": "ann@example.com"}`)), Want: want(connector.EventSuppressed, later, nil)},
		"suppressed by all":           {Body: published("Bounce", bounce("Permanent", "Suppressed", `{"emailAddress": "ann@example.com"}`)), Want: want(connector.EventSuppressed, later, nil)},
		"complained":                  {Body: published("Complaint", `"complaint": {`+then+`, "complaintFeedbackType": "abuse", "complainedRecipients": [{"emailAddress": "ann@example.com"}]}`), Want: want(connector.EventComplained, later, detail("abuse"))},
		"complained before":           {Body: published("Complaint", `"complaint": {`+then+`, "complaintSubType": "OnAccountSuppressionList", "complainedRecipients": [{"emailAddress": "ann@example.com"}]}`), Want: want(connector.EventSuppressed, later, nil)},
		"no spam":                     {Body: published("Complaint", `"complaint": {`+then+`, "complaintFeedbackType": "not-spam", "complainedRecipients": [{"emailAddress": "ann@example.com"}]}`), Want: want(connector.EventOther, later, detail("Complaint not-spam"))},
		"a virus":                     {Body: published("Reject", `"reject": {"reason": "Bad content"}`), Want: want(connector.EventRejected, at, detail("Bad content"))},
		"not rendered":                {Body: published("Rendering Failure", `"failure": {"templateName": "t", "errorMessage": "Attribute 'x' is not present"}`), Want: want(connector.EventRejected, at, nil)},
		"opened":                      {Body: published("Open", `"open": {"ipAddress": "192.0.2.1"}`), Want: want(connector.EventOther, at, detail("Open"))},
		"subscribed":                  {Body: published("Subscription", `"subscription": {}`), Want: want(connector.EventOther, at, detail("Subscription"))},
		"feedback of an identity":     {Body: `{"notificationType": "Bounce", "mail": {"timestamp": "2026-02-22T23:41:12.126Z", "messageId": "` + accepted + `", "destination": ["ann@example.com"]}, ` + bounce("Permanent", "General", ann) + `}`, Want: want(connector.EventBounced, later, func(e *connector.Event) { hard(e); e.MessageID = "" })},
		"the topic is set up":         {Body: `{"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have successfully subscribed your Amazon SNS topic to receive notifications."}`},
		"the destination is set up":   {Body: "Successfully validated SNS topic for Amazon SES event publishing."},
		"a delivery to nobody at all": {Body: published("Delivery", `"delivery": {"recipients": []}`)},
	}
}

// TestSignatureVersions proves that both versions are read, with and without
// a subject.
func TestSignatureVersions(t *testing.T) {
	t.Parallel()
	s := newSNS(t, snsHost)
	reader := s.opened(t)
	for _, version := range []string{"1", "2"} {
		for _, subject := range []bool{true, false} {
			m := s.notify(t, published("Send", ""), time.Now())
			m["SignatureVersion"] = version
			if !subject {
				delete(m, "Subject")
			}
			report, err := reader.ReadEvents(t.Context(), connector.Callback{Body: s.sign(t, m), At: time.Now()})
			if err != nil || len(report.Events) != 1 {
				t.Errorf("version %s, subject %v: %d events, %v", version, subject, len(report.Events), err)
			}
		}
	}
	late := s.sign(t, s.notify(t, published("Send", ""), time.Now().Add(-50*time.Minute)))
	if _, err := reader.ReadEvents(t.Context(), connector.Callback{Body: late, At: time.Now()}); err != nil {
		t.Errorf("a message that was tried again for 50 minutes: %v", err)
	}
}
