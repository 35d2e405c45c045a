package awsses

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	keyID        = "AKIAIOSFODNN7EXAMPLE"
	keySecret    = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	sessionToken = "IQoJb3JpZ2luX2VjEXAMPLETOKEN"
	topic        = "arn:aws:sns:eu-central-1:123456789012:postern"
	accepted     = "0107018f3c5a1b2c-11111111-2222-3333-4444-555555555555-000000"
)

func config(endpoint string) json.RawMessage {
	return json.RawMessage(`{"accessKeyId": "` + keyID + `", "accessKeySecret": "` + keySecret + `", "sessionToken": "` + sessionToken + `",
		"roleArn": null, "region": "eu-central-1", "emailAddress": "no-reply@auth.example.com", "fromName": "Acme",
		"emailAddressIdentityArn": "arn:aws:ses:eu-central-1:123456789012:identity/auth.example.com",
		"feedbackForwardingEmailAddress": "feedback@example.com",
		"feedbackForwardingEmailAddressIdentityArn": "arn:aws:ses:eu-central-1:123456789012:identity/example.com",
		"configurationSetName": "sign-in", "replyTo": "help@example.com", "headers": {"X-Team": "sign-in"}, "templates": null,
		"snsTopicArns": ["` + topic + `"], "endpoint": "` + endpoint + `"}`)
}

// refuse is an error as the API words it: its name in a header.
func refuse(status int, name, words string) ct.Answer {
	body, _ := json.Marshal(map[string]string{"message": words}) // strings always encode
	return ct.Answer{Status: status, Header: map[string]string{"X-Amzn-Errortype": name}, Body: string(body)}
}

func accept(ct.Request) ct.Answer { return ct.Answer{Body: `{"MessageId": "` + accepted + `"}`} }

// read reads a request as Amazon SES does.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	type content struct{ Data, Charset string }
	var in struct {
		FromEmailAddress string
		ReplyToAddresses []string
		Destination      struct{ ToAddresses []string }
		Content          struct {
			Simple struct {
				Subject content
				Body    struct{ Html, Text content } //nolint:revive,staticcheck // as it is written there
			}
		}
	}
	if r.Method != http.MethodPost || r.Path != "/v2/email/outbound-emails" || json.Unmarshal(r.Body, &in) != nil ||
		len(in.Destination.ToAddresses) != 1 || len(in.ReplyToAddresses) > 1 {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
		return ct.Mail{}
	}
	if ascii := func(c rune) bool { return c > '~' }; strings.ContainsFunc(in.FromEmailAddress+strings.Join(in.ReplyToAddresses, ""), ascii) {
		t.Errorf("mailboxes beyond ASCII: %s %s", in.FromEmailAddress, in.ReplyToAddresses)
	}
	simple := in.Content.Simple
	return ct.Mail{
		From:    ct.ParseMailbox(t, in.FromEmailAddress),
		ReplyTo: ct.ParseMailbox(t, strings.Join(in.ReplyToAddresses, "")),
		To:      in.Destination.ToAddresses[0],
		Subject: simple.Subject.Data, HTML: simple.Body.Html.Data, Text: simple.Body.Text.Data,
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	ct.RunHTTP(t, ct.HTTPCase{
		Factory: New(), Config: config, Secrets: []string{keySecret, sessionToken},
		Sender: connector.Mailbox{Name: "Acme", Address: "no-reply@auth.example.com"},
		Accept: accept, ProviderID: accepted,
		Refuse:   func(status int, words string) ct.Answer { return refuse(status, "BadRequestException", words) },
		Read:     read,
		Refusals: refusals(),
		Unsigned: []string{"Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "Authorization", "X-Amz-Date"},
		Bad:      bad(),
	})
}

func refusals() map[string]ct.Refusal {
	const notVerified = "Email address is not verified. The following identities failed the check in region EU-CENTRAL-1: no-reply@auth.example.com"
	return map[string]ct.Refusal{
		"a sender that is not verified": {Answer: refuse(400, "MessageRejected", notVerified), Want: connector.ConfigFault},
		"a virus":                       {Answer: refuse(400, "MessageRejected", "Bad content"), Want: connector.Permanent},
		"a MAIL FROM without MX":        {Answer: refuse(400, "MailFromDomainNotVerifiedException", "The MX record is missing."), Want: connector.ConfigFault},
		"a closed account":              {Answer: refuse(400, "AccountSuspendedException", "The account is suspended."), Want: connector.ConfigFault},
		"a paused account":              {Answer: refuse(400, "SendingPausedException", "Sending is paused."), Want: connector.ConfigFault},
		"over quota":                    {Answer: refuse(400, "LimitExceededException", "Daily message quota exceeded."), Want: connector.Throttled},
		"too fast":                      {Answer: refuse(429, "TooManyRequestsException", "Maximum sending rate exceeded."), Want: connector.Throttled},
		"throttled":                     {Answer: refuse(400, "ThrottlingException", "Rate exceeded"), Want: connector.Throttled},
		"no configuration set":          {Answer: refuse(404, "NotFoundException", "Configuration set <sign-in> does not exist."), Want: connector.ConfigFault},
		"an illegal address":            {Answer: refuse(400, "BadRequestException", "Illegal address"), Want: connector.Permanent},
		"no permission":                 {Answer: refuse(403, "AccessDeniedException", "is not authorized to perform: ses:SendEmail"), Want: connector.ConfigFault},
		"an unknown key":                {Answer: refuse(403, "UnrecognizedClientException", "The security token included in the request is invalid."), Want: connector.ConfigFault},
		"a wrong secret":                {Answer: refuse(403, "InvalidSignatureException", "The request signature we calculated does not match"), Want: connector.ConfigFault},
		"an expired session":            {Answer: refuse(403, "ExpiredTokenException", "The security token included in the request is expired"), Want: connector.ConfigFault},
		"a wrong clock":                 {Answer: refuse(400, "RequestExpired", "Request has expired."), Want: connector.ConfigFault},
		"a clash":                       {Answer: refuse(500, "ConcurrentModificationException", "Try again."), Want: connector.Temporary},
		"something broken":              {Answer: refuse(500, "InternalFailure", "An unknown error."), Want: connector.Temporary},
		"the name with a URL": {
			Answer: refuse(400, "SendingPausedException:http://internal.amazon.com/coral/com.amazonaws.sesv2/", "Paused."), Want: connector.ConfigFault,
		},
		"the name in the body": {
			Answer: ct.Answer{Status: 400, Body: `{"__type": "com.amazonaws.sesv2#AccountSuspendedException", "message": "Suspended."}`},
			Want:   connector.ConfigFault,
		},
	}
}

func bad() map[string][]string {
	const (
		needsRegion = "region: must be the name of an AWS region, such as eu-central-1"
		needsTopic  = "must be a topic's ARN, such as arn:aws:sns:eu-central-1:123456789012:postern"
		needsURL    = "endpoint: must be an https URL without user, query and fragment"
		needsMail   = "must be an e-mail address, or a name with one in angle brackets"
	)
	many := make([]string, 0, 16)
	for i := range 16 {
		many = append(many, fmt.Sprintf(`"X-Name-%d": "x"`, i))
	}
	return map[string][]string{
		`{"region": null}`:                                  {"region: is required"},
		`{"region": "Frankfurt"}`:                           {needsRegion},
		`{"region": "eu-central-1.evil.example"}`:           {needsRegion},
		`{"region": "eu-central-1/@evil.example#"}`:         {needsRegion},
		`{"accessKeyId": null}`:                             {"accessKeyId: is required"},
		`{"accessKeySecret": null}`:                         {"accessKeySecret: is required"},
		`{"accessKeyId": null, "accessKeySecret": null}`:    {"accessKeyId: is required", "accessKeySecret: is required"},
		`{"roleArn": "arn:aws:iam::123456789012:user/ann"}`: {"roleArn: must be a role's ARN, such as arn:aws:iam::123456789012:role/postern-mail"},
		`{"accessKeyId": null, "accessKeySecret": null, "sessionToken": null}`: {
			"endpoint: must be left out where the access key is: what the machine's role signs goes to AWS alone",
		},
		`{"emailAddress": "acme"}`:                           {"emailAddress: " + needsMail},
		`{"feedbackForwardingEmailAddress": "a@b@c"}`:        {"feedbackForwardingEmailAddress: " + needsMail},
		`{"fromName": "Acme\r\nBcc: x@y.example"}`:           {"fromName: must be one line without control characters"},
		`{"configurationSetName": "a\nb"}`:                   {"configurationSetName: must be one line without control characters"},
		`{"snsTopicArns": ["` + topic + `", "postern"]}`:     {"snsTopicArns.1: " + needsTopic},
		`{"snsTopicArns": ["arn:aws:sqs:eu-central-1:1:x"]}`: {"snsTopicArns.0: " + needsTopic},
		`{"snsTopicArns": "` + topic + `"}`:                  {"snsTopicArns: must be a list"},
		`{"headers": {"Bcc": "x@y.example"}}`:                {"headers.Bcc: is not a header that may be set: Bcc is set by the service itself"},
		`{"headers": {"X-Team": "Zoë"}}`:                     {"headers.X-Team: must be ASCII of at most 870 characters"},
		`{"headers": {` + strings.Join(many, ", ") + `}}`:    {"headers: may hold 15 at most"},
		`{"endpoint": "http://169.254.169.254"}`:             {needsURL},
		`{"endpoint": "https://u:p@email.example.com"}`:      {needsURL},
		`{"key": "x"}`: {"key: is not a known key"},
	}
}

// TestNoSender proves that a mail without a sender is a fault of the settings.
func TestNoSender(t *testing.T) {
	t.Parallel()
	p := ct.NewProvider(t, accept)
	opened := ct.Open(t, New(), json.RawMessage(`{"accessKeyId": "`+keyID+`", "accessKeySecret": "`+keySecret+`", "region": "eu-central-1",
		"endpoint": "`+p.URL+`"}`), connector.Host{})
	_, err := opened.Send(t.Context(), ct.Sample())
	if e := ct.CheckError(t, err, keySecret); e.Class != connector.ConfigFault || len(p.Requests()) > 0 {
		t.Errorf("class %s (%v), %d requests; want config, none", e.Class, e, len(p.Requests()))
	}
	m := ct.Sample()
	m.From.Address = "no-reply@example.com"
	if _, err := opened.Send(t.Context(), m); err != nil {
		t.Error(err)
	}
}
