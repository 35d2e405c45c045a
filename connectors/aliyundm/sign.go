package aliyundm

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what the API signs with; as an HMAC it holds
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
)

// sign adds the parameters that all calls have in common
// (https://www.alibabacloud.com/help/en/direct-mail/public-parameters), the
// signature among them. A nonce is for one request, a time for 15 minutes.
func sign(form url.Values, keyID string, secret connector.Secret, at time.Time, nonce string) {
	form.Set("Format", "json")
	form.Set("Version", "2015-11-23")
	form.Set("AccessKeyId", keyID)
	form.Set("SignatureMethod", "HMAC-SHA1")
	form.Set("SignatureVersion", "1.0")
	form.Set("SignatureNonce", nonce)
	form.Set("Timestamp", at.UTC().Format("2006-01-02T15:04:05Z"))
	form.Set("Signature", signature(http.MethodPost, form, secret))
}

// signature signs parameters
// (https://www.alibabacloud.com/help/en/direct-mail/signature): they are
// sorted by name, and escaped once each and once more as a whole.
func signature(method string, form url.Values, secret connector.Secret) string {
	// Encode sorts and escapes as RFC 3986 does, but for the blank.
	parameters := strings.ReplaceAll(form.Encode(), "+", "%20")
	mac := hmac.New(sha1.New, []byte(secret.Reveal()+"&"))
	mac.Write([]byte(method + "&" + url.QueryEscape("/") + "&" + url.QueryEscape(parameters)))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
