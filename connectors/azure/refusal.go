package azure

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// fault is an error of Azure's APIs
// (https://learn.microsoft.com/rest/api/communication/email/email/send).
type fault struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Target  string  `json:"target"`
	Details []fault `json:"details"`
}

// explain reads a refusal.
func explain(a providerapi.Answer) providerapi.Refusal {
	var refused struct {
		Error fault `json:"error"`
	}
	if json.Unmarshal(a.Body, &refused) != nil || refused.Error.Code == "" {
		return providerapi.Refusal{}
	}
	words := []string{refused.Error.Code, refused.Error.Message}
	for _, detail := range refused.Error.Details {
		words = append(words, detail.Message)
	}
	return providerapi.Refusal{Class: classOf(a.Status, refused.Error), Words: strings.TrimSpace(strings.Join(words, " "))}
}

// classOf returns the class of a fault; "" leaves it to the status.
func classOf(status int, f fault) connector.Class {
	switch f.Code {
	case "DomainNotLinked", "InvalidSenderUserName", "ResourceNotFound", "Denied", "Unauthorized", "Forbidden":
		return connector.ConfigFault
	case "EmailDroppedAllRecipientsSuppressed":
		return connector.Recipient
	case "TooManyRequests":
		return connector.Throttled
	}
	switch {
	case status == http.StatusConflict:
		// An operation of this id is there: an earlier attempt was taken.
		return connector.InvalidResponse
	case status == http.StatusBadRequest && slices.ContainsFunc(append(f.Details, f), namesRecipient):
		return connector.Recipient
	}
	return ""
}

// namesRecipient reports whether a fault is about the only recipient.
func namesRecipient(f fault) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimPrefix(f.Target, "$.")), "recipients")
}
