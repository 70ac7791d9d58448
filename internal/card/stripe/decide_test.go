package stripe

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

var start = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// question asks for $42.50 in the first minute.
func question(step payment.Step, changes ...func(*card.Question)) card.Question {
	q := card.Question{Attempt: payment.Attempt{
		Caller: "C1", Transaction: "T1", Step: step, Amount: money.Amount{Micro: 42_500_000}, Asked: 1, Since: start,
		Card: payment.StoredCard{Account: "N1", Ref: "pm_1", Customer: "cus_1"}, Authorization: "pi_1",
	}}
	for _, change := range changes {
		change(&q)
	}
	return q
}

// made is an intent that the question has made, in a state.
func made(q card.Question, status string, changes ...func(*intent)) intent {
	pi := intent{
		id: "pi_1", status: status, currency: "usd", captureMethod: captureMethod(q.Step), key: q.Key(), caller: "C1",
		amount: 4250, charge: charge{id: "ch_1"},
	}
	switch status {
	case needsCapture:
		pi.capturable, pi.charge.paid, pi.charge.captureBefore = 4250, true, start.Add(7*24*time.Hour)
	case succeeded:
		pi.received, pi.charge.paid = 4250, true
	}
	for _, change := range changes {
		change(&pi)
	}
	return pi
}

func refusedBy(code string) func(*intent) {
	return func(pi *intent) { pi.tried = &refusal{code: "card_declined", decline: code} }
}

func releasedAfterHold(pi *intent) { pi.charge.paid, pi.charge.refunded = true, 4250 }

func byPage(pi *intent) { pi.key, pi.captureMethod = "H1/Authorize", methodManual }

func present(q *card.Question) { q.Present = true }

// Each row of the table of states and outcomes.
func TestDecide(t *testing.T) {
	const (
		approved = "approved"
		gone     = "approved, gone"
		accepted = "accepted"
		refused  = "declined: "
		doubt    = "doubt"
		alarm    = "alarm"
	)
	authorize, charge := question(payment.StepAuthorize), question(payment.StepCharge)
	capture, release := question(payment.StepCapture), question(payment.StepRelease)
	late := question(payment.StepAuthorize, func(q *card.Question) { q.Until = start })
	buyer := question(payment.StepAuthorize, present)
	small := func(pi *intent) { pi.capturable, pi.received = 4000, 4000 }
	more := func(pi *intent) { pi.received = 4300 }
	large := func(pi *intent) { pi.amount, pi.capturable = 5000, 5000 }
	for _, test := range []struct {
		name string
		q    card.Question
		pi   intent
		want string
	}{
		{"held", authorize, made(authorize, needsCapture), approved},
		{"held, other amount", authorize, made(authorize, needsCapture, small), alarm},
		{"held, more", authorize, made(authorize, needsCapture, large), alarm},
		{"no card", authorize, made(authorize, needsMethod), alarm},
		{
			"declined", authorize, made(authorize, needsMethod, refusedBy("do_not_honor")),
			refused + messageDeclined + ", tidy",
		},
		{"never tried", authorize, made(authorize, needsConfirmation), "confirm"},
		{"never tried, given up", late, made(authorize, needsConfirmation), "cancel: " + messageLate},
		{"challenge, buyer absent", authorize, made(authorize, needsAction), "cancel: " + messageConfirm},
		{"challenge, buyer present", buyer, made(buyer, needsAction), doubt},
		{"processing", authorize, made(authorize, processing), doubt},
		{"never held", authorize, made(authorize, canceled), refused + messageDeclined},
		{
			"never held, declined before", authorize, made(authorize, canceled, refusedBy("insufficient_funds")),
			refused + messageFunds,
		},
		{"held and let go", authorize, made(authorize, canceled, releasedAfterHold), gone},
		{"captured by hand", authorize, made(authorize, succeeded), approved + ", attention"},
		{"page's hold captured by hand", authorize, made(authorize, succeeded, byPage), alarm},
		{"page's hold", authorize, made(authorize, needsCapture, byPage), approved},
		{"page's hold of more", authorize, made(authorize, needsCapture, byPage, large), approved},
		{"page's hold of less", authorize, made(authorize, needsCapture, byPage, small), alarm},
		{"page's hold let go", authorize, made(authorize, canceled, byPage, releasedAfterHold), gone},
		{"page's hold never tried", authorize, made(authorize, needsConfirmation, byPage), "cancel: " + messageLate},

		{"taken", capture, made(capture, succeeded), approved},
		{"taken, less", capture, made(capture, succeeded, small), refused + messageOther + ", attention"},
		{"taken, more", capture, made(capture, succeeded, more), refused + messageOther + ", attention"},
		{"not yet taken", capture, made(capture, needsCapture), "capture"},
		{"too little to take", capture, made(capture, needsCapture, small), alarm},
		{"lapsed", capture, made(capture, canceled, releasedAfterHold), refused + messageLapsed},
		{"capture in process", capture, made(capture, processing), doubt},
		{"nothing to take", capture, made(capture, needsMethod), alarm},

		{"released", release, made(release, canceled), approved},
		{"not yet released", release, made(release, needsCapture), "cancel"},
		{"not yet released, never confirmed", release, made(release, needsConfirmation), "cancel"},
		{"taken, not held", release, made(release, succeeded), refused + messageTaken + ", attention"},
		{"taken and given back", release, made(release, succeeded, releasedAfterHold), approved},

		{"charged", charge, made(charge, succeeded), approved},
		{"charged, other amount", charge, made(charge, succeeded, small), refused + messageOther + ", attention"},
		{
			"charge declined", charge, made(charge, needsMethod, refusedBy("stolen_card")),
			refused + messageDeclined + ", tidy",
		},
		{"charge ended", charge, made(charge, canceled), refused + messageDeclined},
		{"charge in process", charge, made(charge, processing), accepted},
		{"charge never tried", charge, made(charge, needsConfirmation), "confirm"},
		{"charge of a page's hold", charge, made(charge, needsCapture, byPage, large), "capture"},
		{"charge of a page's small hold", charge, made(charge, needsCapture, byPage, small), alarm},
		{
			"charge of a page's lapsed hold", charge, made(charge, canceled, byPage, releasedAfterHold),
			refused + messageLapsed,
		},

		{"S21: other mode", authorize, made(authorize, needsCapture, func(pi *intent) { pi.live = true }), alarm},
		{"S21: other currency", authorize, made(authorize, needsCapture, func(pi *intent) { pi.currency = "eur" }), alarm},
		{"S21: other amount", authorize, made(authorize, needsConfirmation, func(pi *intent) { pi.amount = 1 }), alarm},
		{
			"S21: other capture method", authorize,
			made(authorize, needsConfirmation, func(pi *intent) { pi.captureMethod = methodAutomatic }), alarm,
		},
		{"other caller", authorize, made(authorize, needsCapture, func(pi *intent) { pi.caller = "C2" }), alarm},
		{"S23: unknown state", authorize, made(authorize, "requires_magic"), doubt},
		{"S23: unknown state", capture, made(capture, "requires_magic"), doubt},
		{"S23: unknown state", release, made(release, "requires_magic"), doubt},
		{"S23: unknown state", charge, made(charge, "requires_magic"), doubt},
	} {
		t.Run(string(test.q.Step)+"/"+test.name, func(t *testing.T) {
			d := view{q: test.q, pi: test.pi, now: start.Add(time.Minute)}.decide()
			if got := show(d); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if d.move == moveAnswer && d.answer.Approved() && d.answer.Authorization != "pi_1" {
				t.Errorf("the answer names %q", d.answer.Authorization)
			}
		})
	}
}

// show writes a decision in a few words.
func show(d decision) string {
	words := map[move]string{moveConfirm: "confirm", moveCapture: "capture", moveCancel: "cancel", moveDoubt: "doubt"}
	text := words[d.move]
	switch {
	case d.move == moveDoubt && d.alarm:
		return "alarm"
	case d.move == moveCancel && d.answer.Message != "":
		return "cancel: " + d.answer.Message
	case d.move != moveAnswer:
		return text
	case d.answer.Verdict == payment.Accepted:
		return "accepted"
	case d.answer.Approved() && d.answer.Gone:
		return "approved, gone"
	case d.answer.Approved() && d.answer.Details.Attention != "":
		return "approved, attention"
	case d.answer.Approved():
		return "approved"
	}
	text = "declined: " + d.answer.Message
	if d.tidy {
		text += ", tidy"
	}
	if d.answer.Details.Attention != "" {
		text += ", attention"
	}
	return text
}

func TestDecideKeepsWhatStripeSaid(t *testing.T) {
	q := question(payment.StepAuthorize)
	pi := made(q, needsCapture, func(pi *intent) {
		pi.charge.authorizationCode, pi.charge.networkTransaction = "123456", "MCC0001"
	})
	got := view{q: q, pi: pi, now: start}.decide().answer
	want := payment.Answer{Verdict: payment.Approved, Authorization: "pi_1", Details: payment.Details{
		Reference: "pi_1", Charge: "ch_1", Status: needsCapture, HoldUntil: start.Add(7 * 24 * time.Hour),
		AuthorizationCode: "123456", NetworkTransaction: "MCC0001",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

// A buyer who does not come back from the bank's page is not waited for longer
// than half an hour.
func TestS10TheBuyerHasHalfAnHour(t *testing.T) {
	q := question(payment.StepAuthorize, present)
	pi := made(q, needsAction, func(pi *intent) { pi.action = "https://hooks.stripe.com/redirect/1" })
	d := view{q: q, pi: pi, now: start.Add(10 * time.Minute)}.decide()
	if d.move != moveDoubt || d.alarm || d.retry != 20*time.Minute {
		t.Errorf("after 10 minutes: %+v", d)
	}
	doubt := d.error(pi.id, pi.details())
	if doubt.Known.Action != pi.action {
		t.Errorf("the doubt sends the buyer to %q", doubt.Known.Action)
	}
	if got := show(view{q: q, pi: pi, now: start.Add(30 * time.Minute)}.decide()); got != "cancel: "+messageConfirm {
		t.Errorf("after 30 minutes: %s", got)
	}
}

func TestDecideRefund(t *testing.T) {
	q := question(payment.StepReturn)
	for status, want := range map[string]string{
		succeeded: "approved", pending: "accepted", needsAction: "accepted", failed: "declined: " + messageReturn,
		canceled: "declined: " + messageReturn, "unheard_of": "doubt",
	} {
		r := refund{id: "re_1", status: status, key: q.Key(), amount: 4250, currency: "usd"}
		if got := show(decideRefund(q, r)); got != want {
			t.Errorf("refund %s: got %s, want %s", status, got, want)
		}
		r.amount = 1
		if got := show(decideRefund(q, r)); got != "alarm" {
			t.Errorf("refund %s of another amount: got %s", status, got)
		}
	}
}

// Each row of the table of decline codes.
func TestN2Declines(t *testing.T) {
	for code, want := range map[string]string{
		"insufficient_funds": messageFunds, "withdrawal_count_limit_exceeded": messageFunds,
		"card_velocity_exceeded": messageFunds, "expired_card": messageExpired,
		"authentication_required": messageConfirm, "approve_with_id": messageConfirm, "offline_pin_required": messageConfirm,
		"online_or_offline_pin_required": messageConfirm, "card_not_supported": messageUnusable,
		"currency_not_supported": messageUnusable, "transaction_not_allowed": messageUnusable,
		"service_not_allowed": messageUnusable, "not_permitted": messageUnusable, "incorrect_number": messageData,
		"incorrect_cvc": messageData, "incorrect_zip": messageData, "invalid_account": messageData,
		"invalid_expiry_month": messageData, "invalid_expiry_year": messageData,
		"new_account_information_available": messageData, "issuer_not_available": messageBusy,
		"processing_error": messageBusy, "try_again_later": messageBusy, "reenter_transaction": messageBusy,
		"revocation_of_authorization": messageRevoked, "revocation_of_all_authorizations": messageRevoked,
		"stop_payment_order": messageRevoked,
		// These must look like any other decline.
		"fraudulent": messageDeclined, "lost_card": messageDeclined, "stolen_card": messageDeclined,
		"pickup_card": messageDeclined, "merchant_blacklist": messageDeclined, "security_violation": messageDeclined,
		"restricted_card": messageDeclined, "do_not_honor": messageDeclined, "generic_decline": messageDeclined,
		"call_issuer": messageDeclined, "duplicate_transaction": messageDeclined,
		"card_decline_rate_limit_exceeded": messageDeclined, "": messageDeclined, "a_new_code": messageDeclined,
	} {
		a := refusal{code: "card_declined", decline: code, advice: "try_again_later"}.answer(payment.Details{})
		wantCode := holdfast.CodeTransactionDenied
		if want == messageFunds {
			wantCode = holdfast.StatusCode(holdfast.InsufficientBalance)
		}
		if a.Message != want || a.Code != wantCode || a.Verdict != payment.Declined {
			t.Errorf("%q: %s %q, want %s %q", code, a.Code, a.Message, wantCode, want)
		}
		wantAdvice := "try_again_later"
		if want == messageRevoked {
			wantAdvice = payment.AdviceWithdrawn
		}
		if a.Details.Advice != wantAdvice {
			t.Errorf("%q: advice %q", code, a.Details.Advice)
		}
	}
	alone := refusal{code: "expired_card"}.answer(payment.Details{})
	if alone.Message != messageExpired || alone.Details.DeclineCode != "expired_card" {
		t.Errorf("a code without a decline code: %+v", alone)
	}
}

func TestChosen(t *testing.T) {
	one := func(id, status string) intent { return intent{id: id, status: status} }
	released := intent{id: "pi_released", status: canceled, charge: charge{refunded: 4250}}
	for _, test := range []struct {
		all  []intent
		want string
		rest int
	}{
		{nil, "", 0},
		{[]intent{one("pi_1", needsConfirmation), one("pi_2", needsCapture)}, "pi_2", 0},
		{[]intent{one("pi_1", needsConfirmation), one("pi_2", needsConfirmation)}, "pi_1", 0},
		{[]intent{one("pi_1", needsConfirmation), one("pi_2", needsMethod)}, "pi_2", 0},
		{[]intent{one("pi_1", canceled), one("pi_2", needsConfirmation)}, "pi_2", 0},
		{[]intent{one("pi_1", needsConfirmation), released}, "pi_released", 0},
		{[]intent{one("pi_1", needsCapture), one("pi_2", needsCapture)}, "pi_1", 1},
	} {
		got, rest := chosen(test.all)
		id := ""
		if got != nil {
			id = got.id
		}
		if id != test.want || len(rest) != test.rest {
			t.Errorf("%v: chose %q and %d others", test.all, id, len(rest))
		}
	}
}

func TestS24Suffix(t *testing.T) {
	for _, test := range []struct{ descriptor, prefix, want string }{
		{"HF*BOOKS", "ACME", "BOOKS"},
		{`HF*JOE'S "BIG" <SALE>`, "ACME", "JOES BIG SALE"},
		{"HF*A*B", "ACME", "AB"},
		{"HF*THIS IS A TEXT OF FORTY LETTERS, OR SO", "ACME", "THIS IS A TEXT O"},
		{"HF*THIS IS A TEXT OF FORTY LETTERS, OR SO", "TENLETTERS", "THIS IS A"},
		{"HF*THIS IS A TEXT OF FORTY LETTERS, OR SO", "", "THIS IS A"},
		{"HF*4711", "ACME", ""},
		{"HF*", "ACME", ""},
		{"", "ACME", ""},
		{"HF*東京", "ACME", "Dong Jing"},
		{"HF*Café\\n\n", "ACME", "Cafen"},
		{"HF*BOOKS", "A PREFIX THAT IS TOO LONG", ""},
	} {
		if got := suffix(test.descriptor, test.prefix); got != test.want {
			t.Errorf("suffix(%q, %q) = %q, want %q", test.descriptor, test.prefix, got, test.want)
		}
	}
}
