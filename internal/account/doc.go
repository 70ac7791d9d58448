// Package account is the door for buyers and sellers: the pages on which they
// look after their accounts, and what the Co-Branded pages share with them.
package account
