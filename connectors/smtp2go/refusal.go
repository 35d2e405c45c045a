package smtp2go

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// fault is what is wrong with a request.
type fault struct {
	Error    string             `json:"error"`
	Code     string             `json:"error_code"`
	Failures []providerapi.Text `json:"failures"` // of a mail that was looked at
	Field    struct {
		Name    string `json:"fieldname"`
		Message string `json:"message"`
	} `json:"field_validation_errors"`
}

// explain reads a refusal, which comes as data, and in the documentation
// without (https://developers.smtp2go.com/docs/response-codes).
func explain(a providerapi.Answer) providerapi.Refusal {
	var refused struct {
		fault

		Data fault `json:"data"`
	}
	if json.Unmarshal(a.Body, &refused) != nil {
		return providerapi.Refusal{}
	}
	f := refused.Data
	if f.Code == "" && f.Error == "" && len(f.Failures) == 0 {
		f = refused.fault
	}
	code := strings.TrimPrefix(f.Code, "E_ApiResponseCodes.")
	words := []string{code, cmp.Or(f.Field.Message, f.Error)}
	for _, failure := range f.Failures {
		words = append(words, string(failure))
	}
	r := providerapi.Refusal{Words: strings.TrimSpace(strings.Join(words, " "))}
	r.Class = classOf(code, f.Field.Name, strings.ToLower(r.Words))
	return r
}

// classOf returns the class of a refusal; "" leaves it to the status.
func classOf(code, field, words string) connector.Class {
	switch {
	case code == "ENDPOINT_PERMISSION_DENIED": // comes with a 400
		return connector.ConfigFault
	case field == "sender", field == "api_key":
		return connector.ConfigFault
	case field == "to":
		return connector.Recipient
	case strings.Contains(words, "verif") && strings.Contains(words, "sender"):
		return connector.ConfigFault // unable to verify the sender's address
	}
	return ""
}
