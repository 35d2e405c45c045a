package aliyundm

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what the API signs with
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	keyID     = "LTAI5tExampleExampleExam"
	keySecret = "dGhpc2lzbm90YXJlYWxzZWNyZXQ00"
	accepted  = "600000012345678901"
)

func config(endpoint string) json.RawMessage {
	return json.RawMessage(`{"accessKeyId": "` + keyID + `", "accessKeySecret": "` + keySecret + `", "regionId": "eu-central-1",
		"accountName": "no-reply@auth.example.com", "fromAlias": "Acme", "replyTo": "help@example.com",
		"headers": {"X-User-Team": "sign-in"}, "templates": null, "endpoint": "` + endpoint + `"}`)
}

// refuse is an error as Direct Mail words it.
func refuse(status int, code, words string) ct.Answer {
	body, _ := json.Marshal(map[string]string{ // strings always encode
		"Code": code, "Message": words, "RequestId": "12D086F6-8F31-4658-84C1-006DED011A85", "HostId": "dm.aliyuncs.com",
	})
	return ct.Answer{Status: status, Body: string(body)}
}

func accept(ct.Request) ct.Answer {
	return ct.Answer{Body: `{"EnvId": "` + accepted + `", "RequestId": "12D086F6-8F31-4658-84C1-006DED011A85"}`}
}

// read reads a request as Direct Mail does, and checks its signature.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	form := r.Form()
	if r.Method != http.MethodPost || r.Path != "/" || form.Get("Action") != "SingleSendMail" || form.Get("HtmlBody") != "" && form.Get("TextBody") != "" {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
	}
	given := form.Get("Signature")
	form.Del("Signature")
	if want := signature(http.MethodPost, form, keySecret); given != want {
		t.Errorf("signature %q, want %q", given, want)
	}
	return ct.Mail{
		From:    connector.Mailbox{Name: form.Get("FromAlias"), Address: form.Get("AccountName")},
		ReplyTo: connector.Mailbox{Name: form.Get("ReplyAddressAlias"), Address: form.Get("ReplyAddress")},
		To:      form.Get("ToAddress"), Subject: form.Get("Subject"), HTML: form.Get("HtmlBody"), Text: form.Get("TextBody"),
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	ct.RunHTTP(t, ct.HTTPCase{
		Factory: New(), Config: config, Secrets: []string{keySecret}, Lacks: []ct.Feature{ct.TextPart},
		Sender: connector.Mailbox{Name: "Acme", Address: "no-reply@auth.example.com"},
		Accept: accept, ProviderID: accepted,
		Refuse:   func(status int, words string) ct.Answer { return refuse(status, "SomethingElse", words) },
		Read:     read,
		Unsigned: []string{"SignatureNonce", "Timestamp", "Signature"},
		Refusals: map[string]ct.Refusal{
			"an unknown sender":        {Answer: refuse(404, "InvalidMailAddress.NotFound", "The specified mailAddress does not exist."), Want: connector.ConfigFault},
			"a frozen sender":          {Answer: refuse(400, "InvalidMailAddressStatus.Malformed", "The specified mailAddress status is wrongly formed."), Want: connector.ConfigFault},
			"a domain of nobody":       {Answer: refuse(400, "InvalidMailAddressDomain.Malformed", "The specified mailAddress domain does not exist."), Want: connector.ConfigFault},
			"a long name":              {Answer: refuse(400, "InvalidFromAlias.Malformed", "The specified fromAlias is wrongly formed."), Want: connector.ConfigFault},
			"a bad recipient":          {Answer: refuse(400, "InvalidToAddress", "The specified toAddress is wrongly formed."), Want: connector.Recipient},
			"a recipient that is gone": {Answer: refuse(400, "InvalidToAddress.Spam", "Sendmail rejected by invalid address."), Want: connector.Recipient},
			"spam":                     {Answer: refuse(400, "InvalidSendMail.Spam", "Sendmail rejected by spam filter."), Want: connector.Permanent},
			"a long subject":           {Answer: refuse(400, "InvalidSubject.Malformed", "The specified subject is wrongly formed."), Want: connector.Permanent},
			"no body":                  {Answer: refuse(400, "InvalidBody", "The specified textBody or htmlBody is wrongly formed."), Want: connector.Permanent},
			"an unknown key":           {Answer: refuse(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."), Want: connector.ConfigFault},
			"a disabled key":           {Answer: refuse(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled."), Want: connector.ConfigFault},
			"a wrong secret":           {Answer: refuse(400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation."), Want: connector.ConfigFault},
			"a wrong clock":            {Answer: refuse(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."), Want: connector.ConfigFault},
			"no permission":            {Answer: refuse(403, "Forbidden.RAM", "User not authorized to operate on the specified resource"), Want: connector.ConfigFault},
			"throttled":                {Answer: refuse(400, "Throttling.User", "Request was denied due to user flow control."), Want: connector.Throttled},
			"throttled by the API":     {Answer: refuse(503, "Throttling.Api", "Request was denied due to api flow control."), Want: connector.Throttled},
			"a nonce that was used":    {Answer: refuse(400, "SignatureNonceUsed", "Specified signature nonce was used already."), Want: connector.Temporary},
			"something broken":         {Answer: refuse(500, "InternalError", "The request processing has failed due to some unknown error."), Want: connector.Temporary},
			"down":                     {Answer: refuse(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."), Want: connector.Temporary},
		},
		Bad: bad(),
	})
}

func bad() map[string][]string {
	const needsURL = "endpoint: must be an https URL without user, query and fragment"
	many := make([]string, 0, 11)
	for i := range 11 {
		many = append(many, fmt.Sprintf(`"X-User-%d": "x"`, i))
	}
	return map[string][]string{
		`{"accessKeyId": null}`:                           {"accessKeyId: is required"},
		`{"accessKeyId": ""}`:                             {"accessKeyId: must not be empty"},
		`{"accessKeySecret": null}`:                       {"accessKeySecret: is required"},
		`{"accountName": null}`:                           {"accountName: is required"},
		`{"accountName": "acme"}`:                         {"accountName: must be an e-mail address, or a name with one in angle brackets"},
		`{"accountName": "a@b.example,c@d.example"}`:      {"accountName: must be an e-mail address, or a name with one in angle brackets"},
		`{"regionId": "mars-1"}`:                          {"regionId: must be one of cn-hangzhou, ap-southeast-1, ap-southeast-2, eu-central-1, us-east-1"},
		`{"fromAlias": "Acme\r\nBcc: x@y.example"}`:       {"fromAlias: must be one line without control characters"},
		`{"replyTo": "nobody"}`:                           {"replyTo: must be an e-mail address, or a name with one in angle brackets"},
		`{"headers": {"X-Team": "sign-in"}}`:              {"headers.X-Team: must begin with X-User-; Direct Mail takes no others"},
		`{"headers": {` + strings.Join(many, ", ") + `}}`: {"headers: may hold 10 at most"},
		`{"endpoint": "http://dm.aliyuncs.com"}`:          {needsURL},
		`{"endpoint": "https://dm.aliyuncs.com?x=1"}`:     {needsURL},
		`{"key": "x"}`:                                    {"key: is not a known key"},
	}
}

// TestSignature signs the example of Direct Mail's documentation
// (https://www.alibabacloud.com/help/en/direct-mail/signature), and that of
// ECS, which signs alike
// (https://www.alibabacloud.com/help/doc-detail/25492.htm).
func TestSignature(t *testing.T) {
	t.Parallel()
	mail := url.Values{
		"AccessKeyId": {"testid"}, "AccountName": {"<a%b'>"}, "Action": {"SingleSendMail"}, "AddressType": {"1"}, "Format": {"XML"},
		"HtmlBody": {"4"}, "RegionId": {"cn-hangzhou"}, "ReplyToAddress": {"true"}, "SignatureMethod": {"HMAC-SHA1"},
		"SignatureNonce": {"c1b2c332-4cfb-4a0f-b8cc-ebe622aa0a5c"}, "SignatureVersion": {"1.0"}, "Subject": {"3"}, "TagName": {"2"},
		"Timestamp": {"2016-10-20T06:27:56Z"}, "ToAddress": {"1@test.com"}, "Version": {"2015-11-23"},
	}
	if got := signature(http.MethodPost, mail, "testsecret"); got != "llJfXJjBW3OacrVgxxsITgYaYm0=" {
		t.Errorf("mail: %s", got)
	}
	regions := url.Values{
		"AccessKeyId": {"testid"}, "Action": {"DescribeRegions"}, "Format": {"XML"}, "SignatureMethod": {"HMAC-SHA1"},
		"SignatureNonce": {"3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"}, "SignatureVersion": {"1.0"},
		"Timestamp": {"2016-02-23T12:46:24Z"}, "Version": {"2014-05-26"},
	}
	if got := signature(http.MethodGet, regions, "testsecret"); got != "OLeaidS1JvxuMvnyHOwuJ+uX5qY=" {
		t.Errorf("regions: %s", got)
	}
}

// TestEscaping proves that the characters are escaped that the documentation
// names: the string that is signed is written out here.
func TestEscaping(t *testing.T) {
	t.Parallel()
	mac := hmac.New(sha1.New, []byte("testsecret&"))
	mac.Write([]byte("POST&%2F&Subject%3Da%2520b%252Ac~d%252Be%2522%25E4%25B8%25AD"))
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if got := signature(http.MethodPost, url.Values{"Subject": {"a b*c~d+e\"中"}}, "testsecret"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	form := url.Values{"Action": {"SingleSendMail"}}
	at := time.Date(2026, 2, 3, 4, 5, 6, 789, time.FixedZone("CST", 8*60*60))
	sign(form, keyID, keySecret, at, "n-1")
	if form.Get("Timestamp") != "2026-02-02T20:05:06Z" || form.Get("SignatureNonce") != "n-1" || form.Get("AccessKeyId") != keyID {
		t.Errorf("%v", form)
	}
	names := slices.Sorted(maps.Keys(form))
	want := []string{"AccessKeyId", "Action", "Format", "Signature", "SignatureMethod", "SignatureNonce", "SignatureVersion", "Timestamp", "Version"}
	if !slices.Equal(names, want) {
		t.Errorf("%s", names)
	}
}

// TestNonces proves that no two requests have the same.
func TestNonces(t *testing.T) {
	t.Parallel()
	p := ct.NewProvider(t, accept)
	opened := ct.Open(t, New(), config(p.URL), connector.Host{})
	m := ct.Sample()
	seen := map[string]bool{}
	for range 5 {
		if _, err := opened.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range p.Requests() {
		seen[r.Form().Get("SignatureNonce")] = true
	}
	if len(seen) != 5 || seen[""] {
		t.Errorf("%d nonces for 5 requests", len(seen))
	}
}

// TestWrongSecret proves that nothing of the mail is told when Direct Mail
// answers with what it would have signed.
func TestWrongSecret(t *testing.T) {
	t.Parallel()
	p := ct.NewProvider(t, func(r ct.Request) ct.Answer {
		form := r.Form()
		form.Del("Signature")
		return refuse(400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation. server string to sign is:POST&%2F&"+
			url.QueryEscape(strings.ReplaceAll(form.Encode(), "+", "%20")))
	})
	m := ct.Sample()
	short := json.RawMessage(`{"accessKeyId": "x", "accessKeySecret": "` + keySecret + `", "accountName": "a@b.example", "endpoint": "` + p.URL + `"}`)
	_, err := ct.Open(t, New(), short, connector.Host{}).Send(t.Context(), m)
	code, _ := m.Payload["code"].(string)
	local, _, _ := strings.Cut(m.To, "@")
	e := ct.CheckError(t, err, code, local, "words", keySecret)
	if e.Class != connector.ConfigFault || !strings.Contains(e.Message, "not matched with our calculation") {
		t.Errorf("class %s (%v)", e.Class, e)
	}
}

// TestComma proves that no address reaches further recipients: ToAddress is a
// list to Direct Mail.
func TestComma(t *testing.T) {
	t.Parallel()
	p := ct.NewProvider(t, accept)
	opened := ct.Open(t, New(), config(p.URL), connector.Host{})
	for _, to := range []string{`"a,victim@example.org,b"@example.com`, `a,victim@example.org`, `"a,b"@example.com`} {
		m := ct.Sample()
		m.To = to
		_, err := opened.Send(t.Context(), m)
		if e := ct.CheckError(t, err, "victim"); e.Class != connector.Permanent || len(p.Requests()) > 0 {
			t.Errorf("%s: class %s (%v), %d requests", to, e.Class, e, len(p.Requests()))
		}
	}
}

// TestRegions proves where requests of each region go.
func TestRegions(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"": "https://dm.aliyuncs.com/", "cn-hangzhou": "https://dm.aliyuncs.com/",
		"ap-southeast-1": "https://dm.ap-southeast-1.aliyuncs.com/", "ap-southeast-2": "https://dm.ap-southeast-2.aliyuncs.com/",
		"eu-central-1": "https://dm.eu-central-1.aliyuncs.com/", "us-east-1": "https://dm.us-east-1.aliyuncs.com/",
	} {
		given := `"accessKeyId": "x", "accessKeySecret": "` + keySecret + `", "accountName": "a@example.com"`
		if region != "" {
			given += `, "regionId": "` + region + `"`
		}
		net := &recorder{}
		opened := ct.Open(t, New(), json.RawMessage(`{`+given+`}`), connector.Host{HTTP: net})
		if _, err := opened.Send(t.Context(), ct.Sample()); err == nil || net.url != want {
			t.Errorf("%s: %s (%v), want %s", region, net.url, err, want)
		}
	}
}

// recorder notes where a request would go and carries none.
type recorder struct{ url string }

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.url = req.URL.String()
	return nil, http.ErrServerClosed
}
