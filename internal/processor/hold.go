package processor

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// hold reads a hold for a decision, without its parts.
func (d decision) hold(id holdfast.TransactionID) (h payment.Hold, err error) {
	root, found, err := d.tx.HoldRoot(d.caller.ID, id)
	if err != nil {
		return h, err
	}
	if err := payment.Find(root, found, id); err != nil {
		return h, err
	}
	return d.tx.HoldMembers(root)
}
