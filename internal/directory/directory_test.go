package directory_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/fault"
)

// shelf keeps one thing of one kind, and counts how often it is read.
type shelf[T any] struct {
	directory.Kept[T]
	thing T
	reads *int
	err   error
}

func (s shelf[T]) Get(context.Context, string, string) (T, bool, error) {
	*s.reads++
	return s.thing, true, s.err
}

// shelves are a store of which nothing is used but reading one thing.
type shelves struct {
	directory.Store
	reads int
	err   error
}

func (s *shelves) Applications() directory.Kept[directory.Application] {
	return shelf[directory.Application]{reads: &s.reads, err: s.err}
}

func (s *shelves) Organizations() directory.Kept[directory.Organization] {
	return shelf[directory.Organization]{reads: &s.reads, err: s.err}
}

func (s *shelves) OrganizationRoles() directory.Kept[directory.Role] {
	return shelf[directory.Role]{reads: &s.reads, err: s.err}
}

func (s *shelves) Users() directory.Kept[directory.User] {
	return shelf[directory.User]{reads: &s.reads, err: s.err}
}

// Codes are sent often: each id costs one query, none costs none.
func TestVariablesCostOneQueryAnID(t *testing.T) {
	t.Parallel()
	for ids, want := range map[directory.IDs]int{
		{}:                   0,
		{UserID: "a"}:        1,
		{UserID: "a\x00"}:    0,
		{ApplicationID: "a"}: 1,
		{ApplicationID: "a", OrganizationID: "a", UserID: "a", InviterID: "a"}: 4,
	} {
		store := &shelves{}
		if _, err := directory.NewService(store, time.Now).Variables(t.Context(), "t", ids); err != nil || store.reads != want {
			t.Errorf("%+v: %d queries, want %d: %v", ids, store.reads, want, err)
		}
	}
	broken := errors.New("broken")
	store := &shelves{err: broken}
	if _, err := directory.NewService(store, time.Now).Variables(t.Context(), "t", directory.IDs{UserID: "a"}); !errors.Is(err, broken) {
		t.Errorf("a broken database: %v", err)
	}
}

func TestPattern(t *testing.T) {
	t.Parallel()
	for term, want := range map[string]string{
		"": "", "Ann": "%\nann\n%", "%Müller_": "%\n%müller_\n%", `a\b`: "%\na\\\\b\n%", "MU\u0308": "%\nmü\n%",
	} {
		if got := directory.Pattern(term); got != want {
			t.Errorf("%q: %q, want %q", term, got, want)
		}
	}
	for part, want := range map[string]string{"": "", "Ann": "%ann%", `50%_\`: `%50\%\_\\%`} {
		if got := directory.PatternOfPart(part); got != want {
			t.Errorf("part %q: %q, want %q", part, got, want)
		}
	}
}

func TestTextIsNullWhenEmpty(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal([]directory.Text{"", `a"b`})
	if err != nil || string(text) != `[null,"a\"b"]` {
		t.Errorf("%s, %v", text, err)
	}
}

// What is refused is told field by field, and reaches no store.
func TestUserIsChecked(t *testing.T) {
	t.Parallel()
	d := directory.NewService(&shelves{}, time.Now)
	long := directory.Text(strings.Repeat("x", 200))
	_, err := d.Users.Create(t.Context(), "t", directory.User{
		Username: "9", PrimaryEmail: "a@b@c", PrimaryPhone: "+1", Name: long, Avatar: "javascript:0", CustomData: json.RawMessage("[]"),
		Profile: directory.Profile{Nickname: "\r\n", Address: directory.PostalAddress{Country: "\x00"}},
	})
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Code != "guard.invalid_input" || f.Kind != fault.Invalid {
		t.Fatalf("error %v", err)
	}
	var fields []string
	for _, issue := range f.Issues {
		path := make([]string, len(issue.Path))
		for i, step := range issue.Path {
			path[i], _ = step.(string)
		}
		fields = append(fields, strings.Join(path, "."))
	}
	want := "username primaryEmail primaryPhone name avatar profile.nickname profile.address.country customData"
	if got := strings.Join(fields, " "); got != want {
		t.Errorf("fields %s, want %s", got, want)
	}
}
