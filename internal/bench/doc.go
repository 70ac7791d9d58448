// Package bench drives a server from outside with real signed requests and
// measures its answers. Afterwards it checks that all acknowledged transactions
// are in the store and the books.
//
// It makes callers, buyers and tokens directly in the server's store, because
// the pages that make them are not measured. All other requests go over the
// wire, as a caller's program sends them.
package bench
