// Package blocklist says which addresses may become somebody's: a tenant's
// blocked and allowed addresses and domains, sub-addressing, disposable
// domains, look-alikes of mixed scripts, and the names that are reserved.
//
// It knows the rules. Which mails they are asked for is package admission's.
package blocklist
