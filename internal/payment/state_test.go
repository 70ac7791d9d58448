package payment_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Every state × every verb. An empty cell is refused.
func TestEveryStateTimesEveryVerb(t *testing.T) {
	const (
		none, pending, reserved, settling, success, failure, cancelled = payment.None, payment.Pending, payment.Reserved,
			payment.Settling, payment.Success, payment.Failure, payment.Cancelled
		no = payment.State("")
	)
	verbs := payment.Verbs
	table := map[payment.State][]payment.State{
		// One column for each of payment.Verbs, in that order.
		none: {pending, pending, success, pending, no, no, no, no, settling, no, no, no, no, no, no, no, no, no},
		pending: {
			no, no, no, no, reserved, success, success, failure, no, no, no, no, no, cancelled, cancelled, failure, no, no,
		},
		reserved: {
			no, no, no, no, no, no, no, no, settling, no, no, reserved, success, cancelled, cancelled, no, no, no,
		},
		settling:  {no, no, no, no, no, no, no, no, no, success, failure, no, no, no, no, no, no, no},
		success:   {no, no, no, no, no, no, no, no, no, no, no, no, no, no, no, no, no, no},
		failure:   {no, no, no, no, no, no, no, no, no, no, no, no, no, no, no, no, failure, failure},
		cancelled: {no, no, no, no, no, no, no, no, no, no, no, no, no, no, no, no, cancelled, cancelled},
	}
	if len(table) != len(payment.States) || len(verbs) != len(table[none]) {
		t.Fatalf("the table has %d states and %d verbs, the package %d and %d", len(table), len(table[none]),
			len(payment.States), len(verbs))
	}
	for _, from := range payment.States {
		final := true
		for i, verb := range verbs {
			want := table[from][i]
			got, ok := from.After(verb)
			if got != want || ok != (want != no) {
				t.Errorf("%s %s: got %q, %v; want %q", from, verb, got, ok, want)
			}
			final = final && (!ok || got == from)
		}
		if from.Final() != final {
			t.Errorf("%s: final is %v", from, from.Final())
		}
	}
}

func TestCallersSeeSettlingAsPending(t *testing.T) {
	for state, want := range map[payment.State]holdfast.TransactionStatus{
		payment.Pending: "Pending", payment.Reserved: "Reserved", payment.Settling: "Pending",
		payment.Success: "Success", payment.Failure: "Failure", payment.Cancelled: "Cancelled",
	} {
		if got := state.Status(); got != want {
			t.Errorf("%s is shown as %s, want %s", state, got, want)
		}
	}
}

// The verbs that each kind may take in each of its states. A transaction never
// takes a verb that its row does not name.
func TestEveryKindsVerbs(t *testing.T) {
	charged := "Pay Transfer Charge Decline TimeOut LateCharge LateReturn"
	for kind, want := range map[payment.Kind]string{
		payment.KindReserve:      "Reserve Approve Decline Settle Capture CaptureDecline Lower Close Cancel Expire",
		payment.KindPart:         "Settle Capture CaptureDecline",
		payment.KindPay:          charged + " Cancel",
		payment.KindFundPrepaid:  charged,
		payment.KindSettleDebt:   charged,
		payment.KindRefund:       "Refund Transfer Return Decline",
		payment.KindWriteOffDebt: "Transfer",
		payment.KindCommission:   "Transfer",
		payment.KindDeposit:      "Transfer",

		payment.KindDispute:        "Transfer",
		payment.KindDisputeReturn:  "Transfer",
		payment.KindRefundReversal: "Transfer",
		payment.KindOutsideRefund:  "Transfer",
		"Gift":                     "",
	} {
		for _, verb := range payment.Verbs {
			if got := kind.May(verb); got != slices.Contains(strings.Fields(want), string(verb)) {
				t.Errorf("%s may %s: %v", kind, verb, got)
			}
		}
	}
}
