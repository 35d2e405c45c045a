package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/postern-mail/postern"

// tree is the module's Go code, by the folders of its packages, relative to
// its root.
type tree map[string]*folder

// folder is one package.
type folder struct {
	name  string // of the package
	files []*file
}

// file is one Go file.
type file struct {
	path  string
	test  bool
	lines int
	ast   *ast.File
}

// parse reads every Go file below root, whatever its build constraints, but
// for other modules, and folders that the go command leaves out too.
func parse(root fs.FS) (tree, error) {
	t := tree{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return enter(root, name)
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		return t.add(root, name)
	})
	return t, err
}

func enter(root fs.FS, name string) error {
	if name == "." {
		return nil
	}
	base := path.Base(name)
	_, err := fs.Stat(root, path.Join(name, "go.mod"))
	if err == nil || strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" {
		return fs.SkipDir
	}
	return nil
}

func (t tree) add(root fs.FS, name string) error {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	dir := path.Dir(name)
	if t[dir] == nil {
		t[dir] = &folder{}
	}
	f := &file{path: name, test: strings.HasSuffix(name, "_test.go"), lines: bytes.Count(text, []byte("\n")), ast: syntax}
	t[dir].files = append(t[dir].files, f)
	if pkg := strings.TrimSuffix(syntax.Name.Name, "_test"); t[dir].name == "" || !f.test {
		t[dir].name = pkg
	}
	return nil
}

// dirs returns the folders in order.
func (t tree) dirs() []string {
	dirs := make([]string, 0, len(t))
	for dir := range t {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs
}

// imports returns what a package imports outside of its tests.
func (f *folder) imports() []string {
	var all []string
	for _, one := range f.files {
		if !one.test {
			all = append(all, one.imports()...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (f *file) imports() []string {
	paths := make([]string, 0, len(f.ast.Imports))
	for _, spec := range f.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// local turns the import path of one of the module's packages into its folder.
func local(importPath string) (dir string, ok bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// within reports whether an import path is prefix or lies below it.
func within(importPath, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return importPath == prefix || strings.HasPrefix(importPath, prefix+"/")
}
