package templatefiles

import (
	"cmp"
	"slices"
	"strings"
)

// Kind is what happened to an entry.
type Kind string

// The kinds of changes.
const (
	Added   Kind = "added"
	Changed Kind = "changed"
	Removed Kind = "removed"
)

// Change is a difference between two sets of templates and partials.
type Change struct {
	Kind    Kind
	Was, Is Entry // Was of an added one, Is of a removed one is empty
}

// Entry returns what has changed, as it is now, or was.
func (c Change) Entry() Entry {
	if c.Kind == Removed {
		return c.Was
	}
	return c.Is
}

// Path returns the name of the changed file; the new one, if it has another.
func (c Change) Path() string { return c.Entry().Path() }

// Key returns what has changed.
func (c Change) Key() Key { return c.Entry().Key() }

// Compare returns the changes that lead from one set to another, in the order
// of their paths. No set may hold a key twice.
func Compare(was, is []Entry) []Change {
	before := make(map[Key]Entry, len(was))
	for _, e := range was {
		before[e.Key()] = e
	}
	var changes []Change
	for _, e := range is {
		old, there := before[e.Key()]
		switch {
		case !there:
			changes = append(changes, Change{Kind: Added, Is: e})
		case !old.equal(e):
			changes = append(changes, Change{Kind: Changed, Was: old, Is: e})
		}
		delete(before, e.Key())
	}
	for _, e := range before {
		changes = append(changes, Change{Kind: Removed, Was: e})
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Path(), b.Path()) })
	return changes
}

// Unified returns the change as a unified diff of the two files, whose names
// follow wasPrefix and isPrefix. It ends in a line end.
func (c Change) Unified(wasPrefix, isPrefix string) string {
	const none = "/dev/null"
	wasName, isName := none, none
	was, is := "", ""
	if c.Kind != Added {
		wasName, was = wasPrefix+c.Was.Path(), string(c.Was.Text())
	}
	if c.Kind != Removed {
		isName, is = isPrefix+c.Is.Path(), string(c.Is.Text())
	}
	text := unified(wasName, isName, was, is)
	if text == "" { // it has changed its content type, and nothing else
		text = "diff " + wasName + " " + isName + "\nrename from " + wasName + "\nrename to " + isName + "\n"
	}
	return text
}

// Lines counts the lines that a change adds and removes.
func (c Change) Lines() (added, removed int) {
	_, hunks, _ := strings.Cut(c.Unified("", ""), "\n@@")
	for line := range strings.Lines(hunks) {
		switch line[0] {
		case '+':
			added++
		case '-':
			removed++
		}
	}
	return added, removed
}
