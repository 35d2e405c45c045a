package client

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// TemplateType is the purpose of a mail.
type TemplateType string

// The nine template types. All but OrganizationInvitation carry a code.
const (
	SignIn                   TemplateType = "SignIn"
	Register                 TemplateType = "Register"
	ForgotPassword           TemplateType = "ForgotPassword"
	OrganizationInvitation   TemplateType = "OrganizationInvitation"
	Generic                  TemplateType = "Generic"
	UserPermissionValidation TemplateType = "UserPermissionValidation"
	BindNewIdentifier        TemplateType = "BindNewIdentifier"
	MfaVerification          TemplateType = "MfaVerification"
	BindMfa                  TemplateType = "BindMfa"
)

// CodeRequest asks for a verification code by mail. Email is all that it needs.
type CodeRequest struct {
	Email string       `json:"email"`          // one address, at most 128 bytes
	Type  TemplateType `json:"type,omitempty"` // Generic unless given

	// UILocales are the languages that the person prefers, in order and
	// separated by spaces, such as "de-CH de en" (OpenID Connect's
	// ui_locales): the first that there is goes before Locale (BCP 47), which
	// goes before the tenant's default.
	UILocales string `json:"uiLocales,omitempty"`
	Locale    string `json:"locale,omitempty"`

	// What the mail tells of, by their ids in the directory.
	ApplicationID  string `json:"applicationId,omitempty"`
	OrganizationID string `json:"organizationId,omitempty"`
	UserID         string `json:"userId,omitempty"`
	// Payload are further variables for the template. It must not hold "code".
	Payload map[string]any `json:"payload,omitempty"`

	// SessionID binds the code: it verifies with this session only.
	SessionID string `json:"sessionId,omitempty"`
	// IP is the address of the person's client, which sends are limited by.
	IP string `json:"ip,omitempty"`

	// Wait lets the answer wait for the provider's first verdict, for 1 to 30
	// whole seconds: a mail that is refused for good is then ErrNotSent. A verdict that
	// does not come in time is no error.
	Wait time.Duration `json:"-"`
	// IdempotencyKey makes two calls one for 24 hours. It is drawn unless
	// given: give one where your own job may call again.
	IdempotencyKey string `json:"-"`
}

// SendCode makes a one-time code and sends it by mail. It returns the id of
// the message. The mail is on disk then, and will be tried until the code
// expires. Earlier codes of the address stay valid, as many as the tenant's
// policy allows.
func (c *Client) SendCode(ctx context.Context, r CodeRequest) (messageID string, err error) {
	header, err := c.do(ctx, call{
		method: http.MethodPost, path: "/api/verification-codes", body: r, wait: r.Wait, key: keyOr(r.IdempotencyKey),
		want: http.StatusNoContent,
	})
	if err != nil {
		return "", err
	}
	return messageIDOf(header)
}

// Verification is a code that a person typed.
type Verification struct {
	Email string `json:"email"`            // upper and lower case are the same
	Code  string `json:"verificationCode"` // as typed
	// Type and SessionID are those that the code was asked for with.
	Type      TemplateType `json:"type,omitempty"`
	SessionID string       `json:"sessionId,omitempty"`
}

// VerifyCode checks a code and, if it is right, uses it up together with all
// others of the address for the type and session. Only nil means that it was
// right. ErrCodeMismatch, ErrCodeExpired, ErrCodeNotFound, ErrTooManyTries and
// ErrBlocked say why it was not; every other error leaves that open.
func (c *Client) VerifyCode(ctx context.Context, v Verification) error {
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: "/api/verification-codes/verify", body: v, key: newKey(), want: http.StatusNoContent,
	})
	return err
}

// keyOr returns the caller's idempotency key, or draws one.
func keyOr(given string) string {
	if given != "" {
		return given
	}
	return newKey()
}

// messageIDOf reads the id of the message that a call has made. Without one,
// whatever answered was not Postern.
func messageIDOf(h http.Header) (string, error) {
	id := h.Get("Postern-Message-Id")
	if id == "" {
		return "", errors.New("postern: the answer names no message; is it Postern's?")
	}
	return id, nil
}
