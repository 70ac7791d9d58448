package payment_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

func TestReconcile(t *testing.T) {
	from := time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
	to := from.AddDate(0, 0, 2)
	noon, late := from.Add(12*time.Hour), from.Add(23*time.Hour+59*time.Minute)
	const dollar = 1_000_000
	took := func(micro int64, at time.Time) payment.NetworkMovement {
		return payment.NetworkMovement{Transaction: "1T1", Payment: "pi_1", Type: payment.LineCharge, Micro: micro, At: at}
	}
	moved := func(kind payment.LineType, micro int64) payment.NetworkMovement {
		return payment.NetworkMovement{Transaction: "1T1", Payment: "pi_1", Type: kind, Micro: micro, At: noon}
	}
	line := func(kind payment.LineType, micro int64, at time.Time) payment.NetworkLine {
		l := payment.NetworkLine{ID: "txn", Type: kind, Micro: micro, Payment: "pi_1", Created: at}
		if kind == payment.LineCharge {
			l.Fee = dollar
		}
		return l
	}
	type difference struct {
		Why            payment.DifferenceReason
		Type           payment.LineType
		Books, Network int64
	}
	charge, refund, failed, dispute := payment.LineCharge, payment.LineRefund, payment.LineRefundFailure,
		payment.LineDispute
	for name, row := range map[string]struct {
		books   []payment.NetworkMovement
		network []payment.NetworkLine
		foreign map[string]bool
		want    []difference
		rests   int
	}{
		"nothing": {},
		"a payment": {
			books:   []payment.NetworkMovement{took(40*dollar, noon)},
			network: []payment.NetworkLine{line(charge, 40*dollar, noon)},
		},
		"a settlement of less than the hold": {
			books:   []payment.NetworkMovement{took(40*dollar, noon)},
			network: []payment.NetworkLine{line(payment.LineRest, -2*dollar, noon), line(charge, 42*dollar, noon)}, rests: 1,
		},
		"across midnight": {
			books:   []payment.NetworkMovement{took(40*dollar, late)},
			network: []payment.NetworkLine{line(charge, 40*dollar, late.Add(2*time.Minute))},
			want:    []difference{{payment.DiffMidnight, charge, 40 * dollar, 40 * dollar}},
		},
		"before the period at the network": {
			books:   []payment.NetworkMovement{took(40*dollar, from)},
			network: []payment.NetworkLine{line(charge, 40*dollar, from.Add(-time.Minute))},
			want:    []difference{{payment.DiffMidnight, charge, 40 * dollar, 40 * dollar}},
		},
		"outside the period": {
			books: []payment.NetworkMovement{took(40*dollar, to)}, network: []payment.NetworkLine{line(charge, 9, from.Add(-1))},
		},
		"two of one amount": {
			books: []payment.NetworkMovement{took(40*dollar, noon), moved(refund, -5*dollar), moved(refund, -5*dollar)},
			network: []payment.NetworkLine{
				line(charge, 40*dollar, noon), line(refund, -5*dollar, noon), line(refund, -5*dollar, noon),
			},
		},
		"a refund that is not booked": {
			books:   []payment.NetworkMovement{took(40*dollar, noon)},
			network: []payment.NetworkLine{line(charge, 40*dollar, noon), line(refund, -5*dollar, noon)},
			want:    []difference{{payment.DiffUnbooked, refund, 0, -5 * dollar}},
		},
		"a refund that failed before it was booked": {
			books: []payment.NetworkMovement{took(40*dollar, noon)},
			network: []payment.NetworkLine{
				line(charge, 40*dollar, noon), line(refund, -5*dollar, noon), line(failed, 5*dollar, noon.Add(time.Hour)),
			},
		},
		"a refund that failed": {
			books: []payment.NetworkMovement{took(40*dollar, noon), moved(refund, -5*dollar), moved(failed, 5*dollar)},
			network: []payment.NetworkLine{
				line(charge, 40*dollar, noon), line(refund, -5*dollar, noon), line(failed, 5*dollar, noon),
			},
		},
		"a dispute": {
			books:   []payment.NetworkMovement{took(40*dollar, noon), moved(dispute, -40*dollar)},
			network: []payment.NetworkLine{line(charge, 40*dollar, noon), line(dispute, -40*dollar, noon)},
		},
		"a dispute that is not booked": {
			books:   []payment.NetworkMovement{took(40*dollar, noon)},
			network: []payment.NetworkLine{line(charge, 40*dollar, noon), line(dispute, -40*dollar, noon)},
			want:    []difference{{payment.DiffUnbooked, dispute, 0, -40 * dollar}},
		},
		"another amount": {
			books: []payment.NetworkMovement{took(40*dollar, noon)}, network: []payment.NetworkLine{
				line(charge, 41*dollar, noon),
			},
			want: []difference{{payment.DiffAmount, charge, 40 * dollar, 41 * dollar}},
		},
		"only in the books": {
			books: []payment.NetworkMovement{took(40*dollar, noon)},
			want:  []difference{{payment.DiffMissing, charge, 40 * dollar, 0}},
		},
		"only in the books, and new": {
			books: []payment.NetworkMovement{took(40*dollar, to.Add(-time.Hour))},
			want:  []difference{{payment.DiffNew, charge, 40 * dollar, 0}},
		},
		"only at the network": {
			network: []payment.NetworkLine{line(charge, 40*dollar, noon)},
			want:    []difference{{payment.DiffUnknown, charge, 0, 40 * dollar}},
		},
		"a sale of somebody else": {
			network: []payment.NetworkLine{line(charge, 40*dollar, noon)}, foreign: map[string]bool{"pi_1": true},
		},
		"a line about no payment": {
			network: []payment.NetworkLine{{Type: payment.LineOther, Micro: -7, Created: noon}},
			want:    []difference{{payment.DiffUnrelated, payment.LineOther, 0, -7}},
		},
		"a payout": {
			books: []payment.NetworkMovement{took(40*dollar, noon)},
			network: []payment.NetworkLine{
				{Type: charge, Micro: 40 * dollar, Fee: dollar, Payment: "pi_1", Payout: "po_1", Created: noon},
				{Type: payment.LinePayout, Micro: -39 * dollar, Source: "po_1", Payout: "po_1", Created: late},
			},
		},
		"a payout of less than its lines": {
			books: []payment.NetworkMovement{took(40*dollar, noon)},
			network: []payment.NetworkLine{
				{Type: charge, Micro: 40 * dollar, Fee: dollar, Payment: "pi_1", Payout: "po_1", Created: noon},
				{Type: payment.LinePayout, Micro: -38 * dollar, Source: "po_1", Payout: "po_1", Created: late},
			},
			want: []difference{{payment.DiffPayout, payment.LinePayout, 39 * dollar, 38 * dollar}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := payment.Reconcile(payment.ReconcileInput{
				From: from, To: to, Movements: row.books, Lines: row.network, Foreign: row.foreign, Now: to,
			})
			var got []difference
			equal := true
			for _, d := range r.Differences {
				got = append(got, difference{d.Why, d.Type, d.Books, d.Network})
				equal = equal && d.Why.Explained()
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
			if r.Rests != row.rests || r.Equal() != equal || len(r.Days) != 2 {
				t.Errorf("%d rests, equal %v, %d days", r.Rests, r.Equal(), len(r.Days))
			}
		})
	}
}

// The days have the sums of both sides, without what is not compared.
func TestReconciledDays(t *testing.T) {
	day := time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
	at := day.Add(time.Hour)
	r := payment.Reconcile(payment.ReconcileInput{
		From: day, To: day.AddDate(0, 0, 1), Now: day.AddDate(0, 0, 1), Foreign: map[string]bool{"pi_2": true},
		Movements: []payment.NetworkMovement{{Payment: "pi_1", Type: payment.LineCharge, Micro: 40, At: at}},
		Lines: []payment.NetworkLine{
			{Type: payment.LineCharge, Micro: 42, Fee: 3, Payment: "pi_1", Created: at},
			{Type: payment.LineRest, Micro: -2, Payment: "pi_1", Created: at},
			{Type: payment.LineCharge, Micro: 100, Fee: 7, Payment: "pi_2", Created: at},
			{Type: payment.LineFee, Micro: -5, Created: at},
			{Type: payment.LinePayout, Micro: -30, Source: "po_1", Created: at},
		},
	})
	want := payment.Reconciliation{
		Days:  []payment.ReconciledDay{{Day: day, Books: 40, Network: 40, Fees: 8, PaidOut: 30}},
		Rests: 1, Foreign: 1,
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
