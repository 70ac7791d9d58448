package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// ChooseAddress sets the address that the order of a visit is sent to.
func (p *Processor) ChooseAddress(
	ctx context.Context, id payment.VisitID, sender party.ID, choice party.AddressID,
) (payment.Visit, error) {
	return p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		v := s.visit
		if v.Sender != sender {
			return v, ErrNotSender
		}
		if _, err := identity.OwnAddress(s.ReadTx, sender, choice); err != nil {
			return v, err
		}
		if !s.asked.Request.CollectAddress {
			return v, holdfast.Errorf(holdfast.InvalidParams, "this address cannot be used here")
		}
		v.Address = choice
		return v, nil
	})
}
