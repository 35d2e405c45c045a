package limits

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"time"

	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/secrets"
)

// Kind is what is counted together: a person who was invited may still ask
// for a code.
type Kind string

// The kinds.
const (
	Codes       Kind = "codes"
	Invitations Kind = "invitations"
)

// Policy is what a tenant allows. Its JSON is that of the API and the store.
type Policy struct {
	Recipient Quota `json:"recipient"` // of each kind, to one address
	IP        Quota `json:"ip"`        // on behalf of one IP address; for IPv6, of one /64
	Tenant    Quota `json:"tenant"`    // in all
}

// Quota is a Rule as it is set.
type Quota struct {
	Limit  int `json:"limit"`  // 0: any number
	Window int `json:"window"` // seconds
}

// Rule returns the quota as a Rule.
func (q Quota) Rule() Rule { return Rule{q.Limit, time.Duration(q.Window) * time.Second} }

// Sentinel is what happens after failed tries. Its JSON is that of the API
// and the store.
type Sentinel struct {
	MaxAttempts     int `json:"maxAttempts"`     // failed tries an hour at one address
	LockoutDuration int `json:"lockoutDuration"` // minutes
}

// SentinelPeriod is the time in which failed tries are counted.
const SentinelPeriod = time.Hour

// DefaultPolicy is that of a tenant that has set nothing.
func DefaultPolicy() Policy {
	return Policy{
		Recipient: Quota{Limit: 10, Window: 600},
		IP:        Quota{Limit: 100, Window: 3600},
		Tenant:    Quota{Limit: 0, Window: 3600},
	}
}

// DefaultSentinel is that of a tenant that has set nothing.
func DefaultSentinel() Sentinel { return Sentinel{MaxAttempts: 100, LockoutDuration: 60} }

// Check returns what is wrong with a policy, with paths from its top.
func (p Policy) Check() []fault.Issue {
	var issues []fault.Issue
	bound := func(path string, quota Quota, least, most int) {
		if quota.Limit < least || quota.Limit > most {
			issues = append(issues, issue(least, most, path, "limit"))
		}
		if quota.Window < 60 || quota.Window > 86_400 {
			issues = append(issues, issue(60, 86_400, path, "window"))
		}
	}
	bound("recipient", p.Recipient, 1, 1000)
	bound("ip", p.IP, 0, 1_000_000)
	bound("tenant", p.Tenant, 0, 100_000_000)
	return issues
}

// Check returns what is wrong with a policy, with paths from its top.
func (s Sentinel) Check() []fault.Issue {
	var issues []fault.Issue
	if s.MaxAttempts < 1 || s.MaxAttempts > 1000 {
		issues = append(issues, issue(1, 1000, "maxAttempts"))
	}
	if s.LockoutDuration < 1 || s.LockoutDuration > 1440 {
		issues = append(issues, issue(1, 1440, "lockoutDuration"))
	}
	return issues
}

func issue(least, most int, path ...any) fault.Issue {
	return fault.Issue{Path: path, Code: "invalid_value", Message: fmt.Sprintf("must be from %d to %d", least, most)}
}

// Name is what a limit is of, for messages and figures.
type Name string

// The names.
const (
	Recipient Name = "recipient"
	IP        Name = "ip"
	Tenant    Name = "tenant"
	Guard     Name = "guard" // of package guard, which counts by itself
)

// Charge is one thing that a mail counts on.
type Charge struct {
	Name Name
	Key  string // keyed hash of what is limited
	Rule Rule
}

// Charges returns what a mail counts on. to is checked by address.Parse; ip
// is that of the client, or "". The result is in the order of its keys, in
// which they are to be locked.
func Charges(keys *secrets.Keys, p Policy, tenantID string, k Kind, to, ip string) ([]Charge, error) {
	var charges []Charge
	add := func(name Name, q Quota, parts ...string) error {
		if q.Rule().Off() {
			return nil
		}
		key, err := Key(keys, tenantID, append([]string{string(name)}, parts...)...)
		charges = append(charges, Charge{Name: name, Key: key, Rule: q.Rule()})
		return err
	}
	if err := add(Recipient, p.Recipient, string(k), address.Person(to)); err != nil {
		return nil, err
	}
	if block := Block(ip); block != "" {
		if err := add(IP, p.IP, block); err != nil {
			return nil, err
		}
	}
	err := add(Tenant, p.Tenant)
	return charges, err
}

// Key is the key of a row that counts something of a tenant's.
func Key(keys *secrets.Keys, tenantID string, parts ...string) (string, error) {
	h, err := keys.Hash(append([]string{"limit", tenantID}, parts...)...)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(h[len(h)-16:]), nil
}

// Block is what an IP address is counted as: itself, or its /64 for IPv6,
// where one customer has at least that many. "" for what is no address.
func Block(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	block, err := addr.Prefix(64)
	if err != nil {
		return ""
	}
	return block.String()
}

// Limited is the code of a Refusal.
const Limited = "request.message_rate_limited"

// Refusal is the fault of a mail that a limit does not allow for some time.
// It tells nothing of who the recipient is.
func Refusal(name Name, wait time.Duration) *fault.Fault {
	f := fault.New(fault.TooMany, Limited, "%s", map[Name]string{
		Recipient: "Too many mails were sent to this address. Try again later.",
		IP:        "Too many mails were asked for from this IP address. Try again later.",
		Tenant:    "Too many mails were asked for. Try again later.",
		Guard:     "Too many codes were asked for from here that nobody verified. Try again later.",
	}[name])
	f.Data = map[string]any{"limit": string(name)}
	f.RetryAfter = wait
	return f
}
