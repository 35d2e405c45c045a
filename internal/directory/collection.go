package directory

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/fault"
)

// Collection is the things of one kind: how they are read and changed. Each
// change is told to the audit log.
type Collection[T any] struct {
	kind Kind
	kept Kept[T]
	now  func() time.Time

	head func(t *T) *Head
	// clean brings a thing into the form that is stored, and tells what is
	// wrong with it.
	clean func(t *T) []fault.Issue
	// search returns the fields that are searched beside the id.
	search func(t T) []string
	// taken says what of a thing is in use already.
	taken func(ctx context.Context, t T) error
}

// Find returns one thing; ok is false when there is none with this id.
func (c Collection[T]) Find(ctx context.Context, tenantID, id string) (t T, ok bool, err error) {
	if !possibleID(id) {
		return t, false, nil
	}
	t, ok, err = c.kept.Get(ctx, tenantID, id)
	if err != nil {
		return t, false, fmt.Errorf("read %s: %w", c.kind.words(), err)
	}
	return t, ok, nil
}

// Get returns one thing, or the fault entity.not_found.
func (c Collection[T]) Get(ctx context.Context, tenantID, id string) (T, error) {
	t, ok, err := c.Find(ctx, tenantID, id)
	if err == nil && !ok {
		err = notFound(c.kind)
	}
	return t, err
}

// List returns things, newest first, and how many match in all.
func (c Collection[T]) List(ctx context.Context, tenantID string, f Filter) ([]T, int, error) {
	list, total, err := c.kept.List(ctx, tenantID, f)
	if err != nil {
		return nil, 0, fmt.Errorf("list %ss: %w", c.kind.words(), err)
	}
	return list, total, nil
}

// Create adds a thing, whose id and times it sets. What is wrong with it is a
// fault with the places.
func (c Collection[T]) Create(ctx context.Context, tenantID string, t T) (T, error) {
	now := c.now()
	h := c.head(&t)
	*h = Head{TenantID: tenantID, ID: newID(), CreatedAt: now.UnixMilli(), UpdatedAt: now.UnixMilli(), Version: 1}
	if err := c.prepare(&t); err != nil {
		return t, err
	}
	ctx, err := audit.Tell(ctx, now, audit.Change{
		TenantID: tenantID, Action: c.action("created"), Subject: h.ID, After: t,
	})
	if err != nil {
		return t, err
	}
	err = c.kept.Insert(ctx, t)
	if errors.Is(err, ErrTaken) {
		return t, c.taken(ctx, t)
	}
	if err != nil {
		return t, fmt.Errorf("store %s: %w", c.kind.words(), err)
	}
	return t, nil
}

// Change lets change alter a thing and stores it. When somebody else changes
// it meanwhile, change is called again with what they made of it. An error of
// change ends it all; what changes nothing is not stored.
func (c Collection[T]) Change(ctx context.Context, tenantID, id string, change func(t *T) error) (T, error) {
	for {
		before, err := c.Get(ctx, tenantID, id)
		if err != nil {
			return before, err
		}
		t := before
		if err := change(&t); err != nil {
			return t, err
		}
		if err := c.prepare(&t); err != nil {
			return t, err
		}
		if reflect.DeepEqual(before, t) {
			return t, nil
		}
		switch ok, err := c.update(ctx, before, &t); {
		case errors.Is(err, ErrTaken):
			return t, c.taken(ctx, t)
		case err != nil:
			return t, fmt.Errorf("store %s: %w", c.kind.words(), err)
		case ok:
			return t, nil
		}
	}
}

// update stores the next version of a thing.
func (c Collection[T]) update(ctx context.Context, before T, t *T) (ok bool, err error) {
	now := c.now()
	h := c.head(t)
	h.Version++
	if h.UpdatedAt != 0 {
		h.UpdatedAt = now.UnixMilli()
	}
	ctx, err = audit.Tell(ctx, now, audit.Change{
		TenantID: h.TenantID, Action: c.action("updated"), Subject: h.ID, Before: before, After: *t,
	})
	if err != nil {
		return false, err
	}
	return c.kept.Update(ctx, *t)
}

// Delete removes a thing unless allow returns an error, which may be called
// more than once, as in Change.
func (c Collection[T]) Delete(ctx context.Context, tenantID, id string, allow func(t T) error) error {
	for {
		t, err := c.Get(ctx, tenantID, id)
		if err != nil {
			return err
		}
		if err := allow(t); err != nil {
			return err
		}
		told, err := audit.Tell(ctx, c.now(), audit.Change{
			TenantID: tenantID, Action: c.action("deleted"), Subject: id, Before: t,
		})
		if err != nil {
			return err
		}
		ok, err := c.kept.Delete(told, tenantID, id, c.head(&t).Version)
		if err != nil {
			return fmt.Errorf("delete %s: %w", c.kind.words(), err)
		}
		if ok {
			return nil
		}
	}
}

func (c Collection[T]) action(done string) audit.Action {
	return audit.Action(string(c.kind) + "." + done)
}

// prepare brings a thing into its stored form, or refuses it.
func (c Collection[T]) prepare(t *T) error {
	if issues := c.clean(t); len(issues) > 0 {
		f := fault.New(fault.Invalid, "guard.invalid_input", "The request is not valid.")
		f.Issues = issues
		return f
	}
	h := c.head(t)
	h.Search = lines(append([]string{h.ID}, c.search(*t)...))
	return nil
}

// lines is the text that is searched: the fields folded, one a line.
func lines(fields []string) string {
	var b strings.Builder
	b.WriteByte('\n')
	for _, f := range fields {
		if f != "" {
			b.WriteString(fold(f) + "\n")
		}
	}
	return b.String()
}

func fold(s string) string { return strings.ToLower(norm.NFC.String(s)) }

// Pattern returns the pattern of a search term, in which % stands for any
// text and _ for any character: without them the term is a whole field. Case
// does not count. It is for LIKE with \ as its escape, over Head.Search.
func Pattern(term string) string {
	if term == "" {
		return ""
	}
	return "%\n" + strings.ReplaceAll(fold(term), `\`, `\\`) + "\n%"
}

// PatternOfPart returns the pattern of a text that is part of a field.
func PatternOfPart(part string) string {
	if part == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(fold(part)) + "%"
}

// unexplained is for kinds of which nothing but the id is unique, which is
// drawn from too many to come twice.
func unexplained[T any](context.Context, T) error { return ErrTaken }
