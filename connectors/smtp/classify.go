package smtp

import (
	"net/textproto"
	"regexp"
	"strconv"
	"strings"

	"github.com/postern-mail/postern/connector"
)

// status is an enhanced status code (RFC 3463): class, subject, detail.
type status struct{ class, subject, detail int }

var enhancedForm = regexp.MustCompile(`^([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)`)

// enhanced takes the enhanced status code off a server's words.
func enhanced(words string) (s status, code, rest string) {
	m := enhancedForm.FindStringSubmatch(words)
	if m == nil {
		return status{}, "", words
	}
	for i, into := range []*int{&s.class, &s.subject, &s.detail} {
		*into, _ = strconv.Atoi(m[i+1]) // three digits at most
	}
	code = strings.TrimSpace(m[0])
	rest = words[len(m[0]):]
	// Every line of a long reply begins with the same code.
	return s, code, strings.ReplaceAll(rest, "\n"+code+" ", "\n")
}

// slowDown finds replies that ask to send less in so many words. A reply that
// merely says "later" (greylisting, maintenance) does not belong here.
var slowDown = regexp.MustCompile(`(?i)throttl|too (fast|quickly)|slow(ing)? down|unusual rate|rate of (unsolicited )?mail` +
	`|\brate\b.{0,20}\b(limit|exceed|prevent)|\b(limit|exceed).{0,20}\brate\b|connections? limit exceeded` +
	`|too many (messages|mails|e-?mails|connections|concurrent|login attempts|requests)`)

// byReply returns what a reply of the server means for the message.
//
// A reply with either code of the temporary kind is temporary. A permanent
// one before the mail began, or about signing in, concerns every mail, so the
// settings (or what they stand for at the server) must change; that includes a
// greeting of 554 ("no SMTP service here", RFC 5321 section 3.1), since a
// server that is only out of order greets with 421 or not at all. Then the
// enhanced code decides, then the plain one.
func byReply(at stage, code int, s status, words string) connector.Class {
	switch {
	case code/100 == 4 || s.class == 4:
		if s == (status{4, 7, 28}) || slowDown.MatchString(words) {
			return connector.Throttled
		}
		return connector.Temporary
	case code/100 != 5:
		return connector.Temporary // a reply that RFC 5321 does not know here
	case at <= stageAuth:
		return connector.ConfigFault
	case code == 530 || code == 534 || code == 535 || code == 538: // RFC 4954 section 6
		return connector.ConfigFault
	case s.class == 5 && s.subject != 0: // X.0.x says nothing beyond the class
		return byStatus(at, s)
	default:
		return byCode(at, code)
	}
}

// byStatus reads an enhanced code of class 5 (RFC 3463 section 3).
func byStatus(at stage, s status) connector.Class {
	switch s.subject {
	case 1: // addressing
		if s.detail == 7 || s.detail == 8 || at == stageMail { // the sender's
			return connector.ConfigFault
		}
		return connector.Recipient
	case 2: // mailbox
		return ofMailbox(at, s.detail)
	case 4: // network and routing
		// X.4.5, mail system congestion, "is useful only as a persistent
		// transient error"; Gmail gives it when the account's daily quota is
		// used up.
		if s.detail == 5 {
			return connector.Throttled
		}
	case 6: // content; 5.6.7 also means that SMTPUTF8 fails further on
		return connector.Permanent
	case 7: // policy; but 8, 9 and 11 are about signing in (RFC 4954 section 6)
		if s.detail == 8 || s.detail == 9 || s.detail == 11 {
			return connector.ConfigFault
		}
		return connector.Permanent
	}
	if at == stageMail && s != (status{5, 3, 4}) { // 5.3.4: the mail is too big
		return connector.ConfigFault
	}
	return connector.Permanent
}

// ofMailbox reads X.2.x, which is about the mailbox named last.
//
// A full one is temporary, whatever the class: "the general semantics implies
// that the recipient can delete messages", so the code "should be used as a
// persistent transient failure" (RFC 3463 section 3.3). A code is short-lived;
// trying again until then costs little, and the address is good.
func ofMailbox(at stage, detail int) connector.Class {
	switch {
	case detail == 2:
		return connector.Temporary
	case detail == 3: // the message is longer than this mailbox takes
		return connector.Permanent
	case at == stageMail:
		return connector.ConfigFault
	default:
		return connector.Recipient
	}
}

// byCode reads a reply of the 5yz kind without enhanced code (RFC 5321 section
// 4.2.3, RFC 7504 for 556).
func byCode(at stage, code int) connector.Class {
	switch {
	case at == stageMail && code != 552: // 552 there: the mail is too big
		return connector.ConfigFault
	case at == stageRcpt && (code == 550 || code == 551 || code == 553 || code == 556):
		return connector.Recipient
	case at == stageRcpt && code == 552:
		// A full mailbox; as above, and RFC 5321 section 4.5.3.1.10 wants it
		// taken as temporary in answer to RCPT.
		return connector.Temporary
	default:
		return connector.Permanent
	}
}

// isGarbage reports whether an error means that the other side spoke
// something else than SMTP.
func isGarbage(err error) bool {
	_, is := err.(textproto.ProtocolError) //nolint:errorlint // package textproto returns it bare
	return is
}
