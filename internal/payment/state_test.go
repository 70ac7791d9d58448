package payment_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Every state × every verb. What is empty is refused.
func TestEveryStateTimesEveryVerb(t *testing.T) {
	const (
		none, pending, reserved, settling, success, failure, cancelled = payment.None, payment.Pending, payment.Reserved,
			payment.Settling, payment.Success, payment.Failure, payment.Cancelled
		no = payment.State("")
	)
	verbs := []payment.Verb{
		payment.VerbReserve, payment.VerbApprove, payment.VerbDecline, payment.VerbSettle,
		payment.VerbCapture, payment.VerbCaptureDecline, payment.VerbCancel, payment.VerbExpire,
	}
	table := map[payment.State][]payment.State{
		//         Reserve  Approve   Decline  Settle    Capture  CaptureDecline Cancel   Expire
		none:      {pending, no, no, no, no, no, no, no},
		pending:   {no, reserved, failure, no, no, no, cancelled, cancelled},
		reserved:  {no, no, no, settling, no, no, cancelled, cancelled},
		settling:  {no, no, no, no, success, failure, no, no},
		success:   {no, no, no, no, no, no, no, no},
		failure:   {no, no, no, no, no, no, no, no},
		cancelled: {no, no, no, no, no, no, no, no},
	}
	if len(table) != len(payment.States) || len(verbs) != len(payment.Verbs) {
		t.Fatalf("the table has %d states and %d verbs, the package %d and %d", len(table), len(verbs), len(payment.States), len(payment.Verbs))
	}
	for _, from := range payment.States {
		final := true
		for i, verb := range verbs {
			want := table[from][i]
			got, ok := from.After(verb)
			if got != want || ok != (want != no) {
				t.Errorf("%s %s: got %q, %v; want %q", from, verb, got, ok, want)
			}
			final = final && !ok
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
