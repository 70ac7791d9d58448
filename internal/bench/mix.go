package bench

import (
	"fmt"
	"strings"
)

// An Action is one of the API's that a bench asks for.
type Action string

// The actions.
const (
	Reserve  Action = "Reserve"
	Settle   Action = "Settle"
	Status   Action = "GetTransactionStatus"
	Activity Action = "GetAccountActivity"
)

// A Mix says what each connection asks, one action after the other.
type Mix string

// The mixes. Those that ask about transactions, or settle them, have them
// reserved before the clock starts.
const (
	MixReserve       Mix = "reserve"
	MixReserveSettle Mix = "reserve+settle"
	MixSettle        Mix = "settle"
	MixStatus        Mix = "status"
	MixActivity      Mix = "activity"
)

var mixes = map[Mix][]Action{
	MixReserve:       {Reserve},
	MixReserveSettle: {Reserve, Settle},
	MixSettle:        {Settle},
	MixStatus:        {Status},
	MixActivity:      {Activity},
}

// holdsFor is how many holds must be there before so many requests.
func (m Mix) holdsFor(requests, connections int64) int64 {
	switch m {
	case MixSettle:
		return requests
	case MixStatus, MixActivity:
		return connections * readHolds
	case MixReserve, MixReserveSettle:
	}
	return 0
}

// readHolds is how many transactions each connection makes to ask about.
const readHolds = 50

// tokensFor is how many tokens so many requests use up.
func (m Mix) tokensFor(requests int64) int64 {
	switch m {
	case MixReserve:
		return requests
	case MixReserveSettle:
		return requests/2 + 1
	case MixSettle, MixStatus, MixActivity:
	}
	return 0
}

func (m Mix) check() error {
	if _, known := mixes[m]; known {
		return nil
	}
	return fmt.Errorf("the mix %q is not known; use %s", m, strings.Join(Mixes(), ", "))
}

// Mixes lists the mixes.
func Mixes() []string {
	return []string{
		string(MixReserve), string(MixReserveSettle), string(MixSettle), string(MixStatus), string(MixActivity),
	}
}
