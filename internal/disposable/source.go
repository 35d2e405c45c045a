package disposable

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// interval is the least time between two looks at a file.
const interval = time.Minute

// Source answers from the built-in list, or from a file whose changes it
// follows. It may be used by several goroutines at once.
type Source struct {
	file string // "" means the built-in list
	now  func() time.Time
	log  *slog.Logger
	list atomic.Pointer[List]

	look   sync.Mutex // held by the one who looks at the file; guards what follows
	looked time.Time  // when that was last
	read   version    // of list
	warned string     // the last warning, until the file can be read again
}

// version tells one state of a file from another.
type version struct {
	modified time.Time
	size     int64
}

// Open reads the file, in the format that Read takes, or takes the built-in
// list for "". Its error names the file.
func Open(file string, now func() time.Time, log *slog.Logger) (*Source, error) {
	s := &Source{file: file, now: now, log: log}
	if file == "" {
		s.list.Store(Builtin())
		return s, nil
	}
	s.looked = now()
	if err := s.refresh(); err != nil {
		return nil, err
	}
	return s, nil
}

// Holds tells whether a domain, or one that it lies below, is on the list, as
// List.Holds does. Once a minute one caller looks whether the file has changed
// and reads it again; the others meanwhile go by the list as it was. A file
// that cannot be read changes nothing and is logged once.
func (s *Source) Holds(domain string) bool {
	if s.file != "" && s.look.TryLock() {
		s.follow()
		s.look.Unlock()
	}
	return s.list.Load().Holds(domain)
}

func (s *Source) follow() {
	now := s.now()
	// A clock that was set back counts as a minute gone by.
	if since := now.Sub(s.looked); since >= 0 && since < interval {
		return
	}
	s.looked = now
	err := s.refresh()
	if err == nil {
		s.warned = ""
		return
	}
	if s.warned != err.Error() {
		s.warned = err.Error()
		s.log.Warn("the list of disposable domains stays as it was", "error", err)
	}
}

// refresh reads the file if it has changed since it was last read.
func (s *Source) refresh() error {
	// Opening a pipe would wait for its writer.
	info, err := os.Stat(s.file)
	if err != nil {
		return fmt.Errorf("disposable domains: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("disposable domains: %s: not a regular file", s.file)
	}
	// The version is taken before the text: what is written meanwhile has a
	// later one, and is read the next time.
	read := version{modified: info.ModTime(), size: info.Size()}
	if s.list.Load() != nil && read.size == s.read.size && read.modified.Equal(s.read.modified) {
		return nil
	}
	f, err := os.Open(s.file)
	if err != nil {
		return fmt.Errorf("disposable domains: %w", err)
	}
	defer f.Close()
	list, err := Read(f)
	if err != nil {
		return fmt.Errorf("disposable domains: %s: %w", s.file, err)
	}
	s.list.Store(list)
	s.read = read
	return nil
}
