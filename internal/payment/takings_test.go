package payment_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// The takings that a marketplace's transaction adds for the seller, the
// marketplace and the buyer: gross, refunded, commission and fees, in cents.
func TestTakings(t *testing.T) {
	const seller, market, buyer = "P1", "P2", "P3"
	of := func(kind payment.Kind, change func(*payment.Transaction)) payment.Transaction {
		one := payment.Transaction{
			Kind: kind, State: payment.Success, Method: holdfast.MethodCC, Sender: buyer, Recipient: seller, Owner: market,
			Amount: money.Cents(10_00), Settled: money.Micros(0), Fee: money.Cents(59), Commission: money.Micros(0),
			FeeBy: holdfast.RoleRecipient,
		}
		if change != nil {
			change(&one)
		}
		return one
	}
	for name, row := range map[string]struct {
		payment.Transaction
		seller, market, buyer [4]int64
	}{
		"a payment": {of(payment.KindPay, nil), [4]int64{10_00, 0, 0, 59}, [4]int64{}, [4]int64{}},
		"one that failed": {
			of(payment.KindPay, func(t *payment.Transaction) { t.State = payment.Failure }),
			[4]int64{},
			[4]int64{},
			[4]int64{},
		},
		"a part of a hold": {
			of(payment.KindReserve, func(t *payment.Transaction) { t.Settled = money.Cents(8_00) }),
			[4]int64{8_00, 0, 0, 59},
			[4]int64{},
			[4]int64{},
		},
		"a payment whose fee the caller bears": {
			of(payment.KindPay, func(t *payment.Transaction) { t.FeeBy = holdfast.RoleCaller }),
			[4]int64{10_00},
			[4]int64{0, 0, 0, 59},
			[4]int64{},
		},
		"a purchase from a prepaid balance": {
			of(payment.KindPay, func(t *payment.Transaction) { t.Method, t.Fee = holdfast.MethodPrepaid, money.Micros(0) }),
			[4]int64{},
			[4]int64{},
			[4]int64{},
		},
		"a purchase on credit": {
			of(payment.KindPay, func(t *payment.Transaction) { t.Method, t.Fee = holdfast.MethodDebt, money.Micros(0) }),
			[4]int64{},
			[4]int64{},
			[4]int64{},
		},
		"a funding": {of(payment.KindFundPrepaid, nil), [4]int64{10_00, 0, 0, 59}, [4]int64{}, [4]int64{}},
		"a deposit": {
			of(payment.KindDeposit, func(t *payment.Transaction) { t.Fee = money.Micros(0) }),
			[4]int64{},
			[4]int64{},
			[4]int64{},
		},
		"a debt that is waived": {
			of(payment.KindWriteOffDebt, func(t *payment.Transaction) { t.Fee = money.Micros(0) }),
			[4]int64{},
			[4]int64{},
			[4]int64{},
		},
		"a commission": {
			of(payment.KindCommission,
				func(t *payment.Transaction) { t.Sender, t.Recipient, t.Fee = seller, market, money.Micros(0) }),
			[4]int64{0, 0, 10_00, 0},
			[4]int64{10_00},
			[4]int64{},
		},
		"a refund, with a part of the commission": {
			of(payment.KindRefund, func(t *payment.Transaction) { t.Fee, t.Commission = money.Cents(-59), money.Cents(-1_00) }),
			[4]int64{0, 10_00, -1_00, -59},
			[4]int64{0, 1_00, 0, 0},
			[4]int64{},
		},
		"a refund onto a prepaid balance": {
			of(payment.KindRefund, func(t *payment.Transaction) {
				t.Method, t.Fee, t.Commission = holdfast.MethodPrepaid, money.Micros(0), money.Cents(-1_00)
			}),
			[4]int64{0, 0, -1_00, 0},
			[4]int64{0, 1_00, 0, 0},
			[4]int64{},
		},
		"a commission given back": {
			of(payment.KindRefund, func(t *payment.Transaction) {
				t.Sender, t.Recipient, t.Fee, t.Policy = seller, market, money.Micros(0), holdfast.RefundMarketplaceOnly
			}),
			[4]int64{0, 0, -10_00, 0},
			[4]int64{0, 10_00, 0, 0},
			[4]int64{},
		},
		"a dispute": {
			of(payment.KindDispute, func(t *payment.Transaction) { t.Fee = money.Micros(0) }),
			[4]int64{0, 10_00, 0, 0},
			[4]int64{},
			[4]int64{},
		},
		"a refund that failed": {
			of(payment.KindRefundReversal, nil),
			[4]int64{0, -10_00, 0, 59},
			[4]int64{},
			[4]int64{},
		},
	} {
		for account, want := range map[party.ID][4]int64{seller: row.seller, market: row.market, buyer: row.buyer} {
			takings := payment.NoTakings().With(row.Transaction, account)
			got := [4]int64{
				takings.Gross.Micro / money.Cents(1).Micro, takings.Refunded.Micro / money.Cents(1).Micro,
				takings.Commission.Micro / money.Cents(1).Micro, takings.Fees.Micro / money.Cents(1).Micro,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, to %s (-want +got):\n%s", name, account, diff)
			}
			if net := takings.Net(); net != money.Cents(want[0]-want[1]-want[2]-want[3]) {
				t.Errorf("%s, to %s: the net is %v", name, account, net)
			}
		}
	}
}

// A marketplace sells its own item, with a fee for itself. The fee is no cost:
// the net is what its balance gains. After a full refund it is zero.
func TestTakingsOfAMarketplacesOwnSale(t *testing.T) {
	const market = "P1"
	sale := paid(money.Cents(10_00), money.Cents(1_00))
	sale.Recipient, sale.Fee = market, money.Cents(59)
	fee := payment.Transaction{
		Kind: payment.KindCommission, State: payment.Success, Method: holdfast.MethodABT, Sender: market, Recipient: market,
		Owner: market, Amount: money.Cents(1_00), Settled: money.Micros(0), Fee: money.Micros(0),
		Commission: money.Micros(0), FeeBy: holdfast.RoleRecipient,
	}
	k := payment.NoTakings().With(sale, market).With(fee, market)
	zero := money.Micros(0)
	want := payment.Takings{Gross: money.Cents(10_00), Refunded: zero, Commission: zero, Fees: money.Cents(59)}
	if k != want || k.Net() != money.Cents(9_41) {
		t.Errorf("the sale is %+v, want %+v", k, want)
	}
	for name, policies := range map[string][]holdfast.RefundPolicy{
		"with the fee":             {holdfast.RefundMasterAndMarketplace},
		"without the fee":          {holdfast.RefundMasterOnly},
		"of the fee, then in full": {holdfast.RefundMarketplaceOnly, holdfast.RefundMasterOnly},
	} {
		after := k
		for _, policy := range policies {
			c, err := payment.Refund(refunding(sale), holdfast.RefundRequest{MarketplaceRefundPolicy: policy})
			if err != nil {
				t.Fatal(err)
			}
			refund := c.After
			refund.State = payment.Success
			after = after.With(refund, market)
		}
		want := payment.Takings{Gross: money.Cents(10_00), Refunded: money.Cents(10_00), Commission: zero, Fees: zero}
		if after != want || after.Net() != zero {
			t.Errorf("refunded %s: %+v, want %+v", name, after, want)
		}
	}
}

// A sender's token approves payments, but not refunds and commissions.
func TestApproved(t *testing.T) {
	for kind, payments := range map[payment.Kind]bool{
		payment.KindReserve: true, payment.KindPay: true, payment.KindFundPrepaid: true, payment.KindSettleDebt: true,
		payment.KindRefund: false, payment.KindCommission: false, payment.KindWriteOffDebt: false, payment.KindDeposit: false,
	} {
		if got := (payment.Transaction{Kind: kind, Token: "K1"}).Approved(); got != payments {
			t.Errorf("%s with a token: %t", kind, got)
		}
		if (payment.Transaction{Kind: kind}).Approved() {
			t.Errorf("%s without a token is approved", kind)
		}
	}
}
