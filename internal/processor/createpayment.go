package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// CreatePayment takes an amount at once. It is a Pay with a Call. What is asked
// has the fields of a hold, without its deadline.
func (p *Processor) CreatePayment(
	ctx context.Context, caller party.Caller, c *Call, h CreateHold,
) (payment.Transaction, error) {
	r := holdfast.PayRequest(h.request(c))
	id, commissionID := p.paymentIDs(holdfast.ReserveRequest(r))
	return p.onceFor(ctx, caller, c, party.ScopeSettle,
		request{
			actionPay, r.CallerReference, payment.DigestOf("Pay", r), r.SenderTokenID,
			func(d decision) (payment.Change, error) { return p.pay(d, r, id, commissionID) },
		})
}
