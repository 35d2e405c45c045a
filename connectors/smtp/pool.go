package smtp

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/postern-mail/postern/internal/network"
)

// errClosed refuses mails after Close.
var errClosed = errors.New("the connector is closed")

// pool keeps connections for the next mails: at most so many at once, each
// for so many mails and so long an idle time.
type pool struct {
	open        func(context.Context) (*session, *failure)
	maxMessages int
	idleTime    time.Duration
	slots       chan struct{} // one for each session in use

	mu     sync.Mutex
	closed bool
	idle   []*session  // longest idle first
	reaper *time.Timer // set while there are idle sessions
	users  sync.WaitGroup
}

func newPool(s poolSettings, open func(context.Context) (*session, *failure)) *pool {
	return &pool{
		open: open, maxMessages: s.MaxMessages, idleTime: ms(s.IdleTimeout),
		slots: make(chan struct{}, s.MaxConnections),
	}
}

// send hands over one mail on a kept or a new session.
func (p *pool) send(ctx context.Context, e *envelope) (words string, unsigned bool, f *failure) {
	if !p.enter() {
		return "", false, fail(stageWait, errClosed)
	}
	defer p.users.Done()
	if err := ctx.Err(); err != nil {
		return "", false, fail(stageWait, err) // no kept connection shall pay for it
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return "", false, fail(stageWait, ctx.Err())
	}
	if s := p.take(); s != nil {
		words, f = p.use(ctx, s, e)
		if f == nil || !f.stale() || ctx.Err() != nil {
			return words, s.unsigned, f
		}
	}
	s, f := p.open(ctx)
	if f != nil {
		return "", false, f
	}
	words, f = p.use(ctx, s, e)
	return words, s.unsigned, f
}

// use sends on s, and puts s away or closes it.
func (p *pool) use(ctx context.Context, s *session, e *envelope) (string, *failure) {
	stop := context.AfterFunc(ctx, s.close)
	words, f := s.send(e)
	closed := !stop()
	if f != nil || closed {
		s.close()
		return words, f
	}
	p.put(s)
	return words, nil
}

// stale reports whether a kept session had ended before the mail began: the
// server had closed it, or says so now (421). Nothing of the mail was taken.
func (f *failure) stale() bool {
	if f.stage != stageMail {
		return false
	}
	if code, _, isReply := f.reply(); isReply {
		return code == 421
	}
	return network.IsLost(f.err)
}

// enter counts a user; false after Close.
func (p *pool) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.users.Add(1)
	return true
}

// take returns the session that was put away last, or nil.
func (p *pool) take() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 || time.Since(p.idle[last].freed) >= p.idleTime {
		return nil // the reaper is on its way to them
	}
	s := p.idle[last]
	p.idle = p.idle[:last]
	return s
}

// put keeps s for the next mail, or lets it go.
func (p *pool) put(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || s.sent >= p.maxMessages {
		p.dismiss(s)
		return
	}
	s.freed = time.Now()
	p.idle = append(p.idle, s)
	if p.reaper == nil {
		p.reaper = time.AfterFunc(p.idleTime, p.reap)
	}
}

// dismiss takes leave of sessions without keeping the caller. It is called
// with the lock held, before users can have come to an end.
func (p *pool) dismiss(sessions ...*session) {
	for _, s := range sessions {
		p.users.Go(s.quit)
	}
}

// reap lets go of the sessions that were idle for too long.
func (p *pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	n := 0
	for n < len(p.idle) && time.Since(p.idle[n].freed) >= p.idleTime {
		n++
	}
	p.dismiss(p.idle[:n]...)
	p.idle = append([]*session(nil), p.idle[n:]...)
	p.reaper = nil
	if len(p.idle) > 0 {
		p.reaper = time.AfterFunc(p.idleTime-time.Since(p.idle[0].freed), p.reap)
	}
}

// close lets the mails under way finish, takes leave of the server on every
// connection, and returns when all are closed.
func (p *pool) close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		if p.reaper != nil {
			p.reaper.Stop()
		}
		p.dismiss(p.idle...)
		p.idle = nil
	}
	p.mu.Unlock()
	p.users.Wait()
}
