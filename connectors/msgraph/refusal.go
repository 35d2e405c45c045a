package msgraph

import (
	"encoding/json"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// explain reads a refusal (https://learn.microsoft.com/graph/errors).
func explain(a providerapi.Answer) providerapi.Refusal {
	var refused struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(a.Body, &refused) != nil {
		return providerapi.Refusal{}
	}
	code, message := refused.Error.Code, refused.Error.Message
	return providerapi.Refusal{Class: classOf(code), Words: strings.TrimSpace(code + " " + message)}
}

// classOf returns the class of an error by its code; "" leaves it to the
// status. Codes that begin with Error are Exchange's
// (https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode).
func classOf(code string) connector.Class {
	switch code {
	case "ErrorInvalidRecipients":
		return connector.Recipient // there is only one
	case "ErrorSendAsDenied", "ErrorAccessDenied", "Authorization_RequestDenied", "MailboxNotEnabledForRESTAPI",
		"MailboxNotSupportedForRESTAPI", "ResourceNotFound", "Request_ResourceNotFound", "ErrorInvalidUser",
		"ErrorNonExistentMailbox", "ErrorAccountDisabled", "ErrorQuotaExceeded":
		return connector.ConfigFault // the app may not, or the mailbox is not there, or full
	case "ApplicationThrottled", "ErrorServerBusy", "ErrorExceededMessageLimit", "ErrorSubmissionQuotaExceeded":
		return connector.Throttled
	case "ErrorMailboxMoveInProgress", "ErrorMailboxStoreUnavailable", "ErrorInternalServerTransientError":
		return connector.Temporary
	}
	return ""
}
