package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// newSink starts a sink with a ledger for count recipients, of which every
// mail is kept.
func newSink(t *testing.T, count int) (*sink, *ledger) {
	t.Helper()
	s, err := startSink(t.Context(), newClock())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	led := newLedger(0, count, 1)
	s.ledger.Store(led)
	return s, led
}

func (s *sink) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port())) }

func TestSinkTakesMailFromNetSMTP(t *testing.T) {
	t.Parallel()
	s, led := newSink(t, 2)
	body := "Subject: x\r\n\r\nline\r\n.\r\n..two\r\n.three\r\n" + strings.Repeat("long ", 10_000) + "\r\n"
	if err := smtp.SendMail(s.addr(), nil, "a@b.example", []string{recipient(1)}, []byte(body)); err != nil {
		t.Fatal(err)
	}
	if got := string(led.kept[1]); got != body {
		t.Errorf("the sink has %d bytes, not the %d that were sent: %.80q", len(got), len(body), got)
	}
	if led.came.Load() != 1 || led.arrived[1].Load() == 0 || led.arrived[0].Load() != 0 {
		t.Errorf("the ledger has %d mails", led.came.Load())
	}
}

func TestSinkKeepsAConnection(t *testing.T) {
	t.Parallel()
	s, led := newSink(t, 3)
	c, err := smtp.Dial(s.addr())
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := c.Mail("a@b.example"); err != nil {
			t.Fatal(err)
		}
		if err := c.Rcpt(recipient(n)); err != nil {
			t.Fatal(err)
		}
		w, err := c.Data()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, "Subject: %d\r\n\r\n%d\r\n", n, n)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := c.Reset(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Quit(); err != nil {
		t.Fatal(err)
	}
	if got := led.came.Load(); got != 3 {
		t.Errorf("%d mails came, want 3", got)
	}
}

// converse sends text in one go and returns the replies' codes.
func converse(t *testing.T, s *sink, text string) []string {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	var codes []string
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if line := lines.Text(); line[3] == ' ' {
			codes = append(codes, line[:3])
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return codes
}

func TestSinkConversations(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", longestLine+1)
	cases := []struct {
		name, said, want string
		came, strays     int64
	}{
		{
			"pipelined", "EHLO x\r\nMAIL FROM:<a@b.example> BODY=8BITMIME\r\nRCPT TO:<u0@bench.example>\r\nDATA\r\n" +
				"hi\r\n.\r\nQUIT\r\n", "220 250 250 250 354 250 221", 1, 0,
		},
		{
			"two in one go", "HELO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u0@bench.example>\r\nDATA\r\n\r\n.\r\n" +
				"MAIL FROM:<a@b.example>\r\nRCPT TO:<u1@bench.example> NOTIFY=NEVER\r\nDATA\r\n.\r\nQUIT\r\n",
			"220 250 250 250 354 250 250 250 354 250 221", 2, 0,
		},
		{"small letters", "ehlo x\r\nmail from:<>\r\nrcpt to: <u0@bench.example>\r\ndata\r\n.\r\nquit\r\n", "220 250 250 250 354 250 221", 1, 0},
		{"no sender", "EHLO x\r\nRCPT TO:<u0@bench.example>\r\nQUIT\r\n", "220 250 503 221", 0, 0},
		{"no recipient", "EHLO x\r\nMAIL FROM:<>\r\nDATA\r\nQUIT\r\n", "220 250 250 503 221", 0, 0},
		{"after RSET", "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<u0@bench.example>\r\nRSET\r\nDATA\r\nQUIT\r\n", "220 250 250 250 250 503 221", 0, 0},
		{
			"a second recipient", "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<u0@bench.example>\r\nRCPT TO:<u1@bench.example>\r\nQUIT\r\n",
			"220 250 250 250 452 221", 0, 0,
		},
		{"somebody else", "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.com>\r\nDATA\r\n.\r\nQUIT\r\n", "220 250 250 250 354 250 221", 0, 1},
		{"another run", "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<u9@bench.example>\r\nDATA\r\n.\r\nQUIT\r\n", "220 250 250 250 354 250 221", 0, 1},
		{"unknown", "EHLO x\r\nVRFY a\r\nNOOP\r\nQUIT\r\n", "220 250 500 250 221", 0, 0},
		{
			"a long line in a mail", "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<u0@bench.example>\r\nDATA\r\n" + long + ".\r\n.\r\nQUIT\r\n",
			"220 250 250 250 354 250 221", 1, 0,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, led := newSink(t, 2)
			if got := strings.Join(converse(t, s, c.said), " "); got != c.want {
				t.Errorf("replies %s, want %s", got, c.want)
			}
			if led.came.Load() != c.came || s.strays.Load() != c.strays {
				t.Errorf("%d mails and %d strays, want %d and %d", led.came.Load(), s.strays.Load(), c.came, c.strays)
			}
		})
	}
}

// A sender that breaks off has sent nothing.
func TestSinkWantsTheWholeMail(t *testing.T) {
	t.Parallel()
	s, led := newSink(t, 1)
	conn, err := net.Dial("tcp", s.addr())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<u0@bench.example>\r\nDATA\r\nhalf a mail\r\n")
	conn.Close()
	s.close() // all sessions are over
	if led.came.Load() != 0 {
		t.Error("half a mail was counted")
	}
}

func TestSinkCountsCopies(t *testing.T) {
	t.Parallel()
	s, led := newSink(t, 1)
	for range 3 {
		if err := smtp.SendMail(s.addr(), nil, "a@b.example", []string{recipient(0)}, []byte("\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	if led.came.Load() != 1 || led.copies.Load() != 2 {
		t.Errorf("%d mails and %d copies, want 1 and 2", led.came.Load(), led.copies.Load())
	}
}

func TestRecipientNumber(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 7, 1_000_000} {
		if got, ok := recipientNumber([]byte("<" + recipient(n) + ">")); !ok || got != n {
			t.Errorf("%d came back as %d, %v", n, got, ok)
		}
	}
	for _, path := range []string{"", "<>", "<u@bench.example>", "<u-1@bench.example>", "<ann@example.com>", "<u1@bench.example.com>"} {
		if n, ok := recipientNumber([]byte(path)); ok {
			t.Errorf("%q is recipient %d", path, n)
		}
	}
}

// When the last mail has come, every mail that was wanted can be read.
func TestMailsAreKeptBeforeTheyCount(t *testing.T) {
	t.Parallel()
	s := &sink{clock: newClock()}
	led := newLedger(0, 1, 1)
	led.expected.Store(1)
	s.ledger.Store(led)
	led.mu.Lock() // nothing can be kept
	go s.take(0, []byte("mail"))
	for range 100_000 {
		runtime.Gosched()
	}
	early := led.came.Load()
	led.mu.Unlock()
	<-led.complete
	if early != 0 {
		t.Error("the mail counted before it was kept")
	}
}
