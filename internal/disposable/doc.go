// Package disposable knows the domains of throw-away mailboxes.
//
// It owns the list that comes with Postern (README.md names its source), the
// format of a file in its place, and when that file is read again. Whether
// such an address is refused is decided elsewhere.
package disposable
