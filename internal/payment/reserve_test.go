package payment_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

var now = time.Date(2026, 11, 23, 10, 15, 30, 0, time.UTC)

// asked is a request with everything that the decision on it depends on.
type asked struct {
	payment.Input
	Request holdfast.ReserveRequest
}

// good is a request that is accepted; each test makes one part of it invalid.
// P2 pays the caller's owner P1.
func good() asked {
	owner := party.Party{
		ID: "P1", Name: "Kiln & Co", Standing: party.Active, EmailVerified: true, Verified: true, Business: true,
	}
	return asked{
		Request: holdfast.ReserveRequest{
			SenderTokenID: "K1", TransactionAmount: money.Cents(42_50), CallerReference: "order-1",
		},
		Input: payment.Input{
			ID: "1T1", CommissionID: "1T2",
			Caller: party.Caller{ID: "C1", Owner: "P1", Sandbox: true},
			Token: payment.Token{
				ID: "K1", Caller: "C1", Use: payment.UsePay, Type: holdfast.TokenSingleUse, Sender: "P2", Recipient: "P1",
				Instrument: "I1", Method: holdfast.MethodCC, AmountType: holdfast.AmountMaximum, Amount: money.Cents(42_50),
				Installed: now, Expires: now.Add(payment.SingleUseLife),
			},
			Instrument: payment.Instrument{
				ID: "I1", Owner: "P2", Method: holdfast.MethodCC, Brand: "Visa", Last4: "4242", ExpiryMonth: 12, ExpiryYear: 2026,
				Verified: true,
			},
			Sender:    party.Party{ID: "P2", Name: "Ann", Standing: party.Active, EmailVerified: true, Verified: true},
			Recipient: owner, Owner: owner,
			Balance: money.Micros(0), OwnerBalance: money.Micros(0),
			Fees: payment.DefaultFees, Now: now,
		},
	}
}

func code(err error) holdfast.Code {
	if e, ok := errors.AsType[*holdfast.Error](err); ok {
		return e.Code
	}
	return ""
}

func TestReserveRefusals(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*asked)
		want  holdfast.Code
	}{
		"nothing wrong": {func(*asked) {}, ""},
		"no amount": {
			func(in *asked) { in.Request.TransactionAmount = money.Amount{} },
			holdfast.InvalidParams,
		},
		"zero": {
			func(in *asked) { in.Request.TransactionAmount = money.Cents(0) },
			holdfast.AmountOutOfRange,
		},
		"one cent": {
			func(in *asked) { in.Request.TransactionAmount = money.Cents(1) },
			holdfast.AmountOutOfRange,
		},
		"two cents, less than fees": {
			func(in *asked) { in.Request.TransactionAmount = money.Cents(2) },
			holdfast.InvalidParams,
		},
		"five cents, less than fees": {
			func(in *asked) { in.Request.TransactionAmount = money.Cents(5) },
			holdfast.InvalidParams,
		},
		"six cents": {func(in *asked) { in.Request.TransactionAmount = money.Cents(6) }, ""},
		"ten thousand dollars": {func(in *asked) {
			in.Request.TransactionAmount, in.Token.Amount = money.Cents(10_000_00), money.Cents(10_000_00)
		}, ""},
		"a cent more": {func(in *asked) {
			in.Request.TransactionAmount, in.Token.Amount = money.Cents(10_000_01), money.Cents(10_000_01)
		}, holdfast.AmountOutOfRange},
		"above the token's amount": {
			func(in *asked) { in.Request.TransactionAmount = money.Cents(42_51) },
			holdfast.IncompatibleTokens,
		},
		"below it":                 {func(in *asked) { in.Request.TransactionAmount = money.Cents(42_49) }, ""},
		"another caller's token":   {func(in *asked) { in.Token.Caller = "C2" }, holdfast.IncompatibleTokens},
		"token cancelled":          {func(in *asked) { in.Token.Cancelled = true }, holdfast.TokenNotActiveSender},
		"token used":               {func(in *asked) { in.Token.UsedBy = "1T0" }, holdfast.SameTokenIDUsedMultipleTimes},
		"token's last microsecond": {func(in *asked) { in.Token.Expires = now.Add(time.Microsecond) }, ""},
		"token expired":            {func(in *asked) { in.Token.Expires = now }, holdfast.IncompatibleTokens},
		"sender is recipient":      {func(in *asked) { in.Sender.ID = "P1" }, holdfast.SameSenderAndRecipient},
		"sender suspended": {
			func(in *asked) { in.Sender.Standing = party.Suspended },
			holdfast.InvalidAccountStateSender,
		},
		"sender closed": {
			func(in *asked) { in.Sender.Standing = party.Closed },
			holdfast.InvalidAccountStateSender,
		},
		"recipient closed": {
			func(in *asked) { in.Recipient.Standing = party.Closed },
			holdfast.InvalidAccountStateRecipient,
		},
		"sender's address unverified": {
			func(in *asked) { in.Sender.EmailVerified = false },
			holdfast.UnverifiedEmailAddressSender,
		},
		"sender no longer new": {func(in *asked) {
			in.Sender.EmailVerified, in.Sender.VerifyBy, in.Real = false, now, now
		}, holdfast.UnverifiedEmailAddressSender},
		"sender new": {func(in *asked) {
			in.Sender.EmailVerified, in.Sender.VerifyBy, in.Real = false, now, now.Add(-time.Microsecond)
		}, ""},
		"recipient new": {func(in *asked) {
			in.Recipient.EmailVerified, in.Recipient.VerifyBy, in.Real = false, now, now.Add(-time.Microsecond)
		}, holdfast.UnverifiedEmailAddressRecipient},
		"recipient's unverified": {
			func(in *asked) { in.Recipient.EmailVerified = false },
			holdfast.UnverifiedEmailAddressRecipient,
		},
		"a bank account": {func(in *asked) {
			in.Token.Method, in.Instrument.Method = holdfast.MethodACH, holdfast.MethodACH
		}, holdfast.PaymentInstrumentNotCC},
		"the balance": {func(in *asked) {
			in.Token.Method, in.Instrument.Method = holdfast.MethodABT, holdfast.MethodABT
		}, holdfast.PaymentInstrumentNotCC},
		"card's last month":     {func(in *asked) { in.Instrument.ExpiryMonth = 11 }, ""},
		"card expired":          {func(in *asked) { in.Instrument.ExpiryMonth = 10 }, holdfast.InactiveInstrument},
		"timeout of a minute":   {func(in *asked) { in.Request.TransactionTimeoutMins = 1 }, ""},
		"timeout of seven days": {func(in *asked) { in.Request.TransactionTimeoutMins = 10080 }, ""},
		"timeout beyond":        {func(in *asked) { in.Request.TransactionTimeoutMins = 10081 }, holdfast.InvalidParams},
		"negative timeout":      {func(in *asked) { in.Request.TransactionTimeoutMins = -1 }, holdfast.InvalidParams},
		"dynamic without words": {func(in *asked) { in.Request.SoftDescriptorType = "Dynamic" }, holdfast.InvalidParams},
		"marketplace fee": {
			func(in *asked) { in.Request.MarketplaceFixedFee = money.Cents(1) },
			holdfast.NotMarketplaceApp,
		},
		"marketplace percentage": {func(in *asked) { in.Request.MarketplaceVariableFee = "5" }, holdfast.NotMarketplaceApp},
		"fee to the caller":      {func(in *asked) { in.Request.ChargeFeeTo = holdfast.RoleCaller }, holdfast.InvalidParams},
		"fee to the recipient":   {func(in *asked) { in.Request.ChargeFeeTo = holdfast.RoleRecipient }, ""},
		"sandbox: sender unverified": {func(in *asked) {
			in.Request.SenderTokenID = "E3FR7BARJV3PB631PMKV74PGKCJLBHI1Q1KMQN7BJ2JJICPDKN3N1CJIKFZ8D7NN"
		}, holdfast.UnverifiedEmailAddressSender},
		"sandbox: sender suspended": {func(in *asked) {
			in.Request.SenderTokenID = "H216UECZ8ZM1G8G4QA3V7RKF8JDFZ9SI3SJAFSGUKBBNDHX1NVM8GUQRZNRNAHER"
		}, holdfast.InvalidAccountStateSender},
		"sandbox: recipient closed": {func(in *asked) {
			in.Request.RecipientTokenID = "P1LL7A1LHK935DBGI5NAYCXOCLVEBHBNIU7PBXBAMRKKNLDEPI8M3MUSLZT2VANZ"
		}, holdfast.InvalidAccountStateRecipient},
	} {
		t.Run(name, func(t *testing.T) {
			in := good()
			row.spoil(&in)
			c, err := payment.Reserve(in.Input, in.Request)
			if got := code(err); got != row.want || err != nil && row.want == "" {
				t.Fatalf("got %v, want code %q", err, row.want)
			}
			if err == nil && (c.After.State != payment.Pending || c.Ask == nil || c.Ask.Step != payment.StepAuthorize) {
				t.Fatalf("accepted, but the change is %+v", c)
			}
		})
	}
}

func TestTheCardStatementSaysWhoCharged(t *testing.T) {
	for _, row := range []struct{ kind, description, descriptor, want string }{
		{"", "", "", "HF*KILN & CO"},
		{"Static", "ignored", "", "HF*KILN & CO"},
		{"Dynamic", "Blue mugs and more of them", "", "HF*BLUE MUGS AND M"},
		{"Dynamic", "Tassen für Öl", "", "HF*TASSEN FUR OL"},
		{"Dynamic", "Кофе", "", "HF*KOFE"},
		{"Dynamic", "東京陶芸", "TOKYO TOGEI", "HF*TOKYO TOGEI"},
		{"Dynamic", "Café 東京", "TOKYO TOGEI", "HF*TOKYO TOGEI"},
		{"Dynamic", "🏺", "", "HF*FEN POTTERY"},
	} {
		in := good()
		in.Caller.Name, in.Caller.Descriptor = "Fen Pottery", row.descriptor
		in.Request.SoftDescriptorType, in.Request.SenderDescription = row.kind, row.description
		c, err := payment.Reserve(in.Input, in.Request)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.After.Descriptor; got != row.want || len(got) > 19 {
			t.Errorf("%s %q: %q, want %q", row.kind, row.description, got, row.want)
		}
	}
}

func TestFees(t *testing.T) {
	for amount, want := range map[int64]int64{
		1_00:      10, // 5 % + $0.05
		5_00:      30,
		9_99:      55, // 49.95 cents, half up
		10_00:     59, // 2.9 % + $0.30
		42_50:     153,
		10_000_00: 290_30,
	} {
		if got := payment.DefaultFees.Fee(holdfast.MethodCC, money.Cents(amount)); got != money.Cents(want) {
			t.Errorf("fee of %v is %v, want %v", money.Cents(amount), got, money.Cents(want))
		}
	}
}

func TestARefusalNamesWhatHappenedInstead(t *testing.T) {
	c, err := payment.Reserve(good().Input, good().Request)
	if err != nil {
		t.Fatal(err)
	}
	reserved := c.After.Outcome(*c.Ask, payment.Answer{Verdict: payment.Approved}, now).After
	_, err = reserved.Settle(settling(money.Amount{}, reserved.Deadline))
	if err == nil || !strings.Contains(err.Error(), "its deadline was 2026-11-30T10:15:30.000Z") {
		t.Fatalf("a late Settle gets %v", err)
	}
	_, err = reserved.Settle(settling(money.Cents(100_00), now))
	if err == nil || !strings.Contains(err.Error(),
		`Settle Amount "$100.000000" is greater than the Reserve Amount "$42.500000"`) {
		t.Fatalf("a Settle for too much gets %v", err)
	}
}

// settling is the input of a Settle at the given time.
func settling(amount money.Amount, at time.Time) payment.SettleInput {
	return payment.SettleInput{
		Amount: amount, Owner: good().Owner, OwnerBalance: money.Micros(0), Fees: payment.DefaultFees, Now: at,
	}
}
