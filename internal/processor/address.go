package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// AddAddress keeps a shipping address, which becomes the owner's default. One
// that cannot be printed on a label is InvalidParams; party.CheckAddress says
// why.
func (p *Processor) AddAddress(ctx context.Context, owner party.ID, typed holdfast.Address) (party.Address, error) {
	if problems := party.CheckAddress(typed); len(problems) > 0 {
		return party.Address{}, holdfast.Errorf(holdfast.InvalidParams, "the address is incomplete or too long")
	}
	a := party.Address{
		ID: party.AddressID(p.ids().Other("A")), Owner: owner, Default: true, Created: p.now(), Address: typed,
	}
	err := p.Store.Update(ctx, func(tx *store.Tx) error { return tx.InsertAddress(a) })
	return a, err
}

// ChooseAddress has the order of a visit sent to one of the sender's addresses.
func (p *Processor) ChooseAddress(ctx context.Context, id payment.VisitID, sender party.ID, choice party.AddressID) (payment.Visit, error) {
	return p.changeVisit(ctx, id, func(s step) (payment.Visit, error) {
		v := s.visit
		if v.Sender != sender {
			return v, ErrNotSender
		}
		_, found, err := s.tx.Address(sender, choice)
		if err != nil {
			return v, err
		}
		if !found || !s.asked.Request.CollectAddress {
			return v, holdfast.Errorf(holdfast.InvalidParams, "this address cannot be used here")
		}
		v.Address = choice
		return v, nil
	})
}
