package payment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// held is a Reserve of 42.50 that the network has approved.
func held(t *testing.T) payment.Transaction {
	t.Helper()
	c, err := payment.Reserve(good().Input, good().Request)
	if err != nil {
		t.Fatal(err)
	}
	return c.After.Outcome(*c.Ask, approved, now).After
}

// A use is given back to the limits if the payment fails, and part of its
// amount if less is captured.
func TestUsesAreGivenBack(t *testing.T) {
	limit := payment.Limit{
		Subject: "K1", Kind: payment.LimitAmount, Value: money.Cents(100_00).Micro, Start: now, Window: now, UsedCount: 2,
		UsedAmount: money.Cents(50_00),
	}
	reserved := held(t)
	reserved.Counted = true
	settle := func(cents int64) payment.Change {
		c, err := reserved.Settle(settling(money.Cents(cents), now))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	cancelled, err := reserved.Cancel("", now)
	if err != nil {
		t.Fatal(err)
	}
	part, all := settle(40_00), settle(42_50)
	for name, row := range map[string]struct {
		payment.Change
		gives bool
		count int64
		cents int64 // used after it
	}{
		"cancelled":        {cancelled, true, 1, 7_50},
		"a capture of all": {all.After.Outcome(*all.Ask, approved, now), false, 2, 50_00},
		"of a part":        {part.After.Outcome(*part.Ask, approved, now), true, 2, 47_50},
		"declined":         {part.After.Outcome(*part.Ask, declined, now), true, 1, 7_50},
		"being settled":    {part, false, 2, 50_00},
	} {
		after := limit
		if c := row.With(payment.Effects{Limits: []payment.Limit{limit}}); len(c.Limits) > 0 {
			after = c.Limits[0].After
		}
		if row.GivesBack() != row.gives || after.UsedCount != row.count || after.UsedAmount != money.Cents(row.cents) {
			t.Errorf("%s: gives back %v, and %d uses of %v are left", name, row.GivesBack(), after.UsedCount, after.UsedAmount)
		}
	}
}

// An approved funding is on the instrument. After any answer it is no longer
// pending.
func TestTheOutcomeOfAFunding(t *testing.T) {
	in := onInstrument(holdfast.MethodPrepaid, payment.UseFund)
	c, err := payment.FundPrepaid(in.Input, holdfast.FundPrepaidRequest{
		FundingAmount: money.Cents(10_00), CallerReference: "f",
	})
	if err != nil {
		t.Fatal(err)
	}
	for answer, want := range map[payment.Answer]int64{approved: 30_00, declined: 20_00} {
		done := c.After.Outcome(*c.Ask, answer, now).With(payment.Effects{Aggregate: c.Aggregate.After})
		if a := done.Aggregate.After; a.Balance != money.Cents(want) || a.Pending != money.Cents(5_00) {
			t.Errorf("%+v: the balance is %v and %v are pending", answer, a.Balance, a.Pending)
		}
	}
}

// A decision has the use of the token and of its limits.
func TestAPaymentUsesItsToken(t *testing.T) {
	in := good()
	c, err := payment.Reserve(in.Input, in.Request)
	if err != nil || c.Uses != "K1" || c.After.Counted || !c.After.Completed.IsZero() {
		t.Errorf("it uses %q, counted %v, %v", c.Uses, c.After.Counted, err)
	}
	in.Token.Type = holdfast.TokenMultiUse
	in.Limits = []payment.Limit{{Subject: "K1", Kind: payment.LimitCount, Value: 2, UsedAmount: money.Micros(0)}}
	c, err = payment.Reserve(in.Input, in.Request)
	if err != nil || c.Uses != "" || !c.After.Counted || len(c.Limits) != 1 {
		t.Errorf("it uses %q, counted %v, %v", c.Uses, c.After.Counted, err)
	}
	in.Request.TransactionTimeoutMins = 5
	if c, _ = payment.Reserve(in.Input, in.Request); !c.After.Deadline.Equal(now.Add(5 * time.Minute)) {
		t.Errorf("five minutes end at %v", c.After.Deadline)
	}
}

func TestARefusalDescribesTheLimit(t *testing.T) {
	month := payment.Period{N: 1, Unit: payment.Month}
	for want, l := range map[string]payment.Limit{
		"no more than one use in all":         {Kind: payment.LimitCount, Value: 1, UsedCount: 1},
		"no more than 2 uses in 1 Month":      {Kind: payment.LimitCount, Value: 2, UsedCount: 2, Period: month},
		"no more than USD 42.49 in all":       {Kind: payment.LimitAmount, Value: money.Cents(42_49).Micro},
		"the sender's account has reached":    {Subject: payment.SendingSubject("P2"), Kind: payment.LimitAmount, Value: 1},
		"the recipient's account has reached": {Subject: payment.ReceivingSubject("P1"), Kind: payment.LimitAmount, Value: 1},
	} {
		in := good()
		l.UsedAmount, l.Start, l.Window = money.Micros(0), now, now
		in.Limits = []payment.Limit{l}
		if _, err := payment.Reserve(in.Input, in.Request); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	in := good()
	in.Limits = []payment.Limit{
		{Subject: "K1", Kind: payment.LimitAmount, Value: money.Cents(42_50).Micro, UsedAmount: money.Micros(0)},
	}
	if _, err := payment.Reserve(in.Input, in.Request); err != nil {
		t.Errorf("the last cent of a limit: %v", err)
	}
}

func TestPayByEachMethod(t *testing.T) {
	for method, row := range map[holdfast.PaymentMethod]struct {
		state  payment.State
		spends []party.ID
	}{
		holdfast.MethodCC: {payment.Pending, nil}, holdfast.MethodACH: {payment.Pending, nil},
		holdfast.MethodABT: {payment.Success, []party.ID{"P2"}},
	} {
		in := good()
		in.Token.Method, in.Instrument.Method, in.Balance = method, method, money.Cents(42_50)
		c, err := payment.Pay(in.Input, holdfast.PayRequest(in.Request))
		if err != nil || c.After.State != row.state || (c.Ask != nil) != (row.state == payment.Pending) ||
			len(c.Spends) != len(row.spends) {
			t.Errorf("%s: %s, spends %v, %v", method, c.After.State, c.Spends, err)
		}
		in.Recipient.Business = false
		_, err = payment.Pay(in.Input, holdfast.PayRequest(in.Request))
		if (code(err) == holdfast.InvalidRecipientForCCTransaction) != (method == holdfast.MethodCC) {
			t.Errorf("%s to a personal account: %v", method, err)
		}
		in = good()
		in.Token.Method, in.Instrument.Method, in.Balance, in.Request.TransactionAmount = method, method, money.Cents(1),
			money.Cents(1)
		if _, err := payment.Pay(in.Input,
			holdfast.PayRequest(in.Request)); (code(err) == holdfast.AmountOutOfRange) != (method != holdfast.MethodABT) {
			t.Errorf("a cent by %s: %v", method, err)
		}
	}
}

func TestSettleIsRepeatedOnlyForTheSame(t *testing.T) {
	all, err := held(t).Settle(settling(money.Amount{}, now))
	if err != nil {
		t.Fatal(err)
	}
	done := all.After.Outcome(*all.Ask, approved, now).After
	failed := all.After.Outcome(*all.Ask, declined, now).After
	pay := done
	pay.Kind = payment.KindPay
	for name, row := range map[string]struct {
		payment.Transaction
		amount money.Amount
		want   bool
	}{
		"being settled":   {all.After, money.Amount{}, true},
		"the same amount": {all.After, money.Cents(42_50), true},
		"another":         {all.After, money.Cents(42_49), false},
		"settled":         {done, money.Cents(42_50), true},
		"failed":          {failed, money.Cents(42_50), false},
		"a payment":       {pay, money.Cents(42_50), false},
	} {
		if row.SettledBefore(row.amount) != row.want {
			t.Errorf("%s: SettledBefore is wrong, want %v", name, row.want)
		}
	}
	if _, err := done.Settle(settling(money.Cents(1_00), now)); err == nil ||
		!strings.Contains(err.Error(), "it was settled for USD 42.50") {
		t.Errorf("settled again: %v", err)
	}
	if _, err := done.Cancel("", now); err == nil || !strings.Contains(err.Error(), "it was settled for") {
		t.Errorf("cancelled after: %v", err)
	}
	if _, err := pay.Cancel("", now); err == nil || !strings.Contains(err.Error(), "it was paid") {
		t.Errorf("a payment cancelled after: %v", err)
	}
}

// Giving up a hold returns the money in the books at once, and asks the network
// for a release. A hold that is not approved yet needs neither.
func TestCancelAndExpire(t *testing.T) {
	reserved := held(t)
	pending, err := payment.Reserve(good().Input, good().Request)
	if err != nil {
		t.Fatal(err)
	}
	c, err := reserved.Cancel("  out of\nstock ", now)
	if err != nil || c.After.StatusMessage != "The transaction was cancelled by the caller: out of stock" ||
		c.Ask == nil || c.Ask.Step != payment.StepRelease {
		t.Errorf("cancelled with %q, %v", c.After.StatusMessage, err)
	}
	wantBalances(t, c.Postings, map[ledger.AccountID]int64{ledger.Held: -42_50, ledger.Network: 42_50})
	if c, err = pending.After.Cancel("", now); err != nil ||
		c.After.StatusMessage != "The transaction was cancelled by the caller." || c.Ask != nil || len(c.Postings) != 0 {
		t.Errorf("cancelled with %q, %v, %v", c.After.StatusMessage, c.Postings, err)
	}
	for name, row := range map[string]struct {
		payment.Transaction
		words string
		asks  bool
	}{
		"held":    {reserved, "was not settled by", true},
		"pending": {pending.After, "did not finish by", false},
	} {
		c, due := row.Expire(row.Deadline)
		if !due || !strings.Contains(c.After.StatusMessage, row.words) || (c.Ask != nil) != row.asks ||
			(len(c.Postings) > 0) != row.asks {
			t.Errorf("%s: %q, asks %v", name, c.After.StatusMessage, c.Ask)
		}
		if _, due := row.Expire(row.Deadline.Add(-1)); due {
			t.Errorf("%s: it expires before its deadline", name)
		}
		rows := []payment.HistoryRow{{Seq: 1}}
		history := row.HistoryAsOf(rows, row.Deadline)
		if len(history) != 2 || history[1].Seq != 2 || len(row.HistoryAsOf(nil, now)) != 0 {
			t.Errorf("%s: the history is %+v", name, history)
		}
	}
	for _, kind := range []payment.Kind{payment.KindFundPrepaid, payment.KindRefund, payment.KindCommission} {
		other := pending.After
		other.Kind = kind
		if _, err := other.Cancel("", now); code(err) != holdfast.InvalidTransactionID {
			t.Errorf("a %s is cancelled: %v", kind, err)
		}
	}
}

func TestAccess(t *testing.T) {
	for standing, want := range map[party.Standing]holdfast.Code{
		party.Active: "", party.Suspended: holdfast.AccessFailure, party.Closed: holdfast.AccountClosed,
	} {
		if err := payment.CanAccess(party.Party{Standing: standing}, true); code(err) != want {
			t.Errorf("%s: %v", standing, err)
		}
	}
	if err := payment.CanAccess(party.Party{Standing: party.Active}, false); code(err) != holdfast.AccessFailure {
		t.Errorf("a missing account: %v", err)
	}
}

// Callers are notified of every step but those for which no notification
// exists.
func TestStepsThatCallersAreNotifiedOf(t *testing.T) {
	step := func(kind payment.Kind, v payment.Verb, m holdfast.PaymentMethod) payment.Change {
		return payment.Change{Verb: v, After: payment.Transaction{Kind: kind, Method: m}}
	}
	for name, row := range map[string]struct {
		payment.Change
		want bool
	}{
		"a payment":             {step(payment.KindPay, payment.VerbCharge, holdfast.MethodCC), true},
		"a prepaid payment":     {step(payment.KindPay, payment.VerbTransfer, holdfast.MethodPrepaid), false},
		"a prepaid refund":      {step(payment.KindRefund, payment.VerbTransfer, holdfast.MethodPrepaid), true},
		"a Settle":              {step(payment.KindReserve, payment.VerbSettle, holdfast.MethodCC), false},
		"a capture":             {step(payment.KindReserve, payment.VerbCapture, holdfast.MethodCC), true},
		"a marketplace's fee":   {step(payment.KindCommission, payment.VerbTransfer, holdfast.MethodABT), false},
		"a deposit":             {step(payment.KindDeposit, payment.VerbTransfer, holdfast.MethodABT), false},
		"nothing that happened": {step(payment.KindPay, "", holdfast.MethodCC), false},
	} {
		if row.Told() != row.want {
			t.Errorf("%s: Told is wrong, want %v", name, row.want)
		}
	}
	for name, row := range map[string]struct {
		payment.Change
		want bool
	}{
		"nothing":    {payment.Change{}, true},
		"a step":     {payment.Change{Verb: payment.VerbPay}, false},
		"a question": {payment.Change{After: payment.Transaction{Asking: payment.StepRelease}}, false},
		"an answer":  {payment.Change{Before: payment.Transaction{Asking: payment.StepRelease}}, false},
	} {
		if row.Empty() != row.want {
			t.Errorf("%s: Empty is wrong, want %v", name, row.want)
		}
	}
}

func TestWhatTransactionsSay(t *testing.T) {
	some := money.Cents(5_00)
	for name, row := range map[string]struct {
		payment.Transaction
		operation holdfast.Operation
		aggregate holdfast.PaymentMethod
	}{
		"held": {
			payment.Transaction{Kind: payment.KindReserve, Settled: money.Micros(0), Method: holdfast.MethodCC},
			holdfast.OperationReserve, "",
		},
		"settled": {
			payment.Transaction{Kind: payment.KindReserve, Settled: some, Method: holdfast.MethodCC},
			holdfast.OperationSettle, "",
		},
		"paid": {
			payment.Transaction{Kind: payment.KindPay, Settled: some, Method: holdfast.MethodDebt, Aggregate: "G1"},
			holdfast.OperationPay, holdfast.MethodDebt,
		},
		"funded": {
			payment.Transaction{Kind: payment.KindFundPrepaid, Method: holdfast.MethodCC, Aggregate: "G1"},
			holdfast.OperationFundPrepaid, holdfast.MethodPrepaid,
		},
		"settling": {
			payment.Transaction{Kind: payment.KindSettleDebt, Method: holdfast.MethodCC, Aggregate: "G1"},
			holdfast.OperationSettleDebt, holdfast.MethodDebt,
		},
		"went back": {
			payment.Transaction{Kind: payment.KindRefund, Method: holdfast.MethodABT, Aggregate: "G1"},
			holdfast.OperationRefund, holdfast.MethodPrepaid,
		},
		"refunded": {
			payment.Transaction{Kind: payment.KindRefund, Method: holdfast.MethodDebt, Aggregate: "G1"},
			holdfast.OperationRefund, holdfast.MethodDebt,
		},
	} {
		if row.Operation() != row.operation || row.AggregateMethod() != row.aggregate {
			t.Errorf("%s: %s, %s", name, row.Operation(), row.AggregateMethod())
		}
	}
	for _, state := range payment.States {
		tx := payment.Transaction{State: state, StatusCode: holdfast.CodeTransactionDenied, Fee: some, Commission: some}
		if done := state == payment.Success; tx.FeeCharged().Positive() != done || tx.CommissionCharged().Positive() != done {
			t.Errorf("%s: a fee of %v is charged", state, tx.FeeCharged())
		}
		if tx.Declined() != (state == payment.Failure) {
			t.Errorf("%s: declined %v", state, tx.Declined())
		}
		if tx.StatusCode = holdfast.CodeExpired; tx.Declined() {
			t.Errorf("%s: an expired transaction counts as declined", state)
		}
	}
}

func TestReceipts(t *testing.T) {
	step := func(spoil func(*payment.Change)) payment.Change {
		c := payment.Change{
			Verb: payment.VerbCharge, After: payment.Transaction{
				Kind: payment.KindPay, Sender: "P2", Method: holdfast.MethodCC, State: payment.Success,
			},
		}
		spoil(&c)
		return c
	}
	for name, row := range map[string]struct {
		payment.Change
		want payment.ReceiptAbout
	}{
		"paid":         {step(func(*payment.Change) {}), payment.ReceiptCharged},
		"no step":      {step(func(c *payment.Change) { c.Verb = "" }), ""},
		"by nobody":    {step(func(c *payment.Change) { c.After.Sender = "" }), ""},
		"of a prepaid": {step(func(c *payment.Change) { c.After.Method = holdfast.MethodPrepaid }), ""},
		"declined":     {step(func(c *payment.Change) { c.After.State = payment.Failure }), ""},
		"a commission": {step(func(c *payment.Change) { c.After.Kind = payment.KindCommission }), ""},
		"released": {step(func(c *payment.Change) {
			c.After.State, c.Before.State, c.Before.Amount = payment.Cancelled, payment.Reserved, money.Cents(42_50)
		}), payment.ReceiptReleased},
		"released in part": {step(func(c *payment.Change) {
			c.Verb, c.After.State, c.Before.State = payment.VerbLower, payment.Reserved, payment.Reserved
			c.After.Kind, c.After.Amount, c.After.Lowered = payment.KindReserve, money.Cents(42_50), money.Cents(2_50)
		}), payment.ReceiptReleased},
		"never held": {step(func(c *payment.Change) {
			c.After.State, c.Before.State = payment.Cancelled, payment.Pending
		}), ""},
		"being settled": {step(func(c *payment.Change) {
			c.After.State, c.Before.State = payment.Settling, payment.Reserved
		}), ""},
		"refunded": {step(func(c *payment.Change) { c.After.Kind = payment.KindRefund }), payment.ReceiptRefunded},
		"refund, under way": {step(func(c *payment.Change) {
			c.After.Kind, c.After.State = payment.KindRefund, payment.Pending
		}), ""},
	} {
		if about, due := row.Receipt(); due != (row.want != "") || due && about != row.want {
			t.Errorf("%s: %s, %v", name, about, due)
		}
	}
	tx := payment.Transaction{Kind: payment.KindReserve, Amount: money.Cents(42_50), Settled: money.Cents(40_00)}
	if got := tx.Released(); got != money.Cents(2_50) {
		t.Errorf("%v are released", got)
	}
	unsettled, pay := tx, tx
	unsettled.Settled, pay.Kind = money.Micros(0), payment.KindPay
	if unsettled.Released().Positive() || pay.Released().Positive() {
		t.Error("Released is not zero for an unsettled hold or a payment without a hold")
	}
	a := payment.Agreement{Caller: good().Caller}
	made := payment.Installation{
		Tokens: []payment.Token{{ID: "K1"}, {ID: "K2"}}, Limits: []payment.Limit{
			{Subject: "K1", Slot: 1}, {Subject: "K2", Slot: 2},
		},
	}
	r, due := a.Receipt(made)
	if !due || r.Token.ID != "K1" || len(r.Limits) != 1 || r.Limits[0].Slot != 1 {
		t.Errorf("an approval is mailed as %+v, %v", r, due)
	}
	if _, due := a.Receipt(payment.Installation{}); due {
		t.Error("an approval of nothing is mailed")
	}
}
