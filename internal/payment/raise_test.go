package payment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// linking is the input of a raise or renewal of a hold of $40.00. Its token is a
// single-use token for up to $100.00, or a multi-use token.
func linking(kind holdfast.TokenType) payment.LinkInput {
	in := payment.LinkInput{Input: good().Input, Reference: "more-1"}
	in.ID = "1L2"
	in.Token.Type, in.Token.Amount = kind, money.Cents(100_00)
	root := member("", payment.Reserved, 40, 5)
	root.Caller, root.Sender, root.Recipient, root.Owner = "C1", "P2", "P1", "P1"
	root.Token, root.Instrument, root.Method, root.FeeBy = "K1", "I1", holdfast.MethodCC, holdfast.RoleRecipient
	root.Descriptor = "KILN"
	if kind == holdfast.TokenSingleUse {
		in.Token.UsedBy = root.ID
	}
	in.Hold, in.Root = payment.Hold{Members: []payment.Transaction{root}}, root
	return in
}

// with adds members to the hold.
func with(in *payment.LinkInput, more ...payment.Transaction) {
	in.Hold.Members = append(in.Hold.Members, more...)
	in.Hold.Members[0].Linked = len(in.Hold.Members) - 1
	in.Root = in.Hold.Members[0]
}

// limited gives the token a monthly limit. A month begins now.
func limited(in *payment.LinkInput, kind payment.LimitKind, value, count, usedCents int64) {
	in.Limits = []payment.Limit{{
		Scope: "C1", Subject: "K1", Kind: kind, Value: value, Period: payment.Period{N: 1, Unit: payment.Month},
		Start: now.AddDate(0, -2, 0), Window: now, UsedCount: count, UsedAmount: money.Cents(usedCents),
	}}
}

func TestRaiseRefusals(t *testing.T) {
	const single, multi = holdfast.TokenSingleUse, holdfast.TokenMultiUse
	const dollar = 1_000_000
	raise := payment.LinkRaise
	for name, row := range map[string]struct {
		token holdfast.TokenType
		cents int64
		spoil func(*payment.LinkInput)
		want  holdfast.Code
	}{
		"single-use, up to the amount": {single, 60_00, func(*payment.LinkInput) {}, ""},
		"single-use, a cent more":      {single, 60_01, func(*payment.LinkInput) {}, holdfast.IncompatibleTokens},
		"single-use, exact amount": {single, 60_00, func(in *payment.LinkInput) {
			in.Token.AmountType = holdfast.AmountExact
		}, holdfast.IncompatibleTokens},
		"single-use, minimum": {single, 60_00, func(in *payment.LinkInput) {
			in.Token.AmountType = holdfast.AmountMinimum
		}, holdfast.IncompatibleTokens},
		"single-use, no amount": {single, 60_00, func(in *payment.LinkInput) {
			in.Token.Amount, in.Token.AmountType = money.Amount{}, ""
		}, holdfast.IncompatibleTokens},
		"single-use, of another hold": {single, 10_00, func(in *payment.LinkInput) {
			in.Token.UsedBy = "1T9"
		}, holdfast.SameTokenIDUsedMultipleTimes},
		"single-use, not used": {single, 10_00, func(in *payment.LinkInput) {
			in.Token.UsedBy = ""
		}, holdfast.SameTokenIDUsedMultipleTimes},
		"single-use, cancelled": {single, 10_00, func(in *payment.LinkInput) {
			in.Token.Cancelled = true
		}, holdfast.TokenNotActiveSender},
		"single-use, its last microsecond": {single, 10_00, func(in *payment.LinkInput) {
			in.Token.Expires = now.Add(time.Microsecond)
		}, ""},
		"single-use, expired": {single, 10_00, func(in *payment.LinkInput) {
			in.Token.Expires = now
		}, holdfast.IncompatibleTokens},
		"single-use, at a card network": {single, 10_00, func(in *payment.LinkInput) {
			in.Caller.Network, in.Instrument.Account = "N1", "N1"
		}, holdfast.InvalidPaymentInstrument},
		"single-use, with a pending raise": {single, 40_00, func(in *payment.LinkInput) {
			with(in, member(raise, payment.Pending, 20, 5))
		}, ""},
		"single-use, more than a pending raise leaves": {single, 40_01, func(in *payment.LinkInput) {
			with(in, member(raise, payment.Pending, 20, 5))
		}, holdfast.IncompatibleTokens},
		"single-use, with a raise that was settled for less": {single, 50_00, func(in *payment.LinkInput) {
			with(in, settledFor(member(raise, payment.Success, 20, 5), 10))
		}, ""},
		"single-use, a cent more than it leaves": {single, 50_01, func(in *payment.LinkInput) {
			with(in, settledFor(member(raise, payment.Success, 20, 5), 10))
		}, holdfast.IncompatibleTokens},
		"single-use, with raises that have ended": {single, 60_00, func(in *payment.LinkInput) {
			with(in, neverHeld(raise, 60), member(raise, payment.Cancelled, 60, 5))
		}, ""},

		"multi-use":                     {multi, 100_00, func(*payment.LinkInput) {}, ""},
		"multi-use, above each payment": {multi, 100_01, func(*payment.LinkInput) {}, holdfast.IncompatibleTokens},
		"multi-use, exact amount": {multi, 100_00, func(in *payment.LinkInput) {
			in.Token.AmountType = holdfast.AmountExact
		}, ""},
		"multi-use, not the exact amount": {multi, 99_99, func(in *payment.LinkInput) {
			in.Token.AmountType = holdfast.AmountExact
		}, holdfast.IncompatibleTokens},
		"multi-use, cancelled": {multi, 10_00, func(in *payment.LinkInput) {
			in.Token.Cancelled = true
		}, holdfast.TokenNotActiveSender},
		"multi-use, expired": {multi, 10_00, func(in *payment.LinkInput) {
			in.Token.Expires = now
		}, holdfast.IncompatibleTokens},
		"multi-use, up to its limit": {multi, 60_00, func(in *payment.LinkInput) {
			limited(in, payment.LimitAmount, 100*dollar, 1, 40_00)
		}, ""},
		"multi-use, above its limit": {multi, 60_01, func(in *payment.LinkInput) {
			limited(in, payment.LimitAmount, 100*dollar, 1, 40_00)
		}, holdfast.TokenUsageError},
		"multi-use, its last use": {multi, 10_00, func(in *payment.LinkInput) {
			limited(in, payment.LimitCount, 2, 1, 40_00)
		}, ""},
		"multi-use, one use too many": {multi, 10_00, func(in *payment.LinkInput) {
			limited(in, payment.LimitCount, 1, 1, 40_00)
		}, holdfast.TokenUsageError},
		"multi-use, at a card network": {multi, 10_00, func(in *payment.LinkInput) {
			in.Caller.Network, in.Instrument.Account = "N1", "N1"
		}, ""},
		"a card that is gone": {multi, 10_00, func(in *payment.LinkInput) {
			in.Instrument.Removed = true
		}, holdfast.InvalidPaymentInstrument},

		"pending hold": {multi, 10_00, func(in *payment.LinkInput) {
			in.Hold.Members[0].State = payment.Pending
		}, holdfast.OriginalTransactionIncomplete},
		"hold being settled": {multi, 10_00, func(in *payment.LinkInput) {
			in.Hold.Members[0].State = payment.Settling
		}, holdfast.OriginalTransactionIncomplete},
		"settled hold": {multi, 10_00, func(in *payment.LinkInput) {
			in.Hold.Members[0] = member("", payment.Success, 40, 5)
		}, holdfast.InvalidTransactionState},
		"released hold": {multi, 10_00, func(in *payment.LinkInput) {
			in.Hold.Members[0] = member("", payment.Cancelled, 40, 5)
		}, holdfast.InvalidTransactionState},
		"declined hold": {multi, 10_00, func(in *payment.LinkInput) {
			in.Hold.Members[0] = neverHeld("", 40)
		}, holdfast.InvalidTransactionState},
		"renewal under way": {multi, 10_00, func(in *payment.LinkInput) {
			with(in, member(payment.LinkRenew, payment.Pending, 40, 5))
		}, holdfast.OriginalTransactionIncomplete},
		"the last linked hold": {multi, 10_00, func(in *payment.LinkInput) {
			in.Hold.Members[0].Linked = payment.LinkedMax - 1
		}, ""},
		"too many linked holds": {multi, 10_00, func(in *payment.LinkInput) {
			in.Hold.Members[0].Linked = payment.LinkedMax
		}, holdfast.InvalidTransactionState},
	} {
		in := linking(row.token)
		row.spoil(&in)
		if _, err := in.Raise(money.Cents(row.cents)); code(err) != row.want || row.want == "" && err != nil {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

func TestARaiseIsAReserveOfTheHold(t *testing.T) {
	in := linking(holdfast.TokenMultiUse)
	limited(&in, payment.LimitAmount, 100_000_000, 1, 40_00)
	c, err := in.Raise(money.Cents(20_00))
	if err != nil {
		t.Fatal(err)
	}
	got := c.After
	if got.Parent != "1T1" || got.Link != payment.LinkRaise || got.Token != "K1" || got.Descriptor != "KILN" ||
		got.State != payment.Pending || c.Ask == nil || c.Ask.Step != payment.StepAuthorize || got.Reference != "more-1" {
		t.Errorf("it makes %+v and asks %+v", got, c.Ask)
	}
	if life := got.Deadline.Sub(now); life != 5*time.Hour {
		t.Errorf("it lives %v, want as long as the hold", life)
	}
	if c.Root == nil || c.Root.After.ID != "1T1" || c.Root.After.Linked != 1 || c.Uses != "" {
		t.Errorf("the root becomes %+v; it uses the token %q", c.Root, c.Uses)
	}
	if len(c.Limits) != 1 || c.Limits[0].After.UsedAmount != money.Cents(60_00) || !got.Counted {
		t.Errorf("it counts %+v", c.Limits)
	}
	if c.Told() {
		t.Error("it sends a notification")
	}
}

// A raise that the network approves after the hold has ended holds nothing.
func TestAnApprovalAfterTheEndOfTheHold(t *testing.T) {
	in := linking(holdfast.TokenMultiUse)
	c, err := in.Raise(money.Cents(20_00))
	if err != nil {
		t.Fatal(err)
	}
	outcome := c.After.Outcome(*c.Ask, approved, now)
	for state, held := range map[payment.State]bool{
		payment.Reserved: true, payment.Settling: true, payment.Success: true,
		payment.Cancelled: false, payment.Failure: false,
	} {
		h := payment.Hold{Members: []payment.Transaction{member("", state, 40, 5), c.After}}
		got, replaced := h.Join(outcome, approved, nil, now)
		want := payment.Failure
		if held {
			want = payment.Reserved
		}
		if got.After.State != want || len(replaced) > 0 {
			t.Errorf("the hold is %s: the raise is %s, want %s", state, got.After.State, want)
		}
		if asks := got.Ask != nil && got.Ask.Step == payment.StepRelease && got.After.Authorization != ""; asks == held {
			t.Errorf("the hold is %s: the raise asks %+v", state, got.Ask)
		}
	}
}

func TestADeclinedRaise(t *testing.T) {
	in := linking(holdfast.TokenMultiUse)
	c, err := in.Raise(money.Cents(20_00))
	if err != nil {
		t.Fatal(err)
	}
	no := payment.Answer{Code: holdfast.CodeTransactionDenied, Message: "No."}
	got, _ := in.Hold.Join(c.After.Outcome(*c.Ask, no, now), no, nil, now)
	if got.After.State != payment.Failure || !strings.HasPrefix(got.After.StatusMessage, "No.") || got.Ask != nil {
		t.Errorf("it is %+v", got.After)
	}
}

func TestCheckRaise(t *testing.T) {
	caller := good().Caller
	for cents, want := range map[int64]holdfast.Code{
		1: holdfast.AmountOutOfRange, 2: "", 10_000_00: "", 10_000_01: holdfast.AmountOutOfRange,
	} {
		if err := payment.CheckRaise(money.Cents(cents), caller); code(err) != want {
			t.Errorf("%d cents: %v", cents, err)
		}
	}
	if err := payment.CheckRaise(money.Amount{}, caller); code(err) != holdfast.InvalidParams {
		t.Errorf("no amount: %v", err)
	}
	caller.Network = "N1"
	if err := payment.CheckRaise(money.Cents(49), caller); code(err) != holdfast.AmountOutOfRange {
		t.Errorf("49 cents at a network: %v", err)
	}
}
