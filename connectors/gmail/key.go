package gmail

import (
	"encoding/json"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/oauth"
	"github.com/postern-mail/postern/connector/providerapi"
)

// serviceKey is the file that Google makes for a key of a service account
// (https://developers.google.com/identity/protocols/oauth2/service-account),
// as an object or as its text. All of it is kept as a secret: nobody needs to
// read it again.
type serviceKey struct {
	Type         connector.Secret `json:"type"`
	ClientEmail  connector.Secret `json:"client_email"`
	PrivateKey   connector.Secret `json:"private_key"`
	PrivateKeyID connector.Secret `json:"private_key_id"`
	TokenURI     connector.Secret `json:"token_uri"`
}

// googleTokens is the token endpoint of files that name none.
const googleTokens = "https://oauth2.googleapis.com/token" //nolint:gosec // an address, no credential

// UnmarshalJSON implements json.Unmarshaler. What else is in the file does not
// matter here.
func (k *serviceKey) UnmarshalJSON(text []byte) error {
	var inside string
	if json.Unmarshal(text, &inside) == nil {
		text = []byte(inside)
	}
	type plain serviceKey // without this method
	read := plain{TokenURI: googleTokens}
	if len(text) == 0 || text[0] != '{' || json.Unmarshal(text, &read) != nil {
		return &connector.ConfigError{Issues: []connector.Issue{{
			Code: "invalid_type", Message: "must be the JSON file of a service account's key",
		}}}
	}
	*k = serviceKey(read)
	return nil
}

// Validate implements connector.Validator.
func (k serviceKey) Validate() []connector.Issue {
	var issues []connector.Issue
	if k.Type != "service_account" {
		issues = append(issues, providerapi.Invalid("must be service_account: the file is of another kind of credentials", "type"))
	}
	if k.ClientEmail == "" {
		issues = append(issues, providerapi.Required("client_email"))
	}
	if _, err := oauth.ParseKey(k.PrivateKey); err != nil {
		issues = append(issues, providerapi.Invalid("must be an RSA private key in PEM form", "private_key"))
	}
	if !oauth.ValidURL(k.TokenURI.Reveal()) {
		issues = append(issues, providerapi.Invalid("must be an https URL", "token_uri"))
	}
	return issues
}
