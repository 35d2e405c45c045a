// Package templates turns a template and a payload into the subject, HTML and
// text of a mail: the built-in wording of the nine types, and custom templates
// of a connector's settings or of a tenant.
//
// It owns the built-in set (builtin/: one layout, one file of wording a
// language), what of a payload may be shown in it, and the plain-text form of
// HTML templates. It does not own the template language (package template),
// which template and language a mail gets (compose), or MIME (the connectors).
//
// # A language file
//
// builtin/<BCP 47 tag>.json holds the wording of one language. Every text is a
// string or a list of strings, the most specific first: the first one whose
// variables all have a value is used, so the last one has none that may be
// missing. The texts of "common" serve every type that has none of its own.
// Variables are {{product}} (the application, else the organization, else the
// sender), {{organization}} (where it is not the product already),
// {{inviter}}, {{user}} and {{validity}} (a duration in words).
//
// "durations" has a form of each unit of time for each plural category that
// integers fall into in that language (CLDR): {{count}} is the number, which a
// category of a single number may say as a word. "direction" is ltr or rtl.
// "fonts" names fonts that have the script, those of Windows first, where the
// usual ones have not; "wordBreak": "keep-all" keeps words whole in a script
// that is broken anywhere otherwise.
//
// # Names
//
// A name may be written in the other direction than the wording. It is then
// put between the isolates of Unicode in the text part, and in an element with
// its direction in HTML; a subject has the bare name, since lists and notices
// show such characters as boxes now and then.
//
// # The layout
//
// builtin/layout.html and builtin/layout.txt are templates of the project's
// own language with {{#if name}} … {{/if}} around optional parts: no nesting,
// no else. Names are those of the texts in a language file, and code, link,
// lang, dir, start (the side where lines begin), fonts, officeFonts, wordBreak,
// logo, darkLogo, logoName, wordmark, sender, company, companyHTML
// and footer.
package templates
