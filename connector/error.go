package connector

import (
	"errors"
	"time"
)

// Class says what a failed attempt means for the next one.
type Class string

const (
	// Temporary: the provider or the way to it is out of order; try again.
	Temporary Class = "temporary"
	// Throttled: the provider asks to slow down; try again after RetryAfter.
	Throttled Class = "throttled"
	// ConfigFault: the settings are wrong (credentials, sender, account); no
	// message can pass until someone changes them, so other messages and
	// other connectors may be tried.
	ConfigFault Class = "config"
	// Recipient: this recipient does not exist or takes no mail; another
	// connector would not help.
	Recipient Class = "recipient"
	// Permanent: this message is refused for another reason.
	Permanent Class = "permanent"
	// InvalidResponse: the provider answered success in a way it does not
	// document. The message counts as sent and is never repeated.
	InvalidResponse Class = "invalid_response"
)

// Error is a failed attempt. Its text is shown to operators: the connector
// that makes it keeps secrets, codes and bodies out of it.
type Error struct {
	Class Class
	// Status is the provider's status code (HTTP or SMTP), or 0.
	Status int
	// Enhanced is the enhanced status code (RFC 3463), e.g. "5.1.1", or "".
	Enhanced string
	// Message tells in one line what went wrong, including the provider's words.
	Message string
	// RetryAfter is the least time to wait that the provider asked for, or 0.
	RetryAfter time.Duration
	// Err is the cause, or nil. It is not part of the text.
	Err error
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Err }

// ErrTemplateNotFound is the cause of an Error of the class Permanent, and its
// whole text, where the provider renders and the settings name no template of
// its for a type, nor one for Generic.
var ErrTemplateNotFound = errors.New("the settings name no template for this type of mail, and none for Generic")

// ClassOf returns the class of err, and Temporary for errors that are not
// an *Error: an attempt that broke for an unknown reason may be tried again.
func ClassOf(err error) Class {
	if ce, ok := errors.AsType[*Error](err); ok {
		return ce.Class
	}
	return Temporary
}
