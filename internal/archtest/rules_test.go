package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

// rule finds what is wrong in a tree: one line each.
type rule func(t tree) []string

// downward: imports lead to lower levels only, and every package has one.
func downward(levels map[string]int) rule {
	return func(t tree) (wrong []string) {
		for _, dir := range t.dirs() {
			level, known := levels[dir]
			if !known {
				wrong = append(wrong, fmt.Sprintf("%s has no level: give it one in levels_test.go", dir))
				continue
			}
			for _, imported := range t[dir].imports() {
				to, ok := local(imported)
				if ok && levels[to] >= level {
					wrong = append(wrong, fmt.Sprintf("%s (level %d) imports %s (level %d)", dir, level, to, levels[to]))
				}
			}
		}
		for dir := range levels {
			if t[dir] == nil {
				wrong = append(wrong, fmt.Sprintf("%s has a level, but is not there", dir))
			}
		}
		return wrong
	}
}

// atHome: a library is imported only by the packages that wrap it. Tests may
// use what they like.
func atHome(homes map[string][]string) rule {
	return func(t tree) (wrong []string) {
		for _, dir := range t.dirs() {
			for _, imported := range t[dir].imports() {
				for library, packages := range homes {
					if within(imported, library) && !slices.Contains(packages, dir) {
						wrong = append(wrong, fmt.Sprintf("%s imports %s, which belongs to %s", dir, imported,
							strings.Join(append(packages, "tests"), ", ")))
					}
				}
			}
		}
		return wrong
	}
}

// alone: the public kit needs nothing but the standard library.
func alone(packages map[string][]string) rule {
	return func(t tree) (wrong []string) {
		for dir, allowed := range packages {
			if t[dir] == nil {
				continue
			}
			for _, imported := range t[dir].imports() {
				to, ours := local(imported)
				first, _, _ := strings.Cut(imported, "/")
				if ours && !slices.Contains(allowed, to) || !ours && strings.Contains(first, ".") {
					wrong = append(wrong, fmt.Sprintf("%s imports %s", dir, imported))
				}
			}
		}
		return wrong
	}
}

// shortChains: no chain of imports is longer than limit packages.
func shortChains(limit int) rule {
	return func(t tree) (wrong []string) {
		longest := map[string][]string{}
		var chain func(dir string) []string
		chain = func(dir string) []string {
			if known, ok := longest[dir]; ok {
				return known
			}
			longest[dir] = []string{dir} // the compiler refuses circles
			var below []string
			for _, imported := range t[dir].imports() {
				if to, ok := local(imported); ok && t[to] != nil {
					if c := chain(to); len(c) > len(below) {
						below = c
					}
				}
			}
			longest[dir] = append([]string{dir}, below...)
			return longest[dir]
		}
		for _, dir := range t.dirs() {
			if c := chain(dir); len(c) > limit {
				wrong = append(wrong, fmt.Sprintf("%d packages in a chain: %s", len(c), strings.Join(c, " -> ")))
			}
		}
		return wrong
	}
}

// documented: each package has one comment, in doc.go, and it begins as
// godoc has it. The root's is in postern.go, where its whole API is.
func documented(t tree) (wrong []string) {
	for _, dir := range t.dirs() {
		home := path.Join(dir, "doc.go")
		if dir == "." {
			home = "postern.go"
		}
		begin := "Package " + t[dir].name + " "
		if t[dir].name == "main" {
			begin = "Command " + path.Base(dir) + " "
		}
		found := false
		for _, f := range t[dir].files {
			doc := f.ast.Doc.Text()
			switch {
			case f.path == home:
				found = strings.HasPrefix(doc, begin)
			case doc != "" && !f.test:
				wrong = append(wrong, fmt.Sprintf("%s holds a package comment, which belongs in %s", f.path, home))
			}
		}
		if !found {
			wrong = append(wrong, fmt.Sprintf("%s needs a comment that begins with %q", home, begin))
		}
	}
	return wrong
}

// telling: a package's name says what it owns, and is that of its folder.
func telling(vague []string) rule {
	return func(t tree) (wrong []string) {
		for _, dir := range t.dirs() {
			name := t[dir].name
			if slices.Contains(vague, name) || slices.Contains(vague, path.Base(dir)) {
				wrong = append(wrong, fmt.Sprintf("%s: the name %s says nothing of what it owns", dir, name))
			}
			if name != "main" && dir != "." && name != path.Base(dir) {
				wrong = append(wrong, fmt.Sprintf("%s holds package %s", dir, name))
			}
		}
		return wrong
	}
}

// explicit: nothing happens by being imported.
func explicit(t tree) (wrong []string) {
	for _, dir := range t.dirs() {
		for _, f := range t[dir].files {
			for _, decl := range f.ast.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					wrong = append(wrong, f.path+" has a function init")
				}
			}
		}
	}
	return wrong
}

// small: no file is longer than limit lines, unless it is generated.
func small(limit int) rule {
	return func(t tree) (wrong []string) {
		for _, dir := range t.dirs() {
			for _, f := range t[dir].files {
				if f.lines > limit && !ast.IsGenerated(f.ast) {
					wrong = append(wrong, fmt.Sprintf("%s has %d lines", f.path, f.lines))
				}
			}
		}
		return wrong
	}
}

// listed: each folder in connectors is one line in Builtin, and the other way
// round.
func listed(t tree) (wrong []string) {
	lines := map[string]int{}
	for _, dir := range calledByBuiltin(t["connectors"]) {
		lines[dir]++
		if t[dir] == nil {
			wrong = append(wrong, fmt.Sprintf("connectors.Builtin lists %s, which is no folder of connectors", dir))
		}
	}
	for _, dir := range t.dirs() {
		if path.Dir(dir) == "connectors" && lines[dir] != 1 {
			wrong = append(wrong, fmt.Sprintf("%s is %d times in connectors.Builtin, not once", dir, lines[dir]))
		}
	}
	return wrong
}

// calledByBuiltin returns the folders of the packages whose functions Builtin
// calls.
func calledByBuiltin(list *folder) []string {
	var dirs []string
	if list == nil {
		return nil
	}
	for _, f := range list.files {
		folders := map[string]string{} // by the package's name in this file
		for i, imported := range f.imports() {
			name := path.Base(imported)
			if alias := f.ast.Imports[i].Name; alias != nil {
				name = alias.Name
			}
			folders[name], _ = local(imported)
		}
		for _, decl := range f.ast.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Name.Name != "Builtin" || f.test {
				continue
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if fun, ok := call.Fun.(*ast.SelectorExpr); ok {
						if pkg, ok := fun.X.(*ast.Ident); ok {
							dirs = append(dirs, folders[pkg.Name])
						}
					}
				}
				return true
			})
		}
	}
	return dirs
}
