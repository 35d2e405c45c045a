package awsses

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// explain reads a refusal of the API. The name of the error is in a header or
// in the body, with a namespace before "#" or a URL behind ":"
// (https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization).
func explain(a providerapi.Answer) providerapi.Refusal {
	var refused struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"` // or Message
	}
	if json.Unmarshal(a.Body, &refused) != nil {
		return providerapi.Refusal{}
	}
	name := a.Header.Get("X-Amzn-Errortype")
	if name == "" {
		name = refused.Type
	}
	if name == "" {
		name = refused.Code
	}
	name, _, _ = strings.Cut(name, ":")
	name = name[strings.LastIndexByte(name, '#')+1:]
	return providerapi.Refusal{Class: classOf(name, refused.Message), Words: strings.TrimSpace(name + " " + refused.Message)}
}

// classOf returns the class of an error by its name; "" leaves it to the
// status. The names are those of
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
// and https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html.
// No answer names the recipient: an address that is malformed or suppressed
// is told of by events.
func classOf(name, message string) connector.Class {
	switch name {
	case "AccountSuspendedException", "SendingPausedException", "MailFromDomainNotVerifiedException", "NotFoundException",
		"AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidClientTokenId", "ExpiredTokenException",
		"ExpiredToken", "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature", "IncompleteSignatureException",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException", "OptInRequired", "NotAuthorized", "RequestExpired":
		return connector.ConfigFault
	case "LimitExceededException", "TooManyRequestsException", "ThrottlingException", "Throttling":
		return connector.Throttled
	case "ConcurrentModificationException":
		return connector.Temporary
	case "MessageRejected":
		// The sender is not verified, or the account is in the sandbox, where
		// recipients must be too
		// (https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html).
		if strings.Contains(message, "not verified") || strings.Contains(message, "Sending suspended") {
			return connector.ConfigFault
		}
	}
	return ""
}

// explainSTS reads a refusal of AWS STS
// (https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html): to
// have no credentials is for the settings to mend, whatever the status.
func explainSTS(a providerapi.Answer) providerapi.Refusal {
	var refused struct {
		Error struct {
			Code    string `xml:"Code"`
			Message string `xml:"Message"`
		} `xml:"Error"`
	}
	var r providerapi.Refusal
	if xml.Unmarshal(a.Body, &refused) == nil {
		r.Words = strings.TrimSpace(refused.Error.Code + " " + refused.Error.Message)
	}
	switch {
	case strings.HasPrefix(refused.Error.Code, "Throttling"):
		r.Class = connector.Throttled
	case a.Status/100 == 4 && a.Status != http.StatusRequestTimeout && a.Status != http.StatusTooManyRequests:
		r.Class = connector.ConfigFault
	}
	return r
}
