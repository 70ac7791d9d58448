// Package bench drives a server from outside with real signed requests,
// measures how it answers, and checks afterwards that what was acknowledged is
// in the books.
//
// Callers, buyers and tokens are made in the server's store, since the pages
// that would make them are not what is measured. Everything else goes over the
// wire, as a caller's program would send it.
package bench
