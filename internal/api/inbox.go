package api

import (
	"bytes"
	"context"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/negotiation"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/inbox"
)

// Media types of a kept mail.
const (
	mediaJSON = "application/json"
	mediaMail = "message/rfc822"
)

// MailFields is what a list of kept mails shows. The name is exported because
// package huma passes over embedded types that are not.
type MailFields struct {
	ID         string `json:"id" example:"01939d1f-8b7a-7c3e-9a57-0f4f7a5e6b21"`
	MessageID  string `json:"messageId" doc:"Id of the message."`
	To         string `json:"to" example:"ann@example.com"`
	Subject    string `json:"subject" example:"Your verification code"`
	ReceivedAt int64  `json:"receivedAt" example:"1767225600000" doc:"Milliseconds since 1970."`
	Size       int    `json:"size" example:"4096" doc:"Bytes of the whole mail."`
}

type readMailJSON struct {
	MailFields
	From    string       `json:"from" example:"Example <no-reply@example.com>"`
	Headers []headerJSON `json:"headers" doc:"In their order, encoded words decoded."`
	HTML    string       `json:"html,omitempty"`
	Text    string       `json:"text,omitempty"`
}

type headerJSON struct {
	Name  string `json:"name" example:"Subject"`
	Value string `json:"value" example:"Your verification code"`
}

func mailOf(m inbox.Mail) MailFields {
	return MailFields{
		ID: m.ID, MessageID: m.MessageID, To: m.To, Subject: m.Subject,
		ReceivedAt: m.ReceivedAt.UnixMilli(), Size: m.Size,
	}
}

type mailListInput struct {
	PageInput
	To string `query:"to" example:"ann@example.com" doc:"Only mails to this address, in any case."`
}

type mailListOutput struct {
	PageOutput
	Body []MailFields
}

type mailInput struct {
	IDInput
	Accept string `header:"Accept" doc:"message/rfc822 gets the mail itself."`
}

type mailOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Vary        string `header:"Vary"`
	Body        []byte
}

func (s *server) mountInbox() {
	raw := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary", Description: "The mail itself (RFC 5322)."}}
	read := &huma.MediaType{Schema: s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[readMailJSON](), true, "")}
	missing := map[int]string{http.StatusNotFound: "`entity.not_found`"}
	register(s, operation{
		id: "listInbox", method: http.MethodGet, path: "/api/inbox", tag: tagInbox,
		scope: access.Management, summary: "List the mails kept here, newest first",
		description: "What the built-in connector took instead of sending it on; the newest 1,000 are kept.",
		failures:    pageFailures(),
	}, s.listInbox)
	register(s, operation{
		id: "clearInbox", method: http.MethodDelete, path: "/api/inbox", tag: tagInbox,
		scope: access.Management, summary: "Delete all mails kept here",
	}, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		return nil, s.Inbox.Clear(ctx, callOf(ctx).key.TenantID)
	})
	register(s, operation{
		id: "getMail", method: http.MethodGet, path: "/api/inbox/{id}", tag: tagInbox,
		scope: access.Management, summary: "Read one mail",
		description: "With `Accept: message/rfc822` the mail itself.",
		failures:    missing, content: map[string]*huma.MediaType{mediaJSON: read, mediaMail: raw},
	}, s.getMail)
	register(s, operation{
		id: "getRawMail", method: http.MethodGet, path: "/api/inbox/{id}.eml", tag: tagInbox,
		scope: access.Management, summary: "Download one mail",
		failures: missing, content: map[string]*huma.MediaType{mediaMail: raw},
	}, func(ctx context.Context, in *IDInput) (*mailOutput, error) {
		m, err := s.mail(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return rawMail(m), nil
	})
}

func (s *server) listInbox(ctx context.Context, in *mailListInput) (*mailListOutput, error) {
	c := callOf(ctx)
	if err := checkText(in.To, "to"); err != nil {
		return nil, err
	}
	limit, offset := in.window()
	list, total, err := s.Inbox.List(ctx, c.key.TenantID, address.Key(in.To), limit, offset)
	if err != nil {
		return nil, err
	}
	out := &mailListOutput{PageOutput: in.output(c.r.URL, total), Body: make([]MailFields, len(list))}
	for i, m := range list {
		out.Body[i] = mailOf(m)
	}
	return out, nil
}

// mail returns one mail, or the fault entity.not_found.
func (s *server) mail(ctx context.Context, id string) (inbox.Mail, error) {
	if !validID(id) {
		return inbox.Mail{}, errNotFound("mail")
	}
	m, ok, err := s.Inbox.Get(ctx, callOf(ctx).key.TenantID, id)
	if err == nil && !ok {
		err = errNotFound("mail")
	}
	return m, err
}

func (s *server) getMail(ctx context.Context, in *mailInput) (*mailOutput, error) {
	m, err := s.mail(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if negotiation.SelectQValueFast(in.Accept, []string{mediaJSON, mediaMail}) == mediaMail {
		return rawMail(m), nil
	}
	read := readMail(m.Raw)
	read.MailFields = mailOf(m)
	var body bytes.Buffer
	if err := writeJSON(&body, read); err != nil {
		return nil, err
	}
	return &mailOutput{ContentType: mediaJSON, Vary: "Accept", Body: body.Bytes()}, nil
}

func rawMail(m inbox.Mail) *mailOutput {
	return &mailOutput{
		ContentType: mediaMail, Vary: "Accept", Body: m.Raw,
		Disposition: "attachment; filename=" + strconv.Quote(m.ID+".eml"),
	}
}
