package command

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the command lines in testdata/script. Beside testscript's
// own commands there are:
//
//	serve [flags]            starts postern serve, sets $ADDR and $URL
//	stop                     ends it by SIGTERM; it must exit 0. Writes serve.out and serve.log
//	call METHOD PATH [BODY]  calls the API; writes answer and sets $STATUS
//	capture NAME REGEXP FILE sets $NAME to the expression's first group
//	exits N COMMAND          runs a command, whose exit code must be N
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Values[scriptKey{}] = &script{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": scriptServe, "stop": scriptStop, "call": scriptCall, "capture": scriptCapture, "exits": scriptExits,
		},
	})
}

// script is what one script's own commands remember.
type script struct{ server *server }

type scriptKey struct{}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

// scriptEnviron are the script's variables that matter to the program.
func scriptEnviron(ts *testscript.TestScript) []string {
	var environ []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "NO_COLOR", "POSTERN_API_KEY", "POSTERN_CONFIG", "POSTERN_KEYSET", "POSTERN_WORKERS"} {
		if value := ts.Getenv(name); value != "" {
			environ = append(environ, name+"="+value)
		}
	}
	return environ
}

func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("for a start that fails use: ! exec postern serve")
	}
	s, err := launch(ts.MkAbs("."), scriptEnviron(ts), args...)
	ts.Check(err)
	ts.Defer(s.kill)
	scriptOf(ts).server = s
	ts.Setenv("ADDR", s.addr)
	ts.Setenv("URL", "http://"+s.addr)
}

func scriptStop(ts *testscript.TestScript, _ bool, _ []string) {
	s := scriptOf(ts).server
	if s == nil {
		ts.Fatalf("nothing serves")
	}
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	if err := s.wait(); err != nil {
		ts.Fatalf("after SIGTERM: %v\n%s", err, s.log.String())
	}
	ts.Check(os.WriteFile(ts.MkAbs("serve.out"), s.out.Bytes(), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("serve.log"), s.log.Bytes(), 0o600))
}

func scriptCall(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: call METHOD PATH [BODY]")
	}
	body := strings.Join(args[2:], " ")
	req, err := http.NewRequest(args[0], ts.Getenv("URL")+args[1], strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+ts.Getenv("POSTERN_API_KEY"))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), answer, 0o600))
	ts.Setenv("STATUS", strconv.Itoa(res.StatusCode))
	ts.Logf("%s", bytes.TrimSpace(answer))
}

func scriptCapture(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: capture NAME REGEXP FILE")
	}
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile(args[2]))
	if len(found) != 2 {
		ts.Fatalf("%s: no %s in:\n%s", args[0], args[1], ts.ReadFile(args[2]))
	}
	ts.Setenv(args[0], found[1])
}

// scriptExits runs a command line and checks its exit code.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG …]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = ended.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}
