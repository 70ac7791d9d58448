package payment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

func TestRenewRefusals(t *testing.T) {
	const single, multi = holdfast.TokenSingleUse, holdfast.TokenMultiUse
	const dollar = 1_000_000
	lastMonth := now.AddDate(0, -1, 0)
	for name, row := range map[string]struct {
		token holdfast.TokenType
		spoil func(*payment.LinkInput)
		want  holdfast.Code
	}{
		"multi-use": {multi, func(*payment.LinkInput) {}, ""},
		"recurring": {holdfast.TokenRecurring, func(in *payment.LinkInput) {
			limited(in, payment.LimitCount, 1, 1, 40_00)
		}, ""},
		"single-use": {single, func(*payment.LinkInput) {}, holdfast.InvalidTokenType},
		"multi-use, cancelled": {multi, func(in *payment.LinkInput) {
			in.Token.Cancelled = true
		}, holdfast.TokenNotActiveSender},
		"multi-use, expired": {multi, func(in *payment.LinkInput) {
			in.Token.Expires = now
		}, holdfast.IncompatibleTokens},
		"another than the exact amount": {multi, func(in *payment.LinkInput) {
			in.Token.AmountType = holdfast.AmountExact
		}, holdfast.IncompatibleTokens},
		"the exact amount": {multi, func(in *payment.LinkInput) {
			in.Token.AmountType, in.Token.Amount = holdfast.AmountExact, money.Cents(40_00)
		}, ""},
		"more than each payment may be": {multi, func(in *payment.LinkInput) {
			with(in, member(payment.LinkRaise, payment.Reserved, 61, 5))
		}, holdfast.IncompatibleTokens},

		// The renewal takes over the use of the members that it replaces.
		"a limit that is used up": {multi, func(in *payment.LinkInput) {
			limited(in, payment.LimitAmount, 40*dollar, 1, 40_00)
		}, ""},
		"a limit that was lowered": {multi, func(in *payment.LinkInput) {
			limited(in, payment.LimitAmount, 30*dollar, 1, 40_00)
		}, ""},
		"the last use": {multi, func(in *payment.LinkInput) { limited(in, payment.LimitCount, 1, 1, 40_00) }, ""},
		"two members that have used up the limits": {multi, func(in *payment.LinkInput) {
			with(in, member(payment.LinkRaise, payment.Reserved, 20, 5))
			limited(in, payment.LimitAmount, 60*dollar, 2, 60_00)
		}, ""},
		"a new month, its limit is free": {multi, func(in *payment.LinkInput) {
			in.Hold.Members[0].Received = lastMonth
			limited(in, payment.LimitAmount, 40*dollar, 0, 0)
		}, ""},
		"a new month, its limit is used by others": {multi, func(in *payment.LinkInput) {
			in.Hold.Members[0].Received = lastMonth
			limited(in, payment.LimitAmount, 40*dollar, 1, 1)
		}, holdfast.TokenUsageError},
		"a new month that nothing has counted in": {multi, func(in *payment.LinkInput) {
			in.Hold.Members[0].Received = lastMonth
			limited(in, payment.LimitAmount, 40*dollar, 1, 40_00)
			in.Limits[0].Window = lastMonth
		}, ""},

		"pending hold": {multi, func(in *payment.LinkInput) {
			in.Hold.Members[0].State = payment.Pending
		}, holdfast.OriginalTransactionIncomplete},
		"expired hold": {multi, func(in *payment.LinkInput) {
			in.Hold.Members[0] = expired(member("", payment.Cancelled, 40, 5))
		}, holdfast.InvalidTransactionState},
		"a member being settled": {multi, func(in *payment.LinkInput) {
			with(in, member(payment.LinkRaise, payment.Settling, 20, 5))
		}, holdfast.OriginalTransactionIncomplete},
		"a pending raise": {multi, func(in *payment.LinkInput) {
			with(in, member(payment.LinkRaise, payment.Pending, 20, 5))
		}, holdfast.OriginalTransactionIncomplete},
		"a pending renewal": {multi, func(in *payment.LinkInput) {
			with(in, member(payment.LinkRenew, payment.Pending, 40, 5))
		}, holdfast.OriginalTransactionIncomplete},
		"a declined renewal": {multi, func(in *payment.LinkInput) { with(in, neverHeld(payment.LinkRenew, 40)) }, ""},
		"too many linked holds": {multi, func(in *payment.LinkInput) {
			in.Hold.Members[0].Linked = payment.LinkedMax
		}, holdfast.InvalidTransactionState},
	} {
		in := linking(row.token)
		row.spoil(&in)
		if _, err := in.Renew(); code(err) != row.want || row.want == "" && err != nil {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

// renewing is a renewal of a raised hold that the network was asked for. The
// limit of the token is used up.
func renewing(t *testing.T) (payment.LinkInput, payment.Change) {
	t.Helper()
	in := linking(holdfast.TokenMultiUse)
	with(&in, member(payment.LinkRaise, payment.Reserved, 20, 9))
	limited(&in, payment.LimitAmount, 60_000_000, 2, 60_00)
	c, err := in.Renew()
	if err != nil {
		t.Fatal(err)
	}
	return in, c
}

func TestARenewalHoldsTheOpenAmountAnew(t *testing.T) {
	in, c := renewing(t)
	got := c.After
	if got.Amount != money.Cents(60_00) || got.Parent != "1T1" || got.Link != payment.LinkRenew || len(c.Limits) > 0 ||
		got.Deadline.Sub(now) != 5*time.Hour || c.Root.After.Linked != 2 {
		t.Fatalf("it makes %+v with limits %+v", got, c.Limits)
	}
	in.Hold.Members = append(in.Hold.Members, got)
	joined, replaced := in.Hold.Join(got.Outcome(*c.Ask, approved, now), approved, in.Limits, now)
	if joined.After.State != payment.Reserved || len(replaced) != 2 {
		t.Fatalf("approved, it is %s and replaces %d", joined.After.State, len(replaced))
	}
	for _, r := range replaced {
		if r.After.State != payment.Cancelled || r.After.StatusCode != holdfast.CodeCanceled || r.Ask == nil ||
			r.Ask.Step != payment.StepRelease || !strings.Contains(r.After.StatusMessage, "1L2") {
			t.Errorf("a replaced member is %+v", r.After)
		}
		if _, due := r.Receipt(); due {
			t.Error("the sender gets a receipt for a member that was replaced")
		}
	}
	if len(joined.Limits) != 1 {
		t.Fatalf("it changes the limits %+v", joined.Limits)
	}
	if l := joined.Limits[0].After; l.UsedAmount != money.Cents(60_00) || l.UsedCount != 1 {
		t.Errorf("the limit has %d uses of %v, want one of 60 dollars", l.UsedCount, l.UsedAmount)
	}
}

// A member of which a part was settled is closed, and not cancelled. Its use stays
// counted.
func TestARenewalAfterAPart(t *testing.T) {
	in := linking(holdfast.TokenMultiUse)
	root := &in.Hold.Members[0]
	root.Taken, root.Fee, root.Commission = money.Cents(15_00), money.Cents(74), money.Micros(0)
	limited(&in, payment.LimitAmount, 40_000_000, 1, 40_00)
	c, err := in.Renew()
	if err != nil || c.After.Amount != money.Cents(25_00) {
		t.Fatalf("it holds %v, %v", c.After.Amount, err)
	}
	in.Hold.Members = append(in.Hold.Members, c.After)
	joined, replaced := in.Hold.Join(c.After.Outcome(*c.Ask, approved, now), approved, in.Limits, now)
	if len(replaced) != 1 {
		t.Fatalf("it replaces %d", len(replaced))
	}
	closed := replaced[0].After
	if closed.State != payment.Success || closed.Settled != money.Cents(15_00) || replaced[0].Ask == nil ||
		replaced[0].Ask.Step != payment.StepRelease || replaced[0].Ask.Amount != money.Cents(25_00) {
		t.Errorf("the first hold is %+v and asks %+v", closed, replaced[0].Ask)
	}
	if l := joined.Limits[0].After; l.UsedAmount != money.Cents(40_00) || l.UsedCount != 2 {
		t.Errorf("the limit has %d uses of %v", l.UsedCount, l.UsedAmount)
	}
	if _, due := replaced[0].Receipt(); due {
		t.Error("the sender gets a receipt for a member that was replaced")
	}
	limited(&in, payment.LimitCount, 1, 1, 40_00)
	if _, err := in.Renew(); code(err) != holdfast.OriginalTransactionIncomplete { // the renewal is in Hold
		t.Errorf("another renewal: %v", err)
	}
	in.Hold.Members = in.Hold.Members[:1]
	if _, err := in.Renew(); code(err) != holdfast.TokenUsageError {
		t.Errorf("with the only use: %v", err)
	}
	in.Hold.Members[0].Taking = money.Cents(15_00)
	if _, err := in.Renew(); code(err) != holdfast.OriginalTransactionIncomplete {
		t.Errorf("while the part is under way: %v", err)
	}
}

// An approval that comes after the hold has changed ends the renewal, and leaves
// the hold as it is.
func TestARenewalOfAChangedHoldIsGivenUp(t *testing.T) {
	for name, change := range map[string]func(*payment.LinkInput, *payment.Answer){
		"settling": func(in *payment.LinkInput, _ *payment.Answer) { in.Hold.Members[0].State = payment.Settling },
		"settled": func(in *payment.LinkInput, _ *payment.Answer) {
			in.Hold.Members[0] = member("", payment.Success, 40, 5)
		},
		"one ended": func(in *payment.LinkInput, _ *payment.Answer) { in.Hold.Members[1].State = payment.Cancelled },
		"expired":   func(in *payment.LinkInput, _ *payment.Answer) { in.Hold = in.Hold.AsOf(now.Add(10 * time.Hour)) },
		"let go":    func(_ *payment.LinkInput, a *payment.Answer) { a.Gone = true },
		"limit used": func(in *payment.LinkInput, _ *payment.Answer) {
			for i := range in.Hold.Members[:2] {
				in.Hold.Members[i].Received = now.AddDate(0, -1, 0)
			}
			in.Limits[0].UsedAmount = money.Cents(1)
		},
	} {
		in, c := renewing(t)
		answer := approved
		in.Hold.Members = append(in.Hold.Members, c.After)
		change(&in, &answer)
		got, replaced := in.Hold.Join(c.After.Outcome(*c.Ask, answer, now), answer, in.Limits, now)
		if got.After.State != payment.Failure || len(replaced) > 0 || len(got.Limits) > 0 {
			t.Errorf("%s: the renewal is %s, and replaces %d", name, got.After.State, len(replaced))
		}
		if asks := got.Ask != nil && got.Ask.Step == payment.StepRelease; asks == answer.Gone {
			t.Errorf("%s: it asks %+v", name, got.Ask)
		}
		if got.GivesBack() {
			t.Errorf("%s: it gives back what it has not counted", name)
		}
	}
}

func TestADeclinedRenewalSaysHowLongTheHoldIsLeft(t *testing.T) {
	in, c := renewing(t)
	no := payment.Answer{Code: holdfast.CodeTransactionDenied, Message: "No."}
	in.Hold.Members = append(in.Hold.Members, c.After)
	got, replaced := in.Hold.Join(c.After.Outcome(*c.Ask, no, now), no, in.Limits, now)
	const want = "No. The hold is as it was, and can be settled until 2026-11-23T15:15:30.000Z."
	if got.After.State != payment.Failure || got.After.StatusMessage != want || len(replaced) > 0 || got.Ask != nil {
		t.Errorf("it is %s: %q", got.After.State, got.After.StatusMessage)
	}
}
