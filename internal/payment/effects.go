package payment

import "github.com/holdfast-pay/holdfast"

// Effects are the records that change together with a transaction after it was
// made. Each is loaded only where [Transaction.Needs] says so.
type Effects struct {
	Limits    []Limit             // that count the transaction
	Aggregate AggregateInstrument // that the transaction funds or settles
	Original  Transaction         // that the transaction refunds, or that a part draws from
}

// Needs says which [Effects] must be loaded for a change of the transaction.
func (t Transaction) Needs() (limits, aggregate, original bool) {
	return t.Counted, t.Kind == KindFundPrepaid || t.Kind == KindSettleDebt, t.Kind == KindRefund || t.Kind == KindPart
}

// HasEffects reports whether any record changes with the transaction. What an
// answer about a linked hold means depends on the hold.
func (t Transaction) HasEffects() bool {
	limits, aggregate, original := t.Needs()
	return limits || aggregate || original || t.Link != ""
}

// Effective reports whether other records may change with the change: it is a
// step, and not a booking after the end.
func (c *Change) Effective() bool { return c.Stepped() && !c.Verb.late() }

// GivesBack reports whether the change gives a counted use, or part of its
// amount, back to the limits. A renewal counts only from its approval on.
func (c *Change) GivesBack() bool {
	t := c.After
	if t.Link == LinkRenew && c.Before.State == Pending {
		return false
	}
	switch c.Verb {
	case VerbCapture, VerbClose:
		return t.Settled.Cmp(t.Amount) < 0
	case VerbLower:
		return true
	default:
		return t.State == Failure || t.State == Cancelled
	}
}

// With adds the effects to a change of an existing transaction. A payment that
// failed gives back its uses and amounts; one that succeeded completes its funding or
// settlement.
func (c Change) With(b Effects) Change {
	t := c.After
	if !c.Effective() {
		return c
	}
	limits, aggregate, original := t.Needs()
	failed := t.State == Failure || t.State == Cancelled
	if limits && failed {
		c.Limits = giveBack(b.Limits, less(t.Amount, t.Lowered), t.Received, true)
	}
	if limits && (c.Verb == VerbCapture || c.Verb == VerbClose) {
		c.Limits = giveBack(b.Limits, less(t.Amount, t.Settled, t.Lowered), t.Received, false)
	}
	if limits && c.Verb == VerbLower {
		c.Limits = giveBack(b.Limits, less(t.Lowered, c.Before.Lowered), t.Received, false)
	}
	if aggregate && failed {
		c.Aggregate = b.Aggregate.giveUp(t.Amount)
	}
	if aggregate && t.State == Success {
		c.Aggregate = b.Aggregate.finish(t.Amount)
	}
	if t.Kind == KindPart && c.Before.State != None {
		c.Member = b.Original.afterPart(t, c.Gone, c.At)
		return c
	}
	if original && failed {
		c.Original = &OriginalChange{b.Original, b.Original.refundedBy(t, -1)}
	}
	return c
}

// refundedBy adds a refund to the payment's totals. With a sign of -1 it
// subtracts the refund.
func (t Transaction) refundedBy(refund Transaction, sign int64) Transaction {
	if refund.Policy == holdfast.RefundMarketplaceOnly {
		t.CommissionReturned = t.CommissionReturned.Add(refund.Amount.Times(sign))
		return t
	}
	t.Refunded = t.Refunded.Add(refund.Amount.Times(sign))
	t.FeeReturned = t.FeeReturned.Sub(refund.Fee.Times(sign))
	t.CommissionReturned = t.CommissionReturned.Sub(refund.Commission.Times(sign))
	return t
}
