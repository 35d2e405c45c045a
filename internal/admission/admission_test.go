package admission_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/admission"
	"github.com/postern-mail/postern/internal/blocklist"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/tenants"
)

// watch is a guard that refuses one IP address.
type watch struct{ asked, verified []string }

func (w *watch) Ask(_, person, ip string) (time.Duration, bool) {
	w.asked = append(w.asked, person)
	return time.Minute, ip != "203.0.113.66"
}

func (w *watch) Verified(_, person string) { w.verified = append(w.verified, person) }

func newService(t *testing.T, change func(*admission.Options)) (*admission.Service, *watch) {
	t.Helper()
	data, err := secrets.Generate()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := secrets.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	settings := tenants.DefaultSettings()
	settings.EmailBlocklistPolicy.CustomBlocklist = []string{"@evil.example.de"}
	w := &watch{}
	o := admission.Options{
		Settings: func(context.Context, string) (tenants.Settings, error) { return settings, nil },
		Keys:     keys, Lists: blocklist.New(func(string) bool { return false }), Guard: w,
	}
	if change != nil {
		change(&o)
	}
	return admission.New(o), w
}

// Which type is asked what.
func TestAdmit(t *testing.T) {
	t.Parallel()
	s, w := newService(t, nil)
	codeOf := func(r admission.Request) string {
		r.TenantID = "t1"
		charges, err := s.Admit(t.Context(), r)
		if f, ok := errors.AsType[*fault.Fault](err); ok {
			return f.Code
		}
		if err != nil || len(charges) == 0 {
			t.Fatalf("%v, %v", charges, err)
		}
		return "ok"
	}
	const blocked, mixed, reserved = "session.email_blocklist.email_not_allowed", "session.email_blocklist.mixed_scripts", "request.reserved_domain"
	for _, kind := range connector.TemplateTypes() {
		becomes, register := kind == connector.Register || kind == connector.BindNewIdentifier, kind == connector.Register
		anonymous := register || kind == connector.SignIn || kind == connector.ForgotPassword || kind == connector.Generic
		for name, c := range map[string]struct {
			r     admission.Request
			want  string
			where bool // for which types; "ok" for the others
		}{
			"anybody":          {admission.Request{To: "Ann+1@gmail.com"}, "ok", true},
			"a blocked domain": {admission.Request{To: "eve@evil.example.de"}, blocked, becomes},
			"mixed scripts":    {admission.Request{To: "\u0430nn@gmail.com"}, mixed, register},
			"a guarded source": {admission.Request{To: "ann@gmail.com", IP: "203.0.113.66"}, limits.Limited, anonymous},
			"an example":       {admission.Request{To: "ann@example.com"}, reserved, true},
			"an example, kept": {admission.Request{To: "ann@example.com", Keeps: true}, "ok", true},
			"never, even kept": {admission.Request{To: "ann@shop.test", Keeps: true}, reserved, true},
		} {
			c.r.Type = kind
			want := c.want
			if !c.where {
				want = "ok"
			}
			if got := codeOf(c.r); got != want {
				t.Errorf("%s, %s: %s, want %s", kind, name, got, want)
			}
		}
	}
	if len(w.asked) == 0 || w.asked[0] == "Ann+1@gmail.com" {
		t.Errorf("the guard was asked of %v", w.asked)
	}
	s.Verified("t1", connector.MfaVerification, "ann@gmail.com") // says nothing of who asks for codes to sign in
	s.Verified("t1", connector.SignIn, "Ann+2@googlemail.com")
	if len(w.verified) != 1 || w.verified[0] != "ann@gmail.com" {
		t.Errorf("the guard heard of %v", w.verified)
	}
}

func TestReservedAllowed(t *testing.T) {
	t.Parallel()
	s, _ := newService(t, func(o *admission.Options) { o.AllowReserved = true })
	for _, to := range []string{"ann@example.com", "ann@shop.test", "ann@localhost"} {
		if err := s.Reserved(to, false); err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
}

// Without settings nothing is admitted, and a message is charged as it was
// when it was asked for.
func TestFailsClosed(t *testing.T) {
	t.Parallel()
	broken := errors.New("no database")
	s, _ := newService(t, func(o *admission.Options) {
		o.Settings = func(context.Context, string) (tenants.Settings, error) { return tenants.Settings{}, broken }
	})
	if _, err := s.Admit(t.Context(), admission.Request{Type: connector.SignIn, To: "ann@gmail.com"}); !errors.Is(err, broken) {
		t.Errorf("admitted: %v", err)
	}
	s, _ = newService(t, nil)
	r := admission.Request{TenantID: "t1", Type: connector.SignIn, To: "ann@gmail.com", IP: "198.51.100.7"}
	asked, err := s.Admit(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	charged, err := s.Charges(t.Context(), outbox.Message{TenantID: "t1", Type: r.Type, To: r.To, IP: r.IP})
	if err != nil || len(asked) != 2 || len(charged) != 2 || asked[0] != charged[0] || asked[1] != charged[1] {
		t.Errorf("asked for %v, charged %v, %v", asked, charged, err)
	}
}
