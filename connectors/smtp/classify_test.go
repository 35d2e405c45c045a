package smtp

import (
	"testing"

	"github.com/postern-mail/postern/connector"
)

func TestByReply(t *testing.T) {
	t.Parallel()
	const (
		temporary = connector.Temporary
		throttled = connector.Throttled
		fault     = connector.ConfigFault
		recipient = connector.Recipient
		permanent = connector.Permanent
	)
	for _, c := range []struct {
		at    stage
		code  int
		words string
		want  connector.Class
	}{
		// No such mailbox, with and without enhanced code.
		{stageRcpt, 550, "5.1.1 The email account does not exist", recipient},
		{stageRcpt, 550, "5.1.2 bad destination system", recipient},
		{stageRcpt, 553, "5.1.3 bad syntax", recipient},
		{stageRcpt, 550, "5.1.6 has moved", recipient},
		{stageRcpt, 556, "5.1.10 null MX", recipient},
		{stageRcpt, 550, "5.2.1 mailbox disabled", recipient},
		{stageRcpt, 550, "5.2.0 mailbox unavailable", recipient},
		{stageRcpt, 550, "no such user here", recipient},
		{stageRcpt, 551, "user not local", recipient},
		{stageRcpt, 553, "mailbox name not allowed", recipient},
		{stageRcpt, 556, "domain takes no mail", recipient},
		{stageRcpt, 550, "5.0.0 unknown user", recipient},
		{stageEnd, 550, "5.1.1 found out late", recipient},
		// Full mailboxes wait.
		{stageRcpt, 552, "5.2.2 over quota", temporary},
		{stageRcpt, 452, "4.2.2 over quota", temporary},
		{stageRcpt, 552, "exceeded storage allocation", temporary},
		{stageEnd, 552, "5.2.2 over quota", temporary},
		// The sender.
		{stageMail, 550, "sender rejected", fault},
		{stageMail, 553, "5.1.8 sender's domain does not exist", fault},
		{stageMail, 501, "5.1.7 bad sender", fault},
		{stageRcpt, 550, "5.1.8 sender's domain does not exist", fault},
		{stageMail, 550, "5.1.0 address rejected", fault},
		{stageMail, 555, "5.5.4 parameters", fault},
		{stageMail, 550, "5.2.1 mailbox of the sender disabled", fault},
		{stageMail, 550, "5.7.1 blocked", permanent},
		{stageMail, 552, "5.3.4 too big", permanent},
		{stageMail, 552, "too big", permanent},
		{stageMail, 451, "4.1.8 sender's domain not found", temporary},
		// Signing in.
		{stageMail, 530, "5.7.0 authentication required", fault},
		{stageMail, 530, "authentication required", fault},
		{stageRcpt, 535, "5.7.8 bad credentials", fault},
		{stageRcpt, 538, "encryption required", fault},
		{stageRcpt, 550, "5.7.8 sign in", fault},
		{stageAuth, 535, "5.7.8 bad credentials", fault},
		{stageAuth, 504, "5.5.4 no such mechanism", fault},
		{stageAuth, 500, "what?", fault},
		{stageAuth, 454, "4.7.0 temporary", temporary},
		{stageAuth, 432, "4.7.12 a password transition is needed", temporary},
		// Policy concerns this message and no address.
		{stageRcpt, 550, "5.7.1 relaying denied", permanent},
		{stageRcpt, 554, "5.7.1 spam", permanent},
		{stageEnd, 550, "5.7.26 unauthenticated mail", permanent},
		{stageEnd, 554, "message refused", permanent},
		{stageEnd, 550, "refused", permanent},
		{stageEnd, 552, "too big", permanent},
		{stageEnd, 552, "5.3.4 too big", permanent},
		{stageEnd, 554, "5.6.0 bad content", permanent},
		{stageRcpt, 553, "5.6.7 no SMTPUTF8 further on", permanent},
		{stageRcpt, 552, "5.2.3 too long for this mailbox", permanent},
		{stageRcpt, 554, "no", permanent},
		{stageRcpt, 550, "5.4.1 no answer from host", permanent},
		{stageData, 503, "5.5.1 bad sequence", permanent},
		// Temporary by either code.
		{stageRcpt, 450, "4.7.1 greylisted, come back later", temporary},
		{stageRcpt, 451, "local error", temporary},
		{stageRcpt, 452, "4.3.1 no space", temporary},
		{stageEnd, 451, "4.7.0 try again", temporary},
		{stageMail, 421, "4.4.2 time-out", temporary},
		{stageRcpt, 450, "5.7.1 odd, but 450", temporary},
		{stageRcpt, 550, "4.2.1 odd, but 4.2.1", temporary},
		{stageGreeting, 421, "down", temporary},
		{stageHello, 451, "later", temporary},
		{stageMail, 250, "not an answer", temporary},
		// Slow down.
		{stageEnd, 421, "4.7.28 unusual amount of mail", throttled},
		{stageEnd, 454, "Throttling failure: Maximum sending rate exceeded.", throttled},
		{stageMail, 421, "Too many concurrent SMTP connections", throttled},
		{stageMail, 450, "4.7.1 rate limit exceeded", throttled},
		{stageRcpt, 450, "4.2.1 is receiving mail at a rate that prevents additional messages", throttled},
		{stageAuth, 454, "4.7.0 Too many login attempts", throttled},
		{stageEnd, 550, "5.4.5 Daily user sending limit exceeded", throttled},
		{stageRcpt, 452, "4.5.3 Too many recipients", temporary},
		{stageRcpt, 450, "4.3.0 accurate separate moderate", temporary},
		// Nobody is served.
		{stageGreeting, 554, "no SMTP service here", fault},
		{stageGreeting, 521, "host does not accept mail", fault},
		{stageHello, 550, "5.7.1 blocked", fault},
		{stageTLS, 501, "5.5.4 syntax", fault},
		{stageTLS, 454, "4.7.0 not now", temporary},
	} {
		s, _, rest := enhanced(c.words)
		if got := byReply(c.at, c.code, s, rest); got != c.want {
			t.Errorf("stage %d: %d %s: %s, want %s", c.at, c.code, c.words, got, c.want)
		}
	}
}

func TestEnhanced(t *testing.T) {
	t.Parallel()
	for words, want := range map[string][2]string{
		"5.1.1 no such user":                {"5.1.1", "no such user"},
		"5.7.1 first\n5.7.1 second":         {"5.7.1", "first\nsecond"},
		"4.7.28":                            {"4.7.28", ""},
		"no code":                           {"", "no code"},
		"3.1.1 odd class":                   {"", "3.1.1 odd class"},
		"5.1.1234 too long":                 {"", "5.1.1234 too long"},
		"5.1.1.1 an address":                {"", "5.1.1.1 an address"},
		"#5.1.0 Address rejected":           {"", "#5.1.0 Address rejected"},
		"192.0.2.1 is blocked":              {"", "192.0.2.1 is blocked"},
		"2.0.0 Ok: queued as 4XabcD12zz9":   {"2.0.0", "Ok: queued as 4XabcD12zz9"},
		"5.1.1 <a@b.c>: Recipient rejected": {"5.1.1", "<a@b.c>: Recipient rejected"},
	} {
		if _, code, rest := enhanced(words); code != want[0] || rest != want[1] {
			t.Errorf("%q: %q, %q; want %q", words, code, rest, want)
		}
	}
}

func TestQueueID(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"Ok: queued as 4XabcD12zz9": "4XabcD12zz9",
		"OK id=1tABcd-000000001":    "1tABcd-000000001",
		"Ok 0102018e1b2c3d4e-5f6a7b8c-0000-1111-2222-333344445555-000000": "0102018e1b2c3d4e-5f6a7b8c-0000-1111-2222-333344445555-000000",
		"OK: queued":     "",
		"Great success":  "",
		"queued as <ID>": "<ID>",
	} {
		if got := queueID(words); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
}
