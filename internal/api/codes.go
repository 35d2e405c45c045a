package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/admission"
	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/verification"
)

type codeInput struct {
	Body codeRequestJSON
}

type codeRequestJSON struct {
	Email          string       `json:"email,omitempty" example:"ann@example.com" doc:"One address, at most 128 bytes."`
	Phone          string       `json:"phone,omitempty" deprecated:"true" doc:"Refused: there is no connector for text messages."`
	Type           codeTypeJSON `json:"type,omitempty" doc:"Template type; Generic unless given."`
	Locale         string       `json:"locale,omitempty" maxLength:"64" example:"de" doc:"Language of the mail (BCP 47), used as it is."`
	UILocales      string       `json:"uiLocales,omitempty" maxLength:"512" example:"de-CH de en" doc:"Languages that the person prefers, in order; the first that there is goes before locale."`
	ApplicationID  string       `json:"applicationId,omitempty" maxLength:"128" doc:"Becomes the variable application, if there is one with this id."`
	OrganizationID string       `json:"organizationId,omitempty" maxLength:"128" doc:"Becomes the variable organization, if there is one with this id."`
	UserID         string       `json:"userId,omitempty" maxLength:"128" doc:"Becomes the variable user, if there is one with this id. UserPermissionValidation, BindNewIdentifier and BindMfa need it, or user in payload."`
	Payload        payloadJSON  `json:"payload,omitzero"`
	SessionID      string       `json:"sessionId,omitempty" maxLength:"128" doc:"The code verifies only with this session."`
	IP             string       `json:"ip,omitempty" maxLength:"64" example:"203.0.113.7" doc:"Of the client on whose behalf the code is sent: give it, so that one client cannot have codes sent to everybody."`
}

type verifyInput struct {
	Body verifyJSON
}

type verifyJSON struct {
	Email            string       `json:"email,omitempty" example:"ann@example.com" doc:"Upper and lower case are the same."`
	Phone            string       `json:"phone,omitempty" deprecated:"true" doc:"No code was ever sent to one."`
	VerificationCode string       `json:"verificationCode" example:"123456" minLength:"1"`
	Type             codeTypeJSON `json:"type,omitempty" doc:"As asked for; Generic unless given."`
	SessionID        string       `json:"sessionId,omitempty" maxLength:"128" doc:"As asked for."`
}

func (s *server) mountCodes() {
	register(s, operation{
		id: "createVerificationCode", method: http.MethodPost, path: "/api/verification-codes", tag: tagCodes,
		scope: access.Verification, sends: true, summary: "Send a verification code",
		description: "Makes a one-time code and sends it by mail. 204 means that the mail is on disk and will be tried " +
			"until the code expires. Earlier codes of the address stay valid, as many as the policy allows.",
		failures: map[int]string{
			http.StatusBadRequest:          refusedFailure,
			http.StatusUnprocessableEntity: "`entity.value_too_long`: an address over 128 bytes; " + rulesFailure,
			http.StatusTooManyRequests:     limitedFailure,
			http.StatusNotImplemented:      "`connector.not_found`: no connector is set up, or `phone` was given",
		},
	}, s.createCode)
	register(s, operation{
		id: "verifyVerificationCode", method: http.MethodPost, path: "/api/verification-codes/verify", tag: tagCodes,
		scope: access.Verification, summary: "Check a verification code",
		description: "204 means that the code was right; it is used up by that, and so are all other codes of the address " +
			"for the same type and session.",
		failures: map[int]string{
			http.StatusBadRequest: "`verification_code.not_found`, `verification_code.expired`, " +
				"`verification_code.exceed_max_try`, `verification_code.code_mismatch`, in this order of precedence; before them " +
				"`session.verification_blocked_too_many_attempts`: too many failed tries at the address, with `Retry-After`",
			http.StatusUnprocessableEntity: "`entity.value_too_long`: an address over 128 bytes",
		},
	}, s.verifyCode)
	s.requireInDocument("CodeRequest", "email")
	s.requireInDocument("Verify", "email")
}

func (s *server) createCode(ctx context.Context, in *codeInput) (*SentOutput, error) {
	c := callOf(ctx)
	request, err := codeRequest(in.Body)
	if err != nil {
		return nil, err
	}
	request.TenantID = c.key.TenantID
	route, err := s.Router.Route(ctx, request.TenantID)
	if err != nil {
		return nil, err
	}
	if err := s.speak(ctx, request.TenantID, request.Payload, in.Body.UILocales, in.Body.Locale); err != nil {
		return nil, err
	}
	s.tellOf(ctx, request.TenantID, request.Payload, directory.IDs{
		ApplicationID: in.Body.ApplicationID, OrganizationID: in.Body.OrganizationID, UserID: in.Body.UserID,
	})
	request.Charges, err = s.Admission.Admit(ctx, admission.Request{
		TenantID: request.TenantID, Type: request.Type, To: request.To, IP: request.IP, Keeps: route.Keeps(),
	})
	if err != nil {
		return nil, err
	}
	id, err := s.Codes.Issue(ctx, request)
	if err != nil {
		return nil, err
	}
	s.accepted(c, id, request.To, request.Type)
	v, err := s.await(ctx, id)
	if err != nil {
		return nil, err
	}
	return &SentOutput{MessageID: id, Applied: v.applied}, nil
}

// tellOf adds to a payload what the directory has of those who are named.
// What the payload has already goes before that, and what cannot be read does
// not stop the mail.
func (s *server) tellOf(ctx context.Context, tenantID string, payload map[string]any, ids directory.IDs) {
	known, err := s.Directory.Variables(ctx, tenantID, ids)
	if err != nil {
		s.Log.WarnContext(ctx, "a mail goes out without what the directory has", "request", callOf(ctx).id, "error", err)
		return
	}
	for name, value := range known {
		if _, given := payload[name]; !given {
			payload[name] = value
		}
	}
}

// accepted notes a message that is on disk now.
func (s *server) accepted(c *call, id, to string, t connector.TemplateType) {
	c.message, c.to = id, to
	s.Metrics.Accept.Observe(s.Now().Sub(c.started).Seconds())
	s.Metrics.Messages.WithLabelValues(string(t), string(outbox.Accepted)).Inc()
}

// codeRequest reads what is asked for.
func codeRequest(b codeRequestJSON) (verification.Request, error) {
	if b.Email == "" && b.Phone != "" {
		return verification.Request{}, fault.New(fault.NotImplemented, "connector.not_found",
			"There is no connector for text messages: give email, not phone.")
	}
	to, err := parseAddress(b.Email, "email")
	if err != nil {
		return verification.Request{}, err
	}
	t, err := b.Type.read()
	if err != nil {
		return verification.Request{}, err
	}
	err = checkTexts("locale", b.Locale, "uiLocales", b.UILocales, "applicationId", b.ApplicationID,
		"organizationId", b.OrganizationID, "userId", b.UserID, "sessionId", b.SessionID, "ip", b.IP)
	if err != nil {
		return verification.Request{}, err
	}
	payload, err := b.Payload.read()
	if err != nil {
		return verification.Request{}, err
	}
	if _, given := payload["code"]; given {
		return verification.Request{}, fault.Input("is made by the service and cannot be given", "payload", "code")
	}
	if _, told := payload["user"].(map[string]any); t.NeedsUser() && b.UserID == "" && !told {
		f := fault.Input(fmt.Sprintf("is needed for a code of the type %s; or give user in payload", t), "userId")
		f.Issues[0].Code = "invalid_type"
		return verification.Request{}, f
	}
	return verification.Request{Type: t, To: to, SessionID: b.SessionID, Payload: payload, IP: clientIP(b.IP)}, nil
}

func (s *server) verifyCode(ctx context.Context, in *verifyInput) (*struct{}, error) {
	subject, err := verifySubject(in.Body)
	if err == nil {
		subject.TenantID = callOf(ctx).key.TenantID
		err = s.Codes.Check(ctx, subject, in.Body.VerificationCode)
		s.countVerification(err)
		if err == nil {
			s.Admission.Verified(subject.TenantID, subject.Type, subject.Address)
		}
	}
	return nil, err
}

func verifySubject(b verifyJSON) (verification.Subject, error) {
	if b.Email == "" && b.Phone != "" {
		return verification.Subject{}, fault.New(fault.Invalid, "verification_code.not_found",
			"No code is outstanding for this number: codes are sent by e-mail.")
	}
	to, err := parseAddress(b.Email, "email")
	if err != nil {
		return verification.Subject{}, err
	}
	t, err := b.Type.read()
	if err != nil {
		return verification.Subject{}, err
	}
	return verification.Subject{Address: to, Type: t, SessionID: b.SessionID}, checkText(b.SessionID, "sessionId")
}

// countVerification counts a check by how it ended. Our own failures are none
// of its outcomes.
func (s *server) countVerification(err error) {
	outcome := "verified"
	if err != nil {
		f, ok := errors.AsType[*fault.Fault](err)
		if !ok {
			return
		}
		if outcome = strings.TrimPrefix(f.Code, "verification_code."); f.Code == verification.Blocked {
			outcome = "blocked"
		}
	}
	s.Metrics.Verifications.WithLabelValues(outcome).Inc()
}
