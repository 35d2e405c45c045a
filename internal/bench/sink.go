package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// mailDomain is where all mail of a benchmark goes: a name that is nobody's
// (RFC 2606).
const mailDomain = "bench.example"

// recipient is the address of the n-th recipient.
func recipient(n int) string { return "u" + strconv.Itoa(n) + "@" + mailDomain }

// recipientNumber reads n from the path of a RCPT command.
func recipientNumber(path []byte) (n int, ok bool) {
	path = bytes.TrimSuffix(bytes.TrimPrefix(path, []byte("<u")), []byte("@"+mailDomain+">"))
	n, err := strconv.Atoi(string(path))
	return n, err == nil && n >= 0
}

// sink is an SMTP server (RFC 5321) that takes every mail and notes when it
// came. It does no more than that costs, since it shares the machine with
// what is measured.
type sink struct {
	listener net.Listener
	clock    clock
	ledger   atomic.Pointer[ledger] // of the run under way
	strays   atomic.Int64           // mails that belong to no run
	sessions sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
}

func startSink(ctx context.Context, c clock) (*sink, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the sink: %w", err)
	}
	s := &sink{listener: l, clock: c, conns: map[net.Conn]bool{}}
	s.sessions.Go(s.serve)
	return s, nil
}

func (s *sink) port() int {
	if at, ok := s.listener.Addr().(*net.TCPAddr); ok {
		return at.Port
	}
	return 0
}

// close ends every session and returns when all are gone.
func (s *sink) close() {
	s.mu.Lock()
	s.closed = true
	s.listener.Close()
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.sessions.Wait()
}

func (s *sink) serve() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		if !s.enter(conn) {
			conn.Close()
			return
		}
		s.sessions.Go(func() {
			defer s.leave(conn)
			newSession(s, conn).run()
		})
	}
}

func (s *sink) enter(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.conns[conn] = true
	}
	return !s.closed
}

func (s *sink) leave(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// take notes a mail; raw is nil unless the ledger wants it.
func (s *sink) take(recipient int, raw []byte) {
	l := s.ledger.Load()
	if l != nil && raw != nil && l.wants(recipient) {
		l.keepMail(recipient, raw) // before it counts: the last one ends the waiting
	}
	if l == nil || recipient < 0 || !l.arrive(recipient, s.clock.now()) {
		s.strays.Add(1)
	}
}

// The replies of the sink. It offers what spares round trips and encodings.
const (
	greeting     = "220 sink." + mailDomain + " ESMTP\r\n"
	hello        = "250-sink." + mailDomain + "\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n"
	helo         = "250 sink." + mailDomain + "\r\n"
	ok           = "250 2.0.0 ok\r\n"
	begin        = "354 go on, end with a dot\r\n"
	taken        = "250 2.0.0 taken\r\n"
	bye          = "221 2.0.0 bye\r\n"
	outOfOrder   = "503 5.5.1 bad sequence of commands\r\n"
	notKnown     = "500 5.5.1 command not known\r\n"
	tooManyRcpts = "452 4.5.3 one recipient a mail\r\n"
)

// longestLine bounds a command line, at whose excess the session ends: more
// than RFC 5321 section 4.5.3.1 asks for. Lines of a mail may be longer.
const longestLine = 16 << 10

// none is the number of a recipient that is not one of the benchmark's.
const none = -1

// session is one connection. It answers when the client waits for it: while
// more commands are at hand, replies are collected (RFC 2920).
type session struct {
	sink *sink
	r    *bufio.Reader
	w    *bufio.Writer

	mail, rcpt bool
	to         int
}

func newSession(s *sink, conn net.Conn) *session {
	return &session{sink: s, r: bufio.NewReaderSize(conn, longestLine), w: bufio.NewWriter(conn)}
}

var errQuit = errors.New("the client has left")

// run serves the session until it ends, one way or the other. A failure is
// the client's to notice: it gets no reply.
func (s *session) run() {
	_, err := s.w.WriteString(greeting)
	for err == nil {
		if s.r.Buffered() == 0 {
			if err = s.w.Flush(); err != nil {
				return
			}
		}
		var line []byte
		if line, err = s.r.ReadSlice('\n'); err == nil {
			err = s.command(bytes.TrimRight(line, "\r\n"))
		}
	}
	_ = s.w.Flush()
}

func (s *session) command(line []byte) error {
	verb, rest, _ := bytes.Cut(line, []byte(" "))
	reply := ok
	switch string(bytes.ToUpper(verb)) {
	case "MAIL":
		s.reset()
		s.mail = true
	case "RCPT":
		reply = s.recipient(rest)
	case "DATA":
		if !s.rcpt {
			reply = outOfOrder
			break
		}
		return s.data()
	case "EHLO":
		s.reset()
		reply = hello
	case "HELO":
		s.reset()
		reply = helo
	case "RSET":
		s.reset()
	case "NOOP":
	case "QUIT":
		_, _ = s.w.WriteString(bye)
		return errQuit
	default:
		reply = notKnown
	}
	_, err := s.w.WriteString(reply)
	return err
}

func (s *session) reset() { s.mail, s.rcpt, s.to = false, false, none }

// recipient takes "TO:<u12@bench.example>".
func (s *session) recipient(rest []byte) (reply string) {
	switch {
	case !s.mail:
		return outOfOrder
	case s.rcpt:
		return tooManyRcpts
	}
	s.rcpt, s.to = true, none
	if _, path, found := bytes.Cut(rest, []byte(":")); found {
		path, _, _ = bytes.Cut(bytes.TrimSpace(path), []byte(" "))
		if n, isOurs := recipientNumber(path); isOurs {
			s.to = n
		}
	}
	return ok
}

// data reads a mail up to the line with the dot alone.
func (s *session) data() error {
	if _, err := s.w.WriteString(begin); err != nil {
		return err
	}
	if err := s.w.Flush(); err != nil {
		return err
	}
	var raw []byte
	l := s.sink.ledger.Load()
	keep := l != nil && l.wants(s.to)
	for whole := true; ; { // the piece at hand begins a line
		line, err := s.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if whole && line[0] == '.' {
			if string(line) == ".\r\n" {
				break
			}
			line = line[1:]
		}
		if keep {
			raw = append(raw, line...)
		}
		whole = err == nil
	}
	s.sink.take(s.to, raw)
	s.reset()
	_, err := s.w.WriteString(taken)
	return err
}
