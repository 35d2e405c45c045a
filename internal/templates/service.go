package templates

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/locale"
	"github.com/postern-mail/postern/internal/template"
)

const (
	// freshness is how long what was read of a tenant serves without asking
	// for its revision: a change on one node reaches all others within it.
	freshness = 500 * time.Millisecond
	// maxPut is how many templates one call may put.
	maxPut = 200
	// maxLine bounds subject, replyTo and sendFrom, in bytes.
	maxLine = 2048
)

// Service keeps the templates of tenants. It is safe for concurrent use.
type Service struct {
	store Store
	now   func() time.Time

	reading sync.Mutex // keeps readings of one tenant in order
	mu      sync.Mutex
	sets    map[string]*set // by tenant id
}

// set is what was read of a tenant's templates at one revision.
type set struct {
	revision  int64
	checkedAt time.Time
	ids       map[key]string
	languages []string

	mu      sync.Mutex
	details map[string]Details // by id, as far as asked for
	library *template.Library  // nil until asked for
}

type key struct {
	language string // in lower case
	kind     connector.TemplateType
}

// NewService makes a Service.
func NewService(store Store, now func() time.Time) *Service {
	return &Service{store: store, now: now, sets: make(map[string]*set)}
}

// Languages returns the languages that a tenant has templates in.
func (s *Service) Languages(ctx context.Context, tenantID string) ([]string, error) {
	current, err := s.current(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	return current.languages, nil
}

// Find returns the tenant's template of exactly this language (without regard
// to case) and type; ok is false when there is none.
func (s *Service) Find(
	ctx context.Context, tenantID, language string, t connector.TemplateType,
) (d Details, ok bool, err error) {
	current, err := s.current(ctx, tenantID)
	if err != nil {
		return Details{}, false, err
	}
	id, ok := current.ids[key{strings.ToLower(language), t}]
	if !ok {
		return Details{}, false, nil
	}
	current.mu.Lock()
	defer current.mu.Unlock()
	if d, ok = current.details[id]; ok {
		return d, true, nil
	}
	stored, ok, err := s.store.Template(ctx, tenantID, id)
	if err != nil || !ok {
		return Details{}, false, wrap("read template", err)
	}
	current.details[id] = stored.Details
	return stored.Details, true, nil
}

// current returns the tenant's set, read again if it has changed.
func (s *Service) current(ctx context.Context, tenantID string) (*set, error) {
	s.mu.Lock()
	known := s.sets[tenantID]
	if known != nil {
		fresh := s.now().Sub(known.checkedAt) < freshness
		// One caller asks again; the others go on with what is there.
		known.checkedAt = s.now()
		if fresh {
			s.mu.Unlock()
			return known, nil
		}
	}
	s.mu.Unlock()
	return s.refresh(ctx, tenantID)
}

func (s *Service) refresh(ctx context.Context, tenantID string) (*set, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	revision, err := s.store.TemplateRevision(ctx, tenantID)
	if err != nil {
		return nil, fmt.Errorf("read template revision: %w", err)
	}
	s.mu.Lock()
	known := s.sets[tenantID]
	s.mu.Unlock()
	if known != nil && known.revision == revision {
		return known, nil
	}
	// A change after the revision was read is found by the next reading.
	list, err := s.store.TemplateKeys(ctx, tenantID)
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	read := &set{
		revision: revision, checkedAt: s.now(),
		ids: make(map[key]string, len(list)), details: make(map[string]Details),
	}
	seen := make(map[string]bool)
	for _, t := range list {
		k := key{strings.ToLower(t.Language), t.Type}
		read.ids[k] = t.ID
		if !seen[k.language] {
			seen[k.language] = true
			read.languages = append(read.languages, t.Language)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sets[tenantID] = read
	return read, nil
}

// Draft is a template to be stored.
type Draft struct {
	Language string
	Type     connector.TemplateType
	Details  Details
}

func (d Draft) key() key { return key{strings.ToLower(d.Language), d.Type} }

// Put stores templates, all or none: new ones, or in the place of those of
// their language and type. Problems are told in a fault with their places.
func (s *Service) Put(ctx context.Context, tenantID, by string, drafts []Draft) ([]Stored, error) {
	if err := s.checkDrafts(ctx, tenantID, drafts); err != nil {
		return nil, err
	}
	for {
		list, telling, err := s.laidOver(ctx, tenantID, drafts)
		if err != nil {
			return nil, err
		}
		stored, ok, err := s.store.PutTemplates(telling, tenantID, list, Change{At: s.now(), By: by})
		if err != nil {
			return nil, fmt.Errorf("store templates: %w", err)
		}
		if ok {
			s.forget(tenantID)
			return stored, nil
		}
		// Somebody else changed one meanwhile.
	}
}

// checkDrafts returns a fault with what keeps drafts from being put, or nil.
func (s *Service) checkDrafts(ctx context.Context, tenantID string, drafts []Draft) error {
	if len(drafts) == 0 || len(drafts) > maxPut {
		return fault.Input(fmt.Sprintf("must hold 1 to %d templates", maxPut), "templates")
	}
	library, err := s.Library(ctx, tenantID)
	if err != nil {
		return err
	}
	var issues []fault.Issue
	seen := make(map[key]bool, len(drafts))
	for i, d := range drafts {
		issues = append(issues, d.check(library, "templates", i)...)
		if seen[d.key()] {
			issues = append(issues, invalid("is in the list twice", "templates", i))
		}
		seen[d.key()] = true
	}
	if len(issues) > 0 {
		return refuse(issues)
	}
	return nil
}

// laidOver returns the templates that drafts become, each with the id and the
// version of the one in whose place it goes, and a context that tells of them.
func (s *Service) laidOver(ctx context.Context, tenantID string, drafts []Draft) ([]Stored, context.Context, error) {
	keys, err := s.store.TemplateKeys(ctx, tenantID)
	if err != nil {
		return nil, nil, fmt.Errorf("read templates: %w", err)
	}
	ids := make(map[key]string, len(keys))
	for _, t := range keys {
		ids[key{strings.ToLower(t.Language), t.Type}] = t.ID
	}
	list, telling := make([]Stored, len(drafts)), ctx
	for i, d := range drafts {
		next := Stored{ID: uuid.NewString(), TenantID: tenantID, Language: d.Language, Type: d.Type, Details: d.Details}
		var before *Stored
		action := TemplateCreated
		if id := ids[d.key()]; id != "" {
			current, ok, err := s.store.Template(ctx, tenantID, id)
			if err != nil {
				return nil, nil, fmt.Errorf("read template: %w", err)
			}
			if ok {
				next.ID, next.Language, next.Version = current.ID, current.Language, current.Version
				before, action = &current, TemplateUpdated
			}
		}
		if telling, err = s.tell(telling, action, next, before, &next); err != nil {
			return nil, nil, err
		}
		list[i] = next
	}
	return list, telling, nil
}

// check returns what is wrong with a draft.
func (d Draft) check(library *template.Library, path ...any) []fault.Issue {
	var issues []fault.Issue
	at := func(message string, more ...any) {
		issues = append(issues, invalid(message, append(append([]any(nil), path...), more...)...))
	}
	if !locale.Valid(d.Language) {
		at(fmt.Sprintf("must be a language tag (BCP 47) of 1 to %d characters", locale.MaxTag), "languageTag")
	}
	if !d.Type.Valid() {
		at("must be one of the nine template types", "templateType")
	}
	for _, problem := range d.Details.check(library) {
		at(problem.Message, append([]any{"details"}, problem.Path...)...)
	}
	return issues
}

// Check returns a fault with what keeps details from being stored by a tenant,
// at places that begin with path, or nil.
func (s *Service) Check(ctx context.Context, tenantID string, d Details, path ...any) error {
	library, err := s.Library(ctx, tenantID)
	if err != nil {
		return err
	}
	issues := d.check(library)
	for i := range issues {
		issues[i].Path = append(append([]any(nil), path...), issues[i].Path...)
	}
	if len(issues) == 0 {
		return nil
	}
	return refuse(issues)
}

// check returns what keeps details from being stored: what is merely unwise
// is for the check of templates to tell.
func (d Details) check(library *template.Library) []fault.Issue {
	var issues []fault.Issue
	if d.Subject == "" {
		issues = append(issues, invalid("is required", "subject"))
	}
	if d.Content == "" {
		issues = append(issues, invalid("is required", "content"))
	}
	escape := template.HTML
	switch d.ContentType {
	case "", connector.TextHTML:
	case connector.TextPlain:
		escape = template.None
	default:
		issues = append(issues, invalid("must be text/html or text/plain", "contentType"))
	}
	for _, part := range []struct {
		name, source string
		escape       template.Escape
		limit        int
	}{
		{"subject", d.Subject, template.Header, maxLine},
		{"content", d.Content, escape, 0},
		{"replyTo", d.ReplyTo, template.Header, maxLine},
		{"sendFrom", d.SendFrom, template.Header, maxLine},
	} {
		if part.limit > 0 && len(part.source) > part.limit {
			issues = append(issues, invalid(fmt.Sprintf("must not be longer than %d bytes", part.limit), part.name))
			continue
		}
		if _, err := template.Compile(part.source, template.Options{Escape: part.escape, Library: library}); err != nil {
			issues = append(issues, invalid(err.Error(), part.name))
		}
	}
	return issues
}

// List returns a tenant's templates, sorted by language, then type.
func (s *Service) List(ctx context.Context, tenantID string, f Filter) ([]Stored, error) {
	list, err := s.store.ListTemplates(ctx, tenantID, f)
	return list, wrap("list templates", err)
}

// Get returns one template, or the fault entity.not_exists_with_id.
func (s *Service) Get(ctx context.Context, tenantID, id string) (Stored, error) {
	t, ok, err := s.store.Template(ctx, tenantID, id)
	if err != nil {
		return Stored{}, wrap("read template", err)
	}
	if !ok {
		return Stored{}, notThere()
	}
	return t, nil
}

// Keys returns a tenant's templates without their Details, sorted by
// language, then type.
func (s *Service) Keys(ctx context.Context, tenantID string) ([]Stored, error) {
	list, err := s.store.TemplateKeys(ctx, tenantID)
	return list, wrap("list templates", err)
}

// Update changes a template's details by change, which may refuse, and may
// run again when somebody else was first. Details that stay as they are make
// no new version.
func (s *Service) Update(
	ctx context.Context, tenantID, by, id string, change func(Stored) (Details, error),
) (Stored, error) {
	return s.update(ctx, TemplateUpdated, tenantID, by, id, change)
}

func (s *Service) update(
	ctx context.Context, action audit.Action, tenantID, by, id string, change func(Stored) (Details, error),
) (Stored, error) {
	for {
		was, err := s.Get(ctx, tenantID, id)
		if err != nil {
			return Stored{}, err
		}
		t := was
		if t.Details, err = change(was); err != nil {
			return Stored{}, err
		}
		if t.Details == was.Details {
			return t, nil
		}
		if err := s.Check(ctx, tenantID, t.Details); err != nil {
			return Stored{}, err
		}
		telling, err := s.tell(ctx, action, t, &was, &t)
		if err != nil {
			return Stored{}, err
		}
		updated, ok, err := s.store.UpdateTemplate(telling, t, Change{At: s.now(), By: by})
		if err != nil {
			return Stored{}, wrap("store template", err)
		}
		if ok {
			s.forget(tenantID)
			return updated, nil
		}
	}
}

// Versions returns a template's kept versions, newest first.
func (s *Service) Versions(ctx context.Context, tenantID, id string) ([]Version, error) {
	if _, err := s.Get(ctx, tenantID, id); err != nil {
		return nil, err
	}
	list, err := s.store.TemplateVersions(ctx, tenantID, id)
	return list, wrap("list versions", err)
}

// Restore makes a template say again what it said in one of its versions, as
// a new version.
func (s *Service) Restore(ctx context.Context, tenantID, by, id string, number int) (Stored, error) {
	versions, err := s.Versions(ctx, tenantID, id)
	if err != nil {
		return Stored{}, err
	}
	for _, v := range versions {
		if v.Number == number {
			return s.update(ctx, TemplateRestored, tenantID, by, id, func(Stored) (Details, error) { return v.Details, nil })
		}
	}
	return Stored{}, fault.New(fault.NotFound, "entity.not_found",
		"This template has no version %d; the last %d are kept.", number, KeptVersions)
}

// Delete removes one template, or returns the fault entity.not_exists_with_id.
func (s *Service) Delete(ctx context.Context, tenantID, id string) error {
	t, err := s.Get(ctx, tenantID, id)
	if err != nil {
		return err
	}
	ok, err := s.delete(ctx, tenantID, []Stored{t})
	if err == nil && !ok {
		return notThere()
	}
	return err
}

// DeleteAll removes the templates that f names, which must name some, and
// returns how many.
func (s *Service) DeleteAll(ctx context.Context, tenantID string, f Filter) (int, error) {
	if f == (Filter{}) {
		return 0, fault.New(fault.Unprocessable, "connector.email_connector.bulk_deletion_no_filter",
			"Give languageTag, templateType or both: deleting all templates at once is not offered.")
	}
	for {
		list, err := s.List(ctx, tenantID, f)
		if err != nil || len(list) == 0 {
			return 0, err
		}
		if ok, err := s.delete(ctx, tenantID, list); err != nil || ok {
			return len(list), err
		}
		// Somebody else deleted one meanwhile.
	}
}

// delete removes templates where all are there; ok tells whether they were.
func (s *Service) delete(ctx context.Context, tenantID string, list []Stored) (ok bool, err error) {
	ids := make([]string, len(list))
	for i, t := range list {
		ids[i] = t.ID
		if ctx, err = s.tell(ctx, TemplateDeleted, t, &t, nil); err != nil {
			return false, err
		}
	}
	if ok, err = s.store.DeleteTemplates(ctx, tenantID, ids...); err != nil {
		return false, wrap("delete templates", err)
	}
	s.forget(tenantID)
	return ok, nil
}

// forget makes the next reading on this node see a change at once. It waits
// for a reading under way, which may have begun before the change.
func (s *Service) forget(tenantID string) {
	s.reading.Lock()
	defer s.reading.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sets, tenantID)
}

func notThere() error {
	return fault.New(fault.NotFound, "entity.not_exists_with_id", "There is no template with this id.")
}

func invalid(message string, path ...any) fault.Issue {
	return fault.Issue{Path: path, Code: "invalid_value", Message: message}
}

func refuse(issues []fault.Issue) error {
	f := fault.New(fault.Invalid, "guard.invalid_input", "The request is not valid.")
	f.Issues = issues
	return f
}

func wrap(doing string, err error) error {
	var f *fault.Fault
	if err == nil || errors.As(err, &f) {
		return err
	}
	return fmt.Errorf("%s: %w", doing, err)
}
