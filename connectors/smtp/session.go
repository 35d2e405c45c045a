package smtp

import (
	"errors"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// stage is how far an attempt had come.
type stage int

const (
	stageWait     stage = iota // for a connection to be free
	stageConnect               // look-up and TCP
	stageTLS                   // handshake, or the command that leads to it
	stageGreeting              // the server speaks first
	stageHello
	stageToken // an access token is fetched
	stageAuth
	stageMail
	stageRcpt
	stageData    // before the mail is written
	stageContent // while it is written
	stageEnd     // the final dot is sent, the answer outstanding
)

// failure is an error and the stage at which it ended the attempt.
type failure struct {
	stage stage
	err   error
	// token is the access token that was refused, when another might pass.
	token string
}

// fail is nil for a nil error.
func fail(at stage, err error) *failure {
	if err == nil {
		return nil
	}
	return &failure{stage: at, err: err}
}

// envelope is a mail ready for the wire.
type envelope struct {
	from, to string
	content  []byte // dots doubled, final dot included
	utf8     bool   // an address needs SMTPUTF8
}

// farewell is how long a server may take to answer QUIT.
const farewell = 2 * time.Second

// session is a connection that is ready for mails. One goroutine uses it at a
// time.
type session struct {
	line   *line
	client *smtp.Client
	pipelining, utf8, eightBit,
	unsigned bool // the settings hold a sign-in that the server did not offer
	sent  int       // mails so far
	freed time.Time // when it was last put away
}

// ready reads off the server's offer what matters for mails.
func ready(l *line, client *smtp.Client) *session {
	s := &session{line: l, client: client}
	s.pipelining, _ = client.Extension("PIPELINING")
	s.utf8, _ = client.Extension("SMTPUTF8")
	s.eightBit, _ = client.Extension("8BITMIME")
	return s
}

// send hands over one mail and returns the server's words. After a failure
// the session must be closed.
func (s *session) send(e *envelope) (string, *failure) {
	if f := s.announce(e); f != nil {
		return "", f
	}
	s.line.step(0)
	text := s.client.Text
	// A failed write means that the final dot, which comes last, did not leave.
	if _, err := text.W.Write(e.content); err != nil {
		return "", fail(stageContent, err)
	}
	if err := text.W.Flush(); err != nil {
		return "", fail(stageContent, err)
	}
	_, words, err := text.ReadResponse(success)
	if err != nil {
		return "", fail(stageEnd, err)
	}
	s.sent++
	return words, nil
}

// success is any reply of the 2yz kind, as textproto counts.
const success = 2

// errNoUTF8 ends a mail whose addresses the server cannot take.
var errNoUTF8 = errors.New("the server does not offer SMTPUTF8")

// command is one line of the transaction and the reply that it needs.
type command struct {
	stage stage
	text  string
	want  int
}

// announce sends MAIL, RCPT and DATA: in one go when the server takes that
// (RFC 2920), one by one otherwise. When one is refused, the replies to those
// after it do not matter: without content there is no mail.
func (s *session) announce(e *envelope) *failure {
	from := "MAIL FROM:<" + e.from + ">"
	if e.utf8 {
		if !s.utf8 {
			return fail(stageMail, errNoUTF8)
		}
		from += s.utf8Params()
	}
	commands := []command{
		{stageMail, from, success},
		{stageRcpt, "RCPT TO:<" + e.to + ">", success},
		{stageData, "DATA", 354},
	}
	group := 1
	if s.pipelining {
		group = len(commands)
	}
	for some := range slices.Chunk(commands, group) {
		if f := s.exchange(some); f != nil {
			return f
		}
	}
	return nil
}

// utf8Params are the parameters of MAIL for a mail with UTF-8 in its header
// (RFC 6531 section 3.4). All other mails are pure ASCII.
func (s *session) utf8Params() string {
	if s.eightBit {
		return " BODY=8BITMIME SMTPUTF8"
	}
	return " SMTPUTF8"
}

func (s *session) exchange(commands []command) *failure {
	s.line.step(0)
	text := s.client.Text
	for _, c := range commands {
		if _, err := text.W.WriteString(c.text + "\r\n"); err != nil {
			return fail(c.stage, err)
		}
	}
	if err := text.W.Flush(); err != nil {
		return fail(commands[0].stage, err)
	}
	for _, c := range commands {
		if _, _, err := text.ReadResponse(c.want); err != nil {
			return fail(c.stage, err)
		}
	}
	return nil
}

// quit takes leave of the server, and waits for its answer only briefly.
func (s *session) quit() {
	s.line.step(farewell)
	_ = s.client.Quit() // what matters is done, the socket goes in any case
	s.close()
}

func (s *session) close() { s.line.close() }

// reply returns the server's reply behind a failure, if there is one.
func (f *failure) reply() (code int, words string, ok bool) {
	if e, is := errors.AsType[*textproto.Error](f.err); is {
		return e.Code, strings.TrimSpace(e.Msg), true
	}
	return 0, "", false
}
