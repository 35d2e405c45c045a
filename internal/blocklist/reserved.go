package blocklist

import (
	"strings"

	"github.com/postern-mail/postern/internal/fault"
)

// Reserved is what a domain is reserved for.
type Reserved int

// The kinds of domains.
const (
	Ordinary Reserved = iota
	// Example: examples in texts (RFC 2606 section 3, RFC 6761 section 6.5). Mail
	// that stays in the service may go there.
	Example
	// Never: no mail ever gets there (RFC 6761 sections 6.2 to 6.4).
	Never
)

// ReservedFor returns what the domain of an address is reserved for.
func ReservedFor(addr string) Reserved {
	_, domain := split(addr)
	labels := strings.Split(domain, ".")
	switch top := labels[len(labels)-1]; top {
	case "test", "invalid", "localhost":
		return Never
	case "example":
		return Example
	case "com", "net", "org":
		if len(labels) > 1 && labels[len(labels)-2] == "example" {
			return Example
		}
	}
	return Ordinary
}

// ErrReserved is the fault of a mail to a reserved domain.
func ErrReserved() error {
	return fault.New(fault.Unprocessable, "request.reserved_domain",
		"This domain is reserved for examples and tests: no mail gets there. The built-in inbox takes mail to "+
			"example.com; with POSTERN_ALLOW_RESERVED_DOMAINS every connector takes it to all of them.")
}
