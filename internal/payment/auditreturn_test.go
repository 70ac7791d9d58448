package payment_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// fileOf is the file after the changes.
func fileOf(token payment.Token, changes ...payment.Change) payment.File {
	f := payment.File{Transaction: changes[len(changes)-1].After, Token: token, Remembered: true, Parties: 2}
	for _, c := range changes {
		if c.Stepped() {
			f.History = append(f.History, c.History(len(f.History)+1))
		}
		for i, p := range c.Postings {
			f.Postings = append(f.Postings, payment.Booked{Step: len(f.History), Seq: i + 1, Posting: p})
		}
	}
	f.Transaction.Steps = len(f.History)
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
	late := timeOut.After.Outcome(*pay.Ask, payment.Answer{Verdict: payment.Approved, Authorization: "A1"}, pay.After.Deadline)
	token := good().Token
	token.UsedBy = pay.After.ID
	none, amount := money.Micros(0), pay.After.Amount
	for state, outgoing := range map[payment.AttemptState]money.Amount{
		payment.AttemptOpen: amount, payment.AttemptDeclined: amount, payment.AttemptApproved: none,
	} {
		back := late.After.Outcome(*late.Ask,
			verdict(state == payment.AttemptApproved), pay.After.Deadline)
		changes := []payment.Change{pay, timeOut, late}
		if state != payment.AttemptOpen {
			changes = append(changes, back)
		}
		wantAudit(t, string(state), fileOf(token, changes...), outgoing, false)
	}

	gone := late
	gone.After.Asking = ""
	wantAudit(t, "never asked back", fileOf(token, pay, timeOut, gone), none, true)
	given := late.After.Outcome(*late.Ask, payment.Answer{Verdict: payment.Approved}, pay.After.Deadline)
	wantAudit(t, "given back", fileOf(token, pay, timeOut, late, given), none, false)
	given.After.Answers = "Charge:Approved Return:Declined"
	wantAudit(t, "booked as given back", fileOf(token, pay, timeOut, late, given), amount, true)
	given.After.Answers = "Charge:Approved Return:Approved"
	unbooked := payment.Change{After: given.After}
	wantAudit(t, "given back and not booked", fileOf(token, pay, timeOut, late, unbooked), none, true)
	wantAudit(t, "charged and not booked", fileOf(token, pay, timeOut, payment.Change{After: late.After}), amount, true)
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
	wantAudit(t, "waiting", fileOf(payment.Token{}, refund), money.Cents(5_00), false)
	wantAudit(t, "declined", fileOf(payment.Token{}, refund, declined), none, false)
	called := declined
	called.After.Answers = "Return:Approved"
	wantAudit(t, "declined and called approved", fileOf(payment.Token{}, refund, called), none, true)
	declined.Postings = nil
	wantAudit(t, "declined and kept", fileOf(payment.Token{}, refund, declined), none, true)
}

func verdict(approved bool) payment.Answer {
	if approved {
		return payment.Answer{Verdict: payment.Approved}
	}
	return payment.Answer{Code: holdfast.CodeTransactionDenied}
}
