package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A RenewHold asks to hold the open amount of a hold anew.
type RenewHold struct {
	Hold holdfast.TransactionID // or one of its members
	// Reference is the caller's own name for the renewal; empty means the idempotency
	// key.
	Reference holdfast.CallerReference
}

// RenewHold holds the open amount of a hold anew, for as long as the hold was to
// live at first. When the card network has approved it, the members of the hold
// that it replaces end in the same commit, and are released afterwards. If it is
// declined, the hold is as it was; the message of the transaction says until when.
func (p *Processor) RenewHold(
	ctx context.Context, caller party.Caller, call *Call, r RenewHold,
) (payment.Transaction, error) {
	return p.linkHold(ctx, caller, call, linking{
		action: actionRenew, hold: r.Hold, reference: r.Reference, digest: payment.DigestOf("RenewHold", r),
		decide: payment.LinkInput.Renew,
	})
}
