package payment_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// Reading page by page, each from the previous page's Next, finds every
// transaction of an account once and in order. It does not matter how many
// transactions share a millisecond, or which filter is used.
func TestPagesOfActivityLeaveNothingOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []payment.Transaction
		at := now
		for i := range rapid.IntRange(0, 60).Draw(t, "transactions") {
			at = at.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 400, 1000, 5000}).Draw(t,
				"microseconds on")) * time.Microsecond)
			all = append(all, payment.Transaction{
				ID: holdfast.TransactionID(fmt.Sprintf("1T%03d", i)), Kind: payment.KindPay, Sender: "P2", Recipient: "P1",
				Owner: "P1", Amount: money.Cents(1),
				State:  rapid.SampledFrom([]payment.State{payment.Success, payment.Failure}).Draw(t, "state"),
				Method: holdfast.MethodCC, Received: at,
			})
		}
		filter := payment.ActivityFilter{
			Start: now, End: at.Add(time.Second), BatchMax: rapid.IntRange(1, 20).Draw(t, "batch"),
			Ascending: rapid.Bool().Draw(t, "ascending"),
		}
		if rapid.Bool().Draw(t, "filtered") {
			filter.Status = holdfast.StatusSuccess
		}
		var want, got []holdfast.TransactionID
		for _, one := range all {
			if filter.Status == "" || one.State == payment.Success {
				want = append(want, one.ID)
			}
		}
		if !filter.Ascending {
			slices.Reverse(want)
		}
		for pages := 0; ; pages++ {
			page := payment.Activity{Filter: filter, Account: "P1"}
			fill(&page, all)
			for _, row := range page.Rows {
				got = append(got, row.ID)
			}
			if page.Next.IsZero() {
				break
			}
			if filter.Ascending {
				filter.Start = page.Next
			} else {
				filter.End = page.Next.Add(time.Millisecond) // as an EndDate is read
			}
			if pages > len(all) {
				t.Fatalf("there is still a next page after %d pages", pages)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("pages of %d (-want +got):\n%s", filter.BatchMax, diff)
		}
	})
}

// fill adds the transactions that the filter's times select, in its order.
func fill(page *payment.Activity, all []payment.Transaction) {
	ordered := slices.Clone(all)
	if !page.Filter.Ascending {
		slices.Reverse(ordered)
	}
	for _, one := range ordered {
		if !one.Received.Before(page.Filter.Start) && one.Received.Before(page.Filter.End) && !page.Add(one) {
			return
		}
	}
}

// A page looks at a limited number of transactions, however few it selects, and
// Next says where to continue.
func TestAPageOfActivityIsBounded(t *testing.T) {
	page := payment.Activity{
		Filter:  payment.ActivityFilter{Ascending: true, Status: holdfast.StatusFailure, BatchMax: 20},
		Account: "P1",
	}
	for i := range 2 * payment.ActivityScanMax {
		at := now.Add(time.Duration(i) * time.Millisecond)
		if !page.Add(payment.Transaction{
			ID: "1T1", Kind: payment.KindPay, Sender: "P2", Recipient: "P1", State: payment.Success, Received: at,
		}) {
			if i != payment.ActivityScanMax || !page.Next.Equal(at) || len(page.Rows) > 0 {
				t.Errorf("ended after %d, next is %v, with %d rows", i, page.Next, len(page.Rows))
			}
			return
		}
	}
	t.Error("the page never ends")
}

func TestFlow(t *testing.T) {
	paid := payment.Transaction{Kind: payment.KindPay, Sender: "P1", Recipient: "P2", Owner: "P3", State: payment.Success}
	as := func(change func(*payment.Transaction)) payment.Transaction {
		changed := paid
		change(&changed)
		return changed
	}
	for name, row := range map[string]struct {
		payment.Transaction
		flows [3]int // for P1, P2 and P3
	}{
		"paid":      {paid, [3]int{-1, 1, 0}},
		"held":      {as(func(t *payment.Transaction) { t.Kind, t.State = payment.KindReserve, payment.Reserved }), [3]int{}},
		"pending":   {as(func(t *payment.Transaction) { t.State = payment.Pending }), [3]int{}},
		"settling":  {as(func(t *payment.Transaction) { t.Kind, t.State = payment.KindReserve, payment.Settling }), [3]int{}},
		"failed":    {as(func(t *payment.Transaction) { t.State = payment.Failure }), [3]int{}},
		"cancelled": {as(func(t *payment.Transaction) { t.State = payment.Cancelled }), [3]int{}},
		"refunded":  {as(func(t *payment.Transaction) { t.Kind = payment.KindRefund }), [3]int{1, -1, 0}},
		"waived":    {as(func(t *payment.Transaction) { t.Kind = payment.KindWriteOffDebt }), [3]int{}},
		"deposited": {as(func(t *payment.Transaction) { t.Kind, t.Recipient = payment.KindDeposit, "P1" }), [3]int{1, 0, 0}},
		"to itself": {as(func(t *payment.Transaction) { t.Kind, t.Recipient = payment.KindCommission, "P1" }), [3]int{}},
		"given back to itself": {
			as(func(t *payment.Transaction) { t.Kind, t.Recipient = payment.KindRefund, "P1" }),
			[3]int{},
		},
	} {
		if got := [3]int{row.Flow("P1"), row.Flow("P2"), row.Flow("P3")}; got != row.flows {
			t.Errorf("%s: flows are %v, want %v", name, got, row.flows)
		}
	}
}

// A page ends between two milliseconds: before the millisecond whose
// transactions do not all fit. If one millisecond fills a page by itself, the
// page takes all of it.
func TestWhereAPageOfActivityEnds(t *testing.T) {
	for _, row := range []struct {
		name string
		at   []time.Duration // when transactions came in, from now on
		rows int
		next time.Duration // negative for no next page
	}{
		{"fewer than fit", []time.Duration{0}, 1, -1},
		{"as many as fit", []time.Duration{0, time.Millisecond}, 2, -1},
		{"one more", []time.Duration{0, time.Millisecond, 2 * time.Millisecond}, 2, 2 * time.Millisecond},
		{"the last two share a millisecond", []time.Duration{0, time.Millisecond, time.Millisecond}, 1, time.Millisecond},
		{"all share one", []time.Duration{0, 0, 0, 0}, 4, -1},
		{"all but the last share one", []time.Duration{0, 0, 0, time.Millisecond}, 3, time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := payment.Activity{Filter: payment.ActivityFilter{BatchMax: 2}, Account: "P1"}
			for _, at := range row.at {
				one := payment.Transaction{
					Kind: payment.KindPay, Sender: "P2", Recipient: "P1", Owner: "P1", Amount: money.Cents(1), State: payment.Success,
					Received: now.Add(at),
				}
				if !a.Add(one) {
					break
				}
			}
			var next time.Time
			if row.next >= 0 {
				next = now.Add(row.next)
			}
			if len(a.Rows) != row.rows || !a.Next.Equal(next) {
				t.Errorf("%d rows, the next page begins at %v; want %d and %v", len(a.Rows), a.Next, row.rows, next)
			}
		})
	}
}

// A shortened page equals the page that is read with the smaller limit.
func TestAPageOfActivityShortened(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []payment.Transaction
		at := now
		for range rapid.IntRange(0, 30).Draw(t, "transactions") {
			at = at.Add(time.Duration(rapid.SampledFrom([]int{0, 400, 1000}).Draw(t, "microseconds on")) * time.Microsecond)
			all = append(all, payment.Transaction{
				Kind: payment.KindPay, Sender: "P1", Recipient: "P2", State: payment.Success, Amount: money.Cents(1), Received: at,
			})
		}
		filter := payment.ActivityFilter{
			Start: now, End: at.Add(time.Second), BatchMax: rapid.IntRange(1, 20).Draw(t, "batch"),
		}
		want, got := payment.Activity{Filter: filter, Account: "P1"}, payment.Activity{Filter: filter, Account: "P1"}
		fill(&want, all)
		got.Filter.BatchMax += rapid.IntRange(0, 20).Draw(t, "more")
		fill(&got, all)
		got.Shorten(filter.BatchMax)
		if len(got.Rows) != len(want.Rows) || !got.Next.Equal(want.Next) {
			t.Fatalf("%d rows, and the next page begins at %v; want %d and %v", len(got.Rows), got.Next, len(want.Rows),
				want.Next)
		}
	})
}

func TestTotalsOfActivity(t *testing.T) {
	sale := func(kind payment.Kind, state payment.State, cents int64) payment.Transaction {
		return payment.Transaction{
			Kind: kind, State: state, Sender: "P1", Recipient: "P2", Owner: "P3", Amount: money.Cents(cents),
			Commission: money.Micros(0),
		}
	}
	settled := sale(payment.KindReserve, payment.Success, 3200)
	settled.Settled = money.Cents(3000)
	prepaid := sale(payment.KindPay, payment.Success, 800)
	prepaid.Method = holdfast.MethodPrepaid
	back := sale(payment.KindRefund, payment.Success, 200)
	back.Method = holdfast.MethodPrepaid
	rows := []payment.Transaction{
		prepaid, back,
		sale(payment.KindPay, payment.Success, 2000), settled, sale(payment.KindRefund, payment.Success, 500),
		sale(payment.KindReserve, payment.Reserved, 1200), sale(payment.KindReserve, payment.Cancelled, 700),
		sale(payment.KindPay, payment.Failure, 900), sale(payment.KindPay, payment.Pending, 100),
	}
	zero := money.Micros(0)
	for account, want := range map[party.ID]payment.Totals{
		"P1": {
			Paid: money.Cents(5000), Received: money.Cents(500), Held: money.Cents(1200), Awaited: zero,
			OfInstruments: money.Cents(600),
		},
		"P2": {
			Paid: money.Cents(500), Received: money.Cents(5000), Held: zero, Awaited: money.Cents(1200),
			OfInstruments: money.Cents(600),
		},
		// P3's caller moved only money of other parties
		"P3": {Paid: zero, Received: zero, Held: zero, Awaited: zero, OfInstruments: zero},
	} {
		a := payment.Activity{Account: account, Rows: rows}
		if diff := cmp.Diff(want, a.Totals()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", account, diff)
		}
	}
}

// A refund that gives back a part of the marketplace's fee moves money of the
// seller and the marketplace. The takings count the same amounts.
func TestTotalsOfAFeeGivenBack(t *testing.T) {
	const buyer, seller, market = "P1", "P2", "P3"
	zero := money.Micros(0)
	refund := payment.Transaction{
		Kind: payment.KindRefund, State: payment.Success, Method: holdfast.MethodCC, Sender: buyer, Recipient: seller,
		Owner: market, Amount: money.Cents(10_00), Commission: money.Cents(-1_00), Fee: zero, Settled: zero,
		FeeBy: holdfast.RoleRecipient, Policy: holdfast.RefundMasterAndMarketplace,
	}
	failed, own, charge, prepaid := refund, refund, refund, refund
	failed.State = payment.Failure
	own.Owner = seller
	charge.Kind, charge.Commission = payment.KindPay, money.Cents(1_00)
	prepaid.Method = holdfast.MethodPrepaid
	for name, row := range map[string]struct {
		payment.Transaction
		buyer, seller, market [2]int64 // paid and received, in cents
	}{
		"refunded":                  {refund, [2]int64{0, 10_00}, [2]int64{10_00, 1_00}, [2]int64{1_00, 0}},
		"failed":                    {failed, [2]int64{}, [2]int64{}, [2]int64{}},
		"of the marketplace itself": {own, [2]int64{0, 10_00}, [2]int64{10_00, 0}, [2]int64{}},
		"a payment":                 {charge, [2]int64{10_00, 0}, [2]int64{0, 10_00}, [2]int64{}},
		"onto a prepaid balance":    {prepaid, [2]int64{}, [2]int64{0, 1_00}, [2]int64{1_00, 0}},
	} {
		for account, want := range map[party.ID][2]int64{buyer: row.buyer, seller: row.seller, market: row.market} {
			a := payment.Activity{Account: account, Rows: []payment.Transaction{row.Transaction}}
			sums := a.Totals()
			if sums.Paid != money.Cents(want[0]) || sums.Received != money.Cents(want[1]) {
				t.Errorf("%s, to %s: paid %v, received %v; want %v cents", name, account, sums.Paid, sums.Received, want)
			}
			net := payment.NoTakings().With(row.Transaction, account).Net()
			if moved := sums.Received.Sub(sums.Paid); account != buyer && net != moved {
				t.Errorf("%s, to %s: the takings say %v, the totals %v", name, account, net, moved)
			}
		}
	}
}
