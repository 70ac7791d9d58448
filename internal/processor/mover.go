package processor

import (
	"errors"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// readMovers reads the tokens that move money to or from an instrument,
// cancelled ones included.
func readMovers(tx *store.ReadTx, a payment.AggregateInstrument) (movers []payment.Mover, err error) {
	tokens, err := tx.AggregateTokens(a.Caller, a.ID)
	if err != nil {
		return nil, err
	}
	for _, t := range tokens {
		if t.Use != a.MovedBy() {
			continue
		}
		m := payment.Mover{Token: t}
		if !t.Cancelled {
			if m.Limits, err = tx.Limits(string(t.Caller), string(t.ID)); err != nil {
				return nil, err
			}
			if t.Instrument != "" {
				if m.Instrument, _, err = tx.Instrument(t.Sender, t.Instrument); err != nil {
					return nil, err
				}
			}
		}
		movers = append(movers, m)
	}
	return movers, nil
}

// loadMovers reads the tokens that move the money of the instrument. A payment
// from a prepaid balance depends only on its own token.
func (d decision) loadMovers(in *payment.Input) (err error) {
	if in.Token.Use != payment.UsePay || in.Aggregate.Method != holdfast.MethodPrepaid {
		in.Movers, err = readMovers(&d.tx.ReadTx, in.Aggregate)
		return err
	}
	limits, err := d.tx.Limits(string(in.Token.Caller), string(in.Token.ID))
	if err != nil {
		return err
	}
	in.Movers = []payment.Mover{{Token: in.Token, Limits: limits}}
	if in.Aggregate.Over(d.now) {
		returns, err := readReturns(&d.tx.ReadTx, in.Aggregate, d.caller.Sandbox)
		in.GoesBack = len(returns) > 0
		return err
	}
	return nil
}

// instrument reads the prepaid or credit instrument of a token.
func (d decision) instrument(id payment.AggregateID) (payment.AggregateInstrument, error) {
	a, found, err := d.tx.Aggregate(id)
	return a, errors.Join(err, missing(found || err != nil, "instrument", string(id)+" of token"))
}
