package templatefiles

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/postern-mail/postern/connector"
)

// Templates go into version control, where everybody may read them; the umask
// says otherwise where that is not so.
const (
	folderMode fs.FileMode = 0o755
	fileMode   fs.FileMode = 0o644
)

// Write writes entries to their files, and makes the folder where it is not
// there. Each file is replaced as a whole, and one of the same template with
// the other ending is removed. Nothing is written outside of the folder,
// whatever the names of entries or the links in the folder say; an entry that
// cannot be a file is refused before any is written.
func Write(dir string, entries []Entry) error {
	if problem := checkNames(entries); problem != nil {
		return problem
	}
	if len(entries) == 0 {
		return nil
	}
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return fmt.Errorf("write templates: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("write templates: %w", err)
	}
	defer func() { _ = root.Close() }() // nothing is left to write
	for _, e := range entries {
		if err := writeOne(root, e); err != nil {
			return fmt.Errorf("write %s: %w", e.Path(), err)
		}
	}
	return nil
}

// checkNames refuses what can be no file, and what some file systems would put
// into one.
func checkNames(entries []Entry) error {
	seen := make(map[string]bool)
	for _, e := range entries {
		if why := e.valid(); why != "" {
			return fmt.Errorf("%q cannot be a file: %s", e.Path(), why)
		}
		name := strings.ToLower(e.Path())
		if seen[name] {
			return fmt.Errorf("%q cannot be a file: there is one of that name, but for its case", e.Path())
		}
		seen[name] = true
	}
	return nil
}

func writeOne(root *os.Root, e Entry) error {
	name := e.Path()
	folder := path.Dir(name)
	if err := root.MkdirAll(folder, folderMode); err != nil {
		return err
	}
	draft := path.Join(folder, "."+path.Base(name)+".tmp") // hidden: never read as a template
	if err := root.WriteFile(draft, e.Text(), fileMode); err != nil {
		return err
	}
	if err := root.Rename(draft, name); err != nil {
		return errors.Join(err, root.Remove(draft))
	}
	if e.Partial != "" {
		return nil
	}
	for _, t := range []connector.ContentType{connector.TextHTML, connector.TextPlain} {
		if t == e.Details.ContentType {
			continue
		}
		other := path.Join(folder, string(e.Type)+endingOf(t))
		if err := root.Remove(other); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Remove removes the files of entries, and folders that are empty then. Files
// that are not there are gone already.
func Remove(dir string, entries []Entry) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("remove templates: %w", err)
	}
	defer func() { _ = root.Close() }() // nothing is left to write
	for _, e := range entries {
		if err := root.Remove(e.Path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove templates: %w", err)
		}
		_ = root.Remove(path.Dir(e.Path())) // fails while there are others in it
	}
	return nil
}
