package smtp

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

// mustSend sends one mail.
func mustSend(t *testing.T, c connector.Connector) {
	t.Helper()
	if _, err := c.Send(t.Context(), ct.Sample()); err != nil {
		t.Fatalf("Send: %v", err)
	}
}

func closeOf(t *testing.T, c connector.Connector) func() {
	t.Helper()
	closer, ok := c.(io.Closer)
	if !ok {
		t.Fatal("no io.Closer")
	}
	return func() {
		if err := closer.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

func TestConnectionIsKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ max, mails, connections int }{{100, 20, 1}, {5, 20, 4}, {1, 3, 3}, {7, 20, 3}} {
		server := ct.NewSMTPServer(t, ct.SMTPOptions{})
		conn := opened(t, server.Host, server.Port, object{"pool": object{"maxMessages": c.max}})
		for range c.mails {
			mustSend(t, conn)
		}
		if n := server.Connections(); n != c.connections {
			t.Errorf("%d mails, %d on each connection: %d connections, want %d", c.mails, c.max, n, c.connections)
		}
	}
}

func TestIdleConnectionEnds(t *testing.T) {
	t.Parallel()
	left := make(chan int, 2)
	server := ct.NewScriptServer(t, ct.Script{Acts: map[ct.Stage]ct.Act{
		ct.StageQuit: func(c *ct.ScriptConn) {
			left <- c.Connection
			ct.Say("221 bye")(c)
		},
	}})
	conn := opened(t, server.Host, server.Port, object{"pool": object{"idleTimeout": 20}})
	mustSend(t, conn)
	<-left // by itself
	mustSend(t, conn)
	if n := server.Connections(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// TestConnectionsAreBounded holds every mail at the server until as many as
// allowed are there; a pool that opened more would be seen at once.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	const most, mails = 3, 12
	arrived, let := make(chan struct{}, mails), make(chan struct{})
	server := ct.NewScriptServer(t, ct.Script{Acts: map[ct.Stage]ct.Act{
		ct.StageMail: func(c *ct.ScriptConn) {
			arrived <- struct{}{}
			<-let
			ct.Say("250 ok")(c)
		},
	}})
	conn := opened(t, server.Host, server.Port, object{"pool": object{"maxConnections": most}})
	var sends sync.WaitGroup
	for range mails {
		sends.Go(func() {
			if _, err := conn.Send(t.Context(), ct.Sample()); err != nil {
				t.Errorf("Send: %v", err)
			}
		})
	}
	for range most {
		<-arrived
	}
	// All the rest wait. One whose context ends does not.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := conn.Send(ctx, ct.Sample())
	if e := ct.CheckError(t, err); e.Class != connector.Temporary || !errors.Is(err, context.Canceled) || !strings.Contains(e.Message, "waiting") {
		t.Errorf("class %s, %v", e.Class, err)
	}
	close(let)
	sends.Wait()
	if n := server.Connections(); n != most {
		t.Errorf("%d connections, want %d", n, most)
	}
	if n := server.Mails(); n != mails {
		t.Errorf("%d mails, want %d", n, mails)
	}
}

// TestKeptConnectionWasClosed: the server ended a kept connection. The next
// mail goes out on a new one, in the same attempt, and once.
func TestKeptConnectionWasClosed(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]ct.Act{
		"closed at MAIL": ct.Close(), "reset at MAIL": ct.Reset(),
		"421 at MAIL": ct.SayAndClose("421 4.4.2 idle for too long"),
	} {
		for _, offer := range [][]string{nil, {"PIPELINING"}} {
			server := ct.NewScriptServer(t, ct.Script{
				Offer: offer, Acts: map[ct.Stage]ct.Act{ct.StageMail: ct.OnTime(2, act)},
			})
			conn := opened(t, server.Host, server.Port, nil)
			mustSend(t, conn)
			mustSend(t, conn)
			if server.Mails() != 2 || server.Connections() != 2 {
				t.Errorf("%s: %d mails on %d connections, want 2 on 2", name, server.Mails(), server.Connections())
			}
		}
	}
}

// TestServerClosedMeanwhile: the end of a kept connection has reached this
// side before the next mail begins.
func TestServerClosedMeanwhile(t *testing.T) {
	t.Parallel()
	server := ct.NewScriptServer(t, ct.Script{Acts: map[ct.Stage]ct.Act{
		ct.StageEnd: ct.SayAndClose("250 2.0.0 ok, and good-bye"),
	}})
	conn := opened(t, server.Host, server.Port, nil)
	for range 5 {
		mustSend(t, conn)
	}
	if server.Mails() != 5 || server.Connections() != 5 {
		t.Errorf("%d mails on %d connections, want 5 on 5", server.Mails(), server.Connections())
	}
}

// TestReplacedOnce: one attempt opens at most one new connection, and only
// for a kept one that had ended before the mail began.
func TestReplacedOnce(t *testing.T) {
	t.Parallel()
	after := func(act ct.Act) ct.Act { // the first mail passes
		return func(c *ct.ScriptConn) {
			if c.Times == 1 {
				ct.Say("250 ok")(c)
				return
			}
			act(c)
		}
	}
	for name, c := range map[string]struct {
		at          ct.Stage
		act         ct.Act
		connections int
	}{
		"closes always":           {ct.StageMail, after(ct.Close()), 2},
		"421 always":              {ct.StageMail, after(ct.SayAndClose("421 busy")), 2},
		"450 at MAIL":             {ct.StageMail, after(ct.Say("450 4.3.0 later")), 1},
		"closes at RCPT":          {ct.StageRcpt, after(ct.Close()), 1},
		"421 at RCPT":             {ct.StageRcpt, after(ct.SayAndClose("421 busy")), 1},
		"closes after the dot":    {ct.StageEnd, after(ct.Close()), 1},
		"resets after the dot":    {ct.StageEnd, after(ct.Reset()), 1},
		"421 after the final dot": {ct.StageEnd, after(ct.SayAndClose("421 busy")), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := ct.NewScriptServer(t, ct.Script{Acts: map[ct.Stage]ct.Act{c.at: c.act}})
			conn := opened(t, server.Host, server.Port, nil)
			mustSend(t, conn)
			if e := fails(t, conn, ct.Sample()); e.Class != connector.Temporary {
				t.Errorf("class %s (%v), want temporary", e.Class, e)
			}
			if n := server.Connections(); n != c.connections {
				t.Errorf("%d connections, want %d", n, c.connections)
			}
		})
	}
}

// TestConnectionIsDroppedAfterRefusal: nothing of a refused mail is left for
// the next one.
func TestConnectionIsDroppedAfterRefusal(t *testing.T) {
	t.Parallel()
	server := ct.NewScriptServer(t, ct.Script{
		Offer: []string{"PIPELINING"},
		Acts:  map[ct.Stage]ct.Act{ct.StageRcpt: ct.OnTime(1, ct.Say("550 5.1.1 no such user"))},
	})
	conn := opened(t, server.Host, server.Port, nil)
	if e := fails(t, conn, ct.Sample()); e.Class != connector.Recipient {
		t.Errorf("class %s, want recipient", e.Class)
	}
	mustSend(t, conn)
	if server.Connections() != 2 || server.Mails() != 1 {
		t.Errorf("%d mails on %d connections, want 1 on 2", server.Mails(), server.Connections())
	}
}

func TestCloseTakesLeave(t *testing.T) {
	t.Parallel()
	quits := make(chan int, 4)
	server := ct.NewScriptServer(t, ct.Script{Acts: map[ct.Stage]ct.Act{
		ct.StageQuit: func(c *ct.ScriptConn) {
			quits <- c.Connection
			ct.Say("221 bye")(c)
		},
	}})
	conn := opened(t, server.Host, server.Port, nil)
	mustSend(t, conn)
	closeOf(t, conn)()
	select {
	case <-quits:
	default:
		t.Error("Close returned without QUIT")
	}
}

// TestCloseWaits: a mail that is under way when Close is called arrives.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	reached, let := make(chan struct{}), make(chan struct{})
	server := ct.NewScriptServer(t, ct.Script{Acts: map[ct.Stage]ct.Act{
		ct.StageEnd: func(c *ct.ScriptConn) {
			close(reached)
			<-let
			ct.Say("250 ok")(c)
		},
	}})
	conn := opened(t, server.Host, server.Port, nil)
	sent, closed := make(chan error, 1), make(chan struct{})
	go func() {
		_, err := conn.Send(t.Context(), ct.Sample())
		sent <- err
	}()
	<-reached
	go func() {
		defer close(closed)
		closeOf(t, conn)()
	}()
	// Close has begun once new mails are refused.
	for {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := conn.Send(ctx, ct.Sample()); err != nil && strings.Contains(err.Error(), "closed") {
			break
		}
	}
	select {
	case <-closed:
		t.Error("Close did not wait")
	default:
	}
	close(let)
	if err := <-sent; err != nil {
		t.Errorf("Send: %v", err)
	}
	<-closed
}
