// Package template is the template language of mails: it parses a source once
// and renders it with a payload, in one pass and within bounds.
//
// It owns the syntax of placeholders, how values print, escaping by content
// type and a cache of parsed templates. It does no I/O and knows neither
// template types nor languages nor tenants: which wording is used is decided
// elsewhere.
//
// # Placeholders
//
// A placeholder is two braces, optional white space, a path of letters,
// digits, "_" and ".", optional white space, two braces: {{ user.name }}. With
// three braces, {{{path}}}, or an ampersand, {{&path}}, the value is printed
// without escaping. White space is what ECMA-262 calls so. Everything else in
// double braces is text and stays to the letter.
//
// The first segment of the path is the root. When the payload has no such
// root, the placeholder stays in the output to the letter; when the root is
// there, whatever is missing or null below it prints as the empty string.
//
// # Escaping
//
// See Escape for what each content type does with values. In HTML, a
// placeholder that decides where an href or src attribute points prints only
// http, https and mailto URLs, and "#" for anything else: see URLs below.
//
// # URLs
//
// The rule is set at parse time, from the text around the placeholder. A
// placeholder is guarded when it stands in the value of an attribute named
// href or src (a namespace prefix such as xlink: allowed; double-quoted,
// single-quoted or bare) and either its path is exactly "link", or it is the
// first placeholder of the value and the text before it, character references
// decoded, holds none of ":", "/", "?" and "#": then the value may choose the
// scheme. {{logoUrl}} at the start of a src is guarded therefore, {{id}} in
// href="https://example.com/{{id}}" is not.
//
// A guarded value is printed when it begins, in any case, with "http://",
// "https://" or "mailto:" and holds no control character. The list is of what
// is allowed, and compared with the value as it stands, so a scheme hidden
// behind white space, control characters or character references
// ("java\nscript:", "java&#115;cript:") is refused like any other. Spaces print
// as %20. A missing or empty value prints "#" too; a placeholder whose root is
// missing stays to the letter as everywhere else.
//
// Only the text just before a placeholder counts, not the state of the whole
// document: a broken tag or comment further up cannot switch the rule off. The
// price is that a value after the letters href=" in prose is guarded as well.
package template
