package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// FundPrepaid raises the balance of a prepaid instrument (Query API Reference,
// FundPrepaid).
func (p *Processor) FundPrepaid(
	ctx context.Context, caller party.Caller, r holdfast.FundPrepaidRequest,
) (payment.Transaction, error) {
	if err := payment.CheckFundPrepaid(r, caller); err != nil {
		return payment.Transaction{}, err
	}
	id := p.ids().Transaction()
	return p.once(ctx, caller,
		request{
			actionFund, r.CallerReference, payment.DigestOf("FundPrepaid", r), r.SenderTokenID,
			func(d decision) (payment.Change, error) {
				in, err := p.load(d, named{
					sender: r.SenderTokenID, aggregate: r.PrepaidInstrumentID, aggregateMethod: holdfast.MethodPrepaid,
				}, id, "")
				if err != nil {
					return payment.Change{}, err
				}
				return payment.FundPrepaid(in, r)
			},
		})
}
