package payment_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A marketplace's fee may be as high as the seller agreed, to the cent and to
// the hundredth of a percent, but never the whole payment.
func TestBoundsOfMarketplaceFees(t *testing.T) {
	cents := money.Cents
	for name, row := range map[string]struct {
		fixed    money.Amount
		variable string
		ceiling  *payment.FeeCeiling
		caller   bool // bears the operator's fee of 1.53
		want     holdfast.Code
	}{
		"the fixed ceiling": {cents(5_00), "", &payment.FeeCeiling{Fixed: cents(5_00)}, false, ""},
		"a cent above it": {
			cents(5_01), "", &payment.FeeCeiling{Fixed: cents(5_00)}, false,
			holdfast.IncompatibleTokens,
		},
		"the variable ceiling": {
			money.Amount{},
			"10", &payment.FeeCeiling{Fixed: cents(0), Variable: 100_000},
			false, "",
		},
		"a hundredth above it": {
			money.Amount{},
			"10.01",
			&payment.FeeCeiling{Fixed: cents(0), Variable: 100_000}, false, holdfast.IncompatibleTokens,
		},
		"both ceilings": {
			cents(5_00), "10", &payment.FeeCeiling{Fixed: cents(5_00), Variable: 100_000},
			false, "",
		},
		"the fixed one within, the other no": {
			cents(5_00), "10.01",
			&payment.FeeCeiling{Fixed: cents(5_00), Variable: 100_000}, false, holdfast.IncompatibleTokens,
		},
		"the variable one within, the other no": {
			cents(5_01), "10", &payment.FeeCeiling{Fixed: cents(5_00), Variable: 100_000}, false, holdfast.IncompatibleTokens,
		},
		"no ceiling":             {cents(1), "", nil, false, holdfast.IncompatibleTokens},
		"no fee, and no ceiling": {money.Amount{}, "", nil, false, ""},
		"a fee of zero":          {cents(0), "0", nil, false, ""},
		"with the fee, all but a cent": {
			cents(42_50 - feeOf42 - 1), "", &payment.FeeCeiling{Fixed: cents(99_00)}, false,
			"",
		},
		"with the fee, all": {
			cents(42_50 - feeOf42), "", &payment.FeeCeiling{Fixed: cents(99_00)}, false,
			holdfast.InvalidParams,
		},
		"the fee is the caller's": {cents(42_49), "", &payment.FeeCeiling{Fixed: cents(99_00)}, true, ""},
		"all, the fee is the caller's": {
			cents(42_50), "", &payment.FeeCeiling{Fixed: cents(99_00)}, true,
			holdfast.InvalidParams,
		},
		"all of it, in percent": {
			money.Amount{},
			"100", &payment.FeeCeiling{Fixed: cents(0), Variable: 1_000_000},
			true, holdfast.InvalidParams,
		},
		"all but a cent, by both fees": {
			cents(38_24), "10", &payment.FeeCeiling{Fixed: cents(99_00), Variable: 100_000},
			true, "",
		},
		"all of it, by both fees": {
			cents(38_25), "10", &payment.FeeCeiling{Fixed: cents(99_00), Variable: 100_000},
			true, holdfast.InvalidParams,
		},
		"more than all of it, in cents": {
			cents(42_51), "", &payment.FeeCeiling{Fixed: cents(99_00)}, true,
			holdfast.InvalidParams,
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := sold()
			in.RecipientToken.FeeCeiling, in.RecipientToken.PaysFee = row.ceiling, !row.caller
			in.Request.MarketplaceFixedFee, in.Request.MarketplaceVariableFee = row.fixed, row.variable
			_, payErr := payment.Pay(in.Input, holdfast.PayRequest(in.Request))
			reserve, reserveErr := payment.Reserve(in.Input, in.Request)
			for action, err := range map[string]error{"Pay": payErr, "Reserve": reserveErr} {
				if code(err) != row.want || err != nil && row.want == "" {
					t.Errorf("%s: %v, want code %q", action, err, row.want)
				}
			}
			if row.want != "" {
				return
			}
			settled, err := reserve.After.Outcome(*reserve.Ask, approved, now).After.Settle(settling(money.Amount{}, now))
			if err != nil {
				t.Fatal(err)
			}
			if pay, _ := payment.Pay(in.Input,
				holdfast.PayRequest(in.Request)); pay.After.Commission != settled.After.Commission ||
				pay.After.Fee != settled.After.Fee {
				t.Errorf("a payment costs %v and %v, a settlement %v and %v", pay.After.Fee, pay.After.Commission,
					settled.After.Fee, settled.After.Commission)
			}
		})
	}
}

// A Settle for less is refused if the fees would take all of the smaller
// amount, even if they did not take all of the hold.
func TestFeesOfASettlementForLess(t *testing.T) {
	in := sold()
	in.RecipientToken.PaysFee = true
	in.Request.MarketplaceFixedFee = money.Cents(5_00)
	c, err := payment.Reserve(in.Input, in.Request)
	if err != nil {
		t.Fatal(err)
	}
	reserved := c.After.Outcome(*c.Ask, approved, now).After
	for cents, want := range map[int64]holdfast.Code{ // the fees of all three are 5.00 and 0.32
		5_31: holdfast.InvalidParams,
		5_32: holdfast.InvalidParams,
		5_33: "",
	} {
		if _, err := reserved.Settle(settling(money.Cents(cents), now)); code(err) != want {
			t.Errorf("%v: %v, want %q", money.Cents(cents), err, want)
		}
	}
}

// The operator's fee for each payment method, on both sides of each bound.
func TestFeesByWayOfPayment(t *testing.T) {
	for _, row := range []struct {
		method holdfast.PaymentMethod
		cents  int64
		want   money.Amount
	}{
		{holdfast.MethodCC, 2, money.Cents(5)},
		{holdfast.MethodCC, 10, money.Cents(6)}, // half a cent is rounded up
		{holdfast.MethodCC, 9, money.Cents(5)},
		{holdfast.MethodCC, 9_99, money.Cents(55)},
		{holdfast.MethodCC, 10_00, money.Cents(59)},
		{holdfast.MethodACH, 2, money.Cents(5)},
		{holdfast.MethodACH, 24, money.Cents(5)},
		{holdfast.MethodACH, 25, money.Cents(6)}, // half a cent
		{holdfast.MethodACH, 9_99, money.Cents(25)},
		{holdfast.MethodACH, 10_00, money.Cents(25)},
		{holdfast.MethodABT, 1, money.Micros(2_500)},
		{holdfast.MethodABT, 4, money.Micros(2_500)},
		{holdfast.MethodABT, 5, money.Cents(1)},
		{holdfast.MethodABT, 33, money.Cents(1)},
		{holdfast.MethodABT, 34, money.Cents(2)},
		{holdfast.MethodPrepaid, 100_00, money.Cents(0)},
		{holdfast.MethodDebt, 100_00, money.Cents(0)},
	} {
		if got := payment.DefaultFees.Fee(row.method, money.Cents(row.cents)); got != row.want {
			t.Errorf("%v by %s cost %v, want %v", money.Cents(row.cents), row.method, got, row.want)
		}
	}
}

// The request and the recipient token must agree on the role that bears the
// fee.
func TestWhoBearsTheFee(t *testing.T) {
	const recipient, caller = holdfast.RoleRecipient, holdfast.RoleCaller
	for _, row := range []struct {
		token bool // the recipient token says that the recipient pays
		own   bool // the recipient is the caller's owner
		asked holdfast.Role
		by    holdfast.Role
		want  holdfast.Code
	}{
		{true, false, "", recipient, ""},
		{true, false, recipient, recipient, ""},
		{true, false, caller, "", holdfast.IncompatibleTokens},
		{false, false, "", caller, ""},
		{false, false, caller, caller, ""},
		{false, false, recipient, "", holdfast.IncompatibleTokens},
		{false, true, "", recipient, ""},
		{false, true, caller, "", holdfast.InvalidParams},
		{true, true, recipient, recipient, ""},
	} {
		in := sold()
		in.OwnerBalance, in.RecipientToken.PaysFee, in.Request.ChargeFeeTo = money.Cents(feeOf42), row.token, row.asked
		if row.own {
			in.Recipient = party.Party{ID: "P1", Standing: party.Active, EmailVerified: true, Verified: true, Business: true}
			in.RecipientToken.Recipient = "P1"
		}
		c, err := payment.Pay(in.Input, holdfast.PayRequest(in.Request))
		if code(err) != row.want || err != nil && row.want == "" || err == nil && c.After.FeeBy != row.by {
			t.Errorf("%+v: the %s bears it, %v", row, c.After.FeeBy, err)
		}
	}
}
