// Package templatecheck tells what is wrong with a template before anybody gets
// its mail: tags that the language does not know, variables that mails of the
// type do not have, a code that is missing, HTML and CSS that mail clients drop,
// text that cannot be read.
//
// It owns the rules, and what variables each type of mail has. It does not own
// the language (package template), stores nothing and refuses nothing: what a
// problem is worth is for others to decide.
//
// HTML is read as it is written, with placeholders standing for text. Of a
// partial that the template includes, only what concerns the language and the
// variables is told.
package templatecheck
