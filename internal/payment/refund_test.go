package payment_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// paid is a card payment to a seller of the marketplace P1, with a fee for the
// marketplace.
func paid(amount, commission money.Amount) payment.Transaction {
	return payment.Transaction{
		ID: "1T1", Caller: "C1", Kind: payment.KindPay, Sender: "P2", Recipient: "P3", Owner: "P1", Method: holdfast.MethodCC,
		State: payment.Success, StatusCode: holdfast.CodeSuccess, Amount: amount, Settled: money.Micros(0),
		Fee: payment.DefaultFees.Fee(holdfast.MethodCC, amount), FeeBy: holdfast.RoleRecipient,
		Commission: commission, CommissionID: "1T2",
		Refunded: money.Micros(0), FeeReturned: money.Micros(0), CommissionReturned: money.Micros(0),
		Received: now, Completed: now,
	}
}

func refunding(o payment.Transaction) payment.RefundInput {
	rich := money.Cents(1_000_000_00)
	return payment.RefundInput{
		ID: "1T9", Original: o, Owner: party.Party{ID: "P1", Standing: party.Active},
		RecipientBalance: rich, OwnerBalance: rich, Now: now,
	}
}

// After any sequence of partial refunds with any policies, the buyer, the
// recipient and the marketplace have exactly their own money. After a full
// refund each has the same as before the payment, except a marketplace's fee
// that the policy keeps.
func TestRefundsOfPartsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := money.Cents(rapid.Int64Range(100, 1_000_00).Draw(t, "amount"))
		commission := money.Cents(rapid.Int64Range(0, amount.Micro/20_000).Draw(t, "commission"))
		by := rapid.SampledFrom([]holdfast.Role{holdfast.RoleRecipient, holdfast.RoleCaller}).Draw(t, "fee by")
		o := paid(amount, commission)
		o.FeeBy = by
		moved := []ledger.Posting{}
		for range rapid.IntRange(1, 8).Draw(t, "parts") {
			if o.Refunded == amount {
				break
			}
			left := amount.Sub(o.Refunded)
			part := money.Cents(rapid.Int64Range(1, left.Micro/10_000).Draw(t, "part"))
			policy := rapid.SampledFrom([]holdfast.RefundPolicy{
				"", holdfast.RefundMasterOnly, holdfast.RefundMasterAndMarketplace,
			}).Draw(t, "policy")
			c, err := payment.Refund(refunding(o), holdfast.RefundRequest{RefundAmount: part, MarketplaceRefundPolicy: policy})
			if err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 4).Draw(t, "declined") == 0 { // what fails takes nothing with it
				failed := c.After.Outcome(*c.Ask, payment.Answer{Code: holdfast.CodeTransactionDenied}, now).With(payment.Effects{
					Original: c.Original.After,
				})
				if failed.Original.After != o {
					t.Fatalf("a refund that failed leaves %+v, it was %+v", failed.Original.After, o)
				}
				continue
			}
			moved = append(moved, c.Postings...)
			moved = append(moved, c.After.Outcome(*c.Ask, payment.Answer{Verdict: payment.Approved}, now).Postings...)
			o = c.Original.After
		}
		rest := refunding(o)
		if o.Refunded != amount {
			c, err := payment.Refund(rest, holdfast.RefundRequest{MarketplaceRefundPolicy: holdfast.RefundMasterAndMarketplace})
			if err != nil {
				t.Fatal(err)
			}
			moved = append(moved, c.Postings...)
			moved = append(moved, c.After.Outcome(*c.Ask, payment.Answer{Verdict: payment.Approved}, now).Postings...)
			o = c.Original.After
		}
		if o.Refunded != amount || o.FeeReturned != o.Fee || o.CommissionReturned.Cmp(o.Commission) > 0 {
			t.Fatalf("refunded %v of %v, %v of the fee %v, %v of the marketplace's fee %v", o.Refunded, amount, o.FeeReturned,
				o.Fee, o.CommissionReturned, o.Commission)
		}
		zero := money.Micros(0)
		ownerWants, sellerWants := zero.Sub(o.CommissionReturned), zero.Sub(amount).Add(o.CommissionReturned)
		if by == holdfast.RoleRecipient {
			sellerWants = sellerWants.Add(o.Fee)
		} else {
			ownerWants = ownerWants.Add(o.Fee)
		}
		for account, want := range map[ledger.AccountID]money.Amount{
			ledger.Network: amount, ledger.Outgoing: zero, ledger.Fees: zero.Sub(o.Fee), ledger.Party("P1"): ownerWants,
			ledger.Party("P3"): sellerWants, ledger.SetAside("P1"): zero, ledger.SetAside("P3"): zero,
		} {
			if got := ledger.Balance(moved, account); got != want {
				t.Errorf("%s is changed by %v, want %v", account, got, want)
			}
		}
		if c, err := payment.Refund(refunding(o),
			holdfast.RefundRequest{}); code(err) != holdfast.TransactionFullyRefundedAlready {
			t.Errorf("one more refund: %+v, %v", c.After, err)
		}
	})
}

// Partial refunds of the marketplace's fee alone add up to the fee and no more.
func TestRefundsOfTheMarketplacesFee(t *testing.T) {
	o := paid(money.Cents(50_00), money.Cents(6_00))
	for _, row := range []struct {
		asked    money.Amount
		returned int64 // cents, of the fee, after that
		want     holdfast.Code
	}{
		{money.Cents(2_00), 200, ""},
		{money.Cents(4_01), 200, holdfast.RefundAmountExceeded},
		{money.Amount{}, 600, ""},
		{money.Cents(1), 600, holdfast.TransactionFullyRefundedAlready},
	} {
		c, err := payment.Refund(refunding(o), holdfast.RefundRequest{
			RefundAmount: row.asked, MarketplaceRefundPolicy: holdfast.RefundMarketplaceOnly,
		})
		if code(err) != row.want {
			t.Fatalf("%v: %v, want %q", row.asked, err, row.want)
		}
		if err == nil {
			o = c.Original.After
			if c.After.Parent != "1T2" || c.After.Sender != "P3" || c.After.Recipient != "P1" || c.Ask != nil ||
				c.After.State != payment.Success {
				t.Errorf("the refund is %+v", c.After)
			}
		}
		if o.CommissionReturned != money.Cents(row.returned) || o.Refunded.Positive() {
			t.Errorf("%v: %v of the fee and %v of the payment are back", row.asked, o.CommissionReturned, o.Refunded)
		}
	}
}

// In any order of partial refunds and with any policies, a marketplace gives
// back no more than it took, and pays nothing that it does not have. The totals
// have the sum that it gave back.
func TestAMarketplaceReturnsNoMoreThanItTook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := money.Cents(rapid.Int64Range(2, 60_00).Draw(t, "amount"))
		commission := money.Cents(rapid.Int64Range(1, amount.Micro/10_000-1).Draw(t, "commission"))
		o := paid(amount, commission)
		o.FeeBy = rapid.SampledFrom([]holdfast.Role{holdfast.RoleRecipient, holdfast.RoleCaller}).Draw(t, "fee by")
		had := money.Cents(rapid.Int64Range(0, commission.Micro/10_000).Draw(t, "balance"))
		has, returned := had, money.Micros(0)
		for range rapid.IntRange(1, 12).Draw(t, "refunds") {
			policy := rapid.SampledFrom([]holdfast.RefundPolicy{
				holdfast.RefundMasterOnly, holdfast.RefundMarketplaceOnly, holdfast.RefundMasterAndMarketplace,
			}).Draw(t, "policy")
			r := holdfast.RefundRequest{MarketplaceRefundPolicy: policy}
			if rapid.Bool().Draw(t, "a part") {
				r.RefundAmount = money.Cents(rapid.Int64Range(1, 20_00).Draw(t, "part"))
			}
			in := refunding(o)
			in.OwnerBalance = has
			c, err := payment.Refund(in, r)
			if err != nil {
				if left := commission.Sub(returned); code(err) == holdfast.InsufficientBalance && has.Cmp(left) >= 0 {
					t.Fatalf("%s of %v is refused with %v, though the marketplace has %v", policy, r.RefundAmount, err, has)
				}
				continue
			}
			before, back := o, money.Micros(0).Sub(c.After.Commission)
			if policy == holdfast.RefundMarketplaceOnly {
				back = c.After.Amount
			}
			if policy == holdfast.RefundMasterOnly && back.Positive() {
				t.Fatalf("it keeps its fee, but gave %v back", back)
			}
			o = c.Original.After
			has, returned = has.Sub(back), returned.Add(back)
			if has.Micro < 0 {
				t.Fatalf("a marketplace with %v gave %v back", had, returned)
			}
			if c.Ask != nil && rapid.IntRange(0, 3).Draw(t, "declined") == 0 {
				o = c.After.Outcome(*c.Ask, declined, now).With(payment.Effects{Original: o}).Original.After
				has, returned = has.Add(back), returned.Sub(back)
				if o != before {
					t.Fatalf("a refund that failed leaves %+v, it was %+v", o, before)
				}
			}
			if o.CommissionReturned != returned || returned.Cmp(commission) > 0 || o.Refunded.Cmp(amount) > 0 {
				t.Fatalf("%v of a fee of %v and %v of %v are back, the totals say %v", returned, commission, o.Refunded, amount,
					o.CommissionReturned)
			}
		}
	})
}

func TestRefundRefusals(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*payment.RefundInput, *holdfast.RefundRequest)
		want  holdfast.Code
	}{
		"nothing wrong": {func(*payment.RefundInput, *holdfast.RefundRequest) {}, ""},
		"a reserve held": {
			func(in *payment.RefundInput, _ *holdfast.RefundRequest) { in.Original.State = payment.Reserved },
			holdfast.InvalidTransactionState,
		},
		"cancelled": {
			func(in *payment.RefundInput, _ *holdfast.RefundRequest) { in.Original.State = payment.Cancelled },
			holdfast.InvalidTransactionState,
		},
		"pending": {
			func(in *payment.RefundInput, _ *holdfast.RefundRequest) { in.Original.State = payment.Pending },
			holdfast.OriginalTransactionIncomplete,
		},
		"settling": {
			func(in *payment.RefundInput, _ *holdfast.RefundRequest) { in.Original.State = payment.Settling },
			holdfast.OriginalTransactionIncomplete,
		},
		"failed": {
			func(in *payment.RefundInput, _ *holdfast.RefundRequest) { in.Original.State = payment.Failure },
			holdfast.OriginalTransactionFailed,
		},
		"a deposit": {
			func(in *payment.RefundInput, _ *holdfast.RefundRequest) { in.Original.Kind = payment.KindDeposit },
			holdfast.InvalidTransactionID,
		},
		"a refund": {
			func(in *payment.RefundInput, _ *holdfast.RefundRequest) { in.Original.Kind = payment.KindRefund },
			holdfast.TransactionTypeNotRefundable,
		},
		"last moment": {func(in *payment.RefundInput, _ *holdfast.RefundRequest) {
			in.Now = now.Add(payment.RefundWindow - 1)
		}, ""},
		"too late": {
			func(in *payment.RefundInput, _ *holdfast.RefundRequest) { in.Now = now.Add(payment.RefundWindow) },
			holdfast.TransactionDenied,
		},
		"a shorter window": {
			func(in *payment.RefundInput, _ *holdfast.RefundRequest) {
				in.Window, in.Now = time.Hour, now.Add(time.Hour)
			},
			holdfast.TransactionDenied,
		},
		"no window": {func(in *payment.RefundInput, _ *holdfast.RefundRequest) {
			in.Window, in.Now = -1, now.AddDate(10, 0, 0)
		}, ""},
		"caller closed": {
			func(in *payment.RefundInput, _ *holdfast.RefundRequest) { in.Owner.Standing = party.Closed },
			holdfast.AccountClosed,
		},
		"caller suspended": {
			func(in *payment.RefundInput, _ *holdfast.RefundRequest) { in.Owner.Standing = party.Suspended },
			holdfast.InvalidAccountStateCaller,
		},
		"no longer allowed": {func(in *payment.RefundInput, _ *holdfast.RefundRequest) {
			in.RefundToken = payment.Token{ID: "K9", Cancelled: true}
		}, holdfast.SenderNotOriginalRecipient},
		"zero": {
			func(_ *payment.RefundInput, r *holdfast.RefundRequest) { r.RefundAmount = money.Cents(0) },
			holdfast.AmountOutOfRange,
		},
		"too much": {
			func(_ *payment.RefundInput, r *holdfast.RefundRequest) { r.RefundAmount = money.Cents(50_01) },
			holdfast.RefundAmountExceeded,
		},
		"recipient is a cent short": {func(in *payment.RefundInput, _ *holdfast.RefundRequest) {
			in.RecipientBalance = money.Cents(50_00 - 1_75 - 1) // the fee of 1.75 comes back
		}, holdfast.InsufficientBalance},
		"recipient has it": {func(in *payment.RefundInput, _ *holdfast.RefundRequest) {
			in.RecipientBalance = money.Cents(50_00 - 1_75)
		}, ""},
		"the caller cannot give its fee back": {func(in *payment.RefundInput, r *holdfast.RefundRequest) {
			r.MarketplaceRefundPolicy, in.OwnerBalance = holdfast.RefundMasterAndMarketplace, money.Cents(5_99)
		}, holdfast.InsufficientBalance},
		"the caller is a cent short of its fee": {func(in *payment.RefundInput, r *holdfast.RefundRequest) {
			r.MarketplaceRefundPolicy, in.OwnerBalance, in.RecipientBalance = holdfast.RefundMarketplaceOnly, money.Cents(5_99),
				money.Cents(0)
		}, holdfast.InsufficientBalance},
		"the caller has its fee": {func(in *payment.RefundInput, r *holdfast.RefundRequest) {
			r.MarketplaceRefundPolicy, in.OwnerBalance, in.RecipientBalance = holdfast.RefundMarketplaceOnly, money.Cents(6_00),
				money.Cents(0)
		}, ""},
		"the caller has the part of its fee that it gives back": {func(in *payment.RefundInput, r *holdfast.RefundRequest) {
			r.MarketplaceRefundPolicy, r.RefundAmount = holdfast.RefundMarketplaceOnly, money.Cents(2_00)
			in.OwnerBalance, in.RecipientBalance = money.Cents(2_00), money.Cents(0)
		}, ""},
		"the caller can give its fee back": {func(in *payment.RefundInput, r *holdfast.RefundRequest) {
			r.MarketplaceRefundPolicy, in.OwnerBalance = holdfast.RefundMasterAndMarketplace, money.Cents(6_00)
		}, ""},
		"the fee that comes back counts for the recipient": {func(in *payment.RefundInput, r *holdfast.RefundRequest) {
			r.MarketplaceRefundPolicy, in.OwnerBalance = holdfast.RefundMasterAndMarketplace, money.Cents(6_00)
			in.RecipientBalance = money.Cents(50_00 - 1_75 - 6_00)
		}, ""},
		"a cent too little": {func(in *payment.RefundInput, r *holdfast.RefundRequest) {
			r.MarketplaceRefundPolicy, in.OwnerBalance = holdfast.RefundMasterAndMarketplace, money.Cents(6_00)
			in.RecipientBalance = money.Cents(50_00 - 1_75 - 6_00 - 1)
		}, holdfast.InsufficientBalance},
		"no fee to give back": {func(in *payment.RefundInput, r *holdfast.RefundRequest) {
			r.MarketplaceRefundPolicy, in.Original.Commission = holdfast.RefundMarketplaceOnly, money.Micros(0)
		}, holdfast.InvalidParams},
	} {
		t.Run(name, func(t *testing.T) {
			in, r := refunding(paid(money.Cents(50_00), money.Cents(6_00))), holdfast.RefundRequest{}
			row.spoil(&in, &r)
			if _, err := payment.Refund(in, r); code(err) != row.want || err != nil && row.want == "" {
				t.Fatalf("got %v, want code %q", err, row.want)
			}
		})
	}
}
