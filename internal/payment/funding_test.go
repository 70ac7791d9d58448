package payment_test

import (
	"maps"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// onInstrument is a card payment of 10 dollars that funds or settles an
// instrument with a balance of 20 and 5 pending.
func onInstrument(m holdfast.PaymentMethod, use payment.TokenUse) asked {
	in := onCredit()
	in.Aggregate.Method, in.Aggregate.Limit = m, money.Cents(35_00)
	in.Token.Use, in.Token.Method, in.Token.Instrument = use, holdfast.MethodCC, "I1"
	in.Movers = []payment.Mover{
		{Token: payment.Token{ID: "K2", Use: payment.UsePay, Aggregate: "G1", Expires: now.Add(time.Hour)}},
	}
	if use == payment.UseSettle {
		in.Movers = []payment.Mover{{Token: in.Token, Instrument: in.Instrument}}
	}
	return in
}

func byBalance(in *asked) {
	in.Token.Method, in.Instrument.Method = holdfast.MethodABT, holdfast.MethodABT
	in.Balance = money.Cents(10_00)
}

// A spoiling makes one change to a valid request, and has the refusal that it
// leads to.
type spoiling struct {
	spoil func(*asked)
	want  holdfast.Code
}

// spoilt are the refusals that a funding and a settlement have in common.
var spoilt = map[string]spoiling{
	"nothing wrong": {func(*asked) {}, ""},
	"no amount":     {func(in *asked) { in.Request.TransactionAmount = money.Amount{} }, holdfast.InvalidParams},
	"a cent by card": {
		func(in *asked) { in.Request.TransactionAmount = money.Cents(1) },
		holdfast.AmountOutOfRange,
	},
	"less than its fee": {func(in *asked) { in.Request.TransactionAmount = money.Cents(5) }, holdfast.InvalidParams},
	"six cents":         {func(in *asked) { in.Request.TransactionAmount = money.Cents(6) }, ""},
	"above all amounts": {
		func(in *asked) { in.Request.TransactionAmount = money.Cents(10_000_01) },
		holdfast.AmountOutOfRange,
	},
	"a long timeout":         {func(in *asked) { in.Request.TransactionTimeoutMins = 10081 }, holdfast.InvalidParams},
	"a statement of nothing": {func(in *asked) { in.Request.SoftDescriptorType = "Dynamic" }, holdfast.InvalidParams},
	"another caller's token": {func(in *asked) { in.Token.Caller = "C2" }, holdfast.IncompatibleTokens},
	"a token that pays": {
		func(in *asked) { in.Token.Use = payment.UsePay },
		holdfast.InvalidSenderRoleForAccountType,
	},
	"a cancelled token":    {func(in *asked) { in.Token.Cancelled = true }, holdfast.TokenNotActiveSender},
	"another caller's":     {func(in *asked) { in.Aggregate.Caller = "C2" }, holdfast.InstrumentAccessDenied},
	"another recipient's":  {func(in *asked) { in.Aggregate.Recipient = "P3" }, holdfast.InstrumentAccessDenied},
	"another instrument's": {func(in *asked) { in.Token.Aggregate = "G2" }, holdfast.IncompatibleTokens},
	"a suspended sender":   {func(in *asked) { in.Sender.Standing = party.Suspended }, holdfast.InvalidAccountStateSender},
	"a removed card":       {func(in *asked) { in.Instrument.Removed = true }, holdfast.InvalidPaymentInstrument},
	"a personal recipient": {func(in *asked) { in.Recipient.Business = false }, holdfast.InvalidRecipientForCCTransaction},
	"a sandbox account": {func(in *asked) {
		in.Request.SenderTokenID = "H216UECZ8ZM1G8G4QA3V7RKF8JDFZ9SI3SJAFSGUKBBNDHX1NVM8GUQRZNRNAHER"
	}, holdfast.InvalidAccountStateSender},
	"a balance that is enough": {byBalance, ""},
	"a cent too little": {func(in *asked) {
		byBalance(in)
		in.Balance = money.Cents(9_99)
	}, holdfast.InsufficientBalance},
	"an unverified bank account": {func(in *asked) {
		in.Token.Method, in.Instrument.Method, in.Instrument.Verified = holdfast.MethodACH, holdfast.MethodACH, false
	}, holdfast.UnverifiedBankAccount},
	"a used-up limit": {func(in *asked) {
		in.Limits = []payment.Limit{
			{Subject: "K1", Kind: payment.LimitCount, Value: 1, UsedCount: 1, UsedAmount: money.Micros(0)},
		}
	}, holdfast.TokenUsageError},
	"a reached sending limit": {func(in *asked) {
		in.Limits = []payment.Limit{
			{
				Subject: payment.SendingSubject("P2"), Kind: payment.LimitAmount, Value: money.Cents(9_99).Micro,
				UsedAmount: money.Micros(0),
			},
		}
	}, holdfast.AccountLimitsExceeded},
	"a limit that is just reached": {func(in *asked) {
		in.Limits = []payment.Limit{
			{
				Subject: payment.SendingSubject("P2"), Kind: payment.LimitAmount, Value: money.Cents(10_00).Micro,
				UsedAmount: money.Micros(0),
			},
		}
	}, ""},
}

func TestFundPrepaidRefusals(t *testing.T) {
	wantRefusals(t, payment.KindFundPrepaid, map[string]spoiling{
		"a cent above the limit": {
			func(in *asked) { in.Aggregate.Limit = money.Cents(34_99) },
			holdfast.PrepaidFundingLimitExceeded,
		},
		"an expired instrument": {func(in *asked) { in.Aggregate.Expires = now }, holdfast.InstrumentExpired},
		"nobody spends it": {
			func(in *asked) { in.Movers[0].Token.Cancelled = true },
			holdfast.TokenNotActiveSender,
		},
		"nobody spends it any more": {func(in *asked) { in.Movers[0].Token.Expires = now }, holdfast.IncompatibleTokens},
		"a token that settles": {
			func(in *asked) { in.Token.Use = payment.UseSettle },
			holdfast.InvalidSenderRoleForAccountType,
		},
	})
}

func TestSettleDebtRefusals(t *testing.T) {
	amount := func(cents int64) func(*asked) {
		return func(in *asked) { in.Request.TransactionAmount = money.Cents(cents) }
	}
	wantRefusals(t, payment.KindSettleDebt, map[string]spoiling{
		"all that is open":         {amount(15_00), ""},
		"a cent more than is open": {amount(15_01), holdfast.SettleAmountGreaterThanDebt},
		"an expired instrument":    {func(in *asked) { in.Aggregate.Expires, in.Token.Expires = now, now }, ""},
		"a part by the last use": {func(in *asked) {
			in.Limits = []payment.Limit{{Subject: "K1", Kind: payment.LimitCount, Value: 1, UsedAmount: money.Micros(0)}}
			in.Movers[0].Limits = in.Limits
		}, holdfast.TokenUsageError},
		"all by the last use": {func(in *asked) {
			amount(15_00)(in)
			in.Limits = []payment.Limit{{Subject: "K1", Kind: payment.LimitCount, Value: 1, UsedAmount: money.Micros(0)}}
			in.Movers[0].Limits = in.Limits
		}, ""},
		"a token that funds": {func(in *asked) { in.Token.Use = payment.UseFund }, holdfast.InvalidSenderRoleForAccountType},
	})
}

// wantRefusals tests the refusals of fundings or settlements: the ones in own,
// and those that both have in common.
func wantRefusals(t *testing.T, kind payment.Kind, own map[string]spoiling) {
	t.Helper()
	rows := maps.Clone(spoilt)
	maps.Copy(rows, own)
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			in := onInstrument(holdfast.MethodPrepaid, payment.UseFund)
			if kind == payment.KindSettleDebt {
				in = onInstrument(holdfast.MethodDebt, payment.UseSettle)
			}
			row.spoil(&in)
			c, err := moved(in, kind)
			if code(err) != row.want {
				t.Fatalf("refused with %v, want %q", err, row.want)
			}
			if err != nil {
				return
			}
			amount := in.Request.TransactionAmount
			on := money.Cents(20_00).Add(amount)
			if kind == payment.KindSettleDebt {
				on = money.Cents(20_00).Sub(amount)
			}
			wantBegun(t, c, kind, on, amount)
		})
	}
}

// moved funds or settles the instrument.
func moved(in asked, kind payment.Kind) (payment.Change, error) {
	r := in.Request
	if kind == payment.KindSettleDebt {
		return payment.SettleDebt(in.Input, holdfast.SettleDebtRequest{
			SenderTokenID: r.SenderTokenID, SettlementAmount: r.TransactionAmount, CallerReference: "s",
			SoftDescriptorType:     r.SoftDescriptorType,
			TransactionTimeoutMins: r.TransactionTimeoutMins,
		})
	}
	return payment.FundPrepaid(in.Input, holdfast.FundPrepaidRequest{
		SenderTokenID: r.SenderTokenID, FundingAmount: r.TransactionAmount, CallerReference: "f",
		SoftDescriptorType:     r.SoftDescriptorType,
		TransactionTimeoutMins: r.TransactionTimeoutMins,
	})
}

// wantBegun checks an accepted step. A card payment waits for the network, and
// its amount is pending on the instrument. A balance payment is complete, and
// has changed the books and the instrument.
func wantBegun(t *testing.T, c payment.Change, kind payment.Kind, balance, amount money.Amount) {
	t.Helper()
	after := c.Aggregate.After
	if c.After.Kind != kind || c.After.Fee != payment.DefaultFees.Fee(c.After.Method, amount) {
		t.Errorf("it is a %s with a fee of %v", c.After.Kind, c.After.Fee)
	}
	if c.After.Method != holdfast.MethodABT {
		if c.After.State != payment.Pending || c.Ask == nil || c.Ask.Step != payment.StepCharge ||
			after.Balance != money.Cents(20_00) || after.Pending != money.Cents(5_00).Add(amount) {
			t.Errorf("by card: %s, balance %v, pending %v", c.After.State, after.Balance, after.Pending)
		}
		if len(c.Spends) != 0 {
			t.Errorf("by card it spends from %v", c.Spends)
		}
		return
	}
	if c.After.State != payment.Success || c.Ask != nil || after.Balance != balance ||
		after.Pending != money.Cents(5_00) || len(c.Spends) != 1 || c.Spends[0] != "P2" {
		t.Errorf("from the balance: %s, balance %v, pending %v, spends %v", c.After.State, after.Balance, after.Pending,
			c.Spends)
	}
	instrument, mirror := ledger.Prepaid("G1"), ledger.Owed("P1")
	if kind == payment.KindSettleDebt {
		instrument, mirror = ledger.Debt("G1"), ledger.Due("P1")
	}
	wantBalances(t, c.Postings, map[ledger.AccountID]int64{
		ledger.Party("P2"): -10_00, ledger.Party("P1"): 10_00 - 16, ledger.Fees: 16, instrument: 10_00, mirror: -10_00,
	})
}

func TestWriteOffDebt(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*asked)
		want  holdfast.Code
	}{
		"a part":           {func(*asked) {}, ""},
		"a cent":           {func(in *asked) { in.Request.TransactionAmount = money.Cents(1) }, ""},
		"all that is open": {func(in *asked) { in.Request.TransactionAmount = money.Cents(15_00) }, ""},
		"a cent more than is open": {
			func(in *asked) { in.Request.TransactionAmount = money.Cents(15_01) },
			holdfast.SettleAmountGreaterThanDebt,
		},
		"nothing":             {func(in *asked) { in.Request.TransactionAmount = money.Cents(0) }, holdfast.AmountOutOfRange},
		"another caller's":    {func(in *asked) { in.Aggregate.Caller = "C2" }, holdfast.InstrumentAccessDenied},
		"another recipient's": {func(in *asked) { in.Aggregate.Recipient = "P3" }, holdfast.InstrumentAccessDenied},
		"a closed owner":      {func(in *asked) { in.Owner.Standing = party.Closed }, holdfast.AccountClosed},
		"a suspended owner":   {func(in *asked) { in.Owner.Standing = party.Suspended }, holdfast.InvalidAccountStateCaller},
	} {
		t.Run(name, func(t *testing.T) {
			in := onInstrument(holdfast.MethodDebt, payment.UseSettle)
			row.spoil(&in)
			amount := in.Request.TransactionAmount
			c, err := payment.WriteOffDebt(in.Input, holdfast.WriteOffDebtRequest{
				AdjustmentAmount: amount, CallerReference: "w",
			})
			if code(err) != row.want {
				t.Fatalf("refused with %v, want %q", err, row.want)
			}
			if err != nil {
				return
			}
			if c.After.State != payment.Success || c.Ask != nil || c.Aggregate.After.Balance != money.Cents(20_00).Sub(amount) ||
				c.After.Fee.Micro != 0 {
				t.Errorf("it is %s, and %v is owed", c.After.State, c.Aggregate.After.Balance)
			}
			if ledger.Balance(c.Postings, ledger.Debt("G1")) != amount ||
				ledger.Balance(c.Postings, ledger.Party("P1")).Micro != 0 {
				t.Errorf("it moves %v", c.Postings)
			}
		})
	}
}
