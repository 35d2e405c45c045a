package templates

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/template"
)

// maxPartialName is the longest name of a partial, in bytes.
const maxPartialName = 64

// Library returns a tenant's partials and layouts, as templates are compiled
// with them.
func (s *Service) Library(ctx context.Context, tenantID string) (*template.Library, error) {
	current, err := s.current(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	current.mu.Lock()
	defer current.mu.Unlock()
	if current.library != nil {
		return current.library, nil
	}
	sources, err := s.sources(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	current.library = template.NewLibrary(sources)
	return current.library, nil
}

// sources reads the contents of a tenant's partials by their names.
func (s *Service) sources(ctx context.Context, tenantID string) (map[string]string, error) {
	list, err := s.store.ListPartials(ctx, tenantID)
	if err != nil {
		return nil, fmt.Errorf("read partials: %w", err)
	}
	sources := make(map[string]string, len(list))
	for _, p := range list {
		sources[p.Name] = p.Content
	}
	return sources, nil
}

// ListPartials returns a tenant's partials by name.
func (s *Service) ListPartials(ctx context.Context, tenantID string) ([]Partial, error) {
	list, err := s.store.ListPartials(ctx, tenantID)
	return list, wrap("list partials", err)
}

// Partial returns one partial, or the fault entity.not_found.
func (s *Service) Partial(ctx context.Context, tenantID, name string) (Partial, error) {
	list, err := s.ListPartials(ctx, tenantID)
	if err != nil {
		return Partial{}, err
	}
	for _, p := range list {
		if p.Name == name {
			return p, nil
		}
	}
	return Partial{}, noPartial()
}

// PutPartial stores a partial, in the place of the one of its name if there
// is one. Problems are told in a fault with their places.
func (s *Service) PutPartial(ctx context.Context, tenantID, by, name, content string) (Partial, error) {
	p := Partial{Name: name, Content: content, UpdatedAt: s.now(), UpdatedBy: by}
	sources, err := s.sources(ctx, tenantID)
	if err != nil {
		return Partial{}, err
	}
	var before *Partial
	action := PartialCreated
	if was, there := sources[name]; there {
		before, action = &Partial{Content: was}, PartialUpdated
	}
	sources[name] = content
	if issues := p.check(template.NewLibrary(sources)); len(issues) > 0 {
		return Partial{}, refuse(issues)
	}
	if ctx, err = s.tellPartial(ctx, action, tenantID, name, before, &p); err != nil {
		return Partial{}, err
	}
	if err := s.store.PutPartial(ctx, tenantID, p); err != nil {
		return Partial{}, fmt.Errorf("store partial: %w", err)
	}
	s.forget(tenantID)
	return p, nil
}

// check returns what keeps a partial from being stored in a library that holds
// it already: it must not include itself, by way of others either.
func (p Partial) check(library *template.Library) []fault.Issue {
	var issues []fault.Issue
	if !validPartialName(p.Name) {
		issues = append(issues, invalid(
			fmt.Sprintf("must be 1 to %d letters, digits, - and _", maxPartialName), "name"))
	}
	if strings.ContainsRune(p.Content, 0) {
		issues = append(issues, invalid("must not hold the character NUL", "content"))
	}
	if _, err := template.Compile(p.Content, template.Options{Escape: template.HTML, Library: library}); err != nil {
		issues = append(issues, invalid(err.Error(), "content"))
	}
	return issues
}

func validPartialName(name string) bool {
	if name == "" || len(name) > maxPartialName {
		return false
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

// DeletePartial removes a partial. The fault is entity.not_found where there
// is none, and entity.in_use where templates or other partials include it:
// its data names them.
func (s *Service) DeletePartial(ctx context.Context, tenantID, name string) error {
	was, err := s.Partial(ctx, tenantID, name)
	if err != nil {
		return err
	}
	if ctx, err = s.tellPartial(ctx, PartialDeleted, tenantID, name, &was, nil); err != nil {
		return err
	}
	ok, err := s.store.DeletePartial(ctx, tenantID, name, func(list []Stored, partials []Partial) error {
		return refuseInUse(name, list, partials)
	})
	if err != nil {
		return wrap("delete partial", err)
	}
	if !ok {
		return noPartial()
	}
	s.forget(tenantID)
	return nil
}

// refuseInUse returns the fault entity.in_use when anything includes the
// partial.
func refuseInUse(name string, list []Stored, partials []Partial) error {
	users, included := []map[string]any{}, []string{}
	for _, t := range list {
		for _, source := range []string{t.Details.Subject, t.Details.Content, t.Details.ReplyTo, t.Details.SendFrom} {
			if includes(source, name) {
				users = append(users, map[string]any{
					"id": t.ID, "languageTag": t.Language, "templateType": t.Type,
				})
				break
			}
		}
	}
	for _, p := range partials {
		if p.Name != name && includes(p.Content, name) {
			included = append(included, p.Name)
		}
	}
	if len(users)+len(included) == 0 {
		return nil
	}
	f := fault.New(fault.Unprocessable, "entity.in_use",
		"%d templates and %d partials include this partial. Change them first.", len(users), len(included))
	f.Data = map[string]any{"templates": users, "partials": included}
	return f
}

// includes reports whether a source names a partial as {{> name}} or as
// {{#layout "name"}}.
func includes(source, name string) bool {
	space := func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || r == '~' }
	for {
		_, rest, found := strings.Cut(source, "{{")
		if !found {
			return false
		}
		source = rest
		tag := strings.TrimLeftFunc(rest, func(r rune) bool { return space(r) || r == '{' })
		named, found := strings.CutPrefix(tag, ">")
		if !found {
			named, found = strings.CutPrefix(tag, "#layout")
		}
		if !found {
			continue
		}
		named = strings.TrimLeftFunc(named, space)
		named = strings.TrimLeft(named, `"'`)
		if after, found := strings.CutPrefix(named, name); found && !startsWithNameRune(after) {
			return true
		}
	}
}

func startsWithNameRune(s string) bool { return s != "" && validPartialName(s[:1]) }

func noPartial() error {
	return fault.New(fault.NotFound, "entity.not_found", "There is no partial with this name.")
}
