package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Postern is the path of the module that holds the kit.
const Postern = "github.com/postern-mail/postern"

// Module is a Go module.
type Module struct {
	Path string // of go.mod's module directive
	Root string // the folder of go.mod
	// HasKit says that it is Postern itself, or names it in a requirement.
	HasKit bool
}

// errNoModule is wrapped by the error for a folder outside of any module.
var errNoModule = errors.New("no Go module")

// moduleOf finds the module that a folder is or will be in.
func moduleOf(dir string) (Module, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return Module{}, fmt.Errorf("find the folder: %w", err)
	}
	for {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		switch {
		case err == nil:
			return readModule(at, string(text))
		case !errors.Is(err, fs.ErrNotExist):
			return Module{}, fmt.Errorf("read go.mod: %w", err)
		case filepath.Dir(at) == at:
			return Module{}, fmt.Errorf("%w in %s or above: make one with go mod init example.com/mailer", errNoModule, dir)
		}
		at = filepath.Dir(at)
	}
}

// readModule reads what matters here of a go.mod
// (https://go.dev/ref/mod#go-mod-file).
func readModule(root, text string) (Module, error) {
	m := Module{Root: root}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(line)
		for i, word := range words {
			words[i] = strings.Trim(word, "\"`")
		}
		switch {
		case len(words) == 2 && words[0] == "module":
			m.Path = words[1]
		case len(words) == 3 && words[0] == "require" && words[1] == Postern, len(words) == 2 && words[0] == Postern:
			m.HasKit = true
		}
	}
	if m.Path == "" {
		return Module{}, fmt.Errorf("%s has no module directive", filepath.Join(root, "go.mod"))
	}
	m.HasKit = m.HasKit || m.Path == Postern
	return m, nil
}

// importPath is the import path of a folder of the module.
func (m Module) importPath(dir string) (string, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the folder: %w", err)
	}
	below, err := filepath.Rel(m.Root, absolute)
	if err != nil {
		return "", fmt.Errorf("find the folder: %w", err)
	}
	return path.Join(m.Path, filepath.ToSlash(below)), nil
}
