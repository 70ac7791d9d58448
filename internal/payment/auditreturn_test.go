package payment_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// answered is a change with the network's answer to its question.
type answered struct {
	payment.Change
	state payment.AttemptState
}

// fileOf is the file after the changes.
func fileOf(token payment.Token, changes ...answered) payment.File {
	f := payment.File{Transaction: changes[len(changes)-1].After, Token: token, Remembered: true, Parties: 2}
	for _, c := range changes {
		if c.Moved() {
			f.History = append(f.History, c.History(len(f.History)+1))
		}
		for _, p := range c.Postings {
			f.Postings = append(f.Postings, payment.Booked{Seq: len(f.Postings) + 1, Posting: p})
		}
		if c.Ask != nil {
			a := *c.Ask
			a.State = c.state
			f.Attempts = append(f.Attempts, a)
		}
	}
	f.Transaction.Steps, f.Transaction.Posted = len(f.History), len(f.Postings)
	return f
}

func wantAudit(t *testing.T, what string, f payment.File, outgoing money.Amount, wrong bool) {
	t.Helper()
	if found := f.Audit(); len(found) > 0 != wrong {
		t.Errorf("%s: found %v", what, found)
	}
	if held, got := f.UnderWay(); held.Micro != 0 || got != outgoing {
		t.Errorf("%s: %v are held and %v on the way back, want %v", what, held, got, outgoing)
	}
}

// A charge that is approved after its time-out is returned. The money is in
// Outgoing until the network returns it, and for ever if the network refuses.
func TestAReturnInTheAudit(t *testing.T) {
	pay, err := payment.Pay(good().Input, holdfast.PayRequest(good().Request))
	if err != nil {
		t.Fatal(err)
	}
	timeOut, due := pay.After.Expire(pay.After.Deadline)
	if !due {
		t.Fatal("no time-out")
	}
	late := timeOut.After.Outcome(*pay.Ask, payment.Answer{Approved: true, Authorization: "A1"}, pay.After.Deadline)
	token := good().Token
	token.UsedBy = pay.After.ID
	none, amount := money.Micros(0), pay.After.Amount
	for state, outgoing := range map[payment.AttemptState]money.Amount{
		payment.AttemptOpen: amount, payment.AttemptDeclined: amount, payment.AttemptApproved: none,
	} {
		back := late.After.Outcome(*late.Ask,
			payment.Answer{Approved: state == payment.AttemptApproved, Code: holdfast.CodeTransactionDenied}, pay.After.Deadline)
		changes := []answered{{pay, payment.AttemptApproved}, {timeOut, ""}, {late, state}}
		if state != payment.AttemptOpen {
			changes = append(changes, answered{back, ""})
		}
		wantAudit(t, string(state), fileOf(token, changes...), outgoing, false)
	}

	declined := []answered{{pay, payment.AttemptApproved}, {timeOut, ""}, {late, payment.AttemptDeclined}}
	gone := late
	gone.Ask = nil
	wantAudit(t, "never asked back", fileOf(token, declined[0], declined[1], answered{gone, ""}), none, true)
	given := late.After.Outcome(*late.Ask, payment.Answer{Approved: true}, pay.After.Deadline)
	wantAudit(t, "booked as given back", fileOf(token, append(declined, answered{given, ""})...), amount, true)
}

// If the network declines a refund, the recipient has the money again.
func TestADeclinedRefundInTheAudit(t *testing.T) {
	refund, err := payment.Refund(refunding(paid(money.Cents(20_00), money.Micros(0))), holdfast.RefundRequest{
		RefundAmount: money.Cents(5_00),
	})
	if err != nil {
		t.Fatal(err)
	}
	declined := refund.After.Outcome(*refund.Ask, payment.Answer{Code: holdfast.CodeTransactionDenied}, now)
	none := money.Micros(0)
	wantAudit(t, "waiting", fileOf(payment.Token{}, answered{refund, payment.AttemptOpen}), money.Cents(5_00), false)
	wantAudit(t, "declined", fileOf(payment.Token{}, answered{refund, payment.AttemptDeclined}, answered{declined, ""}),
		none, false)
	wantAudit(t, "declined and called approved",
		fileOf(payment.Token{}, answered{refund, payment.AttemptApproved}, answered{declined, ""}), none, true)
	declined.Postings = nil
	wantAudit(t, "declined and kept",
		fileOf(payment.Token{}, answered{refund, payment.AttemptDeclined}, answered{declined, ""}), none, true)
}
