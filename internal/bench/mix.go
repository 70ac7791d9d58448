package bench

import (
	"fmt"
	"strings"
)

// An Action is an action of the API that a bench requests.
type Action string

// The actions.
const (
	Reserve  Action = "Reserve"
	Settle   Action = "Settle"
	Status   Action = "GetTransactionStatus"
	Activity Action = "GetAccountActivity"
)

// A Mix is the sequence of actions that each connection repeats.
type Mix string

// The mixes. For mixes that read or settle transactions, the bench makes the
// Reserves before the measurement.
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

// holdsFor is the number of holds that the given number of requests needs.
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

// readHolds is the number of transactions that each connection makes for
// reading.
const readHolds = 50

// tokensFor is the number of tokens that the given number of requests uses.
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
