package templates

import (
	"context"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/template"
)

// Details is what a stored template says.
type Details struct {
	Subject     string                `json:"subject"`
	Content     string                `json:"content"`
	ContentType connector.ContentType `json:"contentType,omitempty"` // empty means text/html
	ReplyTo     string                `json:"replyTo,omitempty"`
	SendFrom    string                `json:"sendFrom,omitempty"`
}

// Custom is the template that the details make with a library of partials.
func (d Details) Custom(library *template.Library) Custom {
	return Custom{
		Subject: d.Subject, Content: d.Content, ContentType: d.ContentType,
		ReplyTo: d.ReplyTo, SendFrom: d.SendFrom, Partials: library,
	}
}

// Stored is a template that a tenant keeps: one for each language and type.
type Stored struct {
	ID        string
	TenantID  string
	Language  string // as given; compares without regard to case
	Type      connector.TemplateType
	Details   Details
	Version   int // from 1, rising with every change
	CreatedAt time.Time
	UpdatedAt time.Time
	UpdatedBy string // id of the API key that made the last change
}

// Version is what a stored template said once.
type Version struct {
	Number  int
	Details Details
	At      time.Time
	By      string // id of the API key that made it
}

// KeptVersions is how many versions of a template are kept, the newest ones.
const KeptVersions = 50

// Partial is a piece of wording that templates of a tenant include by its
// name, or are laid out in.
type Partial struct {
	Name      string
	Content   string
	UpdatedAt time.Time
	UpdatedBy string
}

// Filter narrows a list of templates. Zero fields do not narrow.
type Filter struct {
	Language string
	Type     connector.TemplateType
}

// Change says who changes something and when.
type Change struct {
	At time.Time
	By string
}

// Store keeps templates and partials. Every change of a tenant's raises its
// revision in the same transaction.
type Store interface {
	// TemplateRevision returns a number that is another one after each change
	// of the tenant's templates or partials.
	TemplateRevision(ctx context.Context, tenantID string) (int64, error)
	// ListTemplates returns a tenant's templates, sorted by language, then type.
	ListTemplates(ctx context.Context, tenantID string, f Filter) ([]Stored, error)
	// TemplateKeys is ListTemplates without Details: cheap, for every template.
	TemplateKeys(ctx context.Context, tenantID string) ([]Stored, error)
	// Template returns one template; ok is false when there is none.
	Template(ctx context.Context, tenantID, id string) (t Stored, ok bool, err error)
	// PutTemplates inserts templates, or replaces the Details of those with
	// their language and type, keeping ID and CreatedAt: all or none. Those
	// whose Details stay as they are get no new version. It returns them as
	// they are then, in the order given. ok is false, and nothing changes, where
	// one is not of the Version given: 0 when there is none.
	PutTemplates(ctx context.Context, tenantID string, list []Stored, c Change) (stored []Stored, ok bool, err error)
	// UpdateTemplate replaces the Details of a template whose Version is still
	// t.Version; ok tells whether it was.
	UpdateTemplate(ctx context.Context, t Stored, c Change) (updated Stored, ok bool, err error)
	// DeleteTemplates removes templates with their versions where all are still
	// there; ok tells whether they were.
	DeleteTemplates(ctx context.Context, tenantID string, ids ...string) (ok bool, err error)
	// TemplateVersions returns a template's kept versions, newest first.
	TemplateVersions(ctx context.Context, tenantID, id string) ([]Version, error)
	// ListPartials returns a tenant's partials by name.
	ListPartials(ctx context.Context, tenantID string) ([]Partial, error)
	// PutPartial inserts or replaces a partial.
	PutPartial(ctx context.Context, tenantID string, p Partial) error
	// DeletePartial removes a partial unless refuse, which is given all
	// templates and partials of the tenant, returns an error; ok tells whether
	// it was there. Nothing of the tenant's changes meanwhile. refuse may run
	// more than once.
	DeletePartial(
		ctx context.Context, tenantID, name string, refuse func([]Stored, []Partial) error,
	) (ok bool, err error)
}
