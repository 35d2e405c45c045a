package aliyundm

import (
	"context"
	"crypto/rand"
	_ "embed" // for the guide and the logo
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

// home is the region whose API has no region in its host name.
const home = "cn-hangzhou"

type settings struct {
	AccessKeyID     providerapi.Line    `json:"accessKeyId" form:"Text,required" label:"Access key ID" placeholder:"LTAI…" desc:"Of a RAM user that may call dm:SingleSendMail."`
	AccessKeySecret connector.Secret    `json:"accessKeySecret" form:"Text,required" label:"Access key secret" desc:"The secret of the access key."`
	RegionID        string              `json:"regionId" form:"Select" options:"cn-hangzhou=China (Hangzhou)|ap-southeast-1=Singapore|ap-southeast-2=Australia (Sydney)|eu-central-1=Germany (Frankfurt)|us-east-1=US (Virginia)" label:"Region" desc:"The region that the sender's address was made in."`
	AccountName     providerapi.Mailbox `json:"accountName" form:"Text,required" label:"From" placeholder:"no-reply@auth.example.com" desc:"The sender's address, as made in the console."`
	FromAlias       providerapi.Line    `json:"fromAlias" form:"Text" label:"Sender name" placeholder:"Acme" desc:"The name in front of the sender's address: fewer than 15 characters."`
	providerapi.Wording
	providerapi.Server
}

// New returns the factory "aliyun-direct-mail".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "aliyun-direct-mail",
		Target:      "aliyun-dm",
		Name:        map[string]string{"en": "Alibaba Cloud Direct Mail"},
		Description: map[string]string{"en": "Send through Direct Mail of Alibaba Cloud (Aliyun)."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
	}, settings{RegionID: home}, open)
}

// maxHeaders is how many headers a mail may add.
const maxHeaders = 10

// Validate implements connector.Validator. Direct Mail takes headers of few
// names
// (https://www.alibabacloud.com/help/en/direct-mail/api-dm-2015-11-23-singlesendmail).
func (s settings) Validate() []connector.Issue {
	issues := s.Server.Validate()
	if len(s.Headers) > maxHeaders {
		issues = append(issues, providerapi.Invalid("may hold 10 at most", "headers"))
	}
	for name := range s.Headers {
		switch lower := strings.ToLower(name); {
		case strings.HasPrefix(lower, "x-user-"), lower == "list-unsubscribe", lower == "list-unsubscribe-post":
		default:
			issues = append(issues, providerapi.Invalid("must begin with X-User-; Direct Mail takes no others", "headers", name))
		}
	}
	return issues
}

// api returns where requests go
// (https://www.alibabacloud.com/help/en/direct-mail/api-dm-2015-11-23-endpoint).
func (s settings) api() string {
	switch {
	case s.Endpoint != "":
		return s.URL("/")
	case s.RegionID == home:
		return "https://dm.aliyuncs.com/"
	default:
		return "https://dm." + s.RegionID + ".aliyuncs.com/"
	}
}

// aliyun is the connector.
type aliyun struct {
	providerapi.Sender
	providerapi.Templates
	*providerapi.Client

	settings settings
}

func open(s settings, host connector.Host) (connector.Connector, error) {
	return &aliyun{
		Sender:    providerapi.NewSender(providerapi.From{FromEmail: s.AccountName, FromName: s.FromAlias}, s.ReplyTo),
		Templates: providerapi.Templates(s.Templates),
		Client: providerapi.New(providerapi.Options{
			Host: host, Proxy: s.Proxy, Explain: explain,
			Secrets: func() []string { return []string{s.AccessKeySecret.Reveal()} },
		}),
		settings: s,
	}, nil
}

// Send implements connector.Connector. The API takes no idempotency key and
// gives back nothing of ours.
func (a *aliyun) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := a.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	form := a.form(mail)
	sign(form, string(a.settings.AccessKeyID), a.settings.AccessKeySecret, time.Now(), rand.Text())
	answer, err := a.Do(ctx, m, providerapi.Form(a.settings.api(), nil, form))
	if err != nil {
		return connector.Receipt{}, err
	}
	var accepted struct {
		EnvID     string `json:"EnvId"`
		RequestID string `json:"RequestId"`
	}
	if err := providerapi.Decode(answer, &accepted); err != nil {
		return connector.Receipt{}, err
	}
	if accepted.EnvID == "" {
		return connector.Receipt{}, providerapi.Unexpected(answer)
	}
	return a.Receipt(m, accepted.EnvID, accepted.RequestID), nil
}

// form makes the parameters of SingleSendMail. They hold one body: of two
// Direct Mail documents what it does with neither. Tags have to be made in the
// console first, and so are left out.
func (a *aliyun) form(m providerapi.Mail) url.Values {
	form := url.Values{}
	form.Set("Action", "SingleSendMail")
	form.Set("RegionId", a.settings.RegionID)
	form.Set("AccountName", m.From.Address)
	form.Set("AddressType", "1")
	form.Set("ToAddress", m.To)
	form.Set("Subject", m.Subject)
	form.Set("ReplyToAddress", "false") // the one in the console
	form.Set("ClickTrace", "0")
	if m.From.Name != "" {
		form.Set("FromAlias", m.From.Name)
	}
	if m.ReplyTo.Address != "" {
		form.Set("ReplyAddress", m.ReplyTo.Address)
	}
	if m.ReplyTo.Name != "" {
		form.Set("ReplyAddressAlias", m.ReplyTo.Name)
	}
	if m.HTML != "" {
		form.Set("HtmlBody", m.HTML)
	} else {
		form.Set("TextBody", m.Text)
	}
	if len(a.settings.Headers) > 0 {
		if headers, err := json.Marshal(a.settings.Headers); err == nil { // strings always encode
			form.Set("Headers", string(headers))
		}
	}
	return form
}
