// Package connectordocs writes what people read of a connector: its settings
// in words, an example of them, and a folder of Markdown pages, one a
// connector. All of it is made from the factory: the form of its settings and
// its guide.
//
// It owns the folder's generated pages and no other file in it.
package connectordocs
