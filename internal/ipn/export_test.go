package ipn

import (
	"crypto/rsa"
	"sync/atomic"
)

// NextTry exports the schedule at moments that real tries reach only by chance.
var NextTry = nextTry

// How many deliveries can be under way.
const (
	Slots          = slots
	SlotsPerCaller = slotsPerCaller
)

// The fields of each kind of notification, those without a value too.
var (
	TransactionFields = composeTransaction
	TokenFields       = composeToken
)

// CountSignatures returns the number of signatures that s makes from now on.
func CountSignatures(s *Signer) *atomic.Int64 {
	var made atomic.Int64
	sign := s.sign
	s.sign = func(key *rsa.PrivateKey, text string) (string, error) {
		made.Add(1)
		return sign(key, text)
	}
	return &made
}
