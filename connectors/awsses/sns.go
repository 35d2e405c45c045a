package awsses

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// maxAge is how old a message of Amazon SNS may be. Its time is that of the
// first delivery, and SNS tries for an hour at most, which no policy can
// extend (https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html):
// what is older is replayed. maxAhead is how far its clock may be ahead.
const (
	maxAge   = time.Hour
	maxAhead = providerapi.MaxAge
)

// envelope is what Amazon SNS puts around a message
// (https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html,
// https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html).
// A message that is delivered raw has none, and so no signature.
type envelope struct {
	Type             string    `json:"Type"`
	MessageID        string    `json:"MessageId"`
	Token            string    `json:"Token"`
	TopicARN         topicARN  `json:"TopicArn"`
	Subject          *string   `json:"Subject"`
	Message          string    `json:"Message"`
	Timestamp        string    `json:"Timestamp"`
	SignatureVersion string    `json:"SignatureVersion"`
	Signature        string    `json:"Signature"`
	SigningCertURL   string    `json:"SigningCertURL"`
	SubscribeURL     string    `json:"SubscribeURL"`
	at               time.Time // Timestamp
}

// The types of messages.
const (
	notification      = "Notification"
	confirmation      = "SubscriptionConfirmation"
	endOfSubscription = "UnsubscribeConfirmation"
)

// snsURL is how the address of Amazon SNS in a region begins. The region has to
// look like one: "sns.s3.amazonaws.com" is a bucket of somebody.
const snsURL = `^https://sns\.[a-z]{2,4}(-[a-z]{2,12}){1,2}-\d{1,2}\.amazonaws\.com(\.cn)?/`

var (
	certificateURL = regexp.MustCompile(snsURL + `SimpleNotificationService-[A-Za-z0-9]+\.pem$`)
	subscribeURL   = regexp.MustCompile(snsURL + `\?Action=ConfirmSubscription&`)
	// certifiedName is a name in the certificates that Amazon SNS signs with.
	certifiedName = regexp.MustCompile(`^sns(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?$`)
)

// signed returns what the signature is over
// (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html).
func (e envelope) signed() []byte {
	var b strings.Builder
	line := func(key, value string) { b.WriteString(key + "\n" + value + "\n") }
	line("Message", e.Message)
	line("MessageId", e.MessageID)
	if e.Type == notification {
		if e.Subject != nil {
			line("Subject", *e.Subject)
		}
		line("Timestamp", e.Timestamp)
	} else {
		line("SubscribeURL", e.SubscribeURL)
		line("Timestamp", e.Timestamp)
		line("Token", e.Token)
	}
	line("TopicArn", string(e.TopicARN))
	line("Type", e.Type)
	return []byte(b.String())
}

// genuine reads a callback of Amazon SNS and proves that it is one, new, and
// of a topic that the settings list. What costs nothing is looked at first.
func (s *ses) genuine(ctx context.Context, c connector.Callback) (envelope, error) {
	var e envelope
	if len(s.settings.SNSTopicARNs) == 0 {
		return e, connector.ErrNotSetUp
	}
	if err := providerapi.ReadJSON(c, &e); err != nil {
		return e, err
	}
	var err error
	e.at, err = time.Parse(time.RFC3339, e.Timestamp)
	age := c.At.Sub(e.at)
	algorithm := algorithmOf(e.SignatureVersion)
	signature, badSignature := base64.StdEncoding.DecodeString(e.Signature)
	switch {
	case err != nil, age > maxAge, age < -maxAhead,
		algorithm == x509.UnknownSignatureAlgorithm, badSignature != nil,
		!slices.Contains([]string{notification, confirmation, endOfSubscription}, e.Type),
		!slices.Contains(s.settings.SNSTopicARNs, e.TopicARN),
		!certificateURL.MatchString(e.SigningCertURL):
		return e, connector.ErrNotGenuine
	}
	cert, err := s.certificates.get(ctx, e.SigningCertURL)
	if err != nil {
		return e, err
	}
	if cert.CheckSignature(algorithm, e.signed(), signature) != nil {
		return e, connector.ErrNotGenuine
	}
	return e, nil
}

// algorithmOf is that of a signature version.
func algorithmOf(version string) x509.SignatureAlgorithm {
	switch version {
	case "1":
		return x509.SHA1WithRSA
	case "2":
		return x509.SHA256WithRSA
	default:
		return x509.UnknownSignatureAlgorithm
	}
}

// subscribe tells Amazon SNS that the topic may call.
func (s *ses) subscribe(ctx context.Context, e envelope) error {
	if !subscribeURL.MatchString(e.SubscribeURL) {
		return connector.ErrNotGenuine
	}
	_, err := s.Do(ctx, connector.Message{}, providerapi.Request{Method: http.MethodGet, URL: e.SubscribeURL})
	if err != nil {
		return fmt.Errorf("confirm the subscription at Amazon SNS: %w", err)
	}
	return nil
}

const (
	// maxCertificates bounds how many are kept: one a region at a time.
	maxCertificates = 8
	// maxIssuers bounds how many authorities are looked up for one certificate.
	maxIssuers = 3
)

// certificates are those that Amazon SNS signs with, by their URL.
type certificates struct {
	client *providerapi.Client
	roots  *x509.CertPool // nil means the system's

	mu   sync.Mutex
	kept map[string]*x509.Certificate
}

// get returns a certificate that is valid now, named for Amazon SNS, and whose
// chain ends in a root. It is fetched once.
func (c *certificates) get(ctx context.Context, url string) (*x509.Certificate, error) {
	c.mu.Lock()
	cert := c.kept[url]
	c.mu.Unlock()
	if cert != nil && time.Now().Before(cert.NotAfter) {
		return cert, nil
	}
	list, err := c.fetch(ctx, url)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(list[0].DNSNames, certifiedName.MatchString) {
		return nil, connector.ErrNotGenuine
	}
	if err := c.verify(ctx, list); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) >= maxCertificates {
		c.kept = map[string]*x509.Certificate{}
	}
	c.kept[url] = list[0]
	return list[0], nil
}

// verify builds the chain of the first certificate of a list. Amazon SNS
// serves it alone, so that those between it and the root are fetched from
// where it says (RFC 5280 section 4.2.2.1).
func (c *certificates) verify(ctx context.Context, list []*x509.Certificate) error {
	between := x509.NewCertPool()
	for _, cert := range list[1:] {
		between.AddCert(cert)
	}
	last := list[len(list)-1]
	for range maxIssuers {
		_, err := list[0].Verify(x509.VerifyOptions{
			Roots: c.roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		if err == nil {
			return nil
		}
		if !errors.As(err, new(x509.UnknownAuthorityError)) || len(last.IssuingCertificateURL) == 0 {
			return connector.ErrNotGenuine
		}
		issuer, err := c.fetch(ctx, last.IssuingCertificateURL[0])
		if err != nil {
			return err
		}
		last = issuer[0]
		between.AddCert(last)
	}
	return connector.ErrNotGenuine
}

// fetch gets certificates, in PEM or one in DER; there is at least one. A
// certificate that is not there is no certificate of Amazon SNS; any other
// trouble passes.
func (c *certificates) fetch(ctx context.Context, url string) ([]*x509.Certificate, error) {
	answer, err := c.client.Do(ctx, connector.Message{}, providerapi.Request{Method: http.MethodGet, URL: url})
	if err != nil {
		if e, ok := errors.AsType[*connector.Error](err); ok && (e.Status == http.StatusNotFound || e.Status == http.StatusForbidden) {
			return nil, connector.ErrNotGenuine
		}
		return nil, fmt.Errorf("fetch the certificate of Amazon SNS: %w", err)
	}
	der := answer.Body
	if block, rest := pem.Decode(answer.Body); block != nil {
		der = nil
		for ; block != nil; block, rest = pem.Decode(rest) {
			der = append(der, block.Bytes...)
		}
	}
	list, err := x509.ParseCertificates(der)
	if err != nil || len(list) == 0 || answer.Broken {
		return nil, errors.New("what Amazon SNS serves as its certificate cannot be read")
	}
	return list, nil
}
