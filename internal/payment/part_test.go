package payment_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// parting is a settle of 10.00 of a hold of 42.50; each test makes one part of it
// invalid.
func parting(t *testing.T) payment.PartInput {
	t.Helper()
	h := held(t)
	return payment.PartInput{
		ID: "1P1", CommissionID: "1P2", Hold: h, Earlier: payment.EarlierOf(h), Amount: money.Cents(10_00), Several: true,
		Owner: good().Owner, OwnerBalance: money.Micros(0), Fees: payment.DefaultFees, Now: now,
	}
}

// partOf is a hold of which a part was settled, with the part.
func partOf(t *testing.T, in payment.PartInput, answer payment.Answer) (hold, part payment.Transaction) {
	t.Helper()
	c, err := payment.SettlePart(in)
	if err != nil {
		t.Fatal(err)
	}
	done := c.After.Outcome(*c.Ask, answer, now).With(payment.Effects{Original: c.Member.After})
	return done.Member.After, done.After
}

// codeOf is the code of any refusal.
func codeOf(err error) holdfast.Code {
	if e, ok := errors.AsType[*payment.CallError](err); ok {
		return holdfast.Code(e.Code)
	}
	return code(err)
}

func TestRefusalsOfAPart(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*payment.PartInput)
		want  holdfast.Code
	}{
		"nothing wrong": {func(*payment.PartInput) {}, ""},
		"all of it":     {func(in *payment.PartInput) { in.Amount = money.Cents(42_50) }, ""},
		"a cent more": {
			func(in *payment.PartInput) { in.Amount = money.Cents(42_51) }, holdfast.SettleAmountGreaterThanReserveAmount,
		},
		"zero":       {func(in *payment.PartInput) { in.Amount = money.Cents(0) }, holdfast.AmountOutOfRange},
		"below zero": {func(in *payment.PartInput) { in.Amount = money.Cents(-1) }, holdfast.AmountOutOfRange},
		"no more than its fee": {
			func(in *payment.PartInput) { in.Amount = money.Cents(5) }, holdfast.InvalidParams,
		},
		"a cent more than its fee": {func(in *payment.PartInput) { in.Amount = money.Cents(6) }, ""},
		"another kind": {
			func(in *payment.PartInput) { in.Hold.Kind = payment.KindPay }, holdfast.InvalidTransactionID,
		},
		"pending":   {func(in *payment.PartInput) { in.Hold.State = payment.Pending }, holdfast.InvalidTransactionState},
		"settling":  {func(in *payment.PartInput) { in.Hold.State = payment.Settling }, holdfast.InvalidTransactionState},
		"settled":   {func(in *payment.PartInput) { in.Hold.State = payment.Success }, holdfast.InvalidTransactionState},
		"cancelled": {func(in *payment.PartInput) { in.Hold.State = payment.Cancelled }, holdfast.InvalidTransactionState},
		"failed":    {func(in *payment.PartInput) { in.Hold.State = payment.Failure }, holdfast.OriginalTransactionFailed},
		"expired": {
			func(in *payment.PartInput) { in.Now = in.Hold.Deadline }, holdfast.InvalidTransactionState,
		},
		"the last microsecond": {func(in *payment.PartInput) { in.Now = in.Hold.Deadline.Add(-time.Microsecond) }, ""},
		"another part under way": {func(in *payment.PartInput) {
			in.Hold.Taken, in.Hold.Taking = money.Cents(5_00), money.Cents(5_00)
		}, holdfast.InvalidTransactionState},
		"another part before": {func(in *payment.PartInput) { in.Hold.Taken = money.Cents(32_50) }, ""},
		"more than the parts have left": {
			func(in *payment.PartInput) { in.Hold.Taken = money.Cents(32_51) }, holdfast.SettleAmountGreaterThanReserveAmount,
		},
		"more than was not released": {
			func(in *payment.PartInput) { in.Hold.Lowered = money.Cents(32_51) },
			holdfast.SettleAmountGreaterThanReserveAmount,
		},
		"one capture only": {func(in *payment.PartInput) { in.Several = false }, holdfast.Code(payment.CallNetworkOnce)},
		"owner suspended": {
			func(in *payment.PartInput) { in.Owner.Standing = party.Suspended }, holdfast.InvalidAccountStateCaller,
		},
		"owner closed": {func(in *payment.PartInput) { in.Owner.Standing = party.Closed }, holdfast.AccountClosed},
		"a caller that cannot pay the fee": {func(in *payment.PartInput) {
			in.Hold.FeeBy, in.OwnerBalance = holdfast.RoleCaller, money.Cents(58)
		}, holdfast.InsufficientBalance},
		"a caller that can just pay it": {func(in *payment.PartInput) {
			in.Hold.FeeBy, in.OwnerBalance = holdfast.RoleCaller, money.Cents(59)
		}, ""},
	} {
		in := parting(t)
		row.spoil(&in)
		if _, err := payment.SettlePart(in); codeOf(err) != row.want {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

// A part under way keeps its hold from every other step, and from its expiry.
func TestAPartUnderWayKeepsTheHold(t *testing.T) {
	c, err := payment.SettlePart(parting(t))
	if err != nil {
		t.Fatal(err)
	}
	h := c.Member.After
	if h.Open() != money.Cents(32_50) || h.Held() != money.Cents(42_50) || h.Charged() != money.Cents(0) {
		t.Errorf("%v are open, %v held, %v charged", h.Open(), h.Held(), h.Charged())
	}
	if _, due := h.Expire(h.Deadline.Add(time.Hour)); due {
		t.Error("it expires while a part is under way")
	}
	_, cancelled := h.Cancel("", now)
	_, released := h.Release(money.Amount{}, "", now)
	_, lowered := h.Release(money.Cents(1), "", now)
	_, settled := h.Settle(settling(money.Cents(1_00), now))
	for what, err := range map[string]error{
		"cancelled": cancelled, "released": released, "lowered": lowered, "settled": settled,
	} {
		if code(err) != holdfast.InvalidTransactionState ||
			!strings.Contains(err.Error(), "another settle of this hold is under way") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestTheOutcomeOfAPart(t *testing.T) {
	same := func(*payment.PartInput) {}
	all := func(in *payment.PartInput) { in.Amount = money.Cents(42_50) }
	lowered := func(in *payment.PartInput) { in.Hold.Lowered = money.Cents(32_50) }
	after := now.Add(time.Hour)
	final := func(in *payment.PartInput) { in.Final = true }
	late := func(in *payment.PartInput) { in.Hold.Deadline = now.Add(time.Microsecond) }
	before := func(in *payment.PartInput) { in.Hold.Taken = money.Cents(5_00) }
	gone := payment.Answer{Code: holdfast.CodeTransactionDenied, Gone: true}
	for name, row := range map[string]struct {
		change func(*payment.PartInput)
		answer payment.Answer
		at     time.Time

		state payment.State // of the hold
		verb  payment.Verb
		taken int64
		asks  payment.Step
	}{
		"approved":               {same, approved, now, payment.Reserved, "", 10_00, ""},
		"declined":               {same, declined, now, payment.Reserved, "", 0, ""},
		"the last one":           {final, approved, now, payment.Success, payment.VerbClose, 10_00, payment.StepRelease},
		"the last one, declined": {final, declined, now, payment.Reserved, "", 0, ""},
		"the rest":               {all, approved, now, payment.Success, payment.VerbClose, 42_50, ""},
		"the rest after a release": {
			lowered, approved, now, payment.Success, payment.VerbClose, 10_00, payment.StepRelease,
		},
		"too late": {late, approved, after, payment.Success, payment.VerbClose, 10_00, payment.StepRelease},
		"too late, declined": {
			late, declined, after, payment.Cancelled, payment.VerbExpire, 0, payment.StepRelease,
		},
		"gone":                    {same, gone, now, payment.Cancelled, payment.VerbExpire, 0, ""},
		"gone after another part": {before, gone, now, payment.Success, payment.VerbClose, 5_00, ""},
	} {
		in := parting(t)
		row.change(&in)
		c, err := payment.SettlePart(in)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		done := c.After.Outcome(*c.Ask, row.answer, row.at).With(payment.Effects{Original: c.Member.After})
		h := done.Member
		if h.After.State != row.state || h.Verb != row.verb || h.After.Taken != money.Cents(row.taken) ||
			h.After.Taking.Positive() || h.After.Asking != row.asks {
			t.Errorf("%s: the hold is %s by %q with %v taken, and asks %q", name, h.After.State, h.Verb, h.After.Taken,
				h.After.Asking)
		}
		if row.state == payment.Success && h.After.Settled != h.After.Taken {
			t.Errorf("%s: settled for %v", name, h.After.Settled)
		}
		wantState := payment.Failure
		if row.answer.Approved() {
			wantState = payment.Success
		}
		if done.After.State != wantState || done.Told() || c.Told() {
			t.Errorf("%s: the part is %s, told %v", name, done.After.State, done.Told())
		}
	}
}

// The postings of a hold and of its parts leave nothing in Held at the end.
func TestPostingsOfParts(t *testing.T) {
	in := parting(t)
	c, err := payment.SettlePart(in)
	if err != nil {
		t.Fatal(err)
	}
	wantBalances(t, c.Postings, map[ledger.AccountID]int64{})
	first := c.After.Outcome(*c.Ask, approved, now).With(payment.Effects{Original: c.Member.After})
	wantBalances(t, first.Postings, map[ledger.AccountID]int64{
		ledger.Held: -10_00, ledger.Party("P1"): 10_00 - 59, ledger.Fees: 59,
	})
	lowered, err := first.Member.After.Release(money.Cents(2_50), "  sold\nout ", now)
	if err != nil || lowered.Ask != nil ||
		lowered.After.StatusMessage != "USD 2.50 of the hold were released by the caller: sold out" {
		t.Fatalf("%+v, %v", lowered.After.StatusMessage, err)
	}
	if row := lowered.History(3); row.Amount != money.Cents(2_50) || row.After != payment.Reserved || lowered.Told() {
		t.Errorf("the history has %+v", row)
	}
	if !lowered.After.Completed.Equal(first.Member.After.Completed) {
		t.Error("it was completed by the release of a part")
	}
	wantBalances(t, lowered.Postings, map[ledger.AccountID]int64{ledger.Held: -2_50, ledger.Network: 2_50})
	closed, err := lowered.After.Release(money.Amount{}, "", now)
	if err != nil || closed.Verb != payment.VerbClose || closed.Ask == nil || closed.Ask.Amount != money.Cents(32_50) {
		t.Fatalf("%+v, %v", closed, err)
	}
	wantBalances(t, closed.Postings, map[ledger.AccountID]int64{ledger.Held: -30_00, ledger.Network: 30_00})
	if released, held := lowered.Releases(); released != money.Cents(2_50) || held != money.Cents(30_00) {
		t.Errorf("the sender is told of %v less, and %v on hold", released, held)
	}
	if about, due := closed.Receipt(); !due || about != payment.ReceiptReleased ||
		closed.After.Released() != money.Cents(30_00) { // 2.50 were told before
		t.Errorf("the sender is told of %q %v", about, due)
	}
	if about, due := first.Receipt(); !due || about != payment.ReceiptCharged {
		t.Errorf("the sender is told of the part: %q %v", about, due)
	}
}

// A hold that was only lowered ends as today, for what is left.
func TestALoweredHold(t *testing.T) {
	lower := func() payment.Transaction {
		c, err := held(t).Release(money.Cents(2_50), "", now)
		if err != nil {
			t.Fatal(err)
		}
		return c.After
	}
	cancelled, err := lower().Cancel("", now)
	if err != nil || cancelled.After.State != payment.Cancelled || cancelled.Ask.Amount != money.Cents(42_50) {
		t.Fatalf("%+v, %v", cancelled, err)
	}
	wantBalances(t, cancelled.Postings, map[ledger.AccountID]int64{ledger.Held: -40_00, ledger.Network: 40_00})
	all, err := lower().Settle(settling(money.Amount{}, now))
	if err != nil || all.After.Settled != money.Cents(40_00) {
		t.Fatalf("%+v, %v", all.After, err)
	}
	part, err := lower().Settle(settling(money.Cents(30_00), now))
	if err != nil {
		t.Fatal(err)
	}
	wantBalances(t, part.After.Outcome(*part.Ask, approved, now).Postings, map[ledger.AccountID]int64{
		ledger.Held: -40_00, ledger.Network: 10_00, ledger.Party("P1"): 30_00 - 1_17, ledger.Fees: 1_17,
	})
	wantBalances(t, part.After.Outcome(*part.Ask, declined, now).Postings, map[ledger.AccountID]int64{
		ledger.Held: -40_00, ledger.Network: 40_00,
	})
	_, err = lower().Settle(settling(money.Cents(40_01), now))
	if code(err) != holdfast.SettleAmountGreaterThanReserveAmount {
		t.Errorf("more than is left: %v", err)
	}
}

func TestRefusalsOfARelease(t *testing.T) {
	same := func(*payment.Transaction) {}
	is := func(k payment.Kind, s payment.State) func(*payment.Transaction) {
		return func(h *payment.Transaction) { h.Kind, h.State = k, s }
	}
	expired := func(h *payment.Transaction) { h.Deadline = now }
	lowered := func(h *payment.Transaction) { h.Lowered = money.Cents(42_00) }
	for name, row := range map[string]struct {
		spoil  func(*payment.Transaction)
		amount money.Amount
		want   holdfast.Code
	}{
		"a part":        {same, money.Cents(1), ""},
		"all":           {same, money.Cents(42_50), ""},
		"a cent more":   {same, money.Cents(42_51), holdfast.AmountOutOfRange},
		"zero":          {same, money.Cents(0), holdfast.AmountOutOfRange},
		"a payment":     {is(payment.KindPay, payment.Reserved), money.Cents(1), holdfast.InvalidTransactionID},
		"pending":       {is(payment.KindReserve, payment.Pending), money.Cents(1), holdfast.InvalidTransactionState},
		"cancelled":     {is(payment.KindReserve, payment.Cancelled), money.Amount{}, holdfast.InvalidTransactionState},
		"expired":       {expired, money.Cents(1), holdfast.InvalidTransactionState},
		"released once": {lowered, money.Cents(51), holdfast.AmountOutOfRange},
	} {
		h := held(t)
		row.spoil(&h)
		if _, err := h.Release(row.amount, "", now); code(err) != row.want {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

// FPS's actions on a hold with parts.
func TestFPSOnAHoldWithParts(t *testing.T) {
	h, part := partOf(t, parting(t), approved)
	if _, err := h.Settle(settling(money.Amount{}, now)); code(err) != holdfast.InvalidTransactionState ||
		!strings.Contains(err.Error(), "JSON API") {
		t.Errorf("settled: %v", err)
	}
	closed, err := h.Cancel("sold out", now)
	if err != nil || closed.After.State != payment.Success ||
		closed.After.StatusMessage != "The rest was released by the caller: sold out" {
		t.Fatalf("cancelled: %s %q, %v", closed.After.State, closed.After.StatusMessage, err)
	}
	done := closed.After
	if done.SettledBefore(money.Cents(10_00)) {
		t.Error("a Settle of the taken amount counts as accepted before")
	}
	if done.Operation() != holdfast.OperationSettle || done.Current() != money.Cents(10_00) ||
		done.FeeCharged() != money.Cents(59) || part.Operation() != holdfast.OperationSettle {
		t.Errorf("it is shown as %s of %v with a fee of %v", done.Operation(), done.Current(), done.FeeCharged())
	}
	if _, err := payment.Refund(refunding(done), holdfast.RefundRequest{}); code(err) != holdfast.InvalidTransactionState {
		t.Errorf("refunded: %v", err)
	}
	c, err := payment.Refund(refunding(part), holdfast.RefundRequest{})
	if err != nil || c.After.Amount != money.Cents(10_00) {
		t.Errorf("its part refunded: %+v, %v", c.After, err)
	}
}

// Accounts of a sender and of a seller count the parts, and never the hold again.
func TestAHoldAndItsPartsCountOnce(t *testing.T) {
	h, part := partOf(t, parting(t), approved)
	closed, err := h.Cancel("", now)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		all        []payment.Transaction
		paid, held int64
	}{
		"open":   {[]payment.Transaction{h, part}, 10_00, 32_50},
		"closed": {[]payment.Transaction{closed.After, part}, 10_00, 0},
	} {
		sender := payment.Activity{Account: "P2", Own: true, Rows: row.all}
		seller := payment.Activity{Account: "P1", Own: true, Rows: row.all}
		if got := sender.Totals(); got.Paid != money.Cents(row.paid) || got.Held != money.Cents(row.held) {
			t.Errorf("%s: the sender has paid %v and %v are held", name, got.Paid, got.Held)
		}
		if got := seller.Totals(); got.Received != money.Cents(row.paid) || got.Awaited != money.Cents(row.held) {
			t.Errorf("%s: the seller has received %v and awaits %v", name, got.Received, got.Awaited)
		}
		takings := payment.NoTakings()
		for _, one := range row.all {
			takings = takings.With(one, "P1")
		}
		if takings.Gross != money.Cents(10_00) || takings.Fees != money.Cents(59) {
			t.Errorf("%s: the takings are %+v", name, takings)
		}
		api := payment.Activity{Account: "P1", Filter: payment.ActivityFilter{BatchMax: 20}}
		for _, one := range row.all {
			api.Add(one)
		}
		if len(api.Rows) != 1 || api.Rows[0].ID != h.ID {
			t.Errorf("%s: GetAccountActivity has %d rows", name, len(api.Rows))
		}
	}
}

// The fees of any parts add up to the fee of one settle of their sum, to the
// micro-dollar, for each role that may bear it. So do the marketplace's fees.
func TestFeesOfPartsAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := parting(t)
		in.Hold.Amount = money.Cents(rapid.Int64Range(1_00, 60_00).Draw(rt, "amount"))
		in.Hold.Terms = payment.CommissionTerms{
			Variable: money.Rate(rapid.Int64Range(0, 100_000).Draw(rt, "share")),
		}
		if fixed := rapid.Int64Range(0, 50).Draw(rt, "fixed"); fixed > 0 {
			in.Hold.Terms.Fixed = money.Cents(fixed)
		}
		in.Hold.FeeBy = rapid.SampledFrom([]holdfast.Role{holdfast.RoleRecipient, holdfast.RoleCaller}).Draw(rt, "by")
		in.OwnerBalance = money.Cents(1_000_00)
		sum := [3]int64{}
		for range rapid.IntRange(1, 6).Draw(rt, "parts") {
			if !in.Hold.Open().Positive() {
				break
			}
			in.Earlier = payment.EarlierOf(in.Hold)
			in.Amount = money.Cents(rapid.Int64Range(1, in.Hold.Open().Micro/10_000).Draw(rt, "cents"))
			c, err := payment.SettlePart(in)
			if code(err) == holdfast.InvalidParams { // it would not cover its fees
				continue
			}
			if err != nil {
				rt.Fatal(err)
			}
			answer := approved
			if rapid.IntRange(0, 3).Draw(rt, "declined") == 0 {
				answer = declined
			}
			done := c.After.Outcome(*c.Ask, answer, now).With(payment.Effects{Original: c.Member.After})
			in.Hold = done.Member.After
			if answer.Approved() {
				sum[0], sum[1], sum[2] = sum[0]+c.After.Amount.Micro, sum[1]+c.After.Fee.Micro, sum[2]+c.After.Commission.Micro
			}
		}
		if sum[0] == 0 {
			return
		}
		all := money.Micros(sum[0])
		want := payment.DefaultFees.Fee(holdfast.MethodCC, all)
		whole, err := heldOf(in.Hold).Settle(payment.SettleInput{
			Amount: all, Owner: in.Owner, OwnerBalance: in.OwnerBalance, Fees: in.Fees, Now: now,
		})
		if err != nil {
			rt.Fatal(err)
		}
		if sum[1] != want.Micro || sum[1] != whole.After.Fee.Micro || sum[2] != whole.After.Commission.Micro ||
			in.Hold.Fee.Micro != sum[1] || in.Hold.Commission.Micro != sum[2] || in.Hold.Taken.Micro != sum[0] {
			rt.Fatalf("parts of %v bear %v and %v, one settle %v and %v; the hold has %v and %v", all, money.Micros(sum[1]),
				money.Micros(sum[2]), whole.After.Fee, whole.After.Commission, in.Hold.Fee, in.Hold.Commission)
		}
	})
}

// heldOf is a hold as it was before its parts.
func heldOf(h payment.Transaction) payment.Transaction {
	zero := money.Micros(0)
	h.State, h.Taken, h.Settled, h.Fee, h.Commission, h.Asking = payment.Reserved, zero, zero, zero, zero, ""
	return h
}

// Limits get back what no part takes: at each release of a part, and at the end.
func TestPartsGiveBackToLimits(t *testing.T) {
	limit := payment.Limit{
		Subject: "K1", Kind: payment.LimitAmount, Value: money.Cents(100_00).Micro, Start: now, Window: now, UsedCount: 2,
		UsedAmount: money.Cents(50_00),
	}
	step := func(c payment.Change, err error) payment.Transaction {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if !c.GivesBack() {
			t.Errorf("%s gives nothing back", c.Verb)
		}
		for _, l := range c.With(payment.Effects{Limits: []payment.Limit{limit}}).Limits {
			limit = l.After
		}
		return c.After
	}
	in := parting(t)
	in.Hold.Counted = true
	h, _ := partOf(t, in, approved)
	h = step(h.Release(money.Cents(2_50), "", now))
	if limit.UsedCount != 2 || limit.UsedAmount != money.Cents(47_50) {
		t.Errorf("after the release of a part %d uses of %v count", limit.UsedCount, limit.UsedAmount)
	}
	step(h.Release(money.Amount{}, "", now))
	if limit.UsedCount != 2 || limit.UsedAmount != money.Cents(17_50) {
		t.Errorf("at the end %d uses of %v count", limit.UsedCount, limit.UsedAmount)
	}
}
