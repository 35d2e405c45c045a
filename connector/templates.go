package connector

import (
	"slices"
	"strings"
)

// Templates are the wordings in a connector's settings (key "templates"). They
// may be left out; if given, they must cover the four types that every sign-in
// needs. The first template of a type wins.
type Templates []Template

// Validate implements Validator.
func (t Templates) Validate() []Issue {
	if t == nil {
		return nil
	}
	var missing []string
	for _, needed := range []TemplateType{Register, SignIn, ForgotPassword, Generic} {
		covers := func(one Template) bool { return one.UsageType == needed }
		if !slices.ContainsFunc(t, covers) {
			missing = append(missing, string(needed))
		}
	}
	if missing == nil {
		return nil
	}
	return []Issue{issue(codeInvalid, nil, "must also hold templates for "+strings.Join(missing, ", "))}
}

// Validate implements Validator.
func (t Template) Validate() []Issue {
	if t.UsageType.Valid() {
		return nil
	}
	names := make([]string, 0, len(TemplateTypes()))
	for _, known := range TemplateTypes() {
		names = append(names, string(known))
	}
	return []Issue{issue(codeInvalid, []any{"usageType"}, "must be one of "+strings.Join(names, ", "))}
}
