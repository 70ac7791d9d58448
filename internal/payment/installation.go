package payment

// An Installation is what a party's word makes: one token or the several of a
// prepaid or credit instrument, their limits, and the instrument.
type Installation struct {
	Tokens    []Token
	Limits    []Limit
	Aggregate *AggregateInstrument // nil without one
}
