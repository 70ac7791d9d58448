package payment_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// onCredit is a purchase of 10 dollars on credit. The debt is 20 dollars, of
// which 5 are being settled. The settlement token may charge 30 dollars, of
// which 5 are used.
func onCredit() asked {
	in := good()
	in.Request.TransactionAmount = money.Cents(10_00)
	in.Aggregate = payment.AggregateInstrument{
		ID: "G1", Caller: "C1", Sender: "P2", Recipient: "P1", Method: holdfast.MethodDebt, Limit: money.Cents(100_00),
		Installed: now, Expires: now.Add(time.Hour), Balance: money.Cents(20_00), Pending: money.Cents(5_00),
	}
	in.Token = payment.Token{
		ID: "K1", Caller: "C1", Use: payment.UsePay, Type: holdfast.TokenMultiUse, Sender: "P2", Recipient: "P1",
		Method: holdfast.MethodDebt, Aggregate: "G1", Installed: now, Expires: now.Add(time.Hour),
	}
	in.Movers = []payment.Mover{{
		Token: payment.Token{
			ID: "K2", Caller: "C1", Use: payment.UseSettle, Type: holdfast.TokenMultiUse, Sender: "P2", Recipient: "P1",
			Instrument: "I1", Method: holdfast.MethodCC, Aggregate: "G1", Installed: now, Expires: now.Add(time.Hour),
		},
		Limits: []payment.Limit{
			{
				Scope: "C1", Subject: "K2", Kind: payment.LimitAmount, Value: money.Cents(30_00).Micro,
				UsedAmount: money.Cents(5_00),
			},
		},
		Instrument: in.Instrument,
	}}
	return in
}

func TestCreditLimits(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*asked)
		want  holdfast.Code
	}{
		"as much as can be settled": {func(*asked) {}, ""},
		"a cent more": {
			func(in *asked) { in.Request.TransactionAmount = money.Cents(10_01) },
			holdfast.TokenUsageError,
		},
		"with a repeating limit": {func(in *asked) {
			in.Movers[0].Limits[0].Period = payment.Period{N: 1, Unit: payment.Day}
		}, ""},
		"with no use left": {func(in *asked) {
			in.Movers[0].Limits = []payment.Limit{{Kind: payment.LimitCount, Value: 2, UsedCount: 2}}
		}, holdfast.TokenUsageError},
		"with a use left": {func(in *asked) {
			in.Movers[0].Limits = []payment.Limit{{Kind: payment.LimitCount, Value: 2, UsedCount: 1}}
		}, ""},
		"without a limit": {func(in *asked) { in.Movers[0].Limits = nil }, ""},
		"nobody settles": {
			func(in *asked) { in.Movers[0].Token.Cancelled = true },
			holdfast.TokenNotActiveSender,
		},
		"nobody settles any more": {func(in *asked) { in.Movers[0].Token.Expires = now }, holdfast.IncompatibleTokens},
		"the settlement's card is gone": {
			func(in *asked) { in.Movers[0].Instrument.Removed = true },
			holdfast.InvalidPaymentInstrument,
		},
		"the settlement's card expired": {
			func(in *asked) { in.Movers[0].Instrument.ExpiryYear = 2025 },
			holdfast.InactiveInstrument,
		},
		"another token settles": {func(in *asked) {
			in.Movers = append([]payment.Mover{{Token: payment.Token{Cancelled: true}}}, in.Movers...)
		}, ""},
		"the instrument's time is over": {func(in *asked) { in.Aggregate.Expires = now }, holdfast.InstrumentExpired},
		"the spending token's is over":  {func(in *asked) { in.Token.Expires = now }, holdfast.IncompatibleTokens},
		"more than the credit limit": {
			func(in *asked) { in.Aggregate.Limit = money.Cents(29_99) },
			holdfast.AccountLimitsExceeded,
		},
		"a token for another instrument": {func(in *asked) { in.Token.Aggregate = "G2" }, holdfast.IncompatibleTokens},
		"an expired and cancelled token": {func(in *asked) {
			in.Movers[0].Token.Expires, in.Movers[0].Token.Cancelled = now, true
		}, holdfast.TokenNotActiveSender},
		"settled from a balance, no card": {func(in *asked) { in.Movers[0].Instrument = payment.Instrument{} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := onCredit()
			row.spoil(&in)
			c, err := payment.Pay(in.Input, holdfast.PayRequest(in.Request))
			if code(err) != row.want {
				t.Fatalf("refused with %v, want %q", err, row.want)
			}
			if err == nil && c.Aggregate.After.Balance != money.Cents(30_00) {
				t.Errorf("%v are owed", c.Aggregate.After.Balance)
			}
		})
	}
}

// ofBalance is a payment of 10 dollars from a prepaid balance of 20 dollars.
func ofBalance() asked {
	in := onCredit()
	in.Aggregate.Method, in.Token.Method = holdfast.MethodPrepaid, holdfast.MethodPrepaid
	in.Movers = []payment.Mover{{Token: in.Token}}
	return in
}

func TestPrepaidLimits(t *testing.T) {
	over := func(in *asked) { in.Aggregate.Expires, in.Token.Expires = now, now }
	count := func(in *asked, value int64) {
		in.Limits = []payment.Limit{
			{Scope: "C1", Subject: "K1", Kind: payment.LimitCount, Value: value, UsedAmount: money.Micros(0)},
		}
		in.Movers[0].Limits = in.Limits
	}
	for name, row := range map[string]struct {
		spoil func(*asked)
		want  holdfast.Code
	}{
		"some of it":                 {func(*asked) {}, ""},
		"after its time":             {over, ""},
		"after its time, going back": {func(in *asked) { over(in); in.GoesBack = true }, holdfast.IncompatibleTokens},
		"the same by a token that lives": {
			func(in *asked) { in.Aggregate.Expires, in.GoesBack = now, true },
			holdfast.InstrumentExpired,
		},
		"after its time, and empty": {func(in *asked) {
			over(in)
			in.Token.Expires, in.Aggregate.Balance, in.Aggregate.Pending = time.Time{}, money.Micros(0), money.Micros(0)
		}, holdfast.InstrumentExpired},
		"by a use that is not the last": {func(in *asked) { count(in, 2) }, ""},
		"a part by the last use":        {func(in *asked) { count(in, 1) }, holdfast.TokenUsageError},
		"all by the last use": {func(in *asked) {
			count(in, 1)
			in.Aggregate.Balance, in.Aggregate.Pending = in.Request.TransactionAmount, money.Micros(0)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := ofBalance()
			row.spoil(&in)
			if _, err := payment.Pay(in.Input, holdfast.PayRequest(in.Request)); code(err) != row.want {
				t.Fatalf("refused with %v, want %q", err, row.want)
			}
		})
	}
}

func TestStranded(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*asked)
		want  bool
	}{
		"a debt":                    {func(*asked) {}, false},
		"after its time":            {func(in *asked) { in.Movers[0].Token.Expires = now.Add(-1) }, false},
		"more than can be settled":  {func(in *asked) { in.Movers[0].Limits[0].Value = money.Cents(19_99).Micro }, true},
		"as much as can be settled": {func(in *asked) { in.Movers[0].Limits[0].Value = money.Cents(20_00).Micro }, false},
		"all is being settled":      {func(in *asked) { in.Aggregate.Pending, in.Movers = in.Aggregate.Balance, nil }, false},
		"nobody to settle":          {func(in *asked) { in.Movers = nil }, true},
		"nobody to spend":           {func(in *asked) { in.Aggregate.Method, in.Movers = holdfast.MethodPrepaid, nil }, true},
		"nobody to spend, on its way": {func(in *asked) {
			in.Aggregate.Method, in.Aggregate.Balance, in.Movers = holdfast.MethodPrepaid, money.Micros(0), nil
		}, true},
		"nobody to spend, and nothing": {func(in *asked) {
			in.Aggregate.Method, in.Aggregate.Balance, in.Aggregate.Pending, in.Movers = holdfast.MethodPrepaid, money.Micros(0),
				money.Micros(0), nil
		}, false},
	} {
		in := onCredit()
		row.spoil(&in)
		if why := in.Aggregate.Stranded(in.Movers); (why != nil) != row.want {
			t.Errorf("%s: %v", name, why)
		}
	}
}

// A returned balance comes from the last fundings, with the fee of the returned
// part, and only if the recipient can pay all of it.
func TestReturns(t *testing.T) {
	funding := func(id holdfast.TransactionID, amount, refunded int64) payment.Transaction {
		f := paid(money.Cents(amount), money.Micros(0))
		f.ID, f.Kind, f.Aggregate, f.Refunded = id, payment.KindFundPrepaid, "G1", money.Cents(refunded)
		return f
	}
	fundings := []payment.Transaction{funding("1T3", 10_00, 4_00), funding("1T2", 20_00, 0), funding("1T1", 50_00, 0)}
	a := ofBalance().Aggregate
	a.Balance = money.Cents(18_00)
	returns := a.Returns(fundings, money.Cents(17_12)) // 0.59 · 6/10 and 0.88 · 12/20 come back
	if len(returns) != 2 || returns[0].Amount != money.Cents(6_00) || returns[1].Amount != money.Cents(12_00) ||
		returns[0].Fee != money.Cents(35) || returns[1].Fee != money.Cents(53) {
		t.Fatalf("the returns are %+v", returns)
	}
	if short := a.Returns(fundings, money.Cents(17_11)); len(short) != 0 {
		t.Errorf("with a cent too little the returns are %+v", short)
	}
	c := returns[1].Change("1T9", a, now)
	if c.After.Parent != "1T2" || c.After.Method != holdfast.MethodABT || c.After.State != payment.Success ||
		c.After.AggregateMethod() != holdfast.MethodPrepaid ||
		c.Aggregate.After.Balance != money.Cents(6_00) || c.Original.After.Refunded != money.Cents(12_00) ||
		c.Original.After.FeeReturned != money.Cents(53) {
		t.Errorf("the change is %+v", c)
	}
	at := now.Add(time.Minute)
	if a.Over(now) || !a.Ended(now).Over(now) || a.Ended(now).Ended(at) != a.Ended(now) {
		t.Error("an instrument that has expired gets a new expiry")
	}
}
