package locale

import (
	"strings"

	"golang.org/x/text/language"
)

// MaxTag is the longest language tag that is stored, in bytes (the width that
// Logto's API gives one).
const MaxTag = 16

const (
	// maxHeader bounds the Accept-Language header that is read, in bytes.
	maxHeader = 1024
	// maxCandidates bounds the languages that one request may ask for.
	maxCandidates = 32
)

// Library is the languages that a tenant can write mails in.
type Library struct {
	Own     []string // those of its own templates
	Builtin []string // in order of preference among variants of one language
}

// Request is what is known of the language wanted.
type Request struct {
	// UILocales is the ui_locales of the sign-in request: BCP 47 tags, divided
	// by spaces, in order (OpenID Connect Core section 3.1.2.1).
	UILocales string
	// Given is the language that a management call names. It is used as it
	// is: it picks a template, whatever the library holds.
	Given string
	// AcceptLanguage is the header of a call from a person's browser or app,
	// where the tenant detects the language; "" for management calls.
	AcceptLanguage string
	// Default is the tenant's language.
	Default string
}

// Choose returns the language of a mail: the first of ui_locales that the
// library supports, else the given one, else the first that the client accepts
// and the library supports, else the default.
func Choose(r Request, l Library) string {
	for i, tag := range strings.Fields(r.UILocales) {
		if i >= maxCandidates {
			break
		}
		if found, ok := l.Supports(tag); ok {
			return found
		}
	}
	if r.Given != "" {
		return r.Given
	}
	for _, tag := range accepted(r.AcceptLanguage) {
		if found, ok := l.Supports(tag); ok {
			return found
		}
	}
	return r.Default
}

// Supports returns the library's language for a tag: its own of that name,
// else the built-in one of that name, else a built-in one of the same base
// language, else its own of the same base. Tags compare without regard to case.
func (l Library) Supports(tag string) (string, bool) {
	for _, look := range []struct {
		list  []string
		match func(string) bool
	}{
		{l.Own, func(known string) bool { return strings.EqualFold(known, tag) }},
		{l.Builtin, func(known string) bool { return strings.EqualFold(known, tag) }},
		{l.Builtin, func(known string) bool { return strings.EqualFold(known, Base(tag)) }},
		{l.Builtin, func(known string) bool { return strings.EqualFold(Base(known), Base(tag)) }},
		{l.Own, func(known string) bool { return strings.EqualFold(known, Base(tag)) }},
		{l.Own, func(known string) bool { return strings.EqualFold(Base(known), Base(tag)) }},
	} {
		for _, known := range look.list {
			if look.match(known) {
				return known, true
			}
		}
	}
	return "", false
}

// Base returns the language of a tag without script, region and variants:
// "fr" for "fr-CA". A private or grandfathered tag, which begins with a single
// letter, is whole (RFC 5646 sections 2.2.7 and 2.2.8).
func Base(tag string) string {
	base, _, _ := strings.Cut(tag, "-")
	if len(base) == 1 {
		return tag
	}
	return base
}

// accepted reads an Accept-Language header by quality (RFC 9110 section
// 12.5.4); one that cannot be read asks for nothing.
func accepted(header string) []string {
	if header == "" || len(header) > maxHeader {
		return nil
	}
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return nil
	}
	list := make([]string, 0, len(tags))
	for _, tag := range tags[:min(len(tags), maxCandidates)] {
		if tag != language.Und {
			list = append(list, tag.String())
		}
	}
	return list
}

// Valid reports whether a tag can name the language of a template: 1 to
// MaxTag letters and digits in parts divided by hyphens (the shape of BCP 47;
// the registry is not consulted, so that private languages are possible).
func Valid(tag string) bool {
	if tag == "" || len(tag) > MaxTag {
		return false
	}
	for part := range strings.SplitSeq(tag, "-") {
		if part == "" || len(part) > 8 {
			return false
		}
		for _, r := range part {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') {
				return false
			}
		}
	}
	return true
}
