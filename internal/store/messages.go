package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/delivery"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/queue"
	"github.com/postern-mail/postern/internal/verification"
)

var (
	insertMessage = newInsertion("messages", "",
		"id text", "tenant_id text", "type text", "recipient text", "address text", "ip text", "payload bytea",
		"supersedes text", "created_at bigint", "deadline bigint", "status text")
	insertAttempt = newInsertion("attempts", "ON CONFLICT DO NOTHING",
		"message_id text", "number int", "connector_id text", "factory_id text", "started_at bigint",
		"duration_us bigint", "class text", "status int", "enhanced text", "answer text", "provider_id text")
	insertEvent = newInsertion("events", "",
		"message_id text", "id text", "at bigint", "kind text", "detail text")
)

const (
	// A message at its end stays as it is, and has no payload any more.
	updateMessage = `UPDATE messages SET status = $2, attempts = attempts + $3, ended_at = $4,
		payload = CASE WHEN $4 = 0 THEN payload END
		WHERE id = $1 AND status = 'accepted'`
	claimDedupe = `INSERT INTO message_dedupe AS d (hash, message_id, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (hash) DO UPDATE SET message_id = excluded.message_id, created_at = excluded.created_at
		WHERE d.created_at <= excluded.created_at - $4
		RETURNING message_id`
	messageColumns = `m.id, m.tenant_id, m.type, m.recipient, m.ip, m.supersedes, m.created_at, m.deadline, m.status, m.attempts, m.ended_at`
)

// accepted is what one accepted request saves.
type accepted struct {
	message outbox.Message
	code    *verification.Code // nil for none
	// stands is set to the id of the message that stands.
	stands *string
}

func (a accepted) messageRow() []any {
	m := a.message
	return []any{
		m.ID, m.TenantID, string(m.Type), m.To, address.Key(m.To), m.IP, m.Payload,
		m.Supersedes, millis(m.CreatedAt), millis(m.Deadline), string(m.Status),
	}
}

func (a accepted) job() queue.Job {
	priority := queue.PriorityNormal
	if a.message.Type.CarriesCode() {
		priority = queue.PriorityCode
	}
	return queue.Job{MessageID: a.message.ID, Priority: priority}
}

// insert saves a in one transaction.
func (a accepted) insert(ctx context.Context, t tx) error {
	m := a.message
	if m.Dedupe != "" {
		claimed, err := one(ctx, t, []any{a.stands}, claimDedupe,
			m.Dedupe, m.ID, millis(m.CreatedAt), outbox.DedupeWindow.Milliseconds())
		if err != nil {
			return fmt.Errorf("claim dedupe: %w", err)
		}
		if !claimed {
			_, err := one(ctx, t, []any{a.stands}, `SELECT message_id FROM message_dedupe WHERE hash = $1`, m.Dedupe)
			return err
		}
	}
	if err := charge(ctx, t, m.Charges, m.CreatedAt); err != nil {
		return err
	}
	*a.stands = m.ID
	if a.code != nil {
		if _, err := t.exec(ctx, insertCode.one, codeRow(*a.code)...); err != nil {
			return fmt.Errorf("insert code: %w", err)
		}
	}
	if _, err := t.exec(ctx, insertMessage.one, a.messageRow()...); err != nil {
		return fmt.Errorf("insert message: %w", err)
	}
	return t.enqueue(ctx, a.job())
}

// SaveMessage implements outbox.Store.
func (s *Store) SaveMessage(ctx context.Context, m outbox.Message) (string, error) {
	stands := m.ID
	if err := s.db.save(ctx, accepted{message: m, stands: &stands}); err != nil {
		return "", fmt.Errorf("save message: %w", err)
	}
	return stands, nil
}

// LoadMessage implements delivery.Store.
func (s *Store) LoadMessage(ctx context.Context, id string) (m outbox.Message, superseded, ok bool, err error) {
	if m, superseded, ok := s.db.lately().take(id); ok {
		return m, superseded, true, nil
	}
	var r messageRow
	dest := append(r.dest(), &r.m.Payload, &superseded)
	ok, err = one(ctx, s.db.reader(), dest, `SELECT `+messageColumns+`, m.payload,
		EXISTS (SELECT 1 FROM messages AS n WHERE n.address = m.address AND n.tenant_id = m.tenant_id AND n.id > m.id
			AND n.supersedes = m.supersedes AND n.supersedes <> '')
		FROM messages AS m WHERE m.id = $1`, id)
	if err != nil || !ok {
		return outbox.Message{}, false, false, err
	}
	return r.message(), superseded, true, nil
}

// messageRow scans messageColumns.
type messageRow struct {
	m                          outbox.Message
	created, deadline, endedAt int64
}

func (r *messageRow) dest() []any {
	return []any{
		&r.m.ID, &r.m.TenantID, &r.m.Type, &r.m.To, &r.m.IP, &r.m.Supersedes,
		&r.created, &r.deadline, &r.m.Status, &r.m.Attempts, &r.endedAt,
	}
}

func (r *messageRow) message() outbox.Message {
	r.m.CreatedAt, r.m.Deadline, r.m.EndedAt = fromMillis(r.created), fromMillis(r.deadline), fromMillis(r.endedAt)
	return r.m
}

// outcome is a delivery.Outcome on its way to the tables.
type outcome struct {
	delivery.Outcome
	eventID string // orders events of one message by time
}

func (o outcome) stateRow() []any {
	made, ended := 0, int64(0)
	if o.Attempt != nil {
		made = 1
	}
	if o.Status.Final() {
		ended = millis(o.Event.At)
	}
	return []any{o.MessageID, string(o.Status), made, ended}
}

func (o outcome) attemptRow() []any {
	a := o.Attempt
	return []any{
		o.MessageID, a.Number, a.ConnectorID, a.FactoryID, millis(a.StartedAt), a.Duration.Microseconds(),
		string(a.Class), a.Status, a.Enhanced, a.Answer, a.ProviderID,
	}
}

func (o outcome) eventRow() []any {
	return []any{o.MessageID, o.eventID, millis(o.Event.At), string(o.Event.Kind), o.Event.Detail}
}

// store saves o in one transaction.
func (o outcome) store(ctx context.Context, t tx) error {
	n, err := t.exec(ctx, updateMessage, o.stateRow()...)
	if err != nil {
		return fmt.Errorf("update message: %w", err)
	}
	if n == 0 {
		return nil // it is at its end
	}
	if o.Attempt != nil {
		if _, err := t.exec(ctx, insertAttempt.one, o.attemptRow()...); err != nil {
			return fmt.Errorf("insert attempt: %w", err)
		}
	}
	if _, err := t.exec(ctx, insertEvent.one, o.eventRow()...); err != nil {
		return fmt.Errorf("insert event: %w", err)
	}
	return nil
}

// RecordOutcome implements delivery.Store.
func (s *Store) RecordOutcome(ctx context.Context, o delivery.Outcome) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make event id: %w", err)
	}
	return s.db.record(ctx, outcome{o, id.String()})
}

// OpenMessages implements routing.Store.
func (s *Store) OpenMessages(ctx context.Context, tenantID string) (int, error) {
	var n int
	_, err := one(ctx, s.db.reader(), []any{&n},
		`SELECT count(*) FROM messages WHERE tenant_id = $1 AND status = 'accepted'`, tenantID)
	return n, err
}

// ListMessages implements events.Reader.
func (s *Store) ListMessages(ctx context.Context, tenantID string, f events.Filter) ([]outbox.Message, int, error) {
	where := []string{"m.tenant_id = $1"}
	args := []any{tenantID}
	narrow := func(condition string, value any) {
		args = append(args, value)
		where = append(where, condition+" $"+strconv.Itoa(len(args)))
	}
	if f.Status != "" {
		narrow("m.status =", string(f.Status))
	}
	if f.To != "" {
		narrow("m.address =", f.To)
	}
	if f.Type != "" {
		narrow("m.type =", string(f.Type))
	}
	if f.Before != "" {
		narrow("m.id <", f.Before)
	}
	from := ` FROM messages AS m WHERE ` + strings.Join(where, " AND ")
	var total int
	if _, err := one(ctx, s.db.reader(), []any{&total}, `SELECT count(*)`+from, args...); err != nil {
		return nil, 0, fmt.Errorf("count messages: %w", err)
	}
	list := []outbox.Message{}
	window, args := page(f.Limit, f.Offset, args)
	err := all(ctx, s.db.reader(), func(r rows) error {
		var row messageRow
		if err := r.Scan(row.dest()...); err != nil {
			return err
		}
		list = append(list, row.message())
		return nil
	}, `SELECT `+messageColumns+from+` ORDER BY m.id DESC`+window, args...)
	if err != nil {
		return nil, 0, fmt.Errorf("list messages: %w", err)
	}
	return list, total, nil
}

// page is the LIMIT of a list, with its arguments after those given; 0 is all.
// They are arguments so that each list is one statement: SQLite's are prepared
// once and kept, and offsets are many.
func page(limit, offset int, args []any) (ending string, more []any) {
	if limit <= 0 {
		limit = math.MaxInt32
	}
	more = append(slices.Clip(args), limit, max(offset, 0))
	return fmt.Sprintf(" LIMIT $%d OFFSET $%d", len(more)-1, len(more)), more
}

// Story implements events.Stories.
func (s *Store) Story(ctx context.Context, tenantID, messageID string) (events.Story, error) {
	var r messageRow
	ok, err := one(ctx, s.db.reader(), r.dest(),
		`SELECT `+messageColumns+` FROM messages AS m WHERE m.id = $1 AND m.tenant_id = $2`, messageID, tenantID)
	if err != nil {
		return events.Story{}, fmt.Errorf("read message: %w", err)
	}
	if !ok {
		return events.Story{}, fault.New(fault.NotFound, "entity.not_found", "There is no message with this id.")
	}
	story := events.Story{Message: r.message()}
	story.Events = append(story.Events, events.Event{Kind: events.Accepted, At: story.Message.CreatedAt})
	if story.Attempts, err = s.attempts(ctx, messageID); err != nil {
		return events.Story{}, fmt.Errorf("read attempts: %w", err)
	}
	// Most providers tell times in whole seconds: within one, what we did comes
	// before what they report of it.
	err = all(ctx, s.db.reader(), func(r rows) error {
		var e events.Event
		var at int64
		if err := r.Scan(&at, &e.Kind, &e.Detail, &e.Bounce, &e.Source); err != nil {
			return err
		}
		e.At = fromMillis(at)
		story.Events = append(story.Events, e)
		return nil
	}, `SELECT at, kind, detail, bounce, source FROM events WHERE message_id = $1 
		ORDER BY at / 1000, CASE WHEN source = '' THEN 0 ELSE 1 END, at, id`, messageID)
	if err != nil {
		return events.Story{}, fmt.Errorf("read events: %w", err)
	}
	return story, nil
}

func (s *Store) attempts(ctx context.Context, messageID string) ([]events.Attempt, error) {
	var list []events.Attempt
	err := all(ctx, s.db.reader(), func(r rows) error {
		var a events.Attempt
		var class string
		var started, micros int64
		err := r.Scan(&a.Number, &a.ConnectorID, &a.FactoryID, &started, &micros, &class,
			&a.Status, &a.Enhanced, &a.Answer, &a.ProviderID)
		if err != nil {
			return err
		}
		a.Class, a.StartedAt = connector.Class(class), fromMillis(started)
		a.Duration = time.Duration(micros) * time.Microsecond
		list = append(list, a)
		return nil
	}, `SELECT number, connector_id, factory_id, started_at, duration_us, class, status, enhanced, answer, provider_id
		FROM attempts WHERE message_id = $1 ORDER BY number`, messageID)
	return list, err
}

// millis is a time as stored: milliseconds since 1970; 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
