package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// The functions of this file return what each step of a transaction moves in
// the caller's books. They depend only on the transaction. So an audit can use
// them on rows that may be wrong. An amount of zero makes no posting.

// transfer moves a positive amount between two different accounts. A fee that a
// party would pay to itself makes no posting.
func transfer(postings []ledger.Posting, from, to ledger.AccountID, amount money.Amount) []ledger.Posting {
	if !amount.Positive() || from == to {
		return postings
	}
	return append(postings, ledger.Posting{From: from, To: to, Amount: amount})
}

// move returns the postings of a step. Each must be one that the books allow;
// otherwise it panics.
func move(postings []ledger.Posting) []ledger.Posting {
	for _, p := range postings {
		ledger.Move(p.From, p.To, p.Amount)
	}
	return postings
}

func account(p party.ID) ledger.AccountID { return ledger.Party(string(p)) }

// bearer is the account of the party that bears the operator's fee.
func (t *Transaction) bearer() ledger.AccountID {
	if t.FeeBy == holdfast.RoleCaller {
		return account(t.Owner)
	}
	return account(t.Recipient)
}

// paidPostings move a payment to the recipient and the fee to the operator.
// Funding and settling also change the instrument's account.
func (t *Transaction) paidPostings(from ledger.AccountID) (postings []ledger.Posting) {
	postings = transfer(postings, from, account(t.Recipient), t.Current())
	postings = transfer(postings, t.bearer(), ledger.Fees, t.Fee)
	switch t.Kind {
	case KindFundPrepaid:
		postings = transfer(postings, ledger.Owed(string(t.Recipient)), ledger.Prepaid(string(t.Aggregate)), t.Amount)
	case KindSettleDebt:
		postings = transfer(postings, ledger.Due(string(t.Recipient)), ledger.Debt(string(t.Aggregate)), t.Amount)
	case KindReserve, KindPart, KindPay, KindRefund, KindWriteOffDebt, KindCommission, KindDeposit, KindDispute,
		KindDisputeReturn, KindRefundReversal, KindOutsideRefund:
	}
	return postings
}

// capturePostings are the postings of a capture: the settled amount is paid,
// and the rest of the hold goes back. A part leaves the rest where it is.
func (t *Transaction) capturePostings() []ledger.Posting {
	if t.Kind == KindPart {
		return t.paidPostings(ledger.Held)
	}
	return transfer(t.paidPostings(ledger.Held), ledger.Held, ledger.Network, less(t.rest(), t.Settled))
}

// lowerPostings are the postings of a step that releases a part of a hold. The
// amount is in the step, because the transaction has only the sum.
func lowerPostings(amount money.Amount) []ledger.Posting {
	return transfer(nil, ledger.Held, ledger.Network, amount)
}

// transferPostings are the postings of transactions that need no network.
func (t *Transaction) transferPostings() (postings []ledger.Posting) {
	recipient := string(t.Recipient)
	switch {
	case t.Kind.FromNetwork():
		return t.networkPostings()
	case t.Kind == KindDeposit:
		return transfer(nil, ledger.Network, account(t.Recipient), t.Amount)
	case t.Kind == KindCommission:
		return transfer(nil, account(t.Sender), account(t.Recipient), t.Amount)
	case t.Kind == KindWriteOffDebt:
		return transfer(nil, ledger.Due(recipient), ledger.Debt(string(t.Aggregate)), t.Amount)
	case t.Kind == KindRefund:
		return t.refundPostings()
	case t.Method == holdfast.MethodPrepaid:
		return transfer(nil, ledger.Prepaid(string(t.Aggregate)), ledger.Owed(recipient), t.Amount)
	case t.Method == holdfast.MethodDebt:
		return transfer(nil, ledger.Debt(string(t.Aggregate)), ledger.Due(recipient), t.Amount)
	}
	return t.paidPostings(account(t.Sender))
}

// networkPostings are the postings of what a card network has done by itself.
// Nobody has asked the recipient, whose balance may be too small: then it is below
// zero afterwards.
func (t *Transaction) networkPostings() (postings []ledger.Posting) {
	recipient := account(t.Recipient)
	switch t.Kind {
	case KindDispute:
		postings = transfer(nil, recipient, ledger.Disputed, t.Amount)
		return transfer(postings, ledger.Disputed, ledger.Network, t.Amount)
	case KindDisputeReturn:
		postings = transfer(nil, ledger.Network, ledger.Disputed, t.Amount)
		return transfer(postings, ledger.Disputed, recipient, t.Amount)
	case KindOutsideRefund:
		return transfer(nil, recipient, ledger.Network, t.Amount)
	case KindRefundReversal: // the fees that the refund gave back are taken again
		postings = transfer(nil, ledger.Network, recipient, t.Amount)
		postings = transfer(postings, recipient, account(t.Owner), t.Commission)
		return transfer(postings, t.bearer(), ledger.Fees, t.Fee)
	case KindReserve, KindPart, KindPay, KindRefund, KindFundPrepaid, KindSettleDebt, KindWriteOffDebt, KindCommission,
		KindDeposit:
	}
	return nil
}

// refundPostings give the operator's and the marketplace's fees back, and take
// the refund from the recipient. It goes to the sender's balance or instrument,
// or is on its way to the card.
func (t *Transaction) refundPostings() (postings []ledger.Posting) {
	recipient := account(t.Recipient)
	back := money.Micros(0)
	postings = transfer(postings, ledger.Fees, t.bearer(), back.Sub(t.Fee))
	postings = transfer(postings, account(t.Owner), recipient, back.Sub(t.Commission))
	switch t.Method {
	case holdfast.MethodPrepaid:
		postings = transfer(postings, ledger.Owed(string(t.Recipient)), ledger.Prepaid(string(t.Aggregate)), t.Amount)
	case holdfast.MethodDebt:
		postings = transfer(postings, ledger.Due(string(t.Recipient)), ledger.Debt(string(t.Aggregate)), t.Amount)
	case holdfast.MethodCC:
		postings = transfer(postings, recipient, ledger.Outgoing, t.Amount)
	case holdfast.MethodABT, holdfast.MethodACH:
		postings = transfer(postings, recipient, account(t.Sender), t.Amount)
		if t.Aggregate != "" { // a prepaid balance goes back
			postings = transfer(postings, ledger.Prepaid(string(t.Aggregate)), ledger.Owed(string(t.Recipient)), t.Amount)
		}
	}
	return postings
}

// undone are the postings that reverse the given ones, the last first.
func undone(postings []ledger.Posting) []ledger.Posting {
	back := make([]ledger.Posting, 0, len(postings))
	for i := len(postings) - 1; i >= 0; i-- {
		p := postings[i]
		back = append(back, ledger.Posting{From: p.To, To: p.From, Amount: p.Amount})
	}
	return back
}

// stepPostings are the postings of a step. A step that ends the wait for a
// network first gives back the money that was set aside.
func (t *Transaction) stepPostings(v Verb, before State) (postings []ledger.Posting) {
	if t.waits(before) {
		postings = undone(t.aside())
	}
	postings = append(postings, t.verbPostings(v, before)...)
	if v.setsAside() {
		postings = append(postings, t.aside()...)
	}
	return postings
}

// verbPostings are the postings of a step without the money that is set aside.
func (t *Transaction) verbPostings(v Verb, before State) []ledger.Posting {
	switch v {
	case VerbApprove:
		return transfer(nil, ledger.Network, ledger.Held, t.Amount)
	case VerbCapture:
		return t.capturePostings()
	case VerbCharge:
		return t.paidPostings(ledger.Network)
	case VerbTransfer:
		return t.transferPostings()
	case VerbRefund:
		return t.refundPostings()
	case VerbReturn:
		return transfer(nil, ledger.Outgoing, ledger.Network, t.Amount)
	case VerbDecline:
		if t.Kind == KindRefund {
			return undone(t.refundPostings())
		}
	case VerbCaptureDecline: // after a part, the amount is still held
		if t.Kind == KindReserve {
			return transfer(nil, ledger.Held, ledger.Network, t.rest())
		}
	case VerbCancel, VerbExpire, VerbClose:
		if before == Reserved {
			return transfer(nil, ledger.Held, ledger.Network, t.rest())
		}
	case VerbLateCharge:
		return transfer(nil, ledger.Network, ledger.Outgoing, t.Amount)
	case VerbLateReturn:
		return transfer(nil, ledger.Outgoing, ledger.Network, t.Amount)
	case VerbReserve, VerbPay, VerbSettle, VerbTimeOut, VerbLower: // for Lower see lowerPostings
	}
	return nil
}
