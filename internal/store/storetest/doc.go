// Package storetest is the suite that both databases of package store pass.
package storetest
