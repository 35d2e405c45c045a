package smtp

import (
	"errors"
	"net"
	"time"
)

// maxAnswer is the most that a server may say in answer to one step, in bytes.
// It leaves room for a TLS handshake; a reply line has 512 octets (RFC 5321
// section 4.5.3.1.5).
const maxAnswer = 128 << 10

// errTooMuch ends a line on which the server talks without end.
var errTooMuch = errors.New("the server's answer is too long")

// line is the socket to a server. Every read and write must make progress
// within the idle time, or before the deadline while one is set; what is read
// is bounded. Only Close may be called from another goroutine.
type line struct {
	net.Conn
	idle   time.Duration
	until  time.Time // deadline of the present phase; zero for none
	budget int       // bytes that may still be read in this step
}

// step begins a new step of the protocol. It must end within the limit; a
// limit of 0 leaves it to the idle time.
func (l *line) step(limit time.Duration) {
	l.budget = maxAnswer
	l.until = time.Time{}
	if limit > 0 {
		l.until = time.Now().Add(limit)
	}
}

func (l *line) deadline() time.Time {
	if !l.until.IsZero() {
		return l.until
	}
	return time.Now().Add(l.idle)
}

func (l *line) Read(p []byte) (int, error) {
	if l.budget <= 0 {
		return 0, errTooMuch
	}
	if err := l.SetReadDeadline(l.deadline()); err != nil {
		return 0, err
	}
	n, err := l.Conn.Read(p)
	l.budget -= n
	return n, err
}

func (l *line) Write(p []byte) (int, error) {
	if err := l.SetWriteDeadline(l.deadline()); err != nil {
		return 0, err
	}
	return l.Conn.Write(p)
}

func (l *line) close() { _ = l.Close() }
