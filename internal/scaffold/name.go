package scaffold

import (
	"fmt"
	"go/doc"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// nameForm is what a package, a folder, a factory id and a host name can all
// be called.
var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]{1,30}$`)

// CheckName says what is wrong with the name of a new connector, or nil.
func CheckName(name string) error {
	switch {
	case !nameForm.MatchString(name):
		return fmt.Errorf("the name %q: must be 2 to 31 lower-case letters and digits, beginning with a letter, such as %s", name, near(name))
	case token.IsKeyword(name) || doc.IsPredeclared(name):
		return fmt.Errorf("the name %q: has a meaning in Go; take another one, such as %smail", name, name)
	case slices.Contains(taken(), name):
		return fmt.Errorf("the name %q: is that of a package beside it; take another one, such as %smail", name, name)
	}
	return nil
}

// taken are names of packages that a program with the connector imports, and
// of folders that the go command treats in its own way.
func taken() []string {
	return []string{"command", "connector", "connectors", "connectortest", "internal", "main", "os", "providerapi", "testdata", "vendor"}
}

// near is what of a name can be one.
func near(name string) string {
	keep := func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}
	name = strings.TrimLeft(strings.Map(keep, strings.ToLower(name)), "0123456789")
	if name = name[:min(len(name), 31)]; len(name) < 2 || CheckName(name) != nil {
		return "acme"
	}
	return name
}
