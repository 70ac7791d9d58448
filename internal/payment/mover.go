package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A Mover is a token that can move the money on an instrument: it spends a
// prepaid balance, or it settles a debt. No step may leave money on an
// instrument that none of its movers can move (decision 33).
type Mover struct {
	Token      Token
	Limits     []Limit
	Instrument Instrument // to which a settlement is charged; zero for a token that spends
}

// MovedBy is the use of the tokens that move the instrument's money.
func (a AggregateInstrument) MovedBy() TokenUse {
	if a.Method == holdfast.MethodPrepaid {
		return UsePay
	}
	return UseSettle
}

// toMove is the amount that still has to be moved. For a prepaid instrument it
// includes money that is being funded. For a debt it excludes money that is
// being settled, which the settlement token's limits already count.
func (a AggregateInstrument) toMove() money.Amount {
	if a.Method == holdfast.MethodPrepaid {
		return a.Balance.Add(a.Pending)
	}
	return a.open()
}

// Busy reports whether money is on the instrument or on its way to it. A token
// that moves it is then needed.
func (a AggregateInstrument) Busy() bool { return a.Balance.Positive() || a.Pending.Positive() }

// takes refuses to put more on an instrument than one of its movers can move.
// Every instrument is installed with a mover. If there is none at all, the rows
// are damaged. No step refuses because of that; `books check` reports it.
func (a AggregateInstrument) takes(more money.Amount, movers []Mover, now time.Time) (err error) {
	for _, m := range movers {
		if err = m.moves(a.toMove().Add(more), now); err == nil {
			return nil
		}
	}
	return err
}

// takesBack is takes for a refund. It also refuses a refund after the
// instrument has expired.
func (a AggregateInstrument) takesBack(amount money.Amount, movers []Mover, now time.Time) error {
	if a.expired(now) {
		return holdfast.Errorf(holdfast.InstrumentExpired, "the instrument expired at %s", stamp(a.Expires))
	}
	return a.takes(amount, movers, now)
}

// Stranded says why no mover can move the instrument's money. It is nil if a
// mover can, or if there is nothing to move.
func (a AggregateInstrument) Stranded(movers []Mover) (err error) {
	if !a.toMove().Positive() {
		return nil
	}
	err = holdfast.Errorf(holdfast.TokenNotActiveSender, "there is no token that can %s", purposes[a.MovedBy()])
	for _, m := range movers {
		if err = m.lasts(a.toMove()); err == nil {
			return nil
		}
	}
	return err
}

// moves refuses an amount that the token cannot move at now or later.
func (m Mover) moves(amount money.Amount, now time.Time) error {
	switch {
	case m.Token.expired(now) && !m.Token.Cancelled:
		return holdfast.Errorf(holdfast.IncompatibleTokens, "the token that would %s expired at %s", m.purpose(),
			stamp(m.Token.Expires))
	case m.Instrument.ID != "" && m.Instrument.Expired(now):
		return holdfast.Errorf(holdfast.InactiveInstrument, "the card that would %s expired in %s", m.purpose(),
			m.Instrument.Expiry())
	}
	return m.lasts(amount)
}

// lasts refuses an amount that is already on the instrument and that the token
// cannot move. Expiry is no reason to refuse: a token can still move the money
// after its expiry, and an expired card can be replaced (EditToken).
func (m Mover) lasts(amount money.Amount) error {
	switch {
	case m.Token.Cancelled:
		return holdfast.Errorf(holdfast.TokenNotActiveSender, "the token that would %s is cancelled", m.purpose())
	case m.Instrument.Removed:
		return holdfast.Errorf(holdfast.InvalidPaymentInstrument, "the sender has removed %s, which would %s",
			m.Instrument.Name(), m.purpose())
	}
	for _, l := range m.Limits {
		if !l.Period.Endless() {
			continue // it is empty again in the next window
		}
		if l.Kind == LimitAmount && l.UsedAmount.Add(amount).Micro > l.Value || l.Kind == LimitCount &&
			l.UsedCount >= l.Value {
			return holdfast.Errorf(holdfast.TokenUsageError,
				"the token that would %s allows no more than %s, which leaves less than %v", m.purpose(), l.words(), amount)
		}
	}
	return nil
}

func (m Mover) purpose() string {
	if m.Token.Use == UsePay {
		return "spend the balance"
	}
	return purposes[m.Token.Use]
}

// outlives reports whether the sender token can still move the money of an
// expired instrument. A debt can always be settled. A prepaid balance goes back
// to its sender; if the recipient cannot pay it back now, it can still be
// spent.
func (in *Input) outlives() bool { return in.Aggregate.needs(in.Token) && !in.GoesBack }

// needs reports whether the instrument has money that the token moves.
func (a AggregateInstrument) needs(t Token) bool {
	return t.Aggregate == a.ID && t.Use == a.MovedBy() && a.toMove().Positive()
}

// Lasting is a token of the instrument. It has no expiry while the instrument
// has money that the token moves.
func (a AggregateInstrument) Lasting(t Token) Token {
	if a.needs(t) {
		t.Expires = time.Time{}
	}
	return t
}

// lasting is the sender token, without its expiry if its instrument still needs
// it.
func (in *Input) lasting() Token {
	if in.GoesBack {
		return in.Token
	}
	return in.Aggregate.Lasting(in.Token)
}

// aggregate refuses an instrument that has expired, or that the token is not
// for.
func (in *Input) aggregate() error {
	switch a := in.Aggregate; {
	case a.expired(in.Now) && !in.outlives():
		return holdfast.Errorf(holdfast.InstrumentExpired, "the instrument expired at %s", stamp(a.Expires))
	case in.Token.Aggregate != a.ID:
		return holdfast.Errorf(holdfast.IncompatibleTokens, "the sender token is for another instrument")
	}
	return nil
}

// strands refuses a step that moves only part of an instrument's money and uses
// up the token, so that the rest could not be moved.
func (in *Input) strands(c Change) error {
	if c.Aggregate == nil {
		return nil
	}
	if stranded := c.Aggregate.Before.Stranded(in.Movers); stranded != nil {
		return nil //nolint:nilerr // it was stranded before the step, and the step may help
	}
	after := make([]Mover, len(in.Movers))
	for i, m := range in.Movers {
		after[i] = m
		if m.Token.ID != in.Token.ID {
			continue
		}
		after[i].Limits = nil
		for _, l := range c.Limits {
			if l.After.Subject == string(m.Token.ID) {
				after[i].Limits = append(after[i].Limits, l.After)
			}
		}
	}
	return c.Aggregate.After.Stranded(after)
}
