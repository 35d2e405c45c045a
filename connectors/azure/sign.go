package azure

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// signer signs requests with the key of a resource
// (https://learn.microsoft.com/azure/communication-services/tutorials/hmac-header-tutorial).
type signer []byte

// newSigner reads a key.
func newSigner(key connector.Secret) (signer, error) {
	raw, err := base64.StdEncoding.DecodeString(key.Reveal())
	if err != nil || len(raw) == 0 {
		return nil, errors.New("no key in base64")
	}
	return raw, nil
}

// sign adds the headers of a request with a signature over its method, path,
// date, host and body.
func (s signer) sign(r providerapi.Request, at time.Time) error {
	u, err := url.Parse(r.URL)
	if err != nil {
		return &connector.Error{Class: connector.ConfigFault, Message: "the settings do not make a request"}
	}
	date := at.UTC().Format(http.TimeFormat)
	sum := sha256.Sum256(r.Body)
	hash := base64.StdEncoding.EncodeToString(sum[:])
	r.Header.Set("X-Ms-Date", date)
	r.Header.Set("X-Ms-Content-Sha256", hash)
	r.Header.Set("Authorization", s.authorization(http.MethodPost, u.RequestURI(), u.Host, date, hash))
	return nil
}

func (s signer) authorization(method, pathAndQuery, host, date, hash string) string {
	mac := hmac.New(sha256.New, s)
	mac.Write([]byte(method + "\n" + pathAndQuery + "\n" + date + ";" + host + ";" + hash))
	return "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
