package awsses

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	roleKeyID  = "ASIAROLEEXAMPLE"
	roleSecret = "role-secret-role-secret"
	roleToken  = "role-token-role-token"
	role       = "arn:aws:iam::123456789012:role/postern-mail"

	sesHost = "email.eu-central-1.amazonaws.com"
	stsHost = "sts.eu-central-1.amazonaws.com"
)

// internet is all that is out there, as a connector's transport reaches it: hosts by name.
// It carries no request anywhere.
type internet struct {
	hosts map[string]func(ct.Request) ct.Answer

	mu   sync.Mutex
	seen []string // scheme and host of each request
	last map[string]ct.Request
}

// RoundTrip implements http.RoundTripper.
func (i *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	got := ct.Request{Method: r.Method, Path: r.URL.RequestURI(), Header: r.Header.Clone(), Body: body}
	got.Header.Set("Content-Length", fmt.Sprint(len(body)))
	i.mu.Lock()
	i.seen = append(i.seen, r.URL.Scheme+"://"+r.URL.Host)
	if i.last == nil {
		i.last = map[string]ct.Request{}
	}
	i.last[r.URL.Host] = got
	i.mu.Unlock()
	answer, ok := i.hosts[r.URL.Host]
	if !ok {
		return nil, errors.New("no such host in this test: " + r.URL.Host)
	}
	a := answer(got)
	res := httptest.NewRecorder()
	for name, value := range a.Header {
		res.Header().Set(name, value)
	}
	if a.Status != 0 {
		res.WriteHeader(a.Status)
	}
	_, _ = io.Copy(res, bytes.NewReader([]byte(a.Body))) // into memory
	return res.Result(), nil
}

func (i *internet) requests(host string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(i.seen), func(s string) bool { return s != "https://"+host }))
}

// session is what AWS STS answers
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
func session(action, id string, expires time.Time) ct.Answer {
	return ct.Answer{Header: map[string]string{"Content-Type": "text/xml"}, Body: `<` + action + `Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
		<` + action + `Result><Credentials><AccessKeyId>` + id + `</AccessKeyId><SecretAccessKey>` + roleSecret + `</SecretAccessKey>
		<SessionToken>` + roleToken + `</SessionToken><Expiration>` + expires.UTC().Format(time.RFC3339) + `</Expiration></Credentials></` + action + `Result>
		<ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata></` + action + `Response>`}
}

func noSession(status int, code, words string) func(ct.Request) ct.Answer {
	return func(ct.Request) ct.Answer {
		return ct.Answer{Status: status, Header: map[string]string{"Content-Type": "text/xml"}, Body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
			<Error><Type>Sender</Type><Code>` + code + `</Code><Message>` + words + `</Message></Error></ErrorResponse>`}
	}
}

func roleConfig(keys string) json.RawMessage {
	return json.RawMessage(`{` + keys + ` "region": "eu-central-1", "emailAddress": "no-reply@auth.example.com"}`)
}

const (
	withKeys = `"accessKeyId": "` + keyID + `", "accessKeySecret": "` + keySecret + `",`
	withRole = `"roleArn": "` + role + `",`
)

// TestRole proves that a role of the settings is taken on with their keys, at
// AWS STS, and kept until shortly before its end.
func TestRole(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lasts time.Duration
		takes int
	}{"kept": {time.Hour, 1}, "renewed": {4 * time.Minute, 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			net := &internet{hosts: map[string]func(ct.Request) ct.Answer{
				sesHost: accept,
				stsHost: func(ct.Request) ct.Answer { return session("AssumeRole", roleKeyID, time.Now().Add(tt.lasts)) },
			}}
			opened := ct.Open(t, New(), roleConfig(withKeys+withRole), connector.Host{HTTP: net})
			for range 3 {
				if _, err := opened.Send(t.Context(), ct.Sample()); err != nil {
					t.Fatal(err)
				}
			}
			if n := net.requests(stsHost); n != tt.takes {
				t.Errorf("took on the role %d times for 3 mails, want %d", n, tt.takes)
			}
			asked := net.last[stsHost]
			signed(t, asked, stsHost, "sts", keyID, keySecret, "")
			if form := asked.Form(); form.Get("Action") != "AssumeRole" || form.Get("RoleArn") != role || form.Get("RoleSessionName") != "postern" {
				t.Errorf("%s", asked.Body)
			}
			signed(t, net.last[sesHost], sesHost, "ses", roleKeyID, roleSecret, roleToken)
		})
	}
}

// TestNoRole proves the classes of roles that are not to be had, and that what
// a session holds stays hidden.
func TestNoRole(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sts  func(ct.Request) ct.Answer
		want connector.Class
	}{
		"not allowed":    {noSession(403, "AccessDenied", "User: ann is not authorized to perform: sts:AssumeRole "+keySecret), connector.ConfigFault},
		"expired":        {noSession(400, "ExpiredTokenException", "The token is expired"), connector.ConfigFault},
		"throttled":      {noSession(400, "Throttling", "Rate exceeded"), connector.Throttled},
		"broken":         {noSession(500, "InternalFailure", "Try again"), connector.Temporary},
		"down":           {noSession(503, "ServiceUnavailable", "Try again"), connector.Temporary},
		"no XML":         {func(ct.Request) ct.Answer { return ct.Answer{Status: 403, Body: "<html>"} }, connector.ConfigFault},
		"no session":     {func(ct.Request) ct.Answer { return ct.Answer{Body: "<AssumeRoleResponse/>"} }, connector.Temporary},
		"a session back": {func(ct.Request) ct.Answer { return session("AssumeRole", roleKeyID, time.Now().Add(time.Hour)) }, connector.ConfigFault},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			net := &internet{hosts: map[string]func(ct.Request) ct.Answer{
				stsHost: tt.sts,
				sesHost: func(r ct.Request) ct.Answer {
					return refuse(403, "ExpiredTokenException", r.Header.Get("X-Amz-Security-Token")+" "+roleSecret)
				},
			}}
			_, err := ct.Open(t, New(), roleConfig(withKeys+withRole), connector.Host{HTTP: net}).Send(t.Context(), ct.Sample())
			if e := ct.CheckError(t, err, keySecret, roleSecret, roleToken); e.Class != tt.want {
				t.Errorf("class %s (%v), want %s", e.Class, e, tt.want)
			}
		})
	}
}

// machine is a double of a machine that EC2 or ECS tells about itself.
func machine(t *testing.T, known bool) *httptest.Server {
	t.Helper()
	credentials := `{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "` + roleKeyID + `", "SecretAccessKey": "` + roleSecret + `",
		"Token": "` + roleToken + `", "Expiration": "` + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			_, _ = io.WriteString(w, "imds-token")
		case r.URL.Path == "/task" && r.Header.Get("Authorization") == "container-token":
			_, _ = io.WriteString(w, credentials)
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "imds-token" || !known:
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Path == "/latest/meta-data/iam/security-credentials/":
			_, _ = io.WriteString(w, "the-instance")
		case r.URL.Path == "/latest/meta-data/iam/security-credentials/the-instance":
			_, _ = io.WriteString(w, credentials)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// TestMachineRole proves that the machine's role signs where the operator
// lends it, whatever platform the machine is on, and takes on another one from
// there.
func TestMachineRole(t *testing.T) {
	t.Parallel()
	here := machine(t, true)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("container-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		settings string
		env      map[string]string
		session  string // of AWS STS
	}{
		"an instance": {},
		"a container": {env: map[string]string{
			"AWS_CONTAINER_CREDENTIALS_FULL_URI": here.URL + "/task", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token,
		}},
		"a container with a plain token": {env: map[string]string{
			"AWS_CONTAINER_CREDENTIALS_FULL_URI": here.URL + "/task", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token",
		}},
		"a service account": {
			env: map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": role}, session: "AssumeRoleWithWebIdentity",
		},
		"a further role": {settings: withRole, session: "AssumeRole"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			net := &internet{hosts: map[string]func(ct.Request) ct.Answer{
				sesHost: accept,
				stsHost: func(ct.Request) ct.Answer { return session(tt.session, roleKeyID, time.Now().Add(time.Hour)) },
			}}
			factory := newFactory(surroundings{getenv: func(key string) string { return tt.env[key] }, metadata: here.URL})
			opened := ct.Open(t, factory, roleConfig(tt.settings), connector.Host{HTTP: net, MachineRole: true})
			for range 2 {
				if _, err := opened.Send(t.Context(), ct.Sample()); err != nil {
					t.Fatal(err)
				}
			}
			signed(t, net.last[sesHost], sesHost, "ses", roleKeyID, roleSecret, roleToken)
			if tt.session != "" && (net.requests(stsHost) != 1 || net.last[stsHost].Form().Get("Action") != tt.session) {
				t.Errorf("%d requests to STS, the last %s", net.requests(stsHost), net.last[stsHost].Body)
			}
		})
	}
}

// TestMachineRoleIsNotForAll proves that no settings get at the machine's role
// unless the operator lends it, and that those of a machine without one fail.
func TestMachineRoleIsNotForAll(t *testing.T) {
	t.Parallel()
	here := machine(t, false)
	factory := newFactory(surroundings{getenv: func(string) string { return "" }, metadata: here.URL})
	for _, settings := range []string{"", withRole} {
		net := &internet{}
		_, err := ct.Open(t, factory, roleConfig(settings), connector.Host{HTTP: net}).Send(t.Context(), ct.Sample())
		if e := ct.CheckError(t, err); e.Class != connector.ConfigFault || !strings.Contains(e.Message, "does not lend") || len(net.seen) > 0 {
			t.Errorf("%q: class %s (%v), requests to %s; want config, none", settings, e.Class, e, net.seen)
		}
	}
	for metadata, want := range map[string]connector.Class{here.URL: connector.ConfigFault, "http://127.0.0.1:1": connector.Temporary} {
		factory := newFactory(surroundings{getenv: func(string) string { return "" }, metadata: metadata})
		_, err := ct.Open(t, factory, roleConfig(""), connector.Host{HTTP: &internet{}, MachineRole: true}).Send(t.Context(), ct.Sample())
		address, parseErr := url.Parse(metadata)
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		if e := ct.CheckError(t, err, address.Host); e.Class != want || !strings.Contains(e.Message, "machine") {
			t.Errorf("class %s (%v), want %s", e.Class, e, want)
		}
	}
}
