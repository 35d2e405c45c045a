package gmail

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// explain reads a refusal
// (https://developers.google.com/workspace/gmail/api/guides/handle-errors).
func explain(a providerapi.Answer) providerapi.Refusal {
	var refused struct {
		Error struct {
			Message string `json:"message"`
			Status  string `json:"status"`
			Errors  []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
		} `json:"error"`
	}
	if json.Unmarshal(a.Body, &refused) != nil {
		return providerapi.Refusal{}
	}
	reason := ""
	if len(refused.Error.Errors) > 0 {
		reason = refused.Error.Errors[0].Reason
	}
	return providerapi.Refusal{
		Class: classOf(a.Status, reason, refused.Error.Message),
		Words: strings.TrimSpace(reason + " " + refused.Error.Message),
	}
}

// classOf returns the class of an error by its reason; "" leaves it to the
// status.
func classOf(status int, reason, message string) connector.Class {
	switch reason {
	case "rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded", "quotaExceeded":
		return connector.Throttled // with 403 too
	case "failedPrecondition":
		return connector.ConfigFault // the user has no Gmail, or is suspended
	}
	if status == http.StatusBadRequest && (message == "Invalid To header" || message == "Recipient address required") {
		return connector.Recipient
	}
	return ""
}
