// Package account is the door for buyers and sellers: the pages on which they
// manage their accounts. It also has the forms, sessions and words that the
// Co-Branded pages share with these pages.
package account
