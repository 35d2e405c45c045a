package blocklist

import (
	"sync"

	"github.com/postern-mail/postern/internal/fault"
)

// Lists answers by tenants' policies. It is safe for concurrent use.
type Lists struct {
	disposable func(domain string) bool

	mu       sync.Mutex
	compiled map[string]policyRules // by tenant id
}

// policyRules are a tenant's lists, ready to be asked.
type policyRules struct {
	block, allow   rules
	blocks, allows []string // what they were made of
}

// New makes Lists. disposable reports whether a domain, in A-labels and lower
// case, gives mailboxes to be thrown away.
func New(disposable func(domain string) bool) *Lists {
	return &Lists{disposable: disposable, compiled: make(map[string]policyRules)}
}

// Refuse returns the fault of an address that may not become somebody's, or
// nil. addr is checked by address.Parse.
func (l *Lists) Refuse(tenantID string, p Policy, addr string) error {
	if !p.BlockDisposableAddresses && !p.BlockSubaddressing && len(p.CustomBlocklist)+len(p.CustomAllowlist) == 0 {
		return nil
	}
	local, domain := split(addr)
	r := l.rules(tenantID, p)
	name, tagged := untagged(local)
	switch {
	case p.BlockSubaddressing && tagged:
		return refusal("email_subaddressing_not_allowed", "Addresses with a + in front of the @ are not allowed.")
	case r.block.holds(local, domain), tagged && r.block.holds(name, domain), p.BlockDisposableAddresses && l.disposable(domain),
		len(p.CustomAllowlist) > 0 && !r.allow.holds(local, domain):
		return refusal("email_not_allowed", "This e-mail address is not allowed. Use another one.")
	}
	return nil
}

func refusal(code, message string) error {
	return fault.New(fault.Unprocessable, "session.email_blocklist."+code, "%s", message)
}

// rules returns a tenant's lists. They are made anew when the policy is
// another one: its slices are those of the settings that were read last, and
// are never written to.
func (l *Lists) rules(tenantID string, p Policy) policyRules {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.compiled[tenantID]
	if ok && same(r.blocks, p.CustomBlocklist) && same(r.allows, p.CustomAllowlist) {
		return r
	}
	r = policyRules{
		block: compile(p.CustomBlocklist), allow: compile(p.CustomAllowlist),
		blocks: p.CustomBlocklist, allows: p.CustomAllowlist,
	}
	l.compiled[tenantID] = r
	return r
}

// same reports whether two slices are one.
func same(a, b []string) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
