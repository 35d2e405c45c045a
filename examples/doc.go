// Package examples holds programs that show how Postern is made to fit, one a
// folder, and hands out their text: what postern connectors new writes is the
// connector of custom-connector under another name.
package examples
