package postmark

import (
	"strings"

	"github.com/postern-mail/postern/connector"
)

// The error codes that tell more than the status, which is 422 with most
// (https://postmarkapp.com/developer/api/overview#error-codes).
const (
	badToken          = 10
	maintenance       = 100
	invalidRequest    = 300
	noSenderSignature = 400
	unconfirmedSender = 401
	outOfCredits      = 405
	inactiveRecipient = 406
	accountPending    = 412
	accountMayNotSend = 413
	tooFast           = 429
	noTemplate        = 1101
	noStream          = 1226
	noStreamOnServer  = 1235
)

// classOf returns the class of a refusal; "" leaves it to the status.
func classOf(refused said) connector.Class {
	switch refused.ErrorCode {
	case inactiveRecipient:
		return connector.Recipient
	case badToken, noSenderSignature, unconfirmedSender, outOfCredits, accountPending, accountMayNotSend,
		noTemplate, noStream, noStreamOnServer:
		return connector.ConfigFault
	case maintenance:
		return connector.Temporary
	case tooFast:
		return connector.Throttled
	case invalidRequest: // only its words say of what
		switch {
		case strings.HasPrefix(refused.Message, "Error parsing 'To'"):
			return connector.Recipient
		case strings.HasPrefix(refused.Message, "Error parsing 'From'"), strings.HasPrefix(refused.Message, "Invalid 'From'"):
			return connector.ConfigFault
		}
	}
	return ""
}
