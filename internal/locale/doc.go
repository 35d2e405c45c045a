// Package locale chooses the language of a mail. It knows tags and a library
// of languages; where they come from is its callers' business.
package locale
