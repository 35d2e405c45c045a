package connectors

import (
	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connectors/aliyundm"
	"github.com/postern-mail/postern/connectors/awsses"
	"github.com/postern-mail/postern/connectors/azure"
	"github.com/postern-mail/postern/connectors/brevo"
	"github.com/postern-mail/postern/connectors/builtin"
	"github.com/postern-mail/postern/connectors/gmail"
	"github.com/postern-mail/postern/connectors/httpemail"
	"github.com/postern-mail/postern/connectors/mailgun"
	"github.com/postern-mail/postern/connectors/mailjet"
	"github.com/postern-mail/postern/connectors/mailjunky"
	"github.com/postern-mail/postern/connectors/msgraph"
	"github.com/postern-mail/postern/connectors/postmark"
	"github.com/postern-mail/postern/connectors/resend"
	"github.com/postern-mail/postern/connectors/sendgrid"
	"github.com/postern-mail/postern/connectors/smtp"
	"github.com/postern-mail/postern/connectors/smtp2go"
	"github.com/postern-mail/postern/connectors/sparkpost"
)

// Builtin returns the factories of all connectors that come with Postern, in
// the order they are shown.
func Builtin() []connector.Factory {
	return []connector.Factory{
		builtin.New(),
		smtp.New(),
		httpemail.New(),
		awsses.New(),
		sendgrid.New(),
		mailgun.New(),
		postmark.New(),
		aliyundm.New(),
		mailjunky.New(),
		smtp2go.New(),
		resend.New(),
		brevo.New(),
		mailjet.New(),
		sparkpost.New(),
		azure.New(),
		msgraph.New(),
		gmail.New(),
	}
}
