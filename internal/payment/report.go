package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// StepReach is how long after a transaction was received its steps usually come:
// a hold lasts seven days. Reports find these steps by the time at which the
// transaction was received. Later steps are marked when they are written.
const StepReach = 8 * 24 * time.Hour

func (t *Transaction) late(at time.Time) bool { return at.Sub(t.Received) > StepReach }

// A Movement is a step of a transaction that moved money in the books, or a
// decline. Its postings say what it moved, and At says when, by the caller's clock.
// Reports are made of movements.
type Movement struct {
	Caller      party.CallerID
	Transaction holdfast.TransactionID
	Step        int // its place in the history, from 1
	At          time.Time
	Verb        Verb
	Before      State
	Postings    []ledger.Posting

	Kind                     Kind
	Reference                holdfast.CallerReference
	Sender, Recipient, Owner party.ID
	Method                   holdfast.PaymentMethod
	FeeBy                    holdfast.Role
	Policy                   holdfast.RefundPolicy
	Parent                   holdfast.TransactionID
	Description              string       // the caller's
	Commission               money.Amount // of the transaction
}

// sum adds up the amounts of the postings that are chosen.
func (m *Movement) sum(chosen func(ledger.Posting) bool) (micro int64) {
	for _, p := range m.Postings {
		if chosen(p) {
			micro += p.Amount.Micro
		}
	}
	return micro
}

// between adds up the postings from one account to another, less those back.
func (m *Movement) between(from, to ledger.AccountID) (micro int64) {
	if from == to {
		return 0
	}
	return m.sum(func(p ledger.Posting) bool { return p.From == from && p.To == to }) -
		m.sum(func(p ledger.Posting) bool { return p.From == to && p.To == from })
}

// change is what the postings add to an account.
func (m *Movement) change(a ledger.AccountID) int64 { return ledger.Balance(m.Postings, a).Micro }

// Paid is what a payment has brought to its recipient, before fees. It is zero
// unless the movement is the success of a payment. A purchase from a prepaid
// balance or on credit is no payment in this sense: the recipient is paid when the
// balance is funded or the debt is settled.
func (m *Movement) Paid() (micro int64) {
	switch m.Kind {
	case KindReserve, KindPart, KindPay, KindFundPrepaid, KindSettleDebt:
	case KindRefund, KindWriteOffDebt, KindCommission, KindDeposit, KindDispute, KindDisputeReturn, KindRefundReversal,
		KindOutsideRefund:
		return 0
	}
	switch m.Verb {
	case VerbCapture:
		return m.between(ledger.Held, account(m.Recipient))
	case VerbCharge:
		return m.between(ledger.Network, account(m.Recipient))
	case VerbTransfer:
		return m.between(account(m.Sender), account(m.Recipient))
	case VerbReserve, VerbPay, VerbRefund, VerbApprove, VerbReturn, VerbDecline, VerbSettle, VerbCaptureDecline, VerbLower,
		VerbClose, VerbCancel, VerbExpire, VerbTimeOut, VerbLateCharge, VerbLateReturn:
	}
	return 0
}

// PaidBack is what was taken from the recipient of a payment for a refund. It is
// below zero if the refund failed, and the recipient has got the money again. The
// return of a marketplace's fee alone is no refund.
func (m *Movement) PaidBack() int64 {
	if m.Policy == holdfast.RefundMarketplaceOnly {
		return 0
	}
	recipient := account(m.Recipient)
	switch {
	case m.Kind == KindRefund && m.Method == holdfast.MethodCC:
		return m.between(recipient, ledger.Outgoing)
	case m.Kind == KindRefund:
		return m.sum(func(p ledger.Posting) bool { return p.From == recipient && p.To == account(m.Sender) })
	case m.Kind == KindOutsideRefund, m.Kind == KindRefundReversal:
		return m.between(recipient, ledger.Network)
	}
	return 0
}

// Fee is what the operator has earned. It is below zero if a fee was given back.
func (m *Movement) Fee() int64 { return m.change(ledger.Fees) }

// CommissionPaid is what marketplaces have taken from recipients as their fee. It
// is below zero if a fee was given back.
func (m *Movement) CommissionPaid() int64 {
	recipient, owner := account(m.Recipient), account(m.Owner)
	switch {
	case m.Kind == KindCommission:
		return m.between(account(m.Sender), recipient)
	case m.Kind == KindRefund && m.Policy == holdfast.RefundMarketplaceOnly: // its recipient is the owner
		return -m.between(recipient, account(m.Sender))
	case m.Kind == KindRefund && m.Method != holdfast.MethodCC:
		return -m.sum(func(p ledger.Posting) bool { return p.From == owner && p.To == recipient && owner != recipient })
	case m.Kind == KindRefund, m.Kind == KindRefundReversal:
		return m.between(recipient, owner)
	}
	return 0
}

// Disputed is what disputes have taken from the recipient. It is below zero if
// the recipient has got it again.
func (m *Movement) Disputed() int64 { return m.between(account(m.Recipient), ledger.Disputed) }

// Held is what was newly held.
func (m *Movement) Held() int64 {
	return m.sum(func(p ledger.Posting) bool { return p.From == ledger.Network && p.To == ledger.Held })
}

// Released is what was held and went back to the buyer.
func (m *Movement) Released() int64 {
	return m.sum(func(p ledger.Posting) bool { return p.From == ledger.Held && p.To == ledger.Network })
}

// Declined reports whether the movement is the decline of a payment or a hold.
func (m *Movement) Declined() bool {
	return m.Kind != KindRefund && (m.Verb == VerbDecline || m.Verb == VerbCaptureDecline)
}

// Own is what the movement adds to a party's money: its balance, and what is set
// aside of it.
func (m *Movement) Own(p party.ID) int64 {
	return m.change(account(p)) + m.change(ledger.SetAside(string(p)))
}

// Figures are sums of movements. Amounts are in micro-dollars.
type Figures struct {
	Holds, Settlements, Refunds, Disputes, Declines int64 // how many
	// Held is what was newly held, and Released what of it went back to buyers.
	Held, Released int64
	Settled        int64 // paid to recipients, before fees
	Refunded       int64 // less the refunds that failed
	Fees           int64 // the operator's, less those given back
	Commissions    int64 // the marketplace's, less those given back
	Disputed       int64 // less what came back
	OwnIn, OwnOut  int64 // what the caller's owner got and gave in the caller's books
	// Changes is what was added to each group of accounts.
	Changes map[ledger.Group]int64
}

// Net is what is left to recipients.
func (f *Figures) Net() int64 { return f.Settled - f.Refunded - f.Fees - f.Commissions - f.Disputed }

// Empty reports whether nothing has moved.
func (f *Figures) Empty() bool {
	for _, micro := range f.Changes {
		if micro != 0 {
			return false
		}
	}
	return f.Holds|f.Settlements|f.Refunds|f.Disputes|f.Declines|f.Held|f.Released|f.Settled|f.Refunded|f.Fees|
		f.Commissions|f.Disputed|f.OwnIn|f.OwnOut == 0
}

// Add adds a movement.
func (f *Figures) Add(m *Movement) {
	if f.Changes == nil {
		f.Changes = make(map[ledger.Group]int64)
	}
	accounts, by := ledger.AllChanges(m.Postings)
	for i, a := range accounts {
		f.Changes[a.Group()] += by[i]
	}
	for _, one := range []struct {
		count, sum *int64
		micro      int64
	}{
		{&f.Holds, &f.Held, m.Held()},
		{&f.Settlements, &f.Settled, m.Paid()},
		{&f.Refunds, &f.Refunded, m.PaidBack()},
		{&f.Disputes, &f.Disputed, m.Disputed()},
	} {
		*one.sum += one.micro
		if one.micro > 0 {
			*one.count++
		}
	}
	own := m.Own(m.Owner)
	f.OwnIn, f.OwnOut = f.OwnIn+max(own, 0), f.OwnOut+max(-own, 0)
	f.Released += m.Released()
	f.Fees += m.Fee()
	f.Commissions += m.CommissionPaid()
	if m.Declined() {
		f.Declines++
	}
}

// Plus adds other figures.
func (f *Figures) Plus(o Figures) {
	if f.Changes == nil {
		f.Changes = make(map[ledger.Group]int64)
	}
	for g, micro := range o.Changes {
		f.Changes[g] += micro
	}
	for _, one := range []struct {
		to *int64
		by int64
	}{
		{&f.Holds, o.Holds},
		{&f.Settlements, o.Settlements},
		{&f.Refunds, o.Refunds},
		{&f.Disputes, o.Disputes},
		{&f.Declines, o.Declines},
		{&f.Held, o.Held},
		{&f.Released, o.Released},
		{&f.Settled, o.Settled},
		{&f.Refunded, o.Refunded},
		{&f.Fees, o.Fees},
		{&f.Commissions, o.Commissions},
		{&f.Disputed, o.Disputed},
		{&f.OwnIn, o.OwnIn},
		{&f.OwnOut, o.OwnOut},
	} {
		*one.to += one.by
	}
}

// A BookDay is a day in UTC, counted from 1970-01-01.
type BookDay int64

// BookDayOf is the day of a time.
func BookDayOf(at time.Time) BookDay {
	const day = 24 * 60 * 60
	seconds := at.Unix()
	return BookDay((seconds - ((seconds%day)+day)%day) / day)
}

// Time is the beginning of the day.
func (d BookDay) Time() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// DayFigures are the figures of a caller on a day.
type DayFigures struct {
	Caller party.CallerID
	Day    BookDay
	Figures
}
