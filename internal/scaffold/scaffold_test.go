package scaffold

import (
	"errors"
	"go/format"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"acme", "s3", "smtp2go", "http", strings.Repeat("a", 31)} {
		if err := CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"": "such as acme", "a": "such as acme", "My-Mail": "such as mymail", "3com": "such as com", "../acme": "such as acme", "acme/x": "such as acmex",
		"ac\nme": "such as acme", "über": "such as ber", strings.Repeat("a", 32): "such as " + strings.Repeat("a", 31),
		"func": "has a meaning in Go", "string": "has a meaning in Go", "nil": "has a meaning in Go",
		"os": "is that of a package", "main": "is that of a package", "internal": "is that of a package", "FUNC": "such as acme",
	} {
		if err := CheckName(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}

func TestReadModule(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Module{
		"module example.com/a\n": {Path: "example.com/a"},
		"// module no\nmodule \"example.com/a\" // b\r\nrequire " + Postern + " v1.0.0": {Path: "example.com/a", HasKit: true},
		"module x\nrequire (\n\texample.com/b v1\n\t" + Postern + " v1 // indirect\n)":  {Path: "x", HasKit: true},
		"module x\nreplace " + Postern + " => ../postern\n":                             {Path: "x"},
		"module x\nrequire " + Postern + "/v2 v2.0.0\n":                                 {Path: "x"},
		"module " + Postern + "\n":                                                      {Path: Postern, HasKit: true},
	} {
		want.Root = "root"
		if got, err := readModule("root", text); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	if m, err := readModule("root", "go 1.26\n"); err == nil {
		t.Errorf("a go.mod without module is read as %+v", m)
	}
}

// module makes a Go module and returns its folder.
func module(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Under its own name, the example comes out as it is.
func TestWriteIsTheExample(t *testing.T) {
	t.Parallel()
	c, err := Write(filepath.Join(module(t, "module example.com/mailer\n"), "mail"), "pigeon")
	if err != nil {
		t.Fatal(err)
	}
	if c.ImportPath != "example.com/mailer/mail/pigeon" || c.Module.HasKit {
		t.Errorf("import path %s, kit %t", c.ImportPath, c.Module.HasKit)
	}
	const example = "../../examples/custom-connector/pigeon"
	n := 0
	err = fs.WalkDir(os.DirFS(example), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		want, err := os.ReadFile(filepath.Join(example, name))
		if err != nil {
			return err
		}
		n++
		if got, err := os.ReadFile(filepath.Join(c.Dir, name)); err != nil || string(got) != string(want) {
			t.Errorf("%s differs: %v", name, err)
		}
		return nil
	})
	if err != nil || n != len(c.Files) {
		t.Errorf("%d files, want %d (%v)", len(c.Files), n, err)
	}
}

// Whatever the name, nothing of the example's stays, and gofmt has nothing to
// say.
func TestWriteRenames(t *testing.T) {
	t.Parallel()
	dir := module(t, "module example.com/mailer\n")
	for _, name := range []string{"ab", "acme", "averylongnameforamailprovider"} {
		c, err := Write(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range c.Files {
			text, err := os.ReadFile(filepath.Join(c.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(strings.ToLower(file+string(text)), modelName) {
				t.Errorf("%s speaks of the example's connector", file)
			}
			if filepath.Ext(file) != ".go" {
				continue
			}
			if formatted, err := format.Source(text); err != nil || string(formatted) != string(text) {
				t.Errorf("%s is not formatted: %v", file, err)
			}
		}
	}
}

func TestWriteTouchesNothing(t *testing.T) {
	t.Parallel()
	dir := module(t, "module example.com/mailer\n")
	if err := os.Mkdir(filepath.Join(dir, "acme"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(dir, "acme"); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("over a folder: %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "acme")); err != nil || len(left) > 0 {
		t.Errorf("something was written: %v, %v", left, err)
	}
	outside := t.TempDir()
	if _, err := Write(filepath.Join(outside, "mail"), "acme"); !errors.Is(err, errNoModule) {
		t.Errorf("outside of a module: %v", err)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("something was written: %v, %v", left, err)
	}
	if _, err := Write(dir, "../acme"); err == nil {
		t.Error("a name that leaves the folder was taken")
	}
}

// In a module of one's own what is written compiles, go vet is content, and
// its tests pass.
func TestWrittenConnectorWorks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the go command")
	}
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	// The requirements are Postern's own, in their versions: all of them are
	// in the module cache, so nothing is downloaded.
	needs, err := os.ReadFile(filepath.Join(repository, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(repository, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	dir := module(t, strings.Replace(string(needs), "module "+Postern+"\n", "module example.com/mailer\n", 1)+
		"\nrequire "+Postern+" v0.0.0\n\nreplace "+Postern+" => "+strconv.Quote(repository)+"\n")
	c, err := Write(dir, "acme")
	if err != nil {
		t.Fatal(err)
	}
	program, err := c.Main()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"go.sum": string(sums), "main.go": program} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"vet", "./..."}, {"test", "./..."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod -buildvcs=false", "GOPROXY=off", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
