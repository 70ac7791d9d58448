// Package engine runs functions in database transactions, many in one commit.
// It knows no table: package store describes its tables to it.
package engine
