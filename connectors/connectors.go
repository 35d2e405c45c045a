package connectors

import (
	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connectors/aliyundm"
	"github.com/postern-mail/postern/connectors/awsses"
	"github.com/postern-mail/postern/connectors/builtin"
	"github.com/postern-mail/postern/connectors/resend"
	"github.com/postern-mail/postern/connectors/sendgrid"
	"github.com/postern-mail/postern/connectors/smtp"
)

// Builtin returns the factories of all connectors that come with Postern, in
// the order they are shown.
func Builtin() []connector.Factory {
	return []connector.Factory{
		builtin.New(),
		smtp.New(),
		awsses.New(),
		sendgrid.New(),
		aliyundm.New(),
		resend.New(),
	}
}
