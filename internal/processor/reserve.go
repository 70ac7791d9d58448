package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Reserve holds the amount of a payment on the card of a sender token (Query
// API Reference, Reserve).
//
// CheckPayment runs twice for each Reserve and Pay. The first run, here,
// refuses a request that is wrong in itself before anything is read or written,
// so it does not use up its CallerReference. The second run is in
// payment.Reserve and payment.Pay, which trust no earlier check: the caller's
// settings are read again in the transaction and may have changed.
func (p *Processor) Reserve(
	ctx context.Context, caller party.Caller, r holdfast.ReserveRequest,
) (payment.Transaction, error) {
	if err := payment.CheckPayment(payment.KindReserve, r, caller); err != nil {
		return payment.Transaction{}, err
	}
	id, commissionID := p.paymentIDs(r)
	return p.once(ctx, caller,
		request{
			actionHold, r.CallerReference, payment.DigestOf("Reserve", r), r.SenderTokenID,
			func(d decision) (payment.Change, error) { return p.reserve(d, r, id, commissionID) },
		})
}

// reserve loads the input of the decision on a Reserve, and decides.
func (p *Processor) reserve(
	d decision, r holdfast.ReserveRequest, id, commissionID holdfast.TransactionID,
) (payment.Change, error) {
	in, err := p.load(d, named{sender: r.SenderTokenID, recipient: r.RecipientTokenID}, id, commissionID)
	if err != nil {
		return payment.Change{}, err
	}
	c, err := payment.Reserve(in, r)
	if err != nil {
		return c, err
	}
	return c, d.adopt(&c)
}

// Pay takes the amount of a payment at once (Query API Reference, Pay).
func (p *Processor) Pay(ctx context.Context, caller party.Caller, r holdfast.PayRequest) (payment.Transaction, error) {
	if err := payment.CheckPayment(payment.KindPay, holdfast.ReserveRequest(r), caller); err != nil {
		return payment.Transaction{}, err
	}
	id, commissionID := p.paymentIDs(holdfast.ReserveRequest(r))
	return p.once(ctx, caller,
		request{
			actionPay, r.CallerReference, payment.DigestOf("Pay", r), r.SenderTokenID,
			func(d decision) (payment.Change, error) { return p.pay(d, r, id, commissionID) },
		})
}

// pay loads the input of the decision on a Pay, and decides.
func (p *Processor) pay(
	d decision, r holdfast.PayRequest, id, commissionID holdfast.TransactionID,
) (payment.Change, error) {
	in, err := p.load(d, named{sender: r.SenderTokenID, recipient: r.RecipientTokenID}, id, commissionID)
	if err != nil {
		return payment.Change{}, err
	}
	c, err := payment.Pay(in, r)
	if err != nil {
		return c, err
	}
	return c, d.adopt(&c)
}

// adopt gives a new payment the hold that was placed while the sender was on a
// page. The network is then asked about that hold, and makes no second one.
func (d decision) adopt(c *payment.Change) error {
	if d.caller.Network == "" || c.Ask == nil || c.Uses == "" {
		return nil
	}
	held, found, err := d.tx.HeldForToken(d.caller.ID, c.Uses)
	if err != nil || !found {
		return err
	}
	adopted, fits := held.Adopt(c.After)
	if !fits {
		return nil
	}
	if err := d.tx.ChangePageHold(held, adopted); err != nil {
		return err
	}
	known := payment.NetworkPayment{
		Caller: c.After.Caller, Transaction: c.After.ID, Account: held.Account, Updated: d.real,
		Details: payment.Details{Reference: held.Reference, HoldUntil: held.HoldUntil},
	}
	*c.Ask = c.Ask.Knowing(known)
	return d.tx.SaveNetworkPayment(known)
}

// paymentIDs draws the id of a payment and, if the caller takes a marketplace
// fee, the id of the fee's transaction.
func (p *Processor) paymentIDs(r holdfast.ReserveRequest) (id, commissionID holdfast.TransactionID) {
	id = p.ids().Transaction()
	if r.MarketplaceFixedFee.Given() || r.MarketplaceVariableFee != "" {
		commissionID = p.ids().Transaction()
	}
	return id, commissionID
}
