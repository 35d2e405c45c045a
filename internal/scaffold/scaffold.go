package scaffold

import (
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/postern-mail/postern/examples"
)

const (
	// program and model are where the example is, modelName what its
	// connector is called.
	program   = "custom-connector"
	modelName = "pigeon"

	fileMode   fs.FileMode = 0o644
	folderMode fs.FileMode = 0o755
)

// Connector is a connector that was written.
type Connector struct {
	Name string
	// Dir is its folder, Files what is in it, relative to Dir and in order.
	Dir   string
	Files []string
	// ImportPath is that of its package in Module.
	ImportPath string
	Module     Module
}

// Write makes the folder NAME in the folder parent, with a connector of that
// name in it. The folder must not be there yet; when it fails it is not there
// afterwards.
func Write(parent, name string) (c Connector, err error) {
	if err := CheckName(name); err != nil {
		return Connector{}, err
	}
	c = Connector{Name: name, Dir: filepath.Join(parent, name)}
	if c.Module, err = moduleOf(parent); err != nil {
		return Connector{}, err
	}
	if c.ImportPath, err = c.Module.importPath(c.Dir); err != nil {
		return Connector{}, err
	}
	files, err := renamed(name)
	if err != nil {
		return Connector{}, err
	}
	if err := os.MkdirAll(parent, folderMode); err != nil {
		return Connector{}, fmt.Errorf("make the folder: %w", err)
	}
	if err := os.Mkdir(c.Dir, folderMode); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return Connector{}, fmt.Errorf("%s is there already: take another name, or another folder with --dir", c.Dir)
		}
		return Connector{}, fmt.Errorf("make the folder: %w", err)
	}
	for name, text := range files {
		if err := write(filepath.Join(c.Dir, filepath.FromSlash(name)), text); err != nil {
			return Connector{}, errors.Join(err, os.RemoveAll(c.Dir))
		}
		c.Files = append(c.Files, name)
	}
	slices.Sort(c.Files)
	return c, nil
}

func write(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), folderMode); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	if err := os.WriteFile(name, text, fileMode); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// renamed returns the files of the example's connector under another name.
func renamed(name string) (map[string][]byte, error) {
	files := map[string][]byte{}
	model := path.Join(program, modelName)
	err := fs.WalkDir(examples.CustomConnector, model, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := examples.CustomConnector.ReadFile(at)
		if err != nil {
			return err
		}
		text = []byte(rename(string(text), name))
		if path.Ext(at) == ".go" {
			if text, err = format.Source(text); err != nil { // what is in columns depends on the length of the name
				return err
			}
		}
		files[rename(strings.TrimPrefix(at, model+"/"), name)] = text
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the example: %w", err)
	}
	return files, nil
}

func rename(text, name string) string {
	title := strings.ToUpper(name[:1]) + name[1:]
	return strings.NewReplacer(modelName, name, strings.ToUpper(modelName[:1])+modelName[1:], title).Replace(text)
}

// Main returns the text of a program with the connector: the example's
// main.go.
func (c Connector) Main() (string, error) {
	text, err := examples.CustomConnector.ReadFile(path.Join(program, "main.go"))
	if err != nil {
		return "", fmt.Errorf("read the example: %w", err)
	}
	main := strings.ReplaceAll(string(text), path.Join(Postern, "examples", program, modelName), c.ImportPath)
	main = strings.ReplaceAll(main, modelName+".New()", c.Name+".New()")
	sorted, err := format.Source([]byte(main))
	if err != nil {
		return "", fmt.Errorf("format: %w", err)
	}
	return string(sorted), nil
}
