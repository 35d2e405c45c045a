package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/internal/guard"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/store"
)

const (
	// tellEvery is how long what a guard sees waits for company.
	tellEvery = 100 * time.Millisecond
	// tellAtOnce is how many observations go together at the most; fewer, where
	// their addresses are long.
	tellAtOnce = 40
	// tellWaiting is how many wait at the most; further ones are dropped.
	tellWaiting = 10_000
	// listenAgain is the wait after the connection broke.
	listenAgain = time.Second
)

// nodes lets the guards of all nodes of one database see what each of them
// sees: a code is often verified at another node than it was asked for. What
// is lost when a connection breaks is some seconds of that.
type nodes struct {
	store   *store.Store
	keys    *secrets.Keys
	guard   observer
	log     *slog.Logger
	self    string
	waiting chan guard.Observation
	hears   func() // called when this node hears the others
}

// observer hears what other nodes saw.
type observer interface{ Observe(o guard.Observation) }

// told is what one node tells the others, sealed: it holds addresses.
type told struct {
	From string              `json:"from"`
	Saw  []guard.Observation `json:"saw"`
}

const toldPurpose = "nodes"

func newNodes(s *store.Store, keys *secrets.Keys, log *slog.Logger) *nodes {
	return &nodes{store: s, keys: keys, log: log, self: uuid.NewString(), waiting: make(chan guard.Observation, tellWaiting), hears: func() {}}
}

// share takes what this node's guard has seen.
func (n *nodes) share(o guard.Observation) {
	select {
	case n.waiting <- o:
	default: // the database does not answer; the guard must not wait for it
	}
}

// run tells and hears until ctx ends.
func (n *nodes) run(ctx context.Context) {
	var hearing sync.WaitGroup
	defer hearing.Wait()
	hearing.Go(func() { n.listen(ctx) })
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			n.tell(ctx)
		}
	}
}

// tell sends what waits.
func (n *nodes) tell(ctx context.Context) {
	for {
		saw := make([]guard.Observation, 0, tellAtOnce)
	collect:
		for len(saw) < tellAtOnce {
			select {
			case o := <-n.waiting:
				saw = append(saw, o)
			default:
				break collect
			}
		}
		if len(saw) == 0 {
			return
		}
		if err := n.send(ctx, saw); err != nil {
			if ctx.Err() == nil {
				n.log.Warn("the guards of other nodes do not hear of this one", "error", err)
			}
			return
		}
	}
}

func (n *nodes) send(ctx context.Context, saw []guard.Observation) error {
	plain, err := json.Marshal(told{From: n.self, Saw: saw})
	if err != nil {
		return err
	}
	sealed, err := n.keys.Seal(plain, toldPurpose)
	if err != nil {
		return err
	}
	text := base64.RawStdEncoding.EncodeToString(sealed)
	if half := len(saw) / 2; len(text) > store.MaxTold && half > 0 {
		return errors.Join(n.send(ctx, saw[:half]), n.send(ctx, saw[half:]))
	}
	return n.store.Tell(ctx, text)
}

func (n *nodes) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := n.store.Listen(ctx, n.hears, n.hear)
		if ctx.Err() != nil {
			return
		}
		n.log.Warn("this node does not hear of other nodes' guards", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(listenAgain):
		}
	}
}

// hear takes in what a node told. Whoever may write to the database may tell
// something, but only who has the keyset is heard.
func (n *nodes) hear(text string) {
	sealed, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return
	}
	plain, err := n.keys.Open(sealed, toldPurpose)
	if err != nil {
		return
	}
	var t told
	if json.Unmarshal(plain, &t) != nil || t.From == n.self {
		return
	}
	for _, o := range t.Saw {
		n.guard.Observe(o)
	}
}
