package processor

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A RaiseHold asks to hold a further amount for a hold.
type RaiseHold struct {
	Hold   holdfast.TransactionID // or one of its members
	Amount money.Amount           // that is held in addition
	// Reference is the caller's own name for the raise; empty means the idempotency
	// key.
	Reference holdfast.CallerReference
}

// RaiseHold holds a further amount with the token of a hold. The transaction of
// the answer is a Reserve of its own, and belongs to the hold. If it is declined,
// the hold is as it was.
func (p *Processor) RaiseHold(
	ctx context.Context, caller party.Caller, call *Call, r RaiseHold,
) (payment.Transaction, error) {
	if err := payment.CheckRaise(r.Amount, caller); err != nil {
		return payment.Transaction{}, err
	}
	return p.linkHold(ctx, caller, call, linking{
		action: actionRaise, hold: r.Hold, reference: r.Reference, digest: payment.DigestOf("RaiseHold", r),
		decide: func(in payment.LinkInput) (payment.Change, error) { return in.Raise(r.Amount) },
	})
}

// A linking is a request for a linked hold.
type linking struct {
	action    party.AuditAction
	hold      holdfast.TransactionID
	reference holdfast.CallerReference
	digest    payment.Digest
	decide    func(payment.LinkInput) (payment.Change, error)
}

// linkHold carries out a request for a linked hold.
func (p *Processor) linkHold(
	ctx context.Context, caller party.Caller, call *Call, l linking,
) (payment.Transaction, error) {
	id, commissionID := p.ids().Transaction(), p.ids().Transaction()
	reference := call.reference(l.reference)
	decide := func(d decision) (payment.Change, error) {
		in := payment.LinkInput{Reference: reference}
		h, err := d.hold(l.hold)
		if err != nil {
			return payment.Change{}, err
		}
		root := h.Root()
		for _, m := range h.Members {
			if err := (changeInput{d, m}).attended("raised or renewed"); err != nil {
				return payment.Change{}, err
			}
		}
		named := named{sender: root.Token, recipient: root.RecipientToken}
		if in.Input, err = p.load(d, named, id, commissionID); err != nil {
			return payment.Change{}, err
		}
		in.Hold, in.Root = h.AsOf(d.now), root
		return l.decide(in)
	}
	return p.onceFor(ctx, caller, call, party.ScopeHold, request{l.action, reference, l.digest, "", decide})
}

// joinHold changes the outcome of a linked hold to what it means for its hold. It
// returns the changes of the members that an approved renewal replaces.
func joinHold(
	tx *store.ReadTx, c *payment.Change, answer payment.Answer, now time.Time,
) (replaced []payment.Change, err error) {
	t := &c.After
	if t.Link == "" || c.Before.State != payment.Pending || !c.Moved() {
		return nil, nil
	}
	root, found, err := tx.HoldRoot(t.Caller, t.Parent)
	if err != nil || !found {
		return nil, errors.Join(err, missing(found, "hold", string(t.Parent)))
	}
	h, err := tx.HoldMembers(root)
	if err != nil {
		return nil, err
	}
	if t.Link == payment.LinkRenew && c.Verb == payment.VerbApprove {
		if attention, err := needsAttention(tx, h); err != nil || attention {
			*c = c.Before.RenewalGivenUp(answer, now)
			return nil, err
		}
	}
	var limits []payment.Limit
	if t.Link == payment.LinkRenew && t.Counted {
		if limits, err = limitsThatCount(tx, *t); err != nil {
			return nil, err
		}
	}
	*c, replaced = h.AsOf(now).Join(*c, answer, limits, now)
	return replaced, nil
}

// needsAttention reports whether a person must look at an open member of a hold at
// its card network. Such a member is not released.
func needsAttention(tx *store.ReadTx, h payment.Hold) (bool, error) {
	root := h.Root()
	i, _, err := tx.Instrument(root.Sender, root.Instrument)
	if err != nil || i.Account == "" {
		return false, err
	}
	for _, m := range h.Members {
		if m.State.Final() || m.State == payment.Pending {
			continue
		}
		known, _, err := tx.NetworkPayment(m.Caller, m.ID)
		if err != nil || known.Attention != "" {
			return true, err
		}
	}
	return false, nil
}
