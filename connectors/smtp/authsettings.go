package smtp

import (
	"fmt"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/oauth"
)

// authSettings say how to sign in. Which of the kinds they are follows from
// type and from the keys that are given.
type authSettings struct {
	Type string           `json:"type,omitempty"`
	User string           `json:"user,omitempty"`
	Pass connector.Secret `json:"pass,omitempty"`

	ClientID      string           `json:"clientId,omitempty"`
	ClientSecret  connector.Secret `json:"clientSecret,omitempty"`
	RefreshToken  connector.Secret `json:"refreshToken,omitempty"`
	AccessToken   connector.Secret `json:"accessToken,omitempty"`
	Expires       int64            `json:"expires,omitempty"` // Unix time in ms at which accessToken ends
	AccessURL     string           `json:"accessUrl,omitempty"`
	ServiceClient string           `json:"serviceClient,omitempty"`
	PrivateKey    connector.Secret `json:"privateKey,omitempty"`
}

// authKind is a way to sign in.
type authKind int

const (
	authNone    authKind = iota
	authLogin            // user and password
	authRefresh          // OAuth2 with a refresh token or a bare access token
	authService          // OAuth2 with a service account's key
	authUnknown
)

// googleTokens is the token endpoint that accessUrl stands in for, as in
// nodemailer (https://developers.google.com/identity/protocols/oauth2).
const googleTokens = "https://oauth2.googleapis.com/token" //nolint:gosec // an address, no credential

// mailScope is what Gmail's SMTP server wants of a token
// (https://developers.google.com/workspace/gmail/imap/xoauth2-protocol).
const mailScope = "https://mail.google.com/"

func (a authSettings) kind() authKind {
	service := a.ServiceClient != "" || a.PrivateKey != ""
	refresh := a.ClientID != "" || a.RefreshToken != "" || a.AccessToken != ""
	given := strings.ToLower(a.Type)
	switch {
	case given != "" && given != "login" && given != "oauth2":
		return authUnknown
	case given != "login" && service:
		return authService
	case given == "oauth2", given == "" && refresh:
		return authRefresh
	case a.User == "" && a.Pass == "":
		return authNone
	default:
		return authLogin
	}
}

// Validate implements connector.Validator.
func (a authSettings) Validate() []connector.Issue {
	var v issues
	need := func(present bool, key string) {
		if !present {
			v = append(v, connector.Issue{Path: []any{key}, Code: "required", Message: "is required"})
		}
	}
	// A line break in a user name or token would end its field of the SASL
	// exchange; nothing that a server issues holds one.
	v.unless(!strings.ContainsAny(a.User, "\x00\x01\r\n"), "must not hold control characters", "user")
	switch a.kind() {
	case authLogin:
		need(a.User != "", "user")
		need(a.Pass != "", "pass")
		v.unless(!strings.Contains(a.Pass.Reveal(), "\x00"), "must not hold control characters", "pass")
	case authRefresh:
		need(a.User != "", "user")
		if a.AccessToken == "" || a.RefreshToken != "" {
			need(a.ClientID != "", "clientId")
			need(a.RefreshToken != "", "refreshToken")
		}
	case authService:
		need(a.User != "", "user")
		need(a.ServiceClient != "", "serviceClient")
		need(a.PrivateKey != "", "privateKey")
		_, err := oauth.ParseKey(a.PrivateKey)
		v.unless(a.PrivateKey == "" || err == nil, "must be an RSA private key in PEM form", "privateKey")
	case authUnknown:
		v.add("must be login or oauth2", "type")
	case authNone:
	}
	v.unless(!strings.ContainsAny(a.AccessToken.Reveal(), "\x00\x01\r\n"), "must not hold control characters", "accessToken")
	v.unless(a.AccessURL == "" || oauth.ValidURL(a.AccessURL), "must be an https URL", "accessUrl")
	return v
}

// grant is what new tokens are given for; nil for a bare access token.
func (a authSettings) grant() (oauth.Grant, error) {
	if a.kind() != authService {
		if a.RefreshToken == "" {
			return nil, nil //nolint:nilnil // there is none, and that is no error
		}
		return oauth.RefreshToken{ClientID: a.ClientID, ClientSecret: a.ClientSecret, Token: a.RefreshToken}, nil
	}
	key, err := oauth.ParseKey(a.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("auth.privateKey: %w", err)
	}
	return oauth.Assertion{
		Key: key, Issuer: a.ServiceClient, Subject: a.User, Scope: mailScope, Audience: a.tokenURL(),
	}, nil
}

func (a authSettings) tokenURL() string {
	if a.AccessURL != "" {
		return a.AccessURL
	}
	return googleTokens
}

// secrets lists what no text may show.
func (a authSettings) secrets() []string {
	return []string{
		a.Pass.Reveal(), a.ClientSecret.Reveal(), a.RefreshToken.Reveal(),
		a.AccessToken.Reveal(), a.PrivateKey.Reveal(),
	}
}
