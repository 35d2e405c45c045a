package connectortest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"testing"

	"github.com/postern-mail/postern/connector"
)

// recorder is a test that may fail without harm.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(r) // ends the check; recovered below
}

// failsCheck reports whether CheckError finds fault with err.
func failsCheck(err error, hidden ...string) bool {
	r := &recorder{}
	func() {
		defer func() { _ = recover() }()
		_ = CheckError(r, err, hidden...)
	}()
	return len(r.failures) > 0
}

func TestCheckErrorFindsFault(t *testing.T) {
	t.Parallel()
	temporary := func(message string, cause error) error {
		return &connector.Error{Class: connector.Temporary, Message: message, Err: cause}
	}
	encoded := base64.StdEncoding.EncodeToString([]byte("hunter2222"))
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"a good one":          {temporary("the server is down", nil), false},
		"a good one, wrapped": {fmt.Errorf("send: %w", temporary("the server is down", nil)), false},
		"none":                {nil, true},
		"another type":        {errors.New("down"), true},
		"no text":             {temporary("", nil), true},
		"two lines":           {temporary("down\r\nfor today", nil), true},
		"an unknown class":    {&connector.Error{Class: "odd", Message: "down"}, true},
		"a secret":            {temporary("the password hunter2222 is wrong", nil), true},
		"a secret, shouted":   {temporary("the password HUNTER2222 is wrong", nil), true},
		"a secret in base64":  {temporary("AUTH LOGIN "+encoded, nil), true},
		"a secret in a cause": {temporary("the password is wrong", errors.New("hunter2222")), true},
		"a secret deep down":  {temporary("wrong", errors.Join(fmt.Errorf("a: %w", errors.New("hunter2222")))), true},
	} {
		if got := failsCheck(c.err, "hunter2222", ""); got != c.want {
			t.Errorf("%s: found fault %v, want %v", name, got, c.want)
		}
	}
}

func TestCheckHiddenSeesFields(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	CheckHidden(r, struct{ Pass string }{"hunter2222"}, "hunter2222")
	if len(r.failures) == 0 {
		t.Error("a field with a secret was not seen")
	}
	r = &recorder{}
	CheckHidden(r, struct{ Pass connector.Secret }{"hunter2222"}, "hunter2222")
	if len(r.failures) != 0 {
		t.Errorf("a Secret was seen: %v", r.failures)
	}
}
