package templates

import (
	"strings"

	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/template"
)

// CheckAll returns what keeps templates and partials from being all that a
// tenant has, at places below templates and partials. Both must be stored
// together then.
func CheckAll(drafts []Draft, partials []Partial) []fault.Issue {
	var issues []fault.Issue
	sources := make(map[string]string, len(partials))
	for i, p := range partials {
		if _, twice := sources[p.Name]; twice {
			issues = append(issues, invalid("is in the list twice", "partials", i, "name"))
		}
		sources[p.Name] = p.Content
	}
	library := template.NewLibrary(sources)
	for i, p := range partials {
		for _, issue := range p.check(library) {
			issue.Path = append([]any{"partials", i}, issue.Path...)
			issues = append(issues, issue)
		}
	}
	seen := make(map[key]bool, len(drafts))
	for i, d := range drafts {
		issues = append(issues, d.check(library, "templates", i)...)
		k := key{strings.ToLower(d.Language), d.Type}
		if seen[k] {
			issues = append(issues, invalid("is in the list twice", "templates", i))
		}
		seen[k] = true
	}
	return issues
}

// Forget makes the next reading on this node see what was changed past the
// service.
func (s *Service) Forget(tenantID string) { s.forget(tenantID) }
