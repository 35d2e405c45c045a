package command

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// runWith runs a command line and returns the exit code and what it printed.
func runWith(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, process{
		stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs, environ: []string{"POSTERN_API_KEY=" + testKey},
	})
	return code, out.String(), errs.String()
}

// answering starts a server that answers everything alike.
func answering(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

func TestSendAsksAsItWasTold(t *testing.T) {
	t.Parallel()
	type asked struct {
		method, path, auth, prefer, contentType string
		body                                    map[string]any
	}
	var got asked
	url := answering(t, func(w http.ResponseWriter, r *http.Request) {
		got = asked{
			r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Prefer"), r.Header.Get("Content-Type"), nil,
		}
		if err := json.NewDecoder(r.Body).Decode(&got.body); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"id":"m1","status":"sent"}`)
	})
	code, out, errs := runWith(t, `{"code":"123456","n":1.0}`, "send", "--url", url+"/behind/a/proxy", "--to", "ann@example.com",
		"--type", "SignIn", "--payload", "-", "--wait", "5s")
	if code != exitOK || out != "m1 sent\n" || errs != "" {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	if got.method != http.MethodPost || got.path != "/behind/a/proxy/api/messages" || got.auth != "Bearer "+testKey ||
		got.prefer != "wait=5" || got.contentType != "application/json" {
		t.Errorf("asked with %+v", got)
	}
	payload, _ := got.body["payload"].(map[string]any)
	if got.body["to"] != "ann@example.com" || got.body["type"] != "SignIn" || payload["code"] != "123456" {
		t.Errorf("asked for %v", got.body)
	}
	if code, _, _ := runWith(t, "", "send", "--url", url, "--to", "a@b.c", "--type", "SignIn", "--wait", "0s"); code != exitOK || got.prefer != "" {
		t.Errorf("without waiting: exit code %d, Prefer %q", code, got.prefer)
	}
}

func TestSendTellsWhatBecameOfTheMail(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]int{
		"accepted": exitOK, "sent": exitOK, "failed": exitFailed, "expired": exitFailed,
		"superseded": exitFailed, "suppressed": exitFailed,
	} {
		url := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, `{"id":"m1","status":"`+status+`"}`)
		})
		code, out, errs := runWith(t, "", "send", "--url", url, "--to", "a@b.c", "--type", "SignIn")
		if code != want || out != "m1 "+status+"\n" {
			t.Errorf("%s: exit code %d, %q", status, code, out)
		}
		if (errs != "") != (want == exitFailed) {
			t.Errorf("%s: stderr %q", status, errs)
		}
	}
}

func TestAnswersThatAreNotPosterns(t *testing.T) {
	t.Parallel()
	elsewhere := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed, with %q", r.Header.Get("Authorization"))
	})
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"another service": {
			func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusNotFound) },
			"answered 404 Not Found; is it Postern?",
		},
		"a page": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
			"answered with something else than JSON; is it Postern?",
		},
		"a redirect": {
			func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
			},
			"answered 307 Temporary Redirect; is it Postern?",
		},
		"an endless answer": {
			func(w http.ResponseWriter, _ *http.Request) {
				for {
					if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<16)); err != nil {
						return
					}
				}
			},
			"answered with something else than JSON; is it Postern?",
		},
		"a refusal with details": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"code":"guard.invalid_input","message":"It is not valid.","details":"to: not one\ntype: bad"}`)
			},
			"It is not valid. to: not one; type: bad (guard.invalid_input)",
		},
		"a broken connection": {
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"cannot reach ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := answering(t, test.handler)
			code, out, errs := runWith(t, "", "send", "--url", url, "--to", "a@b.c", "--type", "SignIn")
			if code != exitFailed || out != "" || !strings.Contains(errs, test.want) || strings.Count(errs, "\n") != 1 {
				t.Errorf("exit code %d, %q, %q; want %q", code, out, errs, test.want)
			}
			if strings.Contains(errs, testKey) {
				t.Error("the error shows the key")
			}
		})
	}
}
