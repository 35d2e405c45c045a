// Package handlebarstest holds a test alone: it renders generated templates
// with internal/template and with the official handlebars package of npm, and
// compares. It needs node and npm; the package is installed once, into the
// user's cache folder, as package-lock.json pins it.
//
// The table of golden cases in internal/template pins the language without
// them.
package handlebarstest
