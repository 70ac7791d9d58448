package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A Return pays the rest of one funding back to the sender's account balance
// when its prepaid instrument has ended. It is recorded as a refund of the
// funding.
type Return struct {
	Funding Transaction
	Amount  money.Amount
	Fee     money.Amount // the operator's fee for this part, given back to the recipient
}

// Returns pay a prepaid balance back from the fundings that have something
// left, the last first. There are none if the recipient's balance does not
// cover all of them.
func (a AggregateInstrument) Returns(fundings []Transaction, recipient money.Amount) (all []Return) {
	left := a.Balance
	for _, f := range fundings {
		if !left.Positive() {
			break
		}
		r := Return{Funding: f, Amount: f.Amount.Sub(f.Refunded)}
		if r.Amount.Cmp(left) > 0 {
			r.Amount = left
		}
		r.Fee = f.Fee.PartHalfUpToCent(f.Refunded.Add(r.Amount), f.Amount).Sub(f.Fee.PartHalfUpToCent(f.Refunded, f.Amount))
		left, recipient = left.Sub(r.Amount), recipient.Add(r.Fee).Sub(r.Amount)
		all = append(all, r)
	}
	if recipient.Micro < 0 {
		return nil
	}
	return all
}

// Over reports whether a prepaid instrument has expired with money on it.
func (a AggregateInstrument) Over(now time.Time) bool {
	return a.Method == holdfast.MethodPrepaid && a.Balance.Positive() && a.expired(now)
}

// Ended is the instrument with its expiry at now, unless it has expired
// already.
func (a AggregateInstrument) Ended(now time.Time) AggregateInstrument {
	if !a.expired(now) {
		a.Expires = now
	}
	return a
}

// returnReference is the prefix of the CallerReference of a return.
const returnReference = "return-"

// Change makes the transaction of a return. No caller requested it, so its
// CallerReference is made from its id.
func (r Return) Change(id holdfast.TransactionID, a AggregateInstrument, now time.Time) Change {
	f := r.Funding
	t := Transaction{
		ID: id, Caller: f.Caller, Kind: KindRefund, Reference: holdfast.CallerReference(returnReference + id), Parent: f.ID,
		Policy: holdfast.RefundMasterOnly, Sender: f.Sender, Recipient: f.Recipient, Owner: f.Owner, Token: f.Token,
		Method: holdfast.MethodABT, Aggregate: f.Aggregate,
		FeeBy: f.FeeBy, Amount: r.Amount, Fee: money.Micros(0).Sub(r.Fee), Received: now,
	}.withNoAmounts()
	c := t.begun(VerbTransfer, now, holdfast.CodeSuccess, messageReturned)
	c.Postings = move(t.transferPostings())
	after := a
	after.Balance = a.Balance.Sub(r.Amount)
	c.Aggregate = &AggregateChange{a, after}
	c.Original = &OriginalChange{f, f.refundedBy(t, 1)}
	c.Spends = []party.ID{f.Recipient}
	return c
}
