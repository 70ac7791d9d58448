package webhook

// Limits and functions that tests use.
const (
	Parallel       = parallel
	SlotsPerCaller = slotsPerCaller
	NotYetMax      = notYetMax
)

// The schedule.
var (
	Pauses  = pauses
	Outcome = outcome
)
