package directory

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/postern-mail/postern/internal/fault"
)

// Head is what everything in the directory has.
type Head struct {
	TenantID  string `json:"tenantId" example:"default"`
	ID        string `json:"id" example:"5mq3v7c2l6yxq7k4o2ahn5t3zi"`
	CreatedAt int64  `json:"createdAt" example:"1767225600000" doc:"Milliseconds since 1970."`
	// UpdatedAt is 0 for organization roles, of which it is not kept.
	UpdatedAt int64 `json:"updatedAt,omitzero" example:"1767225600000" doc:"Of the last change; milliseconds since 1970."`
	// Version rises by one with each change, from 1.
	Version int `json:"-"`
	// Search is what is searched, by a Filter's Pattern.
	Search string `json:"-"`
}

// Text is a text that may be missing: "" is null in JSON.
type Text string

// MarshalJSON implements json.Marshaler.
func (t Text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}

// Filter narrows a list.
type Filter struct {
	Pattern string // of Pattern; "" for everything
	Limit   int    // 0: all
	Offset  int
}

// ErrTaken is returned by a store when something that must be unique is in
// use already.
var ErrTaken = errors.New("in use already")

// ErrMeanwhile is returned by a store when what a change was made from is no
// longer so.
var ErrMeanwhile = errors.New("changed meanwhile")

// Kind names what sort of thing something is; it begins the names of audit
// actions.
type Kind string

// The kinds of things.
const (
	ApplicationKind  Kind = "application"
	OrganizationKind Kind = "organization"
	RoleKind         Kind = "organizationRole"
	UserKind         Kind = "user"
	MemberKind       Kind = "organizationMember"
)

// words is what people call a kind.
func (k Kind) words() string {
	switch k {
	case RoleKind:
		return "organization role"
	case MemberKind:
		return "member of the organization"
	case ApplicationKind, OrganizationKind, UserKind:
	}
	return string(k)
}

// MissingError is returned by a store when a change names what is not there.
type MissingError struct {
	Kind Kind
	ID   string
}

func (e *MissingError) Error() string { return "there is no such " + e.Kind.words() }

// notFound is the fault entity.not_found.
func notFound(k Kind) error {
	return fault.New(fault.NotFound, "entity.not_found", "There is no %s with this id.", k.words())
}

// Kept keeps the things of one kind. All methods see one tenant alone.
type Kept[T any] interface {
	// Get returns one; ok is false when there is none with this id.
	Get(ctx context.Context, tenantID, id string) (t T, ok bool, err error)
	// List returns things, newest first, and how many match in all.
	List(ctx context.Context, tenantID string, f Filter) (list []T, total int, err error)
	// Insert adds one, or returns ErrTaken.
	Insert(ctx context.Context, t T) error
	// Update stores a thing in the place of its version before, or returns
	// ErrTaken; ok is false when that version is not there.
	Update(ctx context.Context, t T) (ok bool, err error)
	// Delete removes a thing of this version; ok is false when it is not there.
	Delete(ctx context.Context, tenantID, id string, version int) (ok bool, err error)
}

// Store keeps the directory.
type Store interface {
	Applications() Kept[Application]
	Organizations() Kept[Organization]
	OrganizationRoles() Kept[Role]
	Users() Kept[User]
	// FindUser returns the user with an identifier: a username, an
	// address.Key of an address, or a telephone number.
	FindUser(ctx context.Context, tenantID string, by Identifier, value string) (u User, ok bool, err error)
	Members
}

// Service reads and changes the directory. It is safe for concurrent use.
type Service struct {
	Applications  Collection[Application]
	Organizations Collection[Organization]
	Roles         Collection[Role] // of organizations
	Users         Collection[User]

	store Store
	now   func() time.Time
}

// NewService makes a Service.
func NewService(store Store, now func() time.Time) *Service {
	s := &Service{store: store, now: now}
	s.Applications = Collection[Application]{
		kind: ApplicationKind, kept: store.Applications(), now: now,
		head:  func(a *Application) *Head { return &a.Head },
		clean: (*Application).clean, search: Application.searched, taken: unexplained[Application],
	}
	s.Organizations = Collection[Organization]{
		kind: OrganizationKind, kept: store.Organizations(), now: now,
		head:  func(o *Organization) *Head { return &o.Head },
		clean: (*Organization).clean, search: Organization.searched, taken: unexplained[Organization],
	}
	s.Roles = Collection[Role]{
		kind: RoleKind, kept: store.OrganizationRoles(), now: now,
		head:  func(r *Role) *Head { return &r.Head },
		clean: (*Role).clean, search: Role.searched, taken: roleTaken,
	}
	s.Users = Collection[User]{
		kind: UserKind, kept: store.Users(), now: now,
		head:  func(u *User) *Head { return &u.Head },
		clean: (*User).clean, search: User.searched, taken: s.userTaken,
	}
	return s
}

// newID draws an id.
func newID() string { return strings.ToLower(rand.Text()) }

// possibleID reports whether s can be an id. What cannot is not asked for: it
// may be nothing that a database takes.
func possibleID(s string) bool {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, odd)
}
