package processor

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Refund pays a payment back, in full or in part (Query API Reference, Refund).
func (p *Processor) Refund(
	ctx context.Context, caller party.Caller, r holdfast.RefundRequest,
) (payment.Transaction, error) {
	return p.refundOnce(ctx, caller, nil, r)
}

func (p *Processor) refundOnce(
	ctx context.Context, caller party.Caller, c *Call, r holdfast.RefundRequest,
) (payment.Transaction, error) {
	id := p.ids().Transaction()
	return p.onceFor(ctx, caller, c, party.ScopeRefund,
		request{actionRefund, r.CallerReference, payment.DigestOf("Refund", r), "", func(d decision) (payment.Change, error) {
			original, found, err := d.tx.Transaction(d.caller.ID, r.TransactionID)
			if err != nil {
				return payment.Change{}, err
			}
			if err := payment.Find(original, found, r.TransactionID); err != nil {
				return payment.Change{}, err
			}
			return p.refund(d, original, r, id)
		}})
}

// refund loads the rest of the decision's input, and decides.
func (p *Processor) refund(
	d decision, original payment.Transaction, r holdfast.RefundRequest, id holdfast.TransactionID,
) (payment.Change, error) {
	in, err := p.refundInput(d, original, id)
	if err != nil {
		return payment.Change{}, err
	}
	return payment.Refund(in, r)
}

// refundInput loads what a refund depends on.
func (p *Processor) refundInput(
	d decision, original payment.Transaction, id holdfast.TransactionID,
) (in payment.RefundInput, err error) {
	in = payment.RefundInput{ID: id, Original: original, Window: p.RefundWindow, Now: d.now}
	if in.Owner, err = partyInPayment(&d.tx.ReadTx, original.Owner); err != nil {
		return in, err
	}
	if in.RefundToken, err = d.refundToken(original.RecipientToken); err != nil {
		return in, err
	}
	if in.RecipientBalance, err = d.balance(original.Recipient); err != nil {
		return in, err
	}
	if in.OwnerBalance, err = d.balance(original.Owner); err != nil {
		return in, err
	}
	if d.caller.Network != "" {
		const why = "a dispute that comes at the same moment is the network's to weigh: it declines the refund"
		if in.Disputes, err = d.tx.Unlocked(why).Disputes(original.Caller, original.ID); err != nil {
			return in, err
		}
	}
	if original.Aggregate != "" {
		var found bool
		if in.Aggregate, found, err = d.tx.Aggregate(original.Aggregate); err != nil || !found {
			return in, errors.Join(err, missing(found, "instrument", string(original.Aggregate)))
		}
	}
	if original.Method == holdfast.MethodPrepaid {
		if in.Movers, err = readMovers(&d.tx.ReadTx, in.Aggregate); err != nil {
			return in, err
		}
	}
	return in, nil
}

// refundToken returns the refund token that belongs to a recipient token, or
// the zero Token if there is none.
func (d decision) refundToken(recipient holdfast.TokenID) (payment.Token, error) {
	if recipient == "" {
		return payment.Token{}, nil
	}
	k, found, err := d.tx.Token(recipient)
	if err != nil || !found {
		return k, errors.Join(err, missing(found, "token", string(recipient)))
	}
	if k.RefundToken == "" {
		return payment.Token{}, nil
	}
	k, found, err = d.tx.Token(k.RefundToken)
	return k, errors.Join(err, missing(found, "refund token of", string(recipient)))
}
