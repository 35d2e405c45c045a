package templatefiles

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/postern-mail/postern/connector"
)

// Read reads a folder. What cannot be taken for templates is told in problems;
// the entries are the rest. The error is for a folder that cannot be read, and
// is fs.ErrNotExist for one that is not there.
//
// Hidden files are passed over, and so are files beside the folders that do not
// look like templates. Nothing outside of the folder is read, whatever its
// links say.
func Read(dir string) ([]Entry, []Problem, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("read templates: %w", err)
	}
	defer func() { _ = root.Close() }() // was only read
	r := reader{root: root, languages: make(map[string]string)}
	if err := r.readAll(); err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	return Sorted(r.entries), r.problems, nil
}

type reader struct {
	root      *os.Root
	languages map[string]string // folders by language in lower case
	entries   []Entry
	problems  []Problem
}

func (r *reader) refuse(name string, p *Problem) {
	p.Path = name
	r.problems = append(r.problems, *p)
}

func (r *reader) readAll() error {
	names, err := r.list(".")
	if err != nil {
		return err
	}
	for _, name := range names {
		info, ok := r.stat(name)
		switch {
		case !ok:
		case info.IsDir() && name == partialsFolder:
			err = r.readFolder(name, r.partial)
		case info.IsDir():
			err = r.readLanguage(name)
		default:
			if _, known := contentTypeOf(path.Ext(name)); known {
				r.refuse(name, at(0, "must be in a folder that is called as its language, such as en/%s", name))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// list returns what is in a folder and not hidden, in order.
func (r *reader) list(folder string) ([]string, error) {
	list, err := fs.ReadDir(r.root.FS(), folder)
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	var names []string
	for _, entry := range list {
		if !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// stat looks at a name; not ok when that was refused.
func (r *reader) stat(name string) (fs.FileInfo, bool) {
	info, err := r.root.Stat(name)
	if err == nil {
		return info, true
	}
	if link, linkErr := r.root.Lstat(name); linkErr == nil && link.Mode()&fs.ModeSymlink != 0 {
		r.refuse(name, at(0, "is a link that leads out of the folder, or nowhere"))
	} else {
		r.refuse(name, at(0, "cannot be read"))
	}
	return nil, false
}

func (r *reader) readLanguage(folder string) error {
	if !validLanguage(folder) {
		r.refuse(folder, at(0, "is no language tag, such as de or pt-BR"))
		return nil
	}
	other, twice := r.languages[strings.ToLower(folder)]
	if twice {
		r.refuse(folder, at(0, "is the same language as %s: put both into one folder", other))
		return nil
	}
	r.languages[strings.ToLower(folder)] = folder
	seen := make(map[connector.TemplateType]string)
	return r.readFolder(folder, func(folder, name string) (Entry, *Problem) { return r.template(folder, name, seen) })
}

// readFolder reads the files of a folder as entries.
func (r *reader) readFolder(folder string, read func(folder, name string) (Entry, *Problem)) error {
	names, err := r.list(folder)
	if err != nil {
		return err
	}
	for _, name := range names {
		full := path.Join(folder, name)
		info, ok := r.stat(full)
		if !ok {
			continue
		}
		if !info.Mode().IsRegular() {
			r.refuse(full, at(0, "is no file; a language's folder and partials/ hold files only"))
			continue
		}
		if e, problem := read(folder, name); problem != nil {
			r.refuse(full, problem)
		} else {
			r.entries = append(r.entries, e)
		}
	}
	return nil
}

func (r *reader) template(folder, name string, seen map[connector.TemplateType]string) (Entry, *Problem) {
	ending := path.Ext(name)
	t := connector.TemplateType(strings.TrimSuffix(name, ending))
	contentType, ok := contentTypeOf(ending)
	if !ok || !t.Valid() {
		return Entry{}, unknownName(t, ending)
	}
	if other := seen[t]; other != "" {
		return Entry{}, at(0, "is a second template for %s beside %s: keep one of the two", t, other)
	}
	seen[t] = name
	e := Entry{Language: folder, Type: t}
	e.Details.ContentType = contentType
	data, problem := r.file(path.Join(folder, name))
	if problem == nil {
		problem = e.parseTemplate(data)
	}
	return e, problem
}

// unknownName says what a file in a language's folder should be called.
func unknownName(t connector.TemplateType, ending string) *Problem {
	words := make([]string, 0, len(connector.TemplateTypes()))
	for _, known := range connector.TemplateTypes() {
		if strings.EqualFold(string(known), string(t)) {
			return at(0, "must be called %s.html or %s.txt", known, known)
		}
		words = append(words, string(known))
	}
	if _, ok := contentTypeOf(ending); !ok {
		return at(0, "must be called as a template type with .html or .txt, such as SignIn.html")
	}
	return at(0, "%q is none of the template types: %s", t, strings.Join(words, ", "))
}

func (r *reader) partial(folder, name string) (Entry, *Problem) {
	bare, ok := strings.CutSuffix(name, ".html")
	if !ok || !validPartial(bare) {
		return Entry{}, at(0, "must be called NAME.html, with 1 to %d letters, digits, - and _", maxName)
	}
	e := Entry{Partial: bare}
	data, problem := r.file(path.Join(folder, name))
	if problem == nil {
		problem = e.parsePartial(data)
	}
	return e, problem
}

// file reads a regular file, up to one byte more than may be.
func (r *reader) file(name string) ([]byte, *Problem) {
	f, err := r.root.Open(name)
	if err != nil {
		return nil, at(0, "cannot be read")
	}
	defer func() { _ = f.Close() }() // was only read
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, at(0, "cannot be read")
	}
	return data, nil
}
