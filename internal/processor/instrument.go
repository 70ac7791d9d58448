package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// AddCard has the network look at a card and keeps what may be kept of it. A
// card the network refuses is a *card.RefusedError.
func (p *Processor) AddCard(ctx context.Context, owner party.ID, d card.Details, makeDefault bool) (payment.Instrument, error) {
	ctx, cancel := context.WithTimeout(ctx, or(p.NetworkTimeout, networkTimeoutDefault))
	defer cancel()
	kept, err := p.Network.Verify(ctx, d)
	if err != nil {
		return payment.Instrument{}, err
	}
	i := payment.Instrument{
		ID: payment.InstrumentID(p.ids().Other("I")), Owner: owner, Method: holdfast.MethodCC,
		Brand: kept.Brand, Last4: kept.Last4, Holder: d.Holder, NetworkRef: kept.Ref,
		ExpiryMonth: d.ExpiryMonth, ExpiryYear: d.ExpiryYear, Default: makeDefault, Verified: true, Created: p.now(),
	}
	err = p.Store.Update(ctx, func(tx *store.Tx) error { return tx.InsertInstrument(i) })
	return i, err
}
