package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/invitations"
	"github.com/postern-mail/postern/internal/tenants"
)

// What a limit refuses leaves no invitation, and one that was sent too often
// stays as it is.
func TestInvitationsAreLimited(t *testing.T) {
	t.Parallel()
	c := start(t).company(tenants.Default).takeMails()
	made := c.create(c.invite("ann@example.com", withMail("en")))
	send := func() answer { return c.post(invitationsPath+"/"+made.ID+"/message", `{"link":"`+secretLink+`"}`) }
	for range 9 {
		send().is(204)
	}
	if a := send().refuses(429, "request.message_rate_limited"); a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	other := strings.Replace(c.invite("ann+2@example.com", withMail("en")), c.org, c.org2, 1)
	c.post(invitationsPath, other).refuses(429, "request.message_rate_limited")
	if list := read[[]invitations.Invitation](c.get(invitationsPath).is(200)); len(list) != 1 {
		t.Errorf("invitations %+v", list)
	}
	// Codes to the same address count for themselves, and time passes.
	c.sendCode(`{"email":"ann@example.com"}`).is(204)
	c.clock.advance(20 * time.Minute)
	send().is(204)
}

// A reserved address is invited where the mail stays in the service, and
// nowhere else.
func TestInvitationOfAReservedAddress(t *testing.T) {
	t.Parallel()
	c := startWith(t, &service{strict: true}).company(tenants.Default)
	c.keepMails()
	c.create(c.invite("ann@example.com", withMail("en")))
	c.useProvider()
	c.post(invitationsPath, strings.Replace(c.invite("ann@example.com", withMail("en")), c.org, c.org2, 1)).refuses(422, "request.reserved_domain")
	if list := read[[]invitations.Invitation](c.get(invitationsPath).is(200)); len(list) != 1 {
		t.Errorf("invitations %+v", list)
	}
}
