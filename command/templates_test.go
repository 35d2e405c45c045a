package command

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/templatefiles"
	"github.com/postern-mail/postern/internal/templates"
)

// templateDouble answers for a service where the real one would have to be
// brought to strange answers. It holds one partial.
type templateDouble struct {
	mu       sync.Mutex
	list     []templateBody
	footer   string
	put      func(putTemplates) (status int, body any)
	problems []templateProblem
	calls    []string // but for reading
}

func (d *templateDouble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	status, body := d.answer(r)
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body)
	}
}

func (d *templateDouble) answer(r *http.Request) (int, any) {
	if r.Method != http.MethodGet {
		d.calls = append(d.calls, r.Method+" "+r.URL.EscapedPath())
	}
	switch r.Method + " " + r.URL.Path {
	case "GET " + templatesPath:
		return http.StatusOK, d.list
	case "GET " + partialsPath:
		return http.StatusOK, []partialBody{{Name: "footer", Content: d.footer}}
	case "PUT " + templatesPath:
		var body putTemplates
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			return http.StatusBadRequest, nil
		}
		return d.put(body)
	case "PUT " + partialsPath + "/footer":
		var body partialBody
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			return http.StatusBadRequest, nil
		}
		d.footer = body.Content
		return http.StatusOK, body
	case "POST " + templatesPath + "/check":
		return http.StatusOK, map[string]any{"problems": d.problems}
	case "DELETE " + templatesPath + "/odd/id":
		return http.StatusNoContent, nil
	case "DELETE " + partialsPath + "/footer":
		return http.StatusUnprocessableEntity, map[string]any{"code": "entity.in_use", "message": "Some include it.", "data": map[string]any{"templates": []any{}}}
	}
	return http.StatusNotFound, nil
}

// templateFolder writes files and returns their folder.
func templateFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const goodTemplate = "---\nsubject: Code\n---\n<p>{{code}}</p>\n"

func TestCheckPointsIntoTheFile(t *testing.T) {
	t.Parallel()
	d := &templateDouble{problems: []templateProblem{
		{"error", "missing_code", "The code is missing.", "content", 0, 0},
		{"warning", "long", "The\x1b[31m line is long.", "content", 2, 7},
		{"warning", "subject", "The subject is odd.", "subject", 1, 3},
	}}
	dir := templateFolder(t, map[string]string{"en/SignIn.html": "---\nsubject: \"Code\"\n---\none\ntwo words\n", "partials/footer.html": "x\n"})
	file := filepath.Join(dir, "en", "SignIn.html")
	address := answering(t, d.ServeHTTP)
	code, out, errs := runWith(t, "", "templates", "check", "--url", address, "--dir", dir)
	want := file + ":4: error: The code is missing.\n" + file + ":5:7: warning: The^[[31m line is long.\n" + file + ":2:13: warning: The subject is odd.\n"
	if code != exitFailed || out != want || errs != "postern: 1 error and 2 warnings in 1 file\n" {
		t.Errorf("exit code %d, got\n%s%s\nwant\n%s", code, out, errs, want)
	}
	code, out, _ = runWith(t, "", "templates", "check", "--url", address, "--dir", dir, "--json")
	var list []fileProblem
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != exitFailed {
		t.Fatalf("exit code %d, %v: %s", code, err, out)
	}
	if want := (fileProblem{file, 5, 7, "warning", "long", "The\x1b[31m line is long."}); len(list) != 3 || list[1] != want {
		t.Errorf("got %+v, want %+v", list, want)
	}
	d.problems = d.problems[1:]
	code, out, errs = runWith(t, "", "templates", "check", "--url", address, "--dir", dir)
	if code != exitOK || !strings.HasSuffix(out, "0 errors and 2 warnings in 1 file\n") || errs != "" {
		t.Errorf("warnings only: exit code %d, %q, %q", code, out, errs)
	}
}

func TestPushPutsPartialsBackWhenTemplatesAreRefused(t *testing.T) {
	t.Parallel()
	d := &templateDouble{footer: "before"}
	d.put = func(putTemplates) (int, any) {
		return http.StatusBadRequest, map[string]any{"code": "guard.invalid_input", "message": "No.", "details": "…", "data": map[string]any{"issues": []any{
			map[string]any{"path": []any{"templates", 1, "details", "content"}, "message": "template: line 2, column 3: blocks are nested deeper than 16"},
			map[string]any{"path": []any{"templates", 0, "details", "replyTo"}, "message": "is odd"},
		}}}
	}
	dir := templateFolder(t, map[string]string{
		"de/SignIn.html": goodTemplate, "en/SignIn.html": "---\nsubject: x\n---\n\n<p>{{code}}</p>\n", "partials/footer.html": "after\n",
	})
	code, _, errs := runWith(t, "", "templates", "push", "--yes", "--url", answering(t, d.ServeHTTP), "--dir", dir)
	want := filepath.Join(dir, "en", "SignIn.html") + ":5:3: error: blocks are nested deeper than 16\n" +
		filepath.Join(dir, "de", "SignIn.html") + ":1: error: replyTo: is odd\n" +
		"postern: nothing was pushed: the service refused 2 values (guard.invalid_input)\n"
	if code != exitFailed || errs != want {
		t.Errorf("exit code %d, got\n%swant\n%s", code, errs, want)
	}
	if d.footer != "before" {
		t.Errorf("the partial is %q", d.footer)
	}
	if calls := []string{"PUT " + partialsPath + "/footer", "PUT " + templatesPath, "PUT " + partialsPath + "/footer"}; !slices.Equal(d.calls, calls) {
		t.Errorf("calls %q", d.calls)
	}
}

func TestPushDeletesLastAndTellsHowFarItCame(t *testing.T) {
	t.Parallel()
	d := &templateDouble{list: []templateBody{{ID: "odd/id", Language: "fr", Type: connector.SignIn, Details: templates.Details{Subject: "x", Content: "x"}}}}
	d.put = func(body putTemplates) (int, any) {
		body.Templates[0].Problems = []templateProblem{{"warning", "long", "The line is long.", "content", 1, 2}}
		return http.StatusOK, body.Templates
	}
	dir := templateFolder(t, map[string]string{"de/SignIn.html": goodTemplate})
	code, _, errs := runWith(t, "", "templates", "push", "--yes", "--prune", "--url", answering(t, d.ServeHTTP), "--dir", dir)
	want := filepath.Join(dir, "de", "SignIn.html") + ":4:2: warning: The line is long.\n" +
		"postern: all files are stored, but " + filepath.Join(dir, "partials", "footer.html") + " is not deleted: Some include it. (entity.in_use)\n"
	if code != exitFailed || errs != want {
		t.Errorf("exit code %d, got\n%swant\n%s", code, errs, want)
	}
	if calls := []string{"PUT " + templatesPath, "DELETE " + templatesPath + "/odd%2Fid", "DELETE " + partialsPath + "/footer"}; !slices.Equal(d.calls, calls) {
		t.Errorf("calls %q", d.calls)
	}
}

func TestPushIsOneCallOrNone(t *testing.T) {
	t.Parallel()
	d := &templateDouble{}
	large := map[string]string{"partials/footer.html": "\n"}
	many := map[string]string{"partials/footer.html": "\n"}
	for i := range 30 {
		for _, typ := range connector.TemplateTypes() {
			name := fmt.Sprintf("x-%d/%s.html", i, typ)
			many[name] = goodTemplate
			if i < 1 {
				large[name] = goodTemplate + strings.Repeat("<p>\n", 50_000)
			}
		}
	}
	for want, files := range map[string]map[string]string{
		"270 templates are to be stored, and one call, all or nothing, takes 200: push some languages": many,
		"KiB are to be stored, and one call, all or nothing, takes 1024 KiB: push some languages":      large,
	} {
		for _, flag := range []string{"--yes", "--dry-run"} {
			code, _, errs := runWith(t, "", "templates", "push", flag, "--url", answering(t, d.ServeHTTP), "--dir", templateFolder(t, files))
			if code != exitFailed || !strings.Contains(errs, want) || len(d.calls) > 0 {
				t.Errorf("%s: exit code %d, %q, calls %q", flag, code, errs, d.calls)
			}
		}
	}
}

func TestPushNoticesOthers(t *testing.T) {
	t.Parallel()
	d := &templateDouble{footer: "x"}
	base, err := url.Parse(answering(t, d.ServeHTTP))
	if err != nil {
		t.Fatal(err)
	}
	c, f := &client{base: base, key: testKey}, templateFlags{languages: new([]string)}
	there, err := fetch(t.Context(), c, f, local{})
	if err != nil {
		t.Fatal(err)
	}
	if err := there.still(t.Context(), c, f, local{}); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	d.footer = "y"
	if err := there.still(t.Context(), c, f, local{}); err == nil {
		t.Error("a change was not noticed")
	}
}

// A service that is not to be trusted names files, too.
func TestPullWritesNothingForStrangeNames(t *testing.T) {
	t.Parallel()
	d := &templateDouble{list: []templateBody{
		{Language: "en", Type: connector.SignIn, Details: templates.Details{Subject: "x", Content: "x"}},
		{Language: "../en", Type: connector.SignIn, Details: templates.Details{Subject: "x", Content: "x"}},
	}}
	dir := filepath.Join(t.TempDir(), "templates")
	code, _, errs := runWith(t, "", "templates", "pull", "--url", answering(t, d.ServeHTTP), "--dir", dir)
	if _, err := os.Stat(dir); code != exitFailed || !strings.Contains(errs, "cannot be a file: its language is no language tag") || !os.IsNotExist(err) {
		t.Errorf("exit code %d, %q, %v", code, errs, err)
	}
}

func TestDiffsOnTerminals(t *testing.T) {
	t.Parallel()
	c := templatefiles.Change{
		Kind: templatefiles.Changed,
		Was:  templatefiles.Partial("a", "---\nx\u202ey\nz"), Is: templatefiles.Partial("a", "---\n\x1b[2Jx\r\nz"),
	}
	text := c.Unified("was/", "is/")
	var plain, seen, coloured strings.Builder
	for _, w := range []struct {
		to       *strings.Builder
		terminal bool
		on       paint
	}{{&plain, false, false}, {&seen, true, false}, {&coloured, true, true}} {
		if err := printUnified(w.to, w.terminal, w.on, text); err != nil {
			t.Fatal(err)
		}
	}
	if plain.String() != text {
		t.Errorf("for programs: %q", plain.String())
	}
	const head = "diff was/partials/a.html is/partials/a.html\n--- was/partials/a.html\n+++ is/partials/a.html\n@@ -1,3 +1,3 @@\n"
	if want := head + " ---\n-x<U+202E>y\n+^[[2Jx^M\n z\n"; seen.String() != want {
		t.Errorf("for people: got\n%s\nwant\n%s", seen.String(), want)
	}
	if got := coloured.String(); !strings.Contains(got, "\x1b[1m--- was/partials/a.html\x1b[0m\n") || !strings.Contains(got, "\x1b[31m-x") || !strings.Contains(got, "\x1b[32m+^[") {
		t.Errorf("in colours: %q", got)
	}
}
