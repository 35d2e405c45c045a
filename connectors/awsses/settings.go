package awsses

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

type settings struct {
	AccessKeyID                   providerapi.Line    `json:"accessKeyId" form:"Text" label:"Access key ID" placeholder:"AKIA…" desc:"Leave it out, with the secret, to use the role of the machine, if the operator lends it."`
	AccessKeySecret               connector.Secret    `json:"accessKeySecret" form:"Text" label:"Access key secret" desc:"The secret of the access key."`
	SessionToken                  connector.Secret    `json:"sessionToken" form:"Text" label:"Session token" desc:"Belongs to temporary access keys."`
	RoleARN                       roleARN             `json:"roleArn" form:"Text" label:"Role ARN" placeholder:"arn:aws:iam::123456789012:role/postern-mail" desc:"A role to take on before sending, such as one of another account."`
	Region                        region              `json:"region" form:"Text,required" label:"Region" placeholder:"eu-central-1" desc:"The AWS region that the sender is verified in."`
	EmailAddress                  providerapi.Mailbox `json:"emailAddress" form:"Text" label:"From" placeholder:"no-reply@auth.example.com" desc:"The sender's address, of a verified identity."`
	FromName                      providerapi.Line    `json:"fromName" form:"Text" label:"Sender name" placeholder:"Acme" desc:"The name in front of the sender's address."`
	EmailAddressIdentityARN       providerapi.Line    `json:"emailAddressIdentityArn" form:"Text" label:"Sender identity ARN" desc:"The identity whose sending authorization policy lets you use the sender's address."`
	FeedbackForwarding            providerapi.Mailbox `json:"feedbackForwardingEmailAddress" form:"Text" label:"Feedback address" desc:"Where Amazon SES sends bounces and complaints by mail."`
	FeedbackForwardingIdentityARN providerapi.Line    `json:"feedbackForwardingEmailAddressIdentityArn" form:"Text" label:"Feedback identity ARN" desc:"The identity whose sending authorization policy lets you use the feedback address."`
	ConfigurationSetName          providerapi.Line    `json:"configurationSetName" form:"Text" label:"Configuration set" desc:"The configuration set that mails are sent with; it publishes events."`
	providerapi.Wording
	SNSTopicARNs []topicARN `json:"snsTopicArns" form:"Json" label:"SNS topics" placeholder:"[\"arn:aws:sns:eu-central-1:123456789012:postern\"]" desc:"ARNs of the topics that may bring events, as a list. Without it events are refused."`
	providerapi.Server
}

// maxHeaders is how many headers a mail may add
// (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Message.html),
// maxHeaderValue how long a value may be
// (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageHeader.html).
const (
	maxHeaders     = 15
	maxHeaderValue = 870
)

// Validate implements connector.Validator.
func (s settings) Validate() []connector.Issue {
	issues := s.Server.Validate()
	switch {
	case s.AccessKeyID != "" && s.AccessKeySecret == "":
		issues = append(issues, providerapi.Required("accessKeySecret"))
	case s.AccessKeyID == "" && s.AccessKeySecret != "":
		issues = append(issues, providerapi.Required("accessKeyId"))
	case s.AccessKeyID == "" && s.SessionToken != "":
		issues = append(issues, providerapi.Required("accessKeyId"), providerapi.Required("accessKeySecret"))
	case s.AccessKeyID == "" && s.Endpoint != "":
		const why = "must be left out where the access key is: what the machine's role signs goes to AWS alone"
		issues = append(issues, providerapi.Invalid(why, "endpoint"))
	}
	if len(s.Headers) > maxHeaders {
		issues = append(issues, providerapi.Invalid("may hold 15 at most", "headers"))
	}
	for name, value := range s.Headers {
		if len(value) > maxHeaderValue || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			issues = append(issues, providerapi.Invalid("must be ASCII of at most 870 characters", "headers", name))
		}
	}
	return issues
}

// sortedHeaders returns the custom headers in the order of their names.
func (s settings) sortedHeaders() []types.MessageHeader {
	list := make([]types.MessageHeader, 0, len(s.Headers))
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		list = append(list, types.MessageHeader{Name: aws.String(name), Value: aws.String(s.Headers[name])})
	}
	return list
}

// region is the name of an AWS region. It becomes part of host names.
type region string

var regionForm = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]{2,12}){1,2}-\d{1,2}$`)

// Validate implements connector.Validator.
func (r region) Validate() []connector.Issue {
	if !regionForm.MatchString(string(r)) {
		return []connector.Issue{providerapi.Invalid("must be the name of an AWS region, such as eu-central-1")}
	}
	return nil
}

// The longest ARNs: a role's path and name have 576 characters, a topic's name
// has 256. The forms below leave lengths alone: to count them makes an
// expression hundreds of times larger.
const (
	maxRole  = 620
	maxTopic = 320
)

// roleARN names a role of IAM.
type roleARN string

var roleForm = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]+$`)

// Validate implements connector.Validator.
func (a roleARN) Validate() []connector.Issue {
	if a != "" && (len(a) > maxRole || !roleForm.MatchString(string(a))) {
		return []connector.Issue{providerapi.Invalid("must be a role's ARN, such as arn:aws:iam::123456789012:role/postern-mail")}
	}
	return nil
}

// topicARN names a topic of Amazon SNS.
type topicARN string

var topicForm = regexp.MustCompile(`^arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[\w-]+$`)

// Validate implements connector.Validator.
func (a topicARN) Validate() []connector.Issue {
	if len(a) > maxTopic || !topicForm.MatchString(string(a)) {
		return []connector.Issue{providerapi.Invalid("must be a topic's ARN, such as arn:aws:sns:eu-central-1:123456789012:postern")}
	}
	return nil
}
