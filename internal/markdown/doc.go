// Package markdown does with the connectors' guides what programs that show
// Markdown do not: it puts one text below a heading of another, and lays a
// text out for a terminal.
//
// It reads what the guides are written in: headings, paragraphs, lists, fenced
// code, tables, links and emphasis of GitHub Flavored Markdown
// (https://github.github.com/gfm/). Anything else stays as it is.
package markdown
