package brevo

import (
	"encoding/json"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// explain reads a refusal (https://developers.brevo.com/docs/how-it-works).
func explain(a providerapi.Answer) providerapi.Refusal {
	var refused struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(a.Body, &refused) != nil {
		return providerapi.Refusal{}
	}
	return providerapi.Refusal{Class: classOf(refused.Code, refused.Message), Words: strings.TrimSpace(refused.Code + " " + refused.Message)}
}

// classOf returns the class of an error by its code; "" leaves it to the
// status.
func classOf(code, message string) connector.Class {
	message = strings.ToLower(message)
	switch code {
	case "unauthorized", "permission_denied", "reseller_permission_denied", "account_under_validation", "not_enough_credits":
		// Credits are bought; waiting brings none.
		return connector.ConfigFault
	case "duplicate_parameter":
		if strings.Contains(message, "idempotency key") {
			// An earlier attempt was taken.
			return connector.InvalidResponse
		}
	case "invalid_parameter":
		switch {
		case strings.HasSuffix(message, "not valid in to"):
			return connector.Recipient
		case strings.Contains(message, "sender"):
			return connector.ConfigFault
		}
	}
	return ""
}
