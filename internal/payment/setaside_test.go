package payment_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// sold is a payment to the seller P3 of the marketplace P1. The marketplace
// bears the fee.
func sold() asked {
	in := good()
	in.Caller.Marketplace = true
	in.Recipient = party.Party{
		ID: "P3", Name: "Sal", Standing: party.Active, EmailVerified: true, Verified: true, Business: true,
	}
	in.Token.Recipient, in.Token.Recipients = "", []holdfast.TokenID{"K3"}
	in.RecipientToken = &payment.Token{
		ID: "K3", Caller: "C1", Use: payment.UseReceive, Type: holdfast.TokenUnrestricted, Recipient: "P3", Installed: now,
		FeeCeiling: &payment.FeeCeiling{Fixed: money.Cents(5_00), Variable: 100_000},
	}
	in.Request.RecipientTokenID = "K3"
	return in
}

const feeOf42 = 1_53 // cents, of a card payment of 42.50

var (
	approved = payment.Answer{Verdict: payment.Approved, Authorization: "auth"}
	declined = payment.Answer{Code: holdfast.CodeTransactionDenied, Message: "declined"}
)

// The intent takes the fee that the caller may have to pay from its balance.
// After every outcome it is paid or back in the balance. Each row begins with a
// balance of exactly the fee.
func TestFeesAreSetAsideUntilTheOutcome(t *testing.T) {
	pay := func(t *testing.T) payment.Change {
		t.Helper()
		in := sold()
		in.OwnerBalance = money.Cents(feeOf42)
		c, err := payment.Pay(in.Input, holdfast.PayRequest(in.Request))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	settle := func(t *testing.T) payment.Change {
		t.Helper()
		c, err := payment.Reserve(sold().Input, sold().Request)
		if err != nil {
			t.Fatal(err)
		}
		how := settling(money.Amount{}, now)
		how.OwnerBalance = money.Cents(feeOf42)
		c, err = c.After.Outcome(*c.Ask, approved, now).After.Settle(how)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	answer := func(a payment.Answer) func(payment.Change) payment.Change {
		return func(c payment.Change) payment.Change { return c.After.Outcome(*c.Ask, a, now) }
	}
	for name, row := range map[string]struct {
		intent  func(*testing.T) payment.Change
		outcome func(payment.Change) payment.Change
		paid    int64 // cents, in fees
	}{
		"a payment approved": {pay, answer(approved), feeOf42},
		"a payment declined": {pay, answer(declined), 0},
		"a payment cancelled": {pay, func(c payment.Change) payment.Change {
			c, err := c.After.Cancel("", now)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}, 0},
		"a payment timed out": {pay, func(c payment.Change) payment.Change {
			c, _ = c.After.Expire(c.After.Deadline)
			return c
		}, 0},
		"a capture approved": {settle, answer(approved), feeOf42},
		"a capture declined": {settle, answer(declined), 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := row.intent(t)
			moved := c.Postings
			wantBalances(t, moved, map[ledger.AccountID]int64{
				ledger.Party("P1"): -feeOf42, ledger.SetAside("P1"): feeOf42, ledger.Fees: 0,
			})
			if len(c.Spends) != 1 || c.Spends[0] != "P1" {
				t.Errorf("the intent spends from %v", c.Spends)
			}
			moved = append(moved, row.outcome(c).Postings...)
			wantBalances(t, moved, map[ledger.AccountID]int64{
				ledger.Party("P1"): -row.paid, ledger.SetAside("P1"): 0, ledger.Fees: row.paid,
			})
		})
	}
}

func wantBalances(t *testing.T, moved []ledger.Posting, want map[ledger.AccountID]int64) {
	t.Helper()
	for account, cents := range want {
		if got := ledger.Balance(moved, account); got != money.Cents(cents) {
			t.Errorf("%s is changed by %v, want %v", account, got, money.Cents(cents))
		}
	}
}

// A caller's balance must cover the operator's fee less its own commission of
// the same payment. If the caller also pays from its own balance, the balance
// must cover the payment, too.
func TestTheCallerCanPayTheFee(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*asked)
		needs int64 // cents
	}{
		"the fee":                {func(*asked) {}, feeOf42},
		"less the commission":    {func(in *asked) { in.Request.MarketplaceFixedFee = money.Cents(1_00) }, 53},
		"a larger commission":    {func(in *asked) { in.Request.MarketplaceFixedFee = money.Cents(2_00) }, 0},
		"the recipient bears it": {func(in *asked) { in.RecipientToken.PaysFee = true }, 0},
		"its own balance pays": {func(in *asked) {
			in.Sender, in.Token.Sender, in.Token.Method = in.Owner, "P1", holdfast.MethodABT
			in.Instrument = payment.Instrument{ID: "I1", Owner: "P1", Method: holdfast.MethodABT, Verified: true}
		}, 42_50 + 65}, // 1.5 % + 0.01
	} {
		t.Run(name, func(t *testing.T) {
			in := sold()
			row.spoil(&in)
			ask := func(has int64) (payment.Change, error) {
				in.OwnerBalance, in.Balance = money.Cents(has), money.Cents(has)
				return payment.Pay(in.Input, holdfast.PayRequest(in.Request))
			}
			c, err := ask(row.needs)
			if err != nil {
				t.Fatal(err)
			}
			if in.OwnerBalance.Add(ledger.Balance(c.Postings, ledger.Party("P1"))).Micro < 0 {
				t.Errorf("the balance is negative: %v", c.Postings)
			}
			if row.needs > 0 {
				if _, err := ask(row.needs - 1); code(err) != holdfast.InsufficientBalance {
					t.Errorf("a cent short: %v", err)
				}
			}
		})
	}
}

// For any division of fees and any outcome of a payment and its refunds: no
// party that could pay at the intent ever has a negative balance, and nothing
// stays set aside.
func TestNoOutcomeOverdraws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := money.Cents(rapid.Int64Range(100, 100_00).Draw(t, "amount"))
		in := sold()
		in.Token.Amount, in.Request.TransactionAmount = amount, amount
		in.RecipientToken.PaysFee = rapid.Bool().Draw(t, "recipient bears the fee")
		in.RecipientToken.FeeCeiling.Fixed = amount
		if highest := amount.Sub(payment.DefaultFees.Fee(holdfast.MethodCC, amount)).Micro/10_000 - 1; highest > 0 {
			in.Request.MarketplaceFixedFee = money.Cents(rapid.Int64Range(0, highest).Draw(t, "commission"))
		}
		b := books{t: t, has: make(map[ledger.AccountID]money.Amount)}
		in.OwnerBalance = b.start("P1", payment.DefaultFees.Fee(holdfast.MethodCC, amount))
		var c payment.Change
		var err error
		if rapid.Bool().Draw(t, "reserve") {
			c, err = payment.Reserve(in.Input, in.Request)
			if err == nil {
				reserved := b.take(c).After.Outcome(*c.Ask, approved, now)
				how := settling(money.Cents(rapid.Int64Range(100, amount.Micro/10_000).Draw(t, "settled")), now)
				how.OwnerBalance = b.has[ledger.Party("P1")]
				c, err = b.take(reserved).After.Settle(how)
			}
		} else {
			c, err = payment.Pay(in.Input, holdfast.PayRequest(in.Request))
		}
		if err != nil {
			return // refused: nothing has moved
		}
		o := b.end(c).After
		for range rapid.IntRange(1, 6).Draw(t, "refunds") {
			if o.State != payment.Success {
				break
			}
			refund := refunding(o)
			refund.OwnerBalance, refund.RecipientBalance = b.has[ledger.Party("P1")], b.has[ledger.Party("P3")]
			c, err := payment.Refund(refund, holdfast.RefundRequest{
				RefundAmount: money.Cents(rapid.Int64Range(1, 20).Draw(t, "part")),
				MarketplaceRefundPolicy: rapid.SampledFrom([]holdfast.RefundPolicy{
					holdfast.RefundMasterOnly, holdfast.RefundMarketplaceOnly, holdfast.RefundMasterAndMarketplace,
				}).Draw(t, "policy"),
			})
			if err != nil {
				continue
			}
			o = c.Original.After
			if c.Ask == nil {
				b.take(c)
			} else if done := b.end(c).With(payment.Effects{Original: o}); done.Original != nil {
				o = done.Original.After
			}
		}
		for _, p := range []string{"P1", "P3"} {
			if left := b.has[ledger.SetAside(p)]; left.Positive() {
				t.Fatalf("%v of %s are still set aside", left, p)
			}
		}
	})
}

// books are balances to which changes are posted.
type books struct {
	t   *rapid.T
	has map[ledger.AccountID]money.Amount
}

// start draws a party's first balance, up to limit.
func (b books) start(p string, limit money.Amount) money.Amount {
	has := money.Cents(rapid.Int64Range(0, limit.Micro/10_000).Draw(b.t, "balance"))
	for _, a := range []ledger.AccountID{ledger.Party("P3"), ledger.SetAside("P1"), ledger.SetAside("P3")} {
		b.has[a] = money.Micros(0)
	}
	b.has[ledger.Party(p)] = has
	return has
}

// take posts a change and the transactions that are made in the same step.
func (b books) take(c payment.Change) payment.Change {
	moved := c.Postings
	for _, also := range c.Also {
		moved = append(moved, also.Postings...)
	}
	for account := range b.has {
		if b.has[account] = b.has[account].Add(ledger.Balance(moved, account)); b.has[account].Micro < 0 {
			b.t.Fatalf("after %s of a %s, %s has %v: %v", c.Verb, c.After.Kind, account, b.has[account], moved)
		}
	}
	return c
}

// end posts an intent and the network's answer. In between, the parties spend
// all their money.
func (b books) end(c payment.Change) payment.Change {
	b.take(c)
	spent := rapid.Bool().Draw(b.t, "spent meanwhile")
	if spent {
		b.has[ledger.Party("P1")], b.has[ledger.Party("P3")] = money.Micros(0), money.Micros(0)
	}
	answer := approved
	if rapid.IntRange(0, 2).Draw(b.t, "declined") == 0 {
		answer = declined
	}
	return b.take(c.After.Outcome(*c.Ask, answer, now))
}
