package sparkpost

import (
	"encoding/json"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// sendingLimit is SparkPost's own status for a plan's limits
// (https://developers.sparkpost.com/api/transmissions/#header-sending-limits).
const sendingLimit = 420

// fault is one error of an answer.
type fault struct {
	Message     string           `json:"message"`
	Description string           `json:"description"`
	Code        providerapi.Text `json:"code"`
}

// explain reads a refusal; a rejected recipient's comes with a 200
// (https://support.sparkpost.com/docs/tech-resources/extended-error-codes).
func explain(a providerapi.Answer) providerapi.Refusal {
	var r providerapi.Refusal
	if a.Status == sendingLimit {
		r.Class = connector.Throttled
	}
	var refused struct {
		Errors  []fault `json:"errors"`
		Results struct {
			Recipient []fault `json:"rcpt_to_errors"`
		} `json:"results"`
	}
	if json.Unmarshal(a.Body, &refused) != nil {
		return r
	}
	var words []string
	for _, f := range append(refused.Results.Recipient, refused.Errors...) {
		words = append(words, strings.TrimSpace(f.Message+" "+string(f.Code)+" "+f.Description))
		if class := classOf(f); class != "" {
			r.Class = class
		}
	}
	r.Words = strings.Join(words, "; ")
	return r
}

// classOf returns the class of an error by its code; "" leaves it to the
// status.
func classOf(f fault) connector.Class {
	switch f.Code {
	case "1902": // generation rejected
		if strings.Contains(strings.ToLower(f.Description), "recipient address") {
			return connector.Recipient // it is on the suppression list
		}
	case "5002": // no valid recipient
		return connector.Recipient
	case "7000", "7001", "2103": // sending domain blocked or not verified, sandbox used up
		return connector.ConfigFault
	case "1502": // no resources; comes with a 400
		return connector.Temporary
	}
	return ""
}
