package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Reserve holds the funds of a sender token (Query API Reference, Reserve).
func (p *Processor) Reserve(
	ctx context.Context, caller party.Caller, r holdfast.ReserveRequest,
) (payment.Transaction, error) {
	if err := payment.CheckPayment(payment.KindReserve, r, caller); err != nil {
		return payment.Transaction{}, err
	}
	id, commissionID := p.paymentIDs(r)
	return p.once(ctx, caller,
		request{r.CallerReference, payment.DigestOf("Reserve", r), r.SenderTokenID, func(d decision) (payment.Change, error) {
			in, err := p.load(d, named{sender: r.SenderTokenID, recipient: r.RecipientTokenID}, id, commissionID)
			if err != nil {
				return payment.Change{}, err
			}
			return payment.Reserve(in, r)
		}})
}

// Pay has a sender token pay at once (Query API Reference, Pay).
func (p *Processor) Pay(ctx context.Context, caller party.Caller, r holdfast.PayRequest) (payment.Transaction, error) {
	if err := payment.CheckPayment(payment.KindPay, holdfast.ReserveRequest(r), caller); err != nil {
		return payment.Transaction{}, err
	}
	id, commissionID := p.paymentIDs(holdfast.ReserveRequest(r))
	return p.once(ctx, caller,
		request{r.CallerReference, payment.DigestOf("Pay", r), r.SenderTokenID, func(d decision) (payment.Change, error) {
			in, err := p.load(d, named{sender: r.SenderTokenID, recipient: r.RecipientTokenID}, id, commissionID)
			if err != nil {
				return payment.Change{}, err
			}
			return payment.Pay(in, r)
		}})
}

// paymentIDs are for a payment and, if one was asked for, the marketplace's fee.
func (p *Processor) paymentIDs(r holdfast.ReserveRequest) (id, commissionID holdfast.TransactionID) {
	id = p.ids().Transaction()
	if r.MarketplaceFixedFee.Given() || r.MarketplaceVariableFee != "" {
		commissionID = p.ids().Transaction()
	}
	return id, commissionID
}
