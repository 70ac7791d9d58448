package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// EndInstrument ends a prepaid or credit instrument for its sender, who names
// one of the instrument's tokens. The instrument is over from now on, as if it
// had expired. Its tokens are cancelled, and it takes no more money. A prepaid
// balance goes back to the sender's account balance, at once or as soon as the
// recipient's balance covers it. A debt can still be settled. The caller gets a
// notification for each token.
func (p *Processor) EndInstrument(
	ctx context.Context, partyID party.ID, id holdfast.TokenID,
) (after payment.AggregateInstrument, err error) {
	var before payment.AggregateInstrument
	began := p.Now()
	err = failure(p.db.Update(ctx, func(tx *store.Tx) error {
		t, found, err := tx.Token(id)
		if err != nil {
			return err
		}
		if err := payment.FindOwnToken(t, found, partyID, id); err != nil {
			return err
		}
		if t.Aggregate == "" {
			return holdfast.Errorf(holdfast.InvalidTokenID, "the token does not belong to a prepaid or credit instrument")
		}
		d, err := p.decision(tx, party.Caller{ID: t.Caller})
		if err != nil {
			return err
		}
		if before, err = d.instrument(t.Aggregate); err != nil {
			return err
		}
		if after, err = p.endInstrument(d, before); err != nil {
			return err
		}
		return d.logCaller("instrument.end", string(after.ID), nil)
	}))
	if err == nil && after.Balance != before.Balance {
		p.logReturn(before, after, began)
	}
	return after, err
}

func (p *Processor) endInstrument(
	d decision, before payment.AggregateInstrument,
) (a payment.AggregateInstrument, err error) {
	a = before.Ended(d.now)
	if err := d.tx.ChangeAggregate(payment.AggregateChange{Before: before, After: a}); err != nil {
		return a, err
	}
	if a.Over(d.now) {
		if a, err = p.returnBalance(d, a); err != nil {
			return a, err
		}
	}
	tokens, err := d.tx.AggregateTokens(a.Caller, a.ID)
	if err != nil {
		return a, err
	}
	for _, t := range tokens {
		if t.Status(d.now) != holdfast.TokenActive {
			continue
		}
		if t.Use == a.MovedBy() && a.Busy() {
			err = d.tx.ExpireToken(t.Caller, t.ID, d.now, d.real)
		} else {
			err = d.tx.CancelToken(t.Caller, t.ID, d.real)
		}
		if err != nil {
			return a, err
		}
		if err := p.tellCancelled(d, t, ""); err != nil {
			return a, err
		}
	}
	return a, nil
}
