// Package template is the template language of mails: it parses a source once
// and renders it with a payload, in one pass and within bounds.
//
// It owns the syntax, how values print, escaping by content type, partials and
// a cache of parsed templates. It does no I/O (but for the tables of time zones,
// which time.LoadLocation finds) and knows neither template types nor languages
// nor tenants: which wording is used is decided elsewhere.
//
// # Placeholders
//
// A placeholder is two braces, optional white space, a path of letters,
// digits, "_" and ".", optional white space, two braces: {{ user.name }}. With
// three braces, {{{path}}}, or an ampersand, {{&path}}, the value is printed
// without escaping. White space is what ECMA-262 calls so.
//
// The first segment of the path is the root. When the payload has no such
// root, the placeholder stays in the output to the letter; when the root is
// there, whatever is missing or null below it prints as the empty string.
// Within blocks a missing root prints the empty string as well.
//
// Everything else in double braces that the language does not know is text and
// stays to the letter; Problems tells of it. So do blocks that are not closed,
// and partials that are not there.
//
// # Blocks
//
//	{{#if x}} … {{else if y}} … {{else}} … {{/if}}
//	{{#unless x}} … {{else}} … {{/unless}}
//	{{#each list}} … {{else}} … {{/each}}
//	{{#with object}} … {{else}} … {{/with}}
//
// What they do is what Handlebars does, whose official package is the judge in
// handlebarstest. False, null, missing, 0, NaN, "" and the empty array are
// false. Within each and with, paths begin at the item or object: {{name}},
// {{this}}, {{this.name}}; ../name is the same one level further out, and
// @root.name begins at the payload. A loop knows {{@index}}, {{@first}},
// {{@last}} and {{@key}}; over an object it goes by number and then by name,
// since the payload does not keep the order. Behind an else any block may stand
// for its if.
//
// Comments are {{! … }} and {{!-- … --}}. A ~ beside the braces takes the white
// space on that side. The tag of a block, a comment or a partial that is alone
// on its line takes the line with it.
//
// # Helpers
//
// A closed list; arguments are paths, strings in either quotes, numbers, true,
// false, null, and helpers in parentheses.
//
//	eq a b, ne a b       whether two strings, numbers or booleans are the same
//	and a b …, or a b …  the first false, the first true argument, else the last
//	not a                whether a is false
//	default a b …        the first argument that is neither missing, null nor ""
//	upper a, lower a     in capital or small letters of the message's language
//	date a style zone    see below
//	spaced a             with gaps between the digits of a code, by style alone;
//	                     in text and inside of HTML tags the code itself
//
// A date is milliseconds since 1970 or RFC 3339, the style "short", "medium"
// (where there is none), "long" or "full", with "short" or "medium" behind it
// for the time: {{date expiresAt "long short" "Europe/Berlin"}}. It is written
// as CLDR does in the language that the payload names as locale, in its
// calendar. Without a zone, or with an unknown one, the time is that of UTC and
// says so. What is no date prints as it is.
//
// # Partials and layouts
//
// {{> name}} stands for a partial of the Library; alone on its line, it indents
// every line of it. {{#layout "name"}} … {{/layout}} stands for the partial,
// which has {{> @partial-block}} where the text between the tags goes. Neither
// counts as a block: a missing root stays to the letter within it as it does
// without.
//
// # Escaping
//
// See Escape for what each content type does with values. In HTML, a
// placeholder that decides where an href or src attribute points prints only
// http, https and mailto URLs, and "#" for anything else: see URLs below.
//
// # URLs
//
// A placeholder is guarded when it stands in the value of an attribute named
// href or src (a namespace prefix such as xlink: allowed; double-quoted,
// single-quoted or bare) and either its path is the payload's link, or it is the
// first placeholder of the value and the text before it, character references
// decoded, holds none of ":", "/", "?" and "#": then the value may choose the
// scheme. {{logoUrl}} at the start of a src is guarded therefore, {{id}} in
// href="https://example.com/{{id}}" is not. What a helper prints is guarded like
// what a path does.
//
// The rule looks at the text around the placeholder: at parse time, or, in
// templates with blocks, helpers or partials, at the text that was printed
// before it. Values have no part in it.
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
