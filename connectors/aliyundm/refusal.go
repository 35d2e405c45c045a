package aliyundm

import (
	"encoding/json"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// explain reads a refusal.
func explain(a providerapi.Answer) providerapi.Refusal {
	var refused struct {
		Code    string `json:"Code"`
		Message string `json:"Message"`
	}
	if json.Unmarshal(a.Body, &refused) != nil {
		return providerapi.Refusal{}
	}
	// A wrong signature is answered with all that was to be signed, escaped
	// twice: the whole mail.
	words, _, _ := strings.Cut(refused.Message, "server string to sign")
	return providerapi.Refusal{Class: classOf(refused.Code), Words: strings.TrimSpace(refused.Code + " " + words)}
}

// classOf returns the class of an error by its code; "" leaves it to the
// status. The codes are those of SingleSendMail
// (https://www.alibabacloud.com/help/en/direct-mail/singlesendmail#error-codes)
// and of all APIs (https://error-center.alibabacloud.com/status/product/Dm).
func classOf(code string) connector.Class {
	group, _, _ := strings.Cut(code, ".")
	switch group {
	case "InvalidToAddress": // malformed, or known to Direct Mail as one that does not exist
		return connector.Recipient
	case "InvalidMailAddress", "InvalidMailAddressName", "InvalidMailAddressStatus", "InvalidMailAddressDomain",
		"InvalidMailAddressSendType", "InvalidFromAlias", "InvalidReplyAddress", "InvalidReplyAddressAlias":
		return connector.ConfigFault // the sender
	case "InvalidAccessKeyId", "InactiveAccessKeyId", "SignatureDoesNotMatch", "IncompleteSignature", "InvalidTimeStamp", "Forbidden",
		"NoPermission", "InvalidSecurityToken", "MissingSecurityToken", "InvalidRegionId", "UserNotOpen", "AccountArrearage":
		return connector.ConfigFault // the account
	case "Throttling":
		return connector.Throttled
	case "SignatureNonceUsed": // the next attempt has another
		return connector.Temporary
	default:
		return ""
	}
}
