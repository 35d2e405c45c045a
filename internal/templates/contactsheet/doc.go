// Command contactsheet makes one picture of a built-in mail in every language,
// with the browser Chromium:
//
//	go run ./internal/templates/contactsheet docs/images/builtin-languages.png
//
// Its flags choose the type of the mail, the languages, the width and dark
// colours, for looking at a change. The letters are those of the fonts that the
// machine has; on Debian, fonts-noto-core and fonts-noto-cjk have all of them.
package main
