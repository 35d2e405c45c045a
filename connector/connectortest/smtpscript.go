package connectortest

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Act is what a scripted server does at a stage instead of its part. It
// answers, or it ends the connection.
type Act func(c *ScriptConn)

// Script tells a scripted server what to do. Where it says nothing the server
// does its part as RFC 5321 wants it.
type Script struct {
	Acts map[Stage]Act
	// Offer lists the extensions after EHLO.
	Offer []string
}

// ScriptServer is a mail server on loopback that misbehaves as told.
type ScriptServer struct {
	Host string
	Port int

	script Script
	conns  atomic.Int64
	mails  atomic.Int64
	mu     sync.Mutex
	times  map[Stage]int
}

// ScriptConn is one connection of a ScriptServer.
type ScriptConn struct {
	// Connection is 1 for the first one.
	Connection int
	// Times is how often the present stage was reached, on all connections.
	Times int

	conn   net.Conn
	in     *bufio.Reader
	heard  strings.Builder
	server *ScriptServer
	ended  bool
}

// NewScriptServer starts a server; it ends with the test.
func NewScriptServer(t testing.TB, script Script) *ScriptServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	host, port, err := net.SplitHostPort(listener.Addr().String())
	must(t, err)
	s := &ScriptServer{Host: host, script: script, times: map[Stage]int{}}
	s.Port, err = strconv.Atoi(port)
	must(t, err)
	var running sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed below
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			c := &ScriptConn{Connection: int(s.conns.Add(1)), conn: conn, in: bufio.NewReader(conn), server: s}
			running.Go(c.serve)
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return s
}

// Connections returns how many connections there were.
func (s *ScriptServer) Connections() int { return int(s.conns.Load()) }

// Mails returns how many mails came in completely.
func (s *ScriptServer) Mails() int { return int(s.mails.Load()) }

// Say answers with a reply; "\n" divides lines, which must bear their codes.
func Say(reply string) Act { return func(c *ScriptConn) { c.say(reply) } }

// Close ends the connection.
func Close() Act { return (*ScriptConn).close }

// SayAndClose answers and ends the connection.
func SayAndClose(reply string) Act {
	return func(c *ScriptConn) {
		c.say(reply)
		c.close()
	}
}

// Reset ends the connection by a TCP reset.
func Reset() Act {
	return func(c *ScriptConn) {
		if tcp, ok := c.conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.close()
	}
}

// Hang says nothing until the client goes away. It sends to reached, if that
// is not nil and somebody listens.
func Hang(reached chan<- struct{}) Act {
	return func(c *ScriptConn) {
		select {
		case reached <- struct{}{}:
		default:
		}
		_, _ = io.Copy(io.Discard, c.in)
		c.close()
	}
}

// Flood talks without end, in one line, until the client goes away.
func Flood() Act {
	return func(c *ScriptConn) {
		c.say("250-and another thing")
		noise := []byte(strings.Repeat("x", 4096))
		for err := error(nil); err == nil; {
			_, err = c.conn.Write(noise)
		}
		c.close()
	}
}

// Echo refuses with this code and all that the client said so far, the last
// line first: what a client must not pass on.
func Echo(code string) Act {
	return func(c *ScriptConn) {
		lines := strings.Split(strings.TrimRight(strings.ReplaceAll(c.heard.String(), "\r", ""), "\n"), "\n")
		slices.Reverse(lines)
		for i, line := range lines {
			divider := "-"
			if i == len(lines)-1 {
				divider = " "
			}
			lines[i] = code + divider + line
		}
		c.say(strings.Join(lines, "\n"))
	}
}

// OnTime does an act the nth time that the stage is reached on any
// connection, and the server's part at other times.
func OnTime(n int, act Act) Act {
	return func(c *ScriptConn) {
		if c.Times == n {
			act(c)
			return
		}
		c.say("250 2.0.0 ok")
	}
}

func (c *ScriptConn) say(reply string) {
	_, _ = io.WriteString(c.conn, strings.ReplaceAll(reply, "\n", "\r\n")+"\r\n") // the client may be gone
}

func (c *ScriptConn) close() {
	c.ended = true
	_ = c.conn.Close()
}

// hear reads one line; false at the end.
func (c *ScriptConn) hear() (string, bool) {
	line, err := c.in.ReadString('\n')
	c.heard.WriteString(line)
	return strings.TrimRight(line, "\r\n"), err == nil
}

// at does what the script says for a stage, or the reply given.
func (c *ScriptConn) at(stage Stage, reply string) {
	c.server.mu.Lock()
	c.server.times[stage]++
	c.Times = c.server.times[stage]
	c.server.mu.Unlock()
	if act, ok := c.server.script.Acts[stage]; ok {
		act(c)
		return
	}
	c.say(reply)
}

func (c *ScriptConn) serve() {
	defer c.close()
	c.at(StageGreeting, "220 mx.example.test ESMTP")
	for !c.ended {
		line, ok := c.hear()
		if !ok {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch verb {
		case "EHLO":
			c.at(StageHello, c.offer())
		case "STARTTLS":
			c.at(StageStartTLS, "502 5.5.1 no")
		case "AUTH":
			c.at(StageAuth, "235 2.7.0 welcome")
		case "MAIL":
			c.at(StageMail, "250 2.1.0 ok")
		case "RCPT":
			c.at(StageRcpt, "250 2.1.5 ok")
		case "DATA":
			c.data()
		case "QUIT":
			c.at(StageQuit, "221 2.0.0 bye")
			return
		default:
			c.say("500 5.5.2 what?")
		}
	}
}

func (c *ScriptConn) offer() string {
	lines := append([]string{"mx.example.test"}, c.server.script.Offer...)
	for i := range lines {
		divider := "-"
		if i == len(lines)-1 {
			divider = " "
		}
		lines[i] = "250" + divider + lines[i]
	}
	return strings.Join(lines, "\n")
}

// data takes the content. The act of StageContent comes after its first line.
func (c *ScriptConn) data() {
	c.at(StageData, "354 go ahead")
	if _, told := c.server.script.Acts[StageData]; told {
		return
	}
	for first := true; !c.ended; first = false {
		line, ok := c.hear()
		if act, told := c.server.script.Acts[StageContent]; told && first && ok {
			act(c)
			return
		}
		if !ok {
			return
		}
		if line == "." {
			c.server.mails.Add(1)
			c.at(StageEnd, "250 2.0.0 queued as 4SCRIPT")
			return
		}
	}
}
