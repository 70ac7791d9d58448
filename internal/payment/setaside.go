package payment

import (
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/money"
)

// The outcome of a transaction may take money from a party's balance. The
// intent sets that money aside, because the balance could be spent before the
// outcome. Every outcome first gives all of it back, and then takes its own
// amount.

// withAside records whether the transaction sets money aside.
func (t Transaction) withAside() Transaction {
	t.SetsAside = true
	t.SetsAside = len(t.aside()) > 0
	return t
}

// aside are the postings that set money aside. A transaction whose SetsAside is
// false has none.
func (t *Transaction) aside() (postings []ledger.Posting) {
	if !t.SetsAside {
		return nil
	}
	accounts, by := ledger.Changes(t.takes())
	for i, from := range accounts {
		if p, ok := from.Party(); ok {
			postings = transfer(postings, from, ledger.SetAside(p), money.Micros(-by[i]))
		}
	}
	return postings
}

// takes are the postings of the outcome that may take money from a party: the
// success of a payment, or the decline of a refund.
func (t *Transaction) takes() []ledger.Posting {
	switch t.Kind {
	case KindRefund:
		return undone(t.refundPostings())
	case KindReserve, KindPart:
		return t.commissionPostings(t.capturePostings())
	case KindPay, KindFundPrepaid, KindSettleDebt:
		return t.commissionPostings(t.paidPostings(ledger.Network))
	case KindWriteOffDebt, KindCommission, KindDeposit, KindDispute, KindDisputeReturn, KindRefundReversal,
		KindOutsideRefund:
	}
	return nil
}

// commissionPostings adds the posting of the marketplace's fee, which is a
// separate transaction.
func (t *Transaction) commissionPostings(postings []ledger.Posting) []ledger.Posting {
	return transfer(postings, account(t.Recipient), account(t.Owner), t.Commission)
}

// setsAside reports whether a verb is an intent that may set money aside.
func (v Verb) setsAside() bool { return v == VerbPay || v == VerbRefund || v == VerbSettle }

// waits reports whether money is set aside while the transaction is in a state.
func (t *Transaction) waits(s State) bool {
	if t.Kind == KindReserve || t.Kind == KindPart {
		return s == Settling
	}
	return s == Pending
}
