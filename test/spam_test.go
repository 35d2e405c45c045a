//go:build unix

package test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/mime"
	"github.com/postern-mail/postern/internal/templates"
)

// highestScore is what SpamAssassin may say of a built-in mail; receivers
// refuse or file away from 5 on.
const highestScore = 1.0

// SpamAssassin, with the rules of its package and without network, finds next
// to nothing in the built-in mails as they arrive at a receiver.
func TestSpamScore(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SpamAssassin is left out with -short")
	}
	mails := builtinMails(t)
	// It is awake: this line is spam to every filter (https://spamassassin.apache.org/gtube/).
	const spam, gtube = "spam", "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
	mails[spam] = received(t, connector.Message{ID: spam, Subject: "Hello", Text: "Hello\n" + gtube + "\n"})
	found := spamScores(t, mails)
	if len(found) != len(mails) {
		t.Errorf("%d scores for %d mails", len(found), len(mails))
	}
	if got := found[spam]; got.score < 100 {
		t.Errorf("spam has the score %g for %s", got.score, got.rules)
	}
	for name, got := range found {
		if got.score >= highestScore && name != spam {
			t.Errorf("%s: score %g for %s", name, got.score, got.rules)
		}
	}
	t.Log(found)
}

// builtinMails returns complete mails: a sign-in in every language, and every
// type in languages of four scripts, with and without names.
func builtinMails(t *testing.T) map[string][]byte {
	t.Helper()
	builtin, err := templates.NewBuiltin()
	if err != nil {
		t.Fatal(err)
	}
	mails := make(map[string][]byte)
	for _, tag := range builtin.Languages() {
		for _, kind := range connector.TemplateTypes() {
			if kind != connector.SignIn && !slices.Contains([]string{"en", "de", "ar", "ja"}, tag) {
				continue
			}
			payload := map[string]any{"code": "482913", "link": "https://acme.example.com/join?id=7f2c9a&token=w8Zk3qXv"}
			o := templates.Options{Locale: tag, Validity: 10 * time.Minute}
			if len(mails)%2 == 0 {
				payload["application"] = map[string]any{"name": "Acme", "branding": map[string]any{
					"logoUrl": "https://acme.example.com/logo.png", "darkLogoUrl": "https://acme.example.com/dark.png",
				}}
				payload["organization"] = map[string]any{"name": "Umbrella Ltd"}
				payload["inviter"] = map[string]any{"name": "Bob Li"}
				o.Branding = templates.Branding{SenderName: "Acme Accounts", CompanyInformation: "Acme Inc., 1 Long Road\nSpringfield"}
			}
			r, err := builtin.Render(kind, payload, o)
			if err != nil {
				t.Fatal(err)
			}
			id := tag + "-" + string(kind)
			mails[id] = received(t, connector.Message{ID: id, Type: kind, Subject: r.Subject, HTML: r.HTML, Text: r.Text, Locale: tag})
		}
	}
	return mails
}

// received returns a mail as the receiver's server keeps it: with the line that
// this server adds on top. Without it rules about the way of a mail would judge
// one that never travelled. It comes straight from its sender, with which they
// are stricter; an address reserved for documentation would be a reason to
// refuse it.
func received(t *testing.T, m connector.Message) []byte {
	t.Helper()
	m.To = "ann@reader.example.org"
	date := time.Now().UTC()
	raw, err := mime.Build(m, mime.Options{From: connector.Mailbox{Name: "Acme", Address: "no-reply@acme.example.com"}, Date: date})
	if err != nil {
		t.Fatal(err)
	}
	trace := fmt.Sprintf("Received: from mail.acme.example.com (mail.acme.example.com [192.0.43.10])\n"+
		"\tby mx.reader.example.org with ESMTPS id 4Wq1 for <ann@reader.example.org>;\n\t%s\n", date.Format(time.RFC1123Z))
	return append([]byte(trace), bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))...)
}

// spamScore is what SpamAssassin thinks of one mail.
type spamScore struct {
	score float64
	rules string
}

// spamConfig has SpamAssassin write its opinion on one line. Of its plugins
// there are those that look at the mail alone.
const spamConfig = `
use_bayes 0
use_learner 0
dns_available no
fold_headers 0
clear_headers
add_header all Score _SCORE_ _TESTS(,)_ end
`

func spamPlugins() []string {
	return []string{
		"BodyEval", "Check", "DNSEval", "FreeMail", "HTMLEval", "HTTPSMismatch", "HeaderEval", "ImageInfo", "MIMEEval",
		"MIMEHeader", "RelayEval", "ReplaceTags", "URIDetail", "URIEval", "VBounce", "WLBLEval", "WelcomeListSubject",
	}
}

// spamScores has one process look at all mails, which it names by their
// Message-ID.
func spamScores(t *testing.T, mails map[string][]byte) map[string]spamScore {
	t.Helper()
	const program = "spamassassin"
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("this needs the program %s: run scripts/install-test-tools, or leave it out with -short", program)
	}
	folder := t.TempDir()
	plugins := "enable_compat welcomelist_blocklist\n"
	for _, name := range spamPlugins() {
		plugins += "loadplugin Mail::SpamAssassin::Plugin::" + name + "\n"
	}
	var box bytes.Buffer
	for _, mail := range mails {
		fmt.Fprintf(&box, "From no-reply@acme.example.com %s\n%s\n", time.Now().UTC().Format(time.ANSIC), mail)
	}
	for name, content := range map[string]string{"test.pre": plugins, "test.cf": spamConfig, "box": box.String()} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command(program, "--local", "--test-mode", "--nocreate-prefs", "--configpath=/usr/share/spamassassin",
		"--siteconfigpath="+folder, "--prefspath="+filepath.Join(folder, "none"), "--mbox", filepath.Join(folder, "box"))
	command.Env = append(os.Environ(), "HOME="+folder, "LC_ALL=C")
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, said.String())
	}
	result := make(map[string]spamScore)
	opinion := regexp.MustCompile(`(?m)^X-Spam-Score: (\S+) (\S+) end$`)
	id := regexp.MustCompile(`(?m)^Message-ID: <(\S+)@`)
	for judged := range strings.SplitSeq(string(out), "\nFrom no-reply@") {
		name, said := id.FindStringSubmatch(judged), opinion.FindStringSubmatch(judged)
		if name == nil || said == nil {
			continue
		}
		score, err := strconv.ParseFloat(said[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		result[name[1]] = spamScore{score, said[2]}
	}
	return result
}
