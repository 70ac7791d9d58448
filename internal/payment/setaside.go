package payment

import (
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/money"
)

// What the outcome of a transaction may take from a party's balance is set aside
// at the intent: the balance that was looked at then may be gone by the time of
// the outcome. Every outcome gives all of it back, and takes what it takes.

// withAside notes that the transaction sets money aside, if it does.
func (t Transaction) withAside() Transaction {
	t.SetsAside = true
	t.SetsAside = len(t.aside()) > 0
	return t
}

// aside are the postings that set money aside. Transactions that were under way
// before money was set aside have none.
func (t Transaction) aside() (postings []ledger.Posting) {
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

// takes are the postings of the outcome that may take money from a party: a
// payment that succeeds, a refund that is declined.
func (t Transaction) takes() []ledger.Posting {
	switch t.Kind {
	case KindRefund:
		return undone(t.refundPostings())
	case KindReserve:
		return t.commissionPostings(t.capturePostings())
	case KindPay, KindFundPrepaid, KindSettleDebt:
		return t.commissionPostings(t.paidPostings(ledger.Network))
	case KindWriteOffDebt, KindCommission, KindDeposit:
	}
	return nil
}

// commissionPostings adds the marketplace's fee, which has a transaction of its
// own.
func (t Transaction) commissionPostings(postings []ledger.Posting) []ledger.Posting {
	return transfer(postings, account(t.Recipient), account(t.Owner), t.Commission)
}

// setsAside reports whether a verb is an intent that sets money aside.
func (v Verb) setsAside() bool { return v == VerbPay || v == VerbRefund || v == VerbSettle }

// waits reports whether money is set aside while the transaction is in a state.
func (t Transaction) waits(s State) bool {
	if t.Kind == KindReserve {
		return s == Settling
	}
	return s == Pending
}
