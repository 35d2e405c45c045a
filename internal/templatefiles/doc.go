// Package templatefiles keeps stored templates as files, so that they can live
// in a version control system: one folder a language, one file a type, and
// partials in a folder of their own.
//
//	de/SignIn.html        a template of text/html
//	de/Generic.txt        a template of text/plain
//	partials/footer.html  a partial
//
// It owns the shape of the folder and of its files, and tells two sets of
// templates apart. It knows neither the service nor what makes a template a
// good one: of a file it refuses only what could not be sent to a service.
//
// # Files
//
// A template begins with front matter: YAML between two lines of three
// hyphens, with the keys subject, replyTo and sendFrom. What follows is the
// content, to the letter, but for the line end at the end of the file: every
// file is written with one, and it belongs to the file. Content that ends in a
// line end makes a file with an empty line at its end. A partial is its
// content, with the same rule.
//
// Line ends within the content are kept as they are. Only in a file whose
// first line ends in CR LF, which this package never writes, something has
// turned all line ends, and CR LF is read as LF.
//
// Writing and reading again gives the same templates, and the same templates
// give the same files.
package templatefiles
