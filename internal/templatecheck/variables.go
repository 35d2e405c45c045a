package templatecheck

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
)

// shape says what a variable holds: nil for a text, or its members.
type shape map[string]shape

// The objects that mails carry.
func branding() shape {
	return shape{"logoUrl": nil, "darkLogoUrl": nil, "favicon": nil, "darkFavicon": nil, "senderName": nil, "companyInformation": nil}
}

func application() shape {
	return shape{"id": nil, "name": nil, "displayName": nil, "branding": branding()}
}

func organization() shape { return shape{"id": nil, "name": nil, "branding": branding()} }

func user() shape {
	return shape{
		"id": nil, "name": nil, "username": nil, "primaryEmail": nil, "primaryPhone": nil, "avatar": nil,
		"profile": {
			"familyName": nil, "givenName": nil, "middleName": nil, "nickname": nil, "preferredUsername": nil, "profile": nil, "website": nil,
			"gender": nil, "birthdate": nil, "zoneinfo": nil, "locale": nil,
			"address": {"formatted": nil, "streetAddress": nil, "locality": nil, "region": nil, "postalCode": nil, "country": nil},
		},
	}
}

// variables returns what mails of a type carry, and which of it not always.
func variables(t connector.TemplateType) (all shape, optional []string) {
	all, optional = shape{"locale": nil, "uiLocales": nil}, []string{"uiLocales"}
	if t.CarriesCode() {
		all["code"] = nil
	}
	switch t {
	case connector.SignIn, connector.Register, connector.ForgotPassword, connector.MfaVerification:
		all["application"], all["organization"] = application(), organization()
		optional = append(optional, "organization")
	case connector.UserPermissionValidation, connector.BindNewIdentifier, connector.BindMfa:
		all["user"], all["application"] = user(), application()
		optional = append(optional, "application")
	case connector.OrganizationInvitation:
		all["link"], all["organization"], all["inviter"], all["expiresAt"] = nil, organization(), user(), nil
		optional = append(optional, "inviter", "expiresAt")
	case connector.Generic:
	}
	return all, optional
}

// at walks a path. known says that it leads somewhere, and object that it
// leads to one.
func (s shape) at(path string) (known, object bool) {
	for name := range strings.SplitSeq(path, ".") {
		members, ok := s[name]
		if !ok {
			return false, false
		}
		s = members
	}
	return true, s != nil
}

// paths returns every path below prefix.
func (s shape) paths(prefix string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		all = append(all, prefix+name)
		all = append(all, s[name].paths(prefix+name+".")...)
	}
	return all
}

// maxOfVariables bounds how many problems with variables are told of a field.
const maxOfVariables = 100

// variables tells of the variables that a field's template uses.
func (r *report) variables(field string, t connector.TemplateType, tpl *template.Template) {
	all, optional := variables(t)
	told := make(map[string]bool)
	first := len(r.problems)
	for _, u := range tpl.Uses() {
		if len(r.problems)-first == maxOfVariables {
			return
		}
		problem := templates.Problem{Severity: templates.SeverityWarning, Field: field, Line: u.Line, Column: u.Column}
		root, _, _ := strings.Cut(u.Path, ".")
		known, object := all.at(u.Path)
		switch {
		case strings.Contains(u.Path, "*"), root == "this":
			continue // of loops over what no mail has, or told by the language
		case !known:
			problem.Code, problem.Message = UnknownVariable, unknownMessage(t, u, all)
		case object && u.Printed:
			problem.Severity, problem.Code, problem.Message = templates.SeverityError, PrintsObject, objectMessage(u, all)
		case u.Literal && slices.Contains(optional, root):
			if told[root] {
				continue
			}
			told[root] = true
			problem.Code = OptionalVariable
			problem.Message = fmt.Sprintf("Not every %s mail has %s; without it, the placeholder is sent as it stands. "+
				"Put it into {{#if %s}} … {{/if}}.", t, root, root)
		default:
			continue
		}
		r.add(u.Partial, problem)
	}
}

// unknownMessage says that mails of type t do not have what u uses.
func unknownMessage(t connector.TemplateType, u template.Use, all shape) string {
	message := fmt.Sprintf("%s mails have no %s", t, u.Path)
	if u.Literal {
		root, _, _ := strings.Cut(u.Path, ".")
		if known, _ := all.at(root); !known {
			message += ", so the placeholder is sent as it stands, unless whoever sends the mail adds it"
		}
	}
	names := all.paths("")
	within := func(name string) bool { return strings.HasPrefix(u.Path, name+".") }
	if near := cmp.Or(nearest(u.Path, slices.DeleteFunc(slices.Clone(names), within)), nearest(u.Path, names)); near != "" {
		return message + fmt.Sprintf(". Did you mean %s?", near)
	}
	if others := typesWith(u.Path); len(others) > 0 {
		return message + fmt.Sprintf(". Those of %s do.", strings.Join(others, ", "))
	}
	return message + "."
}

// objectMessage says that u prints an object, and names a member to print.
func objectMessage(u template.Use, all shape) string {
	message := fmt.Sprintf("%s is an object and prints as [object Object]. Print one of its members", u.Path)
	for _, member := range []string{"name", "logoUrl", "formatted", "familyName"} {
		if known, object := all.at(u.Path + "." + member); known && !object {
			return message + fmt.Sprintf(", such as {{%s.%s}}.", u.Path, member)
		}
	}
	return message + "."
}

// typesWith returns the types whose mails have what is at path.
func typesWith(path string) []string {
	var types []string
	for _, t := range connector.TemplateTypes() {
		all, _ := variables(t)
		if known, _ := all.at(path); known {
			types = append(types, string(t))
		}
	}
	return types
}

// nearest returns the name that is most like the one that was written, or ends
// in it, or "" when there is none. Dots, underscores and capitals do not count.
func nearest(written string, names []string) string {
	const longest = 64
	if len(written) > longest {
		return ""
	}
	plain := func(s string) string {
		return strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(s, ".", ""), "_", ""))
	}
	written = plain(written)
	best, least := "", longest
	for _, name := range names {
		d := distance(written, plain(name))
		if last := name[strings.LastIndexByte(name, '.')+1:]; plain(last) == written {
			d = min(d, 1)
		}
		if d <= max(1, max(len(written), len(name))/4) && d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is how many letters are to be added, removed or changed to make b
// of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
