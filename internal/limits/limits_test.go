package limits_test

import (
	"testing"

	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/secrets"
)

func TestBlock(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "::ffff:203.0.113.7": "203.0.113.7", "": "", "unknown": "", "203.0.113.7:80": "",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := limits.Block(ip); got != want {
			t.Errorf("%q: %q, want %q", ip, got, want)
		}
	}
}

func TestCharges(t *testing.T) {
	t.Parallel()
	data, err := secrets.Generate()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := secrets.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	all := limits.DefaultPolicy()
	all.Tenant.Limit = 1000
	of := func(p limits.Policy, tenantID string, k limits.Kind, to, ip string) map[limits.Name]string {
		charges, err := limits.Charges(keys, p, tenantID, k, to, ip)
		if err != nil {
			t.Fatal(err)
		}
		by := make(map[limits.Name]string)
		for _, c := range charges {
			by[c.Name] = c.Key
		}
		return by
	}
	first := of(all, "t1", limits.Codes, "ann.lee@gmail.com", "203.0.113.7")
	if len(first) != 3 {
		t.Fatalf("charges %v", first)
	}
	same := of(all, "t1", limits.Codes, "Ann.L.ee+shop@googlemail.com", "::ffff:203.0.113.7")
	for name, key := range first {
		if same[name] != key {
			t.Errorf("%s: two keys for one", name)
		}
	}
	if other := of(all, "t1", limits.Invitations, "ann.lee@gmail.com", ""); other[limits.Recipient] == first[limits.Recipient] ||
		other[limits.Tenant] != first[limits.Tenant] || other[limits.IP] != "" {
		t.Errorf("an invitation: %v, a code: %v", other, first)
	}
	for name, key := range of(all, "t2", limits.Codes, "ann.lee@gmail.com", "203.0.113.7") {
		if key == first[name] {
			t.Errorf("%s: two tenants share it", name)
		}
	}
	all.IP.Limit, all.Tenant.Limit = 0, 0
	if few := of(all, "t1", limits.Codes, "ann@example.com", "203.0.113.7"); len(few) != 1 {
		t.Errorf("limits that are off: %v", few)
	}
}

func TestPolicyCheck(t *testing.T) {
	t.Parallel()
	if issues := limits.DefaultPolicy().Check(); len(issues) > 0 {
		t.Errorf("the default: %v", issues)
	}
	if issues := limits.DefaultSentinel().Check(); len(issues) > 0 {
		t.Errorf("the default: %v", issues)
	}
	if issues := (limits.Policy{}).Check(); len(issues) != 4 {
		t.Errorf("nothing: %v", issues)
	}
	if issues := (limits.Sentinel{MaxAttempts: 1001, LockoutDuration: 1441}).Check(); len(issues) != 2 {
		t.Errorf("too much: %v", issues)
	}
}
