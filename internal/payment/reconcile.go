package payment

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// Reconciliation compares what the books say about the money at an account of a
// card network with the network's own books.

// ReconcileSlack is how far apart in time the books and the network may have the
// same movement. Both sides are read for that much longer at each end.
const ReconcileSlack = 2 * 24 * time.Hour

// A NetworkMovement is money that the books have moved to or from the account at
// a network: money that was taken is above zero.
type NetworkMovement struct {
	Transaction holdfast.TransactionID
	Payment     string // the network's payment; empty if it is not known
	Type        LineType
	Micro       int64
	At          time.Time
}

// MovementOf is the movement of a step, of a transaction that has a payment at a
// network. ok is false if the step moves no money at the network, as a hold and
// its release.
func MovementOf(t *Transaction, v Verb) (m NetworkMovement, ok bool) {
	m = NetworkMovement{Transaction: t.ID}
	switch v {
	case VerbCapture, VerbCharge, VerbLateCharge:
		m.Type, m.Micro = LineCharge, t.Current().Micro
	case VerbReturn, VerbLateReturn:
		m.Type, m.Micro = LineRefund, -t.Amount.Micro
	case VerbTransfer:
		switch t.Kind {
		case KindDispute:
			m.Type, m.Micro = LineDispute, -t.Amount.Micro
		case KindDisputeReturn:
			m.Type, m.Micro = LineDispute, t.Amount.Micro
		case KindOutsideRefund:
			m.Type, m.Micro = LineRefund, -t.Amount.Micro
		case KindRefundReversal:
			m.Type, m.Micro = LineRefundFailure, t.Amount.Micro
		case KindReserve, KindPart, KindPay, KindRefund, KindFundPrepaid, KindSettleDebt, KindWriteOffDebt, KindCommission,
			KindDeposit:
			return m, false
		}
	case VerbReserve, VerbPay, VerbRefund, VerbApprove, VerbDecline, VerbSettle, VerbCaptureDecline, VerbLower,
		VerbClose, VerbCancel, VerbExpire, VerbTimeOut:
		return m, false
	}
	return m, true
}

// A ReconcileInput has both sides. Movements and Lines reach ReconcileSlack
// further than the period.
type ReconcileInput struct {
	From, To  time.Time // the period: from the first until before the second
	Movements []NetworkMovement
	Lines     []NetworkLine
	// Foreign are the network's payments that are not this server's: the account is
	// used for other sales, too.
	Foreign map[string]bool
	Now     time.Time
}

// A Reconciliation is the result of a comparison.
type Reconciliation struct {
	Days        []ReconciledDay
	Differences []NetworkDifference
	Payouts     []ReconciledPayout
	Rests       int // settlements of less than the hold
	Foreign     int // the network's payments that are not this server's
}

// A ReconciledDay has the sums of a day in UTC, in micro-dollars. Network is
// without what is not compared: fees, payouts and foreign payments.
type ReconciledDay struct {
	Day            time.Time
	Books, Network int64
	Fees           int64 // that the network kept
	PaidOut        int64
}

// A ReconciledPayout compares a payout with the lines that it has paid out.
type ReconciledPayout struct {
	ID         string
	Paid, Adds int64
}

// A NetworkDifference is a movement that only one side has, or that both sides
// have differently.
type NetworkDifference struct {
	Day            time.Time
	Payment        string
	Transaction    holdfast.TransactionID // empty if the books have nothing
	Type           LineType
	Books, Network int64
	Why            DifferenceReason
}

// A DifferenceReason says why the two sides differ.
type DifferenceReason string

// The reasons.
const (
	DiffMidnight  DifferenceReason = "midnight"         // both sides have it, on different days
	DiffNew       DifferenceReason = "new"              // the network books it within a day
	DiffUnbooked  DifferenceReason = "not in the books" // the network has told of it, or will
	DiffMissing   DifferenceReason = "not at the network"
	DiffAmount    DifferenceReason = "another amount"
	DiffUnknown   DifferenceReason = "unknown payment" // one of ours that the books do not have
	DiffUnrelated DifferenceReason = "no payment"      // a line that belongs to no payment
	DiffPayout    DifferenceReason = "payout"          // a payout is not the sum of its lines
)

// Explained reports whether nobody has to look at a difference.
func (r DifferenceReason) Explained() bool {
	switch r {
	case DiffMidnight, DiffNew, DiffUnrelated:
		return true
	case DiffUnbooked, DiffMissing, DiffAmount, DiffUnknown, DiffPayout:
	}
	return false
}

// Unexplained counts the differences that somebody has to look at.
func (r Reconciliation) Unexplained() (n int) {
	for _, d := range r.Differences {
		if !d.Why.Explained() {
			n++
		}
	}
	return n
}

// Equal reports whether all differences are explained.
func (r Reconciliation) Equal() bool { return r.Unexplained() == 0 }

// A side is one movement of the books, or one of the network, while they are
// compared.
type side struct {
	transaction holdfast.TransactionID
	kind        LineType
	micro       int64
	at          time.Time
	matched     bool
}

// Reconcile compares the books with the network's, payment by payment.
func Reconcile(in ReconcileInput) Reconciliation {
	var r Reconciliation
	r.addDays(in)
	books, network := make(map[string][]*side), make(map[string][]*side)
	for _, m := range in.Movements {
		books[m.Payment] = append(books[m.Payment], &side{m.Transaction, m.Type, m.Micro, m.At, false})
	}
	for _, l := range in.Lines {
		if in.compared(l) && l.Type != LineRest {
			network[l.Payment] = append(network[l.Payment], &side{"", l.Type, l.Micro, l.Created, false})
		}
	}
	for _, l := range in.Lines {
		if in.compared(l) && l.Type == LineRest && rested(network[l.Payment], l) && in.Within(l.Created) {
			r.Rests++
		}
	}
	var payments []string
	for p := range books {
		payments = append(payments, p)
	}
	for p := range network {
		payments = append(payments, p)
	}
	slices.Sort(payments)
	for _, p := range slices.Compact(payments) {
		r.compare(in, p, books[p], network[p])
	}
	r.addOthers(in)
	slices.SortStableFunc(r.Differences, func(a, b NetworkDifference) int {
		return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.Payment, b.Payment))
	})
	return r
}

// Within reports whether a time is in the period.
func (in ReconcileInput) Within(at time.Time) bool { return !at.Before(in.From) && at.Before(in.To) }

// compared reports whether a line is one that the books must have.
func (in ReconcileInput) compared(l NetworkLine) bool {
	switch l.Type {
	case LineFee, LinePayout:
		return false
	case LineCharge, LineRest, LineRefund, LineRefundFailure, LineDispute, LineOther:
	}
	return l.Payment != "" && !in.Foreign[l.Payment]
}

// rested takes the rest of a hold off its charge: the books have only what was
// settled. It reports false if there is no such charge.
func rested(of []*side, rest NetworkLine) bool {
	i := slices.IndexFunc(of, func(s *side) bool { return s.kind == LineCharge && s.micro > -rest.Micro })
	if i < 0 {
		return false
	}
	of[i].micro += rest.Micro
	return true
}

func dayOf(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// addDays adds up both sides for each day of the period.
func (r *Reconciliation) addDays(in ReconcileInput) {
	at := make(map[time.Time]int)
	for day := dayOf(in.From); day.Before(in.To); day = day.AddDate(0, 0, 1) {
		at[day] = len(r.Days)
		r.Days = append(r.Days, ReconciledDay{Day: day})
	}
	for _, m := range in.Movements {
		if in.Within(m.At) {
			r.Days[at[dayOf(m.At)]].Books += m.Micro
		}
	}
	foreign := make(map[string]bool)
	for _, l := range in.Lines {
		if !in.Within(l.Created) {
			continue
		}
		day := &r.Days[at[dayOf(l.Created)]]
		switch {
		case in.Foreign[l.Payment]:
			foreign[l.Payment] = true
			continue
		case l.Type == LinePayout:
			day.PaidOut -= l.Micro
		case l.Type == LineFee:
			day.Fees -= l.Micro
		case in.compared(l):
			day.Network += l.Micro
		}
		day.Fees += l.Fee
	}
	r.Foreign = len(foreign)
}

// compare matches the movements of one payment.
func (r *Reconciliation) compare(in ReconcileInput, payment string, books, network []*side) {
	for _, b := range books {
		n := nearest(network, b, func(n *side) bool { return n.kind == b.kind && n.micro == b.micro })
		if n == nil {
			continue
		}
		b.matched, n.matched = true, true
		if !dayOf(b.at).Equal(dayOf(n.at)) && (in.Within(b.at) || in.Within(n.at)) {
			r.Differences = append(r.Differences, NetworkDifference{
				dayOf(b.at), payment, b.transaction, b.kind, b.micro, n.micro, DiffMidnight,
			})
		}
	}
	cancelled(network)
	known := len(books) > 0
	for _, b := range books {
		if b.matched || !in.Within(b.at) {
			continue
		}
		d := NetworkDifference{dayOf(b.at), payment, b.transaction, b.kind, b.micro, 0, DiffMissing}
		if n := nearest(network, b, func(n *side) bool { return n.kind == b.kind }); n != nil {
			n.matched, d.Network, d.Why = true, n.micro, DiffAmount
		} else if in.Now.Sub(b.at) < 24*time.Hour {
			d.Why = DiffNew
		}
		r.Differences = append(r.Differences, d)
	}
	for _, n := range network {
		if n.matched || !in.Within(n.at) {
			continue
		}
		d := NetworkDifference{dayOf(n.at), payment, "", n.kind, 0, n.micro, DiffUnbooked}
		if !known {
			d.Why = DiffUnknown
		} else {
			d.Transaction = books[0].transaction
		}
		r.Differences = append(r.Differences, d)
	}
}

// nearest is the unmatched movement that is nearest in time.
func nearest(all []*side, to *side, is func(*side) bool) (found *side) {
	for _, s := range all {
		away := s.at.Sub(to.at).Abs()
		if !s.matched && is(s) && away <= ReconcileSlack && (found == nil || away < found.at.Sub(to.at).Abs()) {
			found = s
		}
	}
	return found
}

// cancelled matches what the network took back from itself, so that the books need
// not have it: a refund that failed before it was booked, and a dispute that was
// won before this server heard of it.
func cancelled(network []*side) {
	for _, a := range network {
		if a.matched || a.kind != LineRefund && a.kind != LineDispute {
			continue
		}
		for _, b := range network {
			back := a.kind == LineRefund && b.kind == LineRefundFailure || a.kind == LineDispute && b.kind == LineDispute
			if a != b && !b.matched && back && a.micro == -b.micro {
				a.matched, b.matched = true, true
				break
			}
		}
	}
}

// addOthers adds the lines that belong to no payment, and compares the payouts
// with their lines.
func (r *Reconciliation) addOthers(in ReconcileInput) {
	adds, lines := make(map[string]int64), make(map[string]int)
	for _, l := range in.Lines {
		if l.Payout != "" && l.Type != LinePayout {
			adds[l.Payout] += l.Micro - l.Fee
			lines[l.Payout]++
		}
		if l.Payment == "" && l.Type != LinePayout && l.Type != LineFee && in.Within(l.Created) {
			r.Differences = append(r.Differences, NetworkDifference{
				Day: dayOf(l.Created), Type: l.Type, Network: l.Micro, Why: DiffUnrelated,
			})
		}
	}
	for _, l := range in.Lines {
		if l.Type != LinePayout || !in.Within(l.Created) || lines[l.Source] == 0 {
			continue
		}
		p := ReconciledPayout{l.Source, -l.Micro, adds[l.Source]}
		r.Payouts = append(r.Payouts, p)
		if p.Paid != p.Adds {
			r.Differences = append(r.Differences, NetworkDifference{
				Day: dayOf(l.Created), Payment: l.Source, Type: LinePayout, Books: p.Adds, Network: p.Paid, Why: DiffPayout,
			})
		}
	}
}
