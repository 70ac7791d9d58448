package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// SettleDebt charges the sender for a debt on a credit instrument, in full or
// in part (Query API Reference, SettleDebt).
func (p *Processor) SettleDebt(
	ctx context.Context, caller party.Caller, r holdfast.SettleDebtRequest,
) (payment.Transaction, error) {
	if err := payment.CheckSettleDebt(r, caller); err != nil {
		return payment.Transaction{}, err
	}
	id := p.ids().Transaction()
	return p.once(ctx, caller,
		request{
			actionPayDebt, r.CallerReference, payment.DigestOf("SettleDebt", r), r.SenderTokenID,
			func(d decision) (payment.Change, error) {
				in, err := p.load(d, named{
					sender: r.SenderTokenID, aggregate: r.CreditInstrumentID, aggregateMethod: holdfast.MethodDebt,
				}, id, "")
				if err != nil {
					return payment.Change{}, err
				}
				return payment.SettleDebt(in, r)
			},
		})
}

// WriteOffDebt forgives a debt on a credit instrument, in full or in part
// (Query API Reference, WriteOffDebt).
func (p *Processor) WriteOffDebt(
	ctx context.Context, caller party.Caller, r holdfast.WriteOffDebtRequest,
) (payment.Transaction, error) {
	if err := payment.CheckWriteOffDebt(r); err != nil {
		return payment.Transaction{}, err
	}
	id := p.ids().Transaction()
	return p.once(ctx, caller,
		request{actionWriteOff, r.CallerReference, payment.DigestOf("WriteOffDebt", r), "", func(d decision) (payment.Change, error) {
			in := payment.Input{ID: id, Caller: d.caller, Now: d.now}
			a, found, err := d.tx.Aggregate(r.CreditInstrumentID)
			if err != nil {
				return payment.Change{}, err
			}
			if err := payment.FindAggregate(a, found, holdfast.MethodDebt, r.CreditInstrumentID, d.caller.Owner); err != nil {
				return payment.Change{}, err
			}
			owner, err := partyInPayment(&d.tx.ReadTx, d.caller.Owner)
			in.Aggregate, in.Owner = a, owner
			if err != nil {
				return payment.Change{}, err
			}
			return payment.WriteOffDebt(in, r)
		}})
}
