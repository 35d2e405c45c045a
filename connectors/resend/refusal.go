package resend

import (
	"encoding/json"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// explain reads a refusal (https://resend.com/docs/api-reference/errors).
func explain(a providerapi.Answer) providerapi.Refusal {
	var refused struct {
		Name    string `json:"name"`
		Message string `json:"message"`
	}
	if json.Unmarshal(a.Body, &refused) != nil {
		return providerapi.Refusal{}
	}
	return providerapi.Refusal{Class: classOf(refused.Name, refused.Message), Words: strings.TrimSpace(refused.Name + " " + refused.Message)}
}

// classOf returns the class of an error by its name; "" leaves it to the
// status.
func classOf(name, message string) connector.Class {
	switch name {
	case "invalid_from_address", "not_found", "restricted_api_key", "invalid_api_key", "missing_api_key", "method_not_allowed":
		return connector.ConfigFault
	case "daily_quota_exceeded", "monthly_quota_exceeded", "rate_limit_exceeded":
		return connector.Throttled
	case "concurrent_idempotent_requests":
		return connector.Temporary
	case "invalid_idempotent_request":
		// An earlier attempt was taken, with a wording that has changed since.
		return connector.InvalidResponse
	case "validation_error":
		if strings.Contains(message, "Invalid `to` field") {
			return connector.Recipient
		}
	}
	return ""
}
