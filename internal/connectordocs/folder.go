package connectordocs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/markdown"
)

const (
	indexName              = "README.md"
	fileMode   fs.FileMode = 0o644
	folderMode fs.FileMode = 0o755
)

// Change is what Write did to the folder, by the names of files in order.
type Change struct {
	Written, Removed []string
	// Kept is how many pages said the same already.
	Kept int
}

// Write brings a folder of pages up to date: a page a connector, and an index
// that links them and the other Markdown files there. Pages of connectors that
// are gone are removed. A file that it did not write is never touched: one
// that is in the way is an error, before anything is written.
func Write(dir string, factories []connector.Factory) (change Change, err error) {
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return Change{}, fmt.Errorf("make the folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Change{}, fmt.Errorf("open the folder: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	there, err := readFolder(root)
	if err != nil {
		return Change{}, err
	}
	pages := map[string]string{}
	for _, f := range factories {
		pages[f.Metadata().ID+".md"] = Page(f)
	}
	pages[indexName] = index(factories, there)
	for name := range pages {
		if text, exists := there[name]; exists && !generated(text) {
			return Change{}, fmt.Errorf("%s is in the way: it was not written by postern connectors docs; move or remove it",
				filepath.Join(dir, name))
		}
	}
	return write(root, there, pages)
}

// generated reports whether this package wrote a file.
func generated(text string) bool { return strings.HasPrefix(text, markerBegin) }

// readFolder reads the Markdown files of a folder, by their names.
func readFolder(root *os.Root) (map[string]string, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("read the folder: %w", err)
	}
	there := map[string]string{}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".md" || entry.IsDir() {
			continue
		}
		text, err := root.ReadFile(entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		there[entry.Name()] = string(text)
	}
	return there, nil
}

func write(root *os.Root, there, pages map[string]string) (Change, error) {
	var change Change
	var failed error
	for _, name := range names(pages) {
		if there[name] == pages[name] {
			change.Kept++
			continue
		}
		if err := root.WriteFile(name, []byte(pages[name]), fileMode); err != nil {
			failed = errors.Join(failed, fmt.Errorf("write: %w", err))
			continue
		}
		change.Written = append(change.Written, name)
	}
	for _, name := range names(there) {
		if _, current := pages[name]; current || !generated(there[name]) {
			continue
		}
		if err := root.Remove(name); err != nil {
			failed = errors.Join(failed, fmt.Errorf("remove: %w", err))
			continue
		}
		change.Removed = append(change.Removed, name)
	}
	return change, failed
}

// index is the page that links all others.
func index(factories []connector.Factory, there map[string]string) string {
	var b strings.Builder
	b.WriteString(marker)
	b.WriteString("# Connectors\n\nWhat mails can go out through. Each page has the settings and a guide.\n\n")
	b.WriteString("| Connector | | Factory id | Events |\n| --- | --- | --- | --- |\n")
	for _, f := range factories {
		meta := f.Metadata()
		events := "no"
		if len(meta.Events) > 0 {
			events = "yes"
		}
		fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s | %s |\n",
			markdown.Cell(Name(meta)), meta.ID, markdown.Cell(meta.Description["en"]), markdown.Code(meta.ID), events)
	}
	var more strings.Builder
	for _, name := range names(there) {
		if generated(there[name]) || name == indexName {
			continue
		}
		title, _ := markdown.Title(there[name])
		if title == "" {
			title = name
		}
		fmt.Fprintf(&more, "* [%s](%s)\n", title, name)
	}
	if more.Len() > 0 {
		b.WriteString("\nMore:\n\n" + more.String())
	}
	return b.String()
}

func names(files map[string]string) []string { return slices.Sorted(maps.Keys(files)) }
