package blocklist

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/fault"
)

// Policy is what a tenant rules. Its JSON is that of the API and the store
// (Logto's emailBlocklistPolicy).
//
// An entry of a list is an address (eve@example.com), a domain
// (@example.com), all its subdomains (@*.example.com), or a pattern of local
// parts, in which a * stands for any text (noreply-*@example.com), at a
// domain, its subdomains, or any (@*).
type Policy struct {
	BlockDisposableAddresses bool     `json:"blockDisposableAddresses"`
	BlockSubaddressing       bool     `json:"blockSubaddressing"`
	CustomBlocklist          []string `json:"customBlocklist"`
	// CustomAllowlist, unless it is empty, names all that is allowed, as far as
	// the other rules allow it.
	CustomAllowlist []string `json:"customAllowlist"`
}

// Bounds of a list.
const (
	MaxEntries = 1000
	MaxEntry   = address.MaxLength // bytes
)

// DefaultPolicy is that of a tenant that has set nothing.
func DefaultPolicy() Policy {
	return Policy{CustomBlocklist: []string{}, CustomAllowlist: []string{}}
}

// Check returns what is wrong with a policy, with paths from its top.
func (p Policy) Check() []fault.Issue {
	var issues []fault.Issue
	for _, list := range []struct {
		key     string
		entries []string
	}{{"customBlocklist", p.CustomBlocklist}, {"customAllowlist", p.CustomAllowlist}} {
		if len(list.entries) > MaxEntries {
			issues = append(issues, fault.Issue{
				Path: []any{list.key}, Code: "too_big", Message: fmt.Sprintf("must have at most %d entries", MaxEntries),
			})
			continue
		}
		for i, text := range list.entries {
			if _, err := parse(text); err != nil {
				issues = append(issues, fault.Issue{Path: []any{list.key, i}, Code: "invalid_value", Message: err.Error()})
			}
		}
	}
	return issues
}

// entry is one line of a list, as compared.
type entry struct {
	local  string // "" and "*" are any
	domain string // A-labels; "" is any
	below  bool   // the domain's subdomains are meant, not the domain
}

// anyDomain is what an entry for all domains ends with.
const anyDomain = "*"

// parse reads an entry.
func parse(text string) (entry, error) {
	if len(text) > MaxEntry {
		return entry{}, fmt.Errorf("must be at most %d bytes", MaxEntry)
	}
	form := errors.New("must be an address or a domain, such as eve@example.com, @example.com, @*.example.com or noreply-*@example.com")
	at := strings.LastIndexByte(text, '@')
	if at < 0 || !utf8.ValidString(text) {
		return entry{}, form
	}
	e := entry{local: fold(text[:at])}
	domain := text[at+1:]
	if domain == anyDomain {
		if e.local == "" || strings.Trim(e.local, "*") == "" {
			return entry{}, errors.New("would be every address")
		}
	} else {
		domain, e.below = strings.CutPrefix(domain, "*.")
		if _, err := address.Parse("x@" + domain); err != nil || domain == "" {
			return entry{}, form
		}
		e.domain = ascii(domain)
	}
	if plain := strings.ReplaceAll(e.local, "*", "x"); plain != "" {
		if _, err := address.Parse(plain + "@x"); err != nil {
			return entry{}, form
		}
	}
	return e, nil
}

// fold makes two local parts one that a reader takes for one.
func fold(s string) string { return strings.ToLower(norm.NFC.String(s)) }

// ascii is a domain in A-labels (RFC 5890 section 2.3.2.1), in lower case. One
// that has no such form stays as it is.
func ascii(domain string) string {
	domain = fold(domain)
	if a, err := idna.Lookup.ToASCII(domain); err == nil {
		return a
	}
	return domain
}

// split returns an address as it is compared.
func split(addr string) (local, domain string) {
	at := strings.LastIndexByte(addr, '@')
	return fold(addr[:max(at, 0)]), ascii(addr[at+1:])
}

// untagged is a local part without its +tag (RFC 5233 section 4).
func untagged(local string) (name string, tagged bool) {
	name, _, tagged = strings.Cut(local, "+")
	if name == "" {
		return local, false
	}
	return name, tagged
}

// rules is a list that is ready to be asked. Entries are found by their
// domain, so that a long list costs no more than a short one.
type rules struct {
	at    map[string][]string // local parts by domain
	below map[string][]string // by the domain that they are below
	all   []string            // at any domain
}

func compile(list []string) rules {
	r := rules{at: make(map[string][]string), below: make(map[string][]string)}
	for _, text := range list {
		e, err := parse(text)
		switch {
		case err != nil: // of an earlier version's making: it says nothing
		case e.domain == "":
			r.all = append(r.all, e.local)
		case e.below:
			r.below[e.domain] = append(r.below[e.domain], e.local)
		default:
			r.at[e.domain] = append(r.at[e.domain], e.local)
		}
	}
	return r
}

// holds reports whether an entry fits.
func (r rules) holds(local, domain string) bool {
	if fits(r.at[domain], local) || fits(r.all, local) {
		return true
	}
	for rest := domain; ; {
		_, parent, more := strings.Cut(rest, ".")
		if !more {
			return false
		}
		if fits(r.below[parent], local) {
			return true
		}
		rest = parent
	}
}

func fits(patterns []string, local string) bool {
	for _, p := range patterns {
		if p == "" || matches(p, local) {
			return true
		}
	}
	return false
}

// matches reports whether text is what pattern says, * being any text. It
// takes the first place for each piece between two stars, which is as good as
// any other: so it never goes back further than one star.
func matches(pattern, text string) bool {
	star, mark := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
