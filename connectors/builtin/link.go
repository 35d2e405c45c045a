package builtin

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

// holdsLink reports whether s holds anything that mail programs show as a
// link: a URL, a name that starts with www., a domain under a public top-level
// domain (acme.com, info@acme.com, acme.com/login), an IPv4 address. The built-in
// wording is sent to strangers, so nothing in it may lead anywhere.
//
// A dot alone makes no domain: "Acme Inc.", "St. Gallen", "e.V." and "Node.js"
// hold none.
func holdsLink(s string) bool {
	s = visible(s)
	if strings.Contains(s, "://") {
		return true
	}
	inName := func(r rune) bool {
		return r == '.' || r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)
	}
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return !inName(r) }) {
		// Two dots in a row are an ellipsis, and nobody's domain.
		for name := range strings.SplitSeq(word, "..") {
			if isLink(strings.Trim(name, ".-_")) {
				return true
			}
		}
	}
	return false
}

// visible returns s as readers see it: without invisible characters, and with
// one form for each character, so that neither hides a domain.
func visible(s string) string {
	return norm.NFKC.String(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		default:
			return r
		}
	}, s))
}

// isLink reports whether a name of labels and dots would be shown as a link.
func isLink(name string) bool {
	name = strings.ToLower(name)
	if rest, ok := strings.CutPrefix(name, "www."); ok && rest != "" {
		return true
	}
	if ip, err := netip.ParseAddr(name); err == nil && ip.Is4() {
		return true
	}
	return slices.ContainsFunc(strings.Split(name, ".")[1:], isTopLevel)
}

// isTopLevel reports whether label is a top-level domain that exists.
func isTopLevel(label string) bool {
	ascii, err := idna.Lookup.ToASCII(label)
	if err != nil || len(ascii) < 2 {
		return false
	}
	_, icann := publicsuffix.PublicSuffix("x." + ascii)
	return icann
}
