package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/outbox"
)

// soughtMessages is how many of a recipient's newest messages are searched for
// a provider's id, which no index leads to.
const soughtMessages = 500

// FindMessage implements events.ReportStore.
func (s *Store) FindMessage(ctx context.Context, w events.Sought) (outbox.Message, bool, error) {
	var r messageRow
	if w.MessageID != "" {
		ok, err := one(ctx, s.db.reader(), r.dest(), `SELECT `+messageColumns+` FROM messages AS m
			WHERE m.id = $1 AND m.tenant_id = $2 AND m.address = $3`, w.MessageID, w.TenantID, w.To)
		if ok || err != nil {
			return r.message(), ok, err
		}
	}
	if w.ProviderID == "" {
		return outbox.Message{}, false, nil
	}
	ok, err := one(ctx, s.db.reader(), r.dest(), `SELECT `+messageColumns+`
		FROM (SELECT * FROM messages WHERE address = $1 AND tenant_id = $2 ORDER BY id DESC LIMIT $5) AS m
		JOIN attempts AS a ON a.message_id = m.id
		WHERE a.provider_id = $3 AND a.connector_id = $4
		ORDER BY m.id DESC LIMIT 1`, w.To, w.TenantID, w.ProviderID, w.ConnectorID, soughtMessages)
	return r.message(), ok, err
}

// UnderWay implements events.ReportStore.
func (s *Store) UnderWay(ctx context.Context, tenantID, to string, since time.Time) (bool, error) {
	var found int
	return one(ctx, s.db.reader(), []any{&found}, `SELECT 1 FROM messages
		WHERE address = $1 AND tenant_id = $2 AND id >= $3 AND status = 'accepted' LIMIT 1`, to, tenantID, idsUntil(since))
}

// claimMark is a mark unless it is there.
const claimMark = `INSERT INTO callback_marks (hash, created_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`

// ClaimNonce implements events.ReportStore.
func (s *Store) ClaimNonce(ctx context.Context, nonce, callback string, at time.Time) (ok bool, err error) {
	err = s.db.write(ctx, func(ctx context.Context, t tx) error {
		n, err := t.exec(ctx, claimMark, nonce, millis(at))
		if err != nil {
			return fmt.Errorf("mark nonce: %w", err)
		}
		if n > 0 {
			ok = true
			_, err = t.exec(ctx, claimMark, callback, millis(at))
			return err
		}
		var found int
		ok, err = one(ctx, t, []any{&found}, `SELECT 1 FROM callback_marks WHERE hash = $1`, callback)
		return err
	})
	return ok, err
}

// insertReport is an event, unless its message has enough.
const insertReport = `INSERT INTO events (message_id, id, at, kind, detail, bounce, source)
	SELECT $1, $2, CAST($3 AS BIGINT), $4, $5, $6, $7
	WHERE (SELECT count(*) FROM events WHERE message_id = $1) < $8`

// RecordReports implements events.ReportStore.
func (s *Store) RecordReports(ctx context.Context, at time.Time, list []events.Reported) ([]events.Outcome, error) {
	ids := make([]string, len(list)) // rise in the order of the list
	for i := range ids {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("make event id: %w", err)
		}
		ids[i] = id.String()
	}
	outcomes := make([]events.Outcome, len(list))
	err := s.db.write(ctx, func(ctx context.Context, t tx) error {
		if err := claimMarks(ctx, t, at, list, outcomes); err != nil {
			return err
		}
		for i, r := range list {
			if outcomes[i] == events.Repeated {
				continue
			}
			e := r.Event
			n, err := t.exec(ctx, insertReport,
				r.MessageID, ids[i], millis(e.At), string(e.Kind), e.Detail, string(e.Bounce), e.Source, r.Limit)
			if err != nil {
				return fmt.Errorf("insert event: %w", err)
			}
			if n == 0 {
				outcomes[i] = events.Excess
			}
		}
		return s.suppressReported(ctx, t, list, outcomes)
	})
	return outcomes, err
}

// claimMarks sets the outcomes to Stored or Repeated. Marks are claimed in
// their own order, so that callbacks that share events wait for each other
// instead of being in each other's way.
func claimMarks(ctx context.Context, t tx, at time.Time, list []events.Reported, outcomes []events.Outcome) error {
	for _, i := range ordered(list, func(r events.Reported) string { return r.Mark }) {
		n, err := t.exec(ctx, claimMark, list[i].Mark, millis(at))
		if err != nil {
			return fmt.Errorf("mark event: %w", err)
		}
		outcomes[i] = events.Stored
		if n == 0 {
			outcomes[i] = events.Repeated
		}
	}
	return nil
}

// suppressReported stores what the events that are stored suppress.
func (s *Store) suppressReported(ctx context.Context, t tx, list []events.Reported, outcomes []events.Outcome) error {
	key := func(r events.Reported) string {
		if r.Suppress == nil {
			return ""
		}
		return address.Key(r.Suppress.Address)
	}
	for _, i := range ordered(list, key) {
		if list[i].Suppress == nil || outcomes[i] != events.Stored {
			continue
		}
		added, err := s.addSuppression(ctx, t, *list[i].Suppress)
		if err != nil {
			return err
		}
		if added {
			outcomes[i] = events.Hushed
		}
	}
	return nil
}

// ordered are the places of a list in the order of their keys.
func ordered(list []events.Reported, key func(events.Reported) string) []int {
	places := make([]int, len(list))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { return strings.Compare(key(list[a]), key(list[b])) })
	return places
}
