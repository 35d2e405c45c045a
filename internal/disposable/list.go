package disposable

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

//go:embed domains.txt
var builtin string

// Bounds of what Read accepts.
const (
	maxBytes  = 16 << 20
	maxLines  = 1_000_000
	maxDomain = 253 // bytes of a domain (RFC 1035 section 2.3.4, without the root's dot)
	maxLabel  = 63  // bytes of a label (RFC 1035 section 2.3.4)
)

// List is a set of domains, each together with its subdomains. It does not
// change, so it may be used by several goroutines at once.
type List struct {
	// sorted has the domains as A-labels in lower case, one a line, unique,
	// in the order of their bytes, each with a line end.
	sorted string
}

// Builtin returns the list that comes with Postern. It costs nothing: the text
// is searched where it lies in the program.
func Builtin() *List { return &List{sorted: builtin} }

// Read reads a list: one domain a line, as A-labels or U-labels (RFC 5890),
// in any order. Blank lines and lines that begin with # are left out. It
// refuses more than 16 MiB or 1,000,000 lines, and a line that is no domain
// of two labels or more: the error names its number, never its text, since
// the file may be another than was meant.
func Read(r io.Reader) (*List, error) {
	limited := &io.LimitedReader{R: r, N: maxBytes + 1}
	lines := bufio.NewScanner(limited)
	var domains []string
	number, size := 0, 0
	for lines.Scan() {
		number++
		if number > maxLines {
			return nil, fmt.Errorf("more than %d lines", maxLines)
		}
		line := lines.Text()
		if number == 1 {
			line = strings.TrimPrefix(line, "\ufeff") // some editors begin a file with a byte order mark
		}
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		domain, ok := canonical(line)
		if !ok {
			return nil, fmt.Errorf("line %d: must be one domain, such as example.com", number)
		}
		domains = append(domains, domain)
		size += len(domain) + 1
	}
	switch err := lines.Err(); {
	case limited.N <= 0:
		return nil, fmt.Errorf("more than %d MiB", maxBytes>>20)
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("line %d: must be one domain, such as example.com", number+1)
	case err != nil:
		return nil, err
	}
	slices.Sort(domains)
	var sorted strings.Builder
	sorted.Grow(size)
	for _, domain := range slices.Compact(domains) {
		sorted.WriteString(domain)
		sorted.WriteByte('\n')
	}
	return &List{sorted: sorted.String()}, nil
}

// Holds tells whether a domain, as A-labels or U-labels in any case, or one
// that it lies below is on the list. What is no domain is not.
func (l *List) Holds(domain string) bool {
	domain = strings.TrimSuffix(domain, ".") // the root's (RFC 1034 section 3.1)
	if !lowerASCII(domain) {
		var ok bool
		if domain, ok = canonical(domain); !ok {
			return false
		}
	}
	if len(domain) > maxDomain {
		return false
	}
	// The shortest first: a domain seldom has more than two labels.
	for dot := strings.LastIndexByte(domain, '.'); dot >= 0; {
		dot = strings.LastIndexByte(domain[:dot], '.')
		if l.has(domain[dot+1:]) {
			return true
		}
	}
	return false
}

// has searches for one line, by halves.
func (l *List) has(domain string) bool {
	low, high := 0, len(l.sorted) // where lines begin
	for low < high {
		start := low + (high-low)/2
		start = low + strings.LastIndexByte(l.sorted[low:start], '\n') + 1
		end := start + strings.IndexByte(l.sorted[start:], '\n')
		switch strings.Compare(l.sorted[start:end], domain) {
		case 0:
			return true
		case -1:
			low = end + 1
		default:
			high = start
		}
	}
	return false
}

// canonical returns a domain of two labels or more as A-labels in lower case.
func canonical(domain string) (string, bool) {
	// A character has at most four bytes, and takes at least one in A-labels.
	if len(domain) > 4*maxDomain {
		return "", false
	}
	domain = strings.ToLower(domain)
	if !lowerASCII(domain) || strings.HasPrefix(domain, "xn--") || strings.Contains(domain, ".xn--") {
		var err error
		if domain, err = idna.Lookup.ToASCII(domain); err != nil {
			return "", false
		}
	}
	return domain, len(domain) <= maxDomain && strings.Contains(domain, ".") && validLabels(domain)
}

// validLabels checks the letters, digits and hyphens of RFC 1123 section 2.1.
func validLabels(domain string) bool {
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

func lowerASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x80 || c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return true
}
