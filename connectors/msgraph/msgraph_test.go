package msgraph

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	tenant       = "contoso.onmicrosoft.com"
	clientSecret = "Abc8Q~client-secret-of-the-test"
	requestID    = "b0351594-53a1-4ed0-b1b5-aedd6ff93e1e"
)

func config(endpoint string) json.RawMessage {
	return json.RawMessage(`{"tenantId": "` + tenant + `", "clientId": "11112222-bbbb-3333-cccc-4444dddd5555",
		"clientSecret": "` + clientSecret + `", "fromEmail": "no-reply@auth.example.com", "fromName": "Acme",
		"replyTo": "help@example.com", "headers": {"X-Team": "sign-in"}, "templates": null,
		"endpoint": "` + endpoint + `", "authority": "` + endpoint + `"}`)
}

// asks tells the requests for a token.
func asks(r ct.Request) bool { return r.Path == "/"+tenant+"/oauth2/v2.0/token" }

// refuse is an error as https://learn.microsoft.com/graph/errors has it.
func refuse(status int, code, words string) ct.Answer {
	body, _ := json.Marshal(map[string]any{"error": map[string]any{ // strings always encode
		"code": code, "message": words, "innerError": map[string]any{"request-id": requestID, "date": "2026-11-23T19:34:21"},
	}})
	return ct.Answer{Status: status, Body: string(body)}
}

// read reads a request as Graph does.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	var s sending
	if r.Method != http.MethodPost || r.Path != "/v1.0/users/no-reply@auth.example.com/sendMail" || json.Unmarshal(r.Body, &s) != nil ||
		len(s.Message.ToRecipients) != 1 || len(s.Message.ReplyTo) > 1 || s.SaveToSentItems || len(s.Message.Headers) > 5 {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
		return ct.Mail{}
	}
	if !strings.Contains(string(r.Body), `"saveToSentItems":false`) {
		t.Error("Exchange keeps a copy unless it is told not to")
	}
	m := ct.Mail{
		From: connector.Mailbox(s.Message.From.EmailAddress), To: s.Message.ToRecipients[0].EmailAddress.Address,
		Subject: s.Message.Subject, Text: s.Message.Body.Content,
	}
	if s.Message.Body.ContentType == "HTML" {
		m.HTML, m.Text = m.Text, ""
	}
	for _, to := range s.Message.ReplyTo {
		m.ReplyTo = connector.Mailbox(to.EmailAddress)
	}
	return m
}

func conformance() ct.HTTPCase {
	return ct.HTTPCase{
		Factory: New(), Config: config, Secrets: []string{clientSecret},
		Sender: connector.Mailbox{Name: "Acme", Address: "no-reply@auth.example.com"},
		Lacks:  []ct.Feature{ct.TextPart},
		Accept: func(ct.Request) ct.Answer {
			return ct.Answer{Status: http.StatusAccepted, Header: map[string]string{"request-id": requestID}}
		},
		ProviderID: requestID,
		AnyAnswer:  true,
		Refuse:     func(status int, words string) ct.Answer { return refuse(status, "UnknownError", words) },
		Read:       read,
		Other: func(r ct.Request) (ct.Answer, bool) {
			return ct.TokenAnswer("token-of-the-test", 3599), asks(r)
		},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	c := conformance()
	c.Refusals = map[string]ct.Refusal{
		"a bad token":        {Answer: refuse(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."), Want: connector.ConfigFault},
		"no consent":         {Answer: refuse(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."), Want: connector.ConfigFault},
		"no permission":      {Answer: refuse(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."), Want: connector.ConfigFault},
		"another's address":  {Answer: refuse(403, "ErrorSendAsDenied", "The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account."), Want: connector.ConfigFault},
		"no such user":       {Answer: refuse(404, "ErrorInvalidUser", "The requested user 'no-reply@auth.example.com' is invalid."), Want: connector.ConfigFault},
		"no user":            {Answer: refuse(404, "ResourceNotFound", "Resource could not be discovered."), Want: connector.ConfigFault},
		"no mailbox":         {Answer: refuse(404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise."), Want: connector.ConfigFault},
		"a full mailbox":     {Answer: refuse(507, "ErrorQuotaExceeded", "The mailbox's quota has been exceeded."), Want: connector.ConfigFault},
		"a bad recipient":    {Answer: refuse(400, "ErrorInvalidRecipients", "At least one recipient isn't valid."), Want: connector.Recipient},
		"a bad header":       {Answer: refuse(400, "InvalidInternetMessageHeader", "The internet message header name should start with 'x-' or 'X-'."), Want: connector.Permanent},
		"too large":          {Answer: refuse(413, "ErrorMessageSizeExceeded", "The message exceeds the maximum supported size."), Want: connector.Permanent},
		"too fast":           {Answer: refuse(429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit."), Want: connector.Throttled},
		"over quota":         {Answer: refuse(403, "ErrorSubmissionQuotaExceeded", "The message can't be submitted because the sender's submission quota was exceeded."), Want: connector.Throttled},
		"moving":             {Answer: refuse(400, "ErrorMailboxMoveInProgress", "Mailbox move in progress. Try again later."), Want: connector.Temporary},
		"out of order there": {Answer: refuse(503, "serviceNotAvailable", "The service is unavailable."), Want: connector.Temporary},
	}
	const notURL = "must be an https URL without user, query and fragment"
	c.Bad = map[string][]string{
		`{"tenantId": null}`:                       {"tenantId: is required"},
		`{"tenantId": "a/../b"}`:                   {"tenantId: must be the ID of a directory or one of its domains"},
		`{"tenantId": "a?b"}`:                      {"tenantId: must be the ID of a directory or one of its domains"},
		`{"clientId": null}`:                       {"clientId: is required"},
		`{"clientId": "a\u0000"}`:                  {"clientId: must be one line without control characters"},
		`{"clientSecret": null}`:                   {"clientSecret: is required"},
		`{"clientSecret": 1}`:                      {"clientSecret: must be a string"},
		`{"fromEmail": null}`:                      {"fromEmail: is required"},
		`{"fromEmail": "a@b.example,c@d.example"}`: {"fromEmail: must be an e-mail address, or a name with one in angle brackets"},
		`{"headers": {"List-Id": "x"}}`:            {"headers.List-Id: must begin with X-: Graph takes no other"},
		`{"headers": {"X-A": "1", "X-B": "2", "X-C": "3", "X-D": "4", "X-E": "5"}}`: {"headers: must hold 4 headers at most"},
		`{"endpoint": "http://graph.microsoft.com"}`:                                {"endpoint: " + notURL},
		`{"authority": "http://login.microsoftonline.com"}`:                         {"authority: " + notURL},
		`{"authority": "https://login.microsoftonline.com?a"}`:                      {"authority: " + notURL},
		`{"serverToken": "x"}`:                                                      {"serverToken: is not a known key"},
	}
	ct.RunHTTP(t, c)
}

func TestTokens(t *testing.T) {
	t.Parallel()
	ct.RunTokens(t, conformance(), asks)
}

// TestTokenRequest: the client asks in its own name
// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
func TestTokenRequest(t *testing.T) {
	t.Parallel()
	c := conformance()
	p := ct.NewProvider(t, func(r ct.Request) ct.Answer {
		if a, ok := c.Other(r); ok {
			return a
		}
		return c.Accept(r)
	})
	if _, err := ct.Open(t, New(), config(p.URL), connector.Host{}).Send(t.Context(), ct.Sample()); err != nil {
		t.Fatal(err)
	}
	requests := p.Requests()
	if len(requests) != 2 || requests[0].Path != "/"+tenant+"/oauth2/v2.0/token" {
		t.Fatalf("%d requests, the first to %s", len(requests), requests[0].Path)
	}
	want := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"11112222-bbbb-3333-cccc-4444dddd5555"},
		"client_secret": {clientSecret}, "scope": {"https://graph.microsoft.com/.default"},
	}
	if got := requests[0].Form(); got.Encode() != want.Encode() {
		t.Errorf("asked for a token with %v", got)
	}
	if got := requests[1].Header.Get("Authorization"); got != "Bearer token-of-the-test" {
		t.Errorf("authorized by %q", got)
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"https://graph.microsoft.com":             "https://graph.microsoft.com/.default",
		"https://graph.microsoft.us/":             "https://graph.microsoft.us/.default",
		"https://dod-graph.microsoft.us":          "https://dod-graph.microsoft.us/.default",
		"https://microsoftgraph.chinacloudapi.cn": "https://microsoftgraph.chinacloudapi.cn/.default",
		"https://gateway.example.com/graph":       "https://graph.microsoft.com/.default",
	} {
		if got := scope(endpoint); got != want {
			t.Errorf("%s: %s, want %s", endpoint, got, want)
		}
	}
}

// TestMailboxInPath: an address is one step of the path, whatever is in it.
func TestMailboxInPath(t *testing.T) {
	t.Parallel()
	c := conformance()
	p := ct.NewProvider(t, func(r ct.Request) ct.Answer {
		if a, ok := c.Other(r); ok {
			return a
		}
		return c.Accept(r)
	})
	for from, want := range map[string]string{
		"a/b@example.com":      "/v1.0/users/a%2Fb@example.com/sendMail",
		"a?b#c%2F@example.com": "/v1.0/users/a%3Fb%23c%252F@example.com/sendMail",
		"ann+x@example.com":    "/v1.0/users/ann+x@example.com/sendMail",
	} {
		var given map[string]any
		if err := json.Unmarshal(config(p.URL), &given); err != nil {
			t.Fatal(err)
		}
		given["fromEmail"] = from
		changed, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ct.Open(t, New(), changed, connector.Host{}).Send(t.Context(), ct.Sample()); err != nil {
			t.Errorf("%s: %v", from, err)
		}
		requests := p.Requests()
		if got := requests[len(requests)-1].Path; got != want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
}
