package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// Deposit puts test money into a party's balance, in the books of a sandbox
// caller, so that payments from a balance can be tried. The caller does not see
// it.
func (p *Processor) Deposit(ctx context.Context, caller party.CallerID, to party.ID, amount money.Amount) error {
	id := p.ids().Transaction()
	return p.db.Update(ctx, func(tx *store.Tx) error {
		real := p.now()
		caller, err := callerOf(&tx.ReadTx, caller)
		if err != nil {
			return err
		}
		if err := payment.MayMoveMoney(caller); err != nil {
			return err
		}
		if _, err := partyInPayment(&tx.ReadTx, to); err != nil {
			return err
		}
		c, err := payment.Deposit(caller, payment.Transaction{
			ID: id, Recipient: to, Amount: amount, Received: caller.Now(real),
		})
		if err != nil {
			return err
		}
		if err := tx.Log(party.AuditEntry{
			Action: "party.deposit", Caller: caller.ID, Object: string(to), After: party.Facts{"amount": amount.String()},
		}, real); err != nil {
			return err
		}
		return p.record(tx, caller, &c, real)
	})
}
