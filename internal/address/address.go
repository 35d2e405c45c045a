package address

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// MaxLength is the longest address accepted, in bytes of UTF-8 (the width
// that Logto's API gives an address; RFC 5321 would allow 254).
const MaxLength = 128

// Errors of Parse.
var (
	ErrTooLong = errors.New("the address is longer than 128 bytes")
	ErrInvalid = errors.New("not one e-mail address of the form name@example.com")
)

// Parse checks that s is exactly one mailbox without display name, comment,
// list or route, and returns it as it will be written to: NFC, otherwise
// unchanged (RFC 5321 section 4.1.2, RFC 6531 for UTF-8).
func Parse(s string) (string, error) {
	if len(s) > MaxLength {
		return "", ErrTooLong
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, forbidden) {
		return "", ErrInvalid
	}
	s = norm.NFC.String(s)
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 {
		return "", ErrInvalid
	}
	local, domain := s[:at], s[at+1:]
	if len(local) > 64 || !validDotAtom(local) || !validDomain(domain) {
		return "", ErrInvalid
	}
	return s, nil
}

// ParseMailbox reads an RFC 5322 mailbox: an address with or without a
// display name ("Ann <ann@example.com>"). Control characters are refused.
func ParseMailbox(s string) (name, addr string, err error) {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "", "", ErrInvalid
	}
	if plain, err := Parse(strings.TrimSpace(s)); err == nil {
		return "", plain, nil
	}
	m, err := mail.ParseAddress(s)
	if err != nil || !strings.HasSuffix(strings.TrimSpace(s), ">") { // a group of one is not a mailbox
		return "", "", ErrInvalid
	}
	addr, err = Parse(m.Address)
	return m.Name, addr, err
}

// Key folds an address for comparison: two addresses with one key are one
// person's for codes and limits. Mail goes to the address as given, never to
// its key.
func Key(s string) string { return strings.ToLower(norm.NFC.String(s)) }

// Unicode returns an address with its domain in Unicode (RFC 5891 section 5.2);
// one that has no such form stays as it is.
func Unicode(s string) string {
	at := strings.LastIndexByte(s, '@')
	domain, err := idna.Lookup.ToUnicode(s[at+1:])
	if at < 0 || err != nil {
		return s
	}
	return s[:at+1] + domain
}

// Masked shortens an address for logs: "a***@example.com".
func Masked(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at < 1 {
		return "***"
	}
	_, n := utf8.DecodeRuneInString(s)
	return s[:n] + "***" + s[at:]
}

// forbidden are characters that no address may hold here: controls, white
// space, and what would make it a list, a route, a comment or a quoted string.
func forbidden(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`,;:<>()[]"\`, r) ||
		unicode.Is(unicode.Cf, r) // invisible format characters, e.g. bidi overrides
}

// validDotAtom checks an RFC 5322 dot-atom, with UTF-8 as RFC 6532 allows.
func validDotAtom(s string) bool {
	if s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	return !strings.ContainsRune(s, '@')
}

// validDomain checks the shape of a host name: labels of letters, digits and
// inner hyphens, 63 bytes each (RFC 1035), UTF-8 letters allowed (RFC 5890).
func validDomain(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
				return false
			}
		}
	}
	return true
}

// Person folds an address further than Key, to what one mailbox can call
// itself: without a +tag, and at Gmail without dots and under one domain. Two
// addresses with one Person share a limit, nothing else.
func Person(s string) string {
	s = Key(s)
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return s
	}
	local, domain := s[:at], s[at+1:]
	if name, _, tagged := strings.Cut(local, "+"); tagged && name != "" {
		local = name
	}
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	}
	if domain == "gmail.com" || domain == "googlemail.com" {
		domain = "gmail.com"
		if plain := strings.ReplaceAll(local, ".", ""); plain != "" {
			local = plain
		}
	}
	return local + "@" + domain
}
