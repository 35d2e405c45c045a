package events

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/metrics"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/suppression"
)

const (
	// maxReport is how many events one callback may have.
	maxReport = 10_000
	// reportChunk is how many of them are stored in one transaction. Events
	// stand alone, and each is marked as known together with being stored: when
	// a callback fails half-way, the provider repeats it, and what is stored
	// counts once. One transaction for all would keep everybody else from
	// writing to SQLite for as long as it takes.
	reportChunk = 100
	// readTime is how long a connector may take to read a callback: it may have
	// to fetch a certificate.
	readTime = 15 * time.Second
	// maxDetail is the longest Event.Detail of a provider, in bytes.
	maxDetail = 300
	// A message keeps so many events that change nothing, such as one for each
	// time it is opened, and so many in all.
	maxPassing, maxEvents = 100, 200
	// early is for how long an event may come before the outcome of the attempt
	// that it is about is stored.
	early = time.Minute
)

// Intake takes in what providers report by callback: it finds the message
// that each event is about, keeps the event once, and suppresses the address
// where the rules of package suppression say so. It is safe for concurrent
// use.
type Intake struct {
	store        ReportStore
	suppressions *suppression.Service
	hub          *Hub
	keys         *secrets.Keys
	metrics      *metrics.Metrics
	now          func() time.Time
}

// IntakeOptions are what an Intake needs.
type IntakeOptions struct {
	Store        ReportStore
	Suppressions *suppression.Service
	Hub          *Hub
	// Keys hashes what is remembered of callbacks.
	Keys    *secrets.Keys
	Metrics *metrics.Metrics
	Now     func() time.Time
}

// NewIntake makes an Intake.
func NewIntake(o IntakeOptions) *Intake {
	return &Intake{
		store: o.Store, suppressions: o.Suppressions, hub: o.Hub, keys: o.Keys, metrics: o.Metrics, now: o.Now,
	}
}

// Take has the connector read a callback, and stores what it reports. It
// returns the JSON that the provider expects back, or nil. Errors that are no
// faults mean that the provider is to call again.
func (in *Intake) Take(ctx context.Context, via *routing.Opened, c connector.Callback) (answer []byte, err error) {
	reader, ok := via.Connector.(connector.EventReader)
	if !ok {
		return nil, fmt.Errorf("connector %s reads no callbacks", via.ID)
	}
	reading, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	report, err := reader.ReadEvents(reading, c)
	if err != nil {
		return nil, refusal(err)
	}
	if len(report.Events) > maxReport {
		return nil, fault.New(fault.Invalid, "callback.invalid", "The callback holds more than %d events.", maxReport)
	}
	if err := in.claim(ctx, via, report.Nonce, c); err != nil {
		return nil, err
	}
	var unsettled error
	for len(report.Events) > 0 {
		n := min(len(report.Events), reportChunk)
		err := in.keep(ctx, via, report.Events[:n], c.At)
		if err != nil && !errors.Is(err, errEarly) {
			return nil, err
		}
		unsettled = errors.Join(unsettled, err)
		report.Events = report.Events[n:]
	}
	return report.Answer, unsettled
}

// refusal turns what a connector says of a callback into what the provider
// hears.
func refusal(err error) error {
	f := &fault.Fault{Kind: fault.Unauthorized, Err: err}
	switch {
	case errors.Is(err, connector.ErrNotGenuine):
		f.Code, f.Message = "callback.not_genuine", "The callback is not signed as the provider of this connector signs, or is too old. "+
			"Compare the key in the connector's config with the provider's, and check the clock of this server."
	case errors.Is(err, connector.ErrNotSetUp):
		f.Code, f.Message = "callback.not_set_up", "The connector's config lacks the key that callbacks are checked with. "+
			"Its readme says where the provider shows it."
	case errors.Is(err, connector.ErrBadCallback):
		f.Kind, f.Code, f.Message = fault.Invalid, "callback.invalid", "The callback cannot be read. "+
			"Check that the provider sends events in the format that the connector's readme names."
	default:
		return fmt.Errorf("read callback: %w", err)
	}
	return f
}

// claim uses a nonce up. The same callback may come again with its nonce, as
// the provider does not know how far the first one came.
func (in *Intake) claim(ctx context.Context, via *routing.Opened, nonce string, c connector.Callback) error {
	if nonce == "" {
		return nil
	}
	used, err := in.mark("nonce", via.ID, nonce)
	if err != nil {
		return err
	}
	callback, err := in.mark("callback", via.ID, nonce, string(c.Body))
	if err != nil {
		return err
	}
	ok, err := in.store.ClaimNonce(ctx, used, callback, in.now())
	if err != nil {
		return fmt.Errorf("claim nonce: %w", err)
	}
	if !ok {
		return fault.New(fault.Unauthorized, "callback.replayed", "Another callback has used this one's signature before.")
	}
	return nil
}

// mark is a keyed hash, for what holds addresses must not be guessed from it.
func (in *Intake) mark(parts ...string) (string, error) {
	h, err := in.keys.Hash(append([]string{"callback-mark"}, parts...)...)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(h), nil
}

// errEarly says that an event may be about a message whose attempt is not
// stored yet: the provider was faster than we.
var errEarly = errors.New("an event came before the outcome of its attempt was stored")

// keep stores events in one transaction. When one of them came early it
// returns errEarly after having stored the others.
func (in *Intake) keep(ctx context.Context, via *routing.Opened, list []connector.Event, at time.Time) error {
	var unsettled error
	reported := make([]Reported, 0, len(list))
	for _, e := range list {
		e = sane(e)
		r, ok, err := in.match(ctx, via, e, at)
		switch {
		case errors.Is(err, errEarly):
			unsettled = err
		case err != nil:
			return err
		case !ok:
			in.count(via, e.Kind, Unmatched)
		default:
			reported = append(reported, r)
		}
	}
	if len(reported) == 0 {
		return unsettled
	}
	outcomes, err := in.store.RecordReports(ctx, in.now(), reported)
	if err != nil {
		return fmt.Errorf("store events: %w", err)
	}
	for i, outcome := range outcomes {
		in.count(via, connector.EventKind(reported[i].Event.Kind), outcome)
		if outcome == Hushed {
			in.suppressions.Changed(via.TenantID)
		}
		if outcome == Stored || outcome == Hushed {
			in.hub.Publish(reported[i].MessageID)
		}
	}
	return unsettled
}

func (in *Intake) count(via *routing.Opened, kind connector.EventKind, o Outcome) {
	in.metrics.Events.WithLabelValues(via.FactoryID, string(kind), string(o)).Inc()
}

// sane takes out of an event what no provider means, and what a database or a
// log would choke on.
func sane(e connector.Event) connector.Event {
	switch e.Kind {
	case connector.EventAccepted, connector.EventSent, connector.EventDeferred, connector.EventDelivered, connector.EventBounced,
		connector.EventComplained, connector.EventRejected, connector.EventSuppressed, connector.EventOther:
	default: // the word may hold anything
		e.Kind, e.Detail = connector.EventOther, string(e.Kind)+" "+e.Detail
	}
	if e.Kind != connector.EventBounced {
		e.Hard, e.NoAddress = false, false
	}
	if !enhancedStatus.MatchString(e.Enhanced) {
		e.Enhanced = ""
	}
	for _, id := range []*string{&e.MessageID, &e.ProviderID} {
		if !utf8.ValidString(*id) || strings.ContainsRune(*id, 0) {
			*id = ""
		}
	}
	return e
}

// enhancedStatus is the form of a status code (RFC 3463 section 2).
var enhancedStatus = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}$`)

// match finds the message that an event is about; ok is false when there is
// none of this tenant to this recipient.
func (in *Intake) match(
	ctx context.Context, via *routing.Opened, e connector.Event, at time.Time,
) (r Reported, ok bool, err error) {
	_, to, err := address.ParseMailbox(e.Recipient)
	if err != nil || e.MessageID == "" && e.ProviderID == "" {
		return Reported{}, false, nil //nolint:nilerr // what is no address of ours is not matched
	}
	m, key, ok, err := in.find(ctx, via, e, to)
	if err != nil {
		return Reported{}, false, fmt.Errorf("find message: %w", err)
	}
	if !ok {
		return Reported{}, false, in.tooEarly(ctx, via, e, key, at)
	}
	mark, err := in.mark(identity(via.ID, e, key)...)
	if err != nil {
		return Reported{}, false, err
	}
	r = Reported{Mark: mark, MessageID: m.ID, Event: eventOf(e, via.FactoryID, m.To)}
	r.Event.At = between(m.CreatedAt, r.Event.At, at)
	r.Limit = maxPassing
	if r.Event.strength() > (Event{Kind: Deferred, Source: via.FactoryID}).strength() {
		r.Limit = maxEvents
	}
	if scope, reason, yes := suppression.OfEvent(e); yes {
		r.Suppress = &suppression.Entry{
			TenantID: via.TenantID, Address: m.To, Scope: scope, Reason: reason,
			Detail: r.Event.Detail, MessageID: m.ID, CreatedAt: in.now(),
		}
	}
	return r, true, nil
}

// find returns the message that an event is about, and the address.Key under
// which it was found or looked for last. Domains go out in their ASCII form and
// come back so, while messages keep the one they were given.
func (in *Intake) find(
	ctx context.Context, via *routing.Opened, e connector.Event, to string,
) (m outbox.Message, key string, ok bool, err error) {
	spellings := []string{to}
	if unicode := address.Unicode(to); unicode != to {
		spellings = append(spellings, unicode)
	}
	for _, to := range spellings {
		key = address.Key(to)
		m, ok, err = in.store.FindMessage(ctx, Sought{
			TenantID: via.TenantID, ConnectorID: via.ID, MessageID: e.MessageID, ProviderID: e.ProviderID, To: key,
		})
		if err != nil || ok {
			break
		}
	}
	return m, key, ok, err
}

// tooEarly returns errEarly for an event that is known by the provider's id
// alone, which a message under way may be about to get. Events that are
// minutes old are not waited for: they are about mails of somebody else.
func (in *Intake) tooEarly(ctx context.Context, via *routing.Opened, e connector.Event, key string, at time.Time) error {
	if e.ProviderID == "" || e.At.IsZero() || e.At.Before(at.Add(-early)) {
		return nil
	}
	open, err := in.store.UnderWay(ctx, via.TenantID, key, at.Add(-outbox.OtherLifetime))
	if err != nil {
		return fmt.Errorf("find message under way: %w", err)
	}
	if open {
		return errEarly
	}
	return nil
}

// identity is what tells an event from all others: the provider's id of it,
// or else all that it says.
func identity(connectorID string, e connector.Event, to string) []string {
	if e.ID != "" {
		return []string{"event", connectorID, e.ID}
	}
	return []string{
		"unnamed event", connectorID, string(e.Kind), e.MessageID, e.ProviderID, to,
		strconv.FormatInt(e.At.UnixMilli(), 10),
	}
}

// eventOf writes a provider's event as it is kept.
func eventOf(e connector.Event, source, to string) Event {
	out := Event{Kind: Kind(e.Kind), At: e.At, Source: source}
	if e.Kind == connector.EventBounced {
		out.Bounce = Soft
		if e.Hard {
			out.Bounce = Hard
		}
	}
	detail := e.Detail
	if e.Enhanced != "" && !strings.Contains(detail, e.Enhanced) {
		detail = e.Enhanced + " " + detail
	}
	out.Detail = address.Redacted(detail, to, maxDetail)
	return out
}

// between bounds the time that a provider gives: nothing happens to a message
// before it is there, and nothing after it was told. Without a time it is when
// it was told.
func between(first, t, last time.Time) time.Time {
	switch {
	case t.IsZero() || t.After(last):
		return last
	case t.Before(first):
		return first
	}
	return t
}
