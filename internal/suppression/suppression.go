package suppression

import (
	"context"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
)

// Scope says which mails an address does not get.
type Scope string

// The scopes.
const (
	// All: none at all.
	All Scope = "all"
	// Strangers: none of the types that somebody else can cause by typing the
	// address in.
	Strangers Scope = "strangers"
)

// Scopes returns both scopes.
func Scopes() []Scope { return []Scope{All, Strangers} }

// Reason says why an address is suppressed.
type Reason string

// The reasons.
const (
	Bounced    Reason = "bounced"    // there is no such address
	Complained Reason = "complained" // its owner called a mail spam
	Manual     Reason = "manual"     // somebody with a management key said so
)

// Reasons returns all reasons.
func Reasons() []Reason { return []Reason{Bounced, Complained, Manual} }

// MaxDetail is the longest Entry.Detail, in bytes.
const MaxDetail = 300

// Entry is one suppressed address of one tenant.
type Entry struct {
	TenantID string
	Address  string // as given; compared by address.Key
	Scope    Scope
	Reason   Reason
	// Detail says more in one line, such as the provider's words; may be empty.
	Detail string
	// MessageID is the message that it came from, or "".
	MessageID string
	CreatedAt time.Time
}

// Covers reports whether mails of a type are kept from the address.
func (e Entry) Covers(t connector.TemplateType) bool {
	if e.Scope == All {
		return true
	}
	switch t {
	case connector.Register, connector.SignIn, connector.ForgotPassword, connector.OrganizationInvitation:
		return true
	case connector.Generic, connector.UserPermissionValidation, connector.BindNewIdentifier,
		connector.MfaVerification, connector.BindMfa:
		// Their cause is signed in.
	}
	return false
}

// Outranks reports whether e, found by the service itself, takes the place of
// an entry that is there: only what keeps back more does, and never in the
// place of a person's decision.
func (e Entry) Outranks(other Entry) bool {
	return other.Reason != Manual && other.Scope == Strangers && e.Scope == All
}

// Explain says in one line why no mail is sent, and what changes it.
func (e Entry) Explain() string {
	why := map[Reason]string{
		Bounced:    "mail to it came back because there is no such address",
		Complained: "its owner called a mail of ours spam, so it gets none that a stranger can cause",
		Manual:     "it was suppressed by hand",
	}[e.Reason]
	if e.Detail != "" {
		why += " (" + e.Detail + ")"
	}
	return "the address is suppressed: " + why + "; DELETE /api/suppressions/{email} lifts it"
}

// OfEvent returns what a provider's event on a message of ours suppresses; ok
// is false when it suppresses nothing.
func OfEvent(e connector.Event) (s Scope, r Reason, ok bool) {
	switch e.Kind {
	case connector.EventBounced:
		return All, Bounced, e.Hard && noAddress(e.Enhanced, e.NoAddress)
	case connector.EventComplained:
		return Strangers, Complained, true
	case connector.EventAccepted, connector.EventSent, connector.EventDeferred, connector.EventDelivered,
		connector.EventRejected, connector.EventSuppressed, connector.EventOther:
	}
	return "", "", false
}

// OfRefusal reports whether a refusal at sending says that there is no such
// address, which suppresses it for all types.
func OfRefusal(class connector.Class, enhanced string) bool {
	return class == connector.Recipient && noAddress(enhanced, false)
}

// noAddress judges by the enhanced status code where there is one (RFC 3463
// section 3.2): 5.1.x is about the address, but 5.1.7 and 5.1.8 are about the
// sender's. Policy (5.7.x) says nothing of the address, whatever the provider
// makes of it.
func noAddress(enhanced string, told bool) bool {
	switch {
	case strings.HasPrefix(enhanced, "5.7."), enhanced == "5.1.7", enhanced == "5.1.8":
		return false
	case strings.HasPrefix(enhanced, "5.1."):
		return true
	}
	return told
}

// Filter narrows a list of entries. Zero fields do not narrow.
type Filter struct {
	Email  string // address.Key: this one
	Search string // address.Key of a part of the address
	Limit  int    // 0: all
	Offset int
}

// Store keeps suppressed addresses. Addresses are given by their address.Key.
type Store interface {
	// HasSuppressions reports whether a tenant has any.
	HasSuppressions(ctx context.Context, tenantID string) (bool, error)
	// Suppression returns the entry of an address; ok is false when there is
	// none.
	Suppression(ctx context.Context, tenantID, key string) (e Entry, ok bool, err error)
	// ListSuppressions returns entries, newest first, and how many match in all.
	ListSuppressions(ctx context.Context, tenantID string, f Filter) (list []Entry, total int, err error)
	// AddSuppression stores an entry unless there is one that it does not
	// outrank.
	AddSuppression(ctx context.Context, e Entry) error
	// PutSuppression stores an entry in the place of any other.
	PutSuppression(ctx context.Context, e Entry) error
	// DeleteSuppression removes an entry; ok tells whether there was one.
	DeleteSuppression(ctx context.Context, tenantID, key string) (ok bool, err error)
}
