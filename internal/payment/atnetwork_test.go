package payment_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// atNetwork is a good request of a caller with an account at a card network.
func atNetwork() asked {
	in := good()
	in.Caller.Network, in.Instrument.Account, in.Instrument.Customer = "N1", "N1", "cus_1"
	in.Fees = payment.NetworkFees(payment.FeeRate{Fixed: money.Micros(0)})
	return in
}

func TestRefusalsAtANetwork(t *testing.T) {
	amount := func(a money.Amount) func(*asked) {
		return func(in *asked) { in.Request.TransactionAmount = a }
	}
	method := func(m holdfast.PaymentMethod) func(*asked) {
		return func(in *asked) { in.Token.Method, in.Instrument.Method = m, m }
	}
	for name, row := range map[string]struct {
		spoil        func(*asked)
		reserve, pay holdfast.Code
	}{
		"a good payment":  {func(*asked) {}, "", ""},
		"N21 49 cents":    {amount(money.Cents(49)), holdfast.AmountOutOfRange, holdfast.AmountOutOfRange},
		"N21 50 cents":    {amount(money.Cents(50)), "", ""},
		"N21 half a cent": {amount(money.Micros(1_005_000)), holdfast.AmountOutOfRange, holdfast.AmountOutOfRange},
		"N21 a million": {
			amount(money.Cents(1_000_000_00)), holdfast.AmountOutOfRange, holdfast.AmountOutOfRange,
		},
		"another recipient": {
			func(in *asked) {
				in.Request.RecipientTokenID = "K2"
				in.RecipientToken = &payment.Token{ID: "K2", Caller: "C1", Use: payment.UseReceive, Recipient: "P1"}
			}, holdfast.IncompatibleTokens, holdfast.IncompatibleTokens,
		},
		"a marketplace's fee": {
			func(in *asked) {
				in.Caller.Marketplace, in.Request.RecipientTokenID = true, "K2"
				in.Request.MarketplaceFixedFee = money.Cents(10)
			}, holdfast.IncompatibleTokens, holdfast.IncompatibleTokens,
		},
		"a balance":      {method(holdfast.MethodABT), holdfast.PaymentInstrumentNotCC, holdfast.InvalidPaymentMethod},
		"a bank account": {method(holdfast.MethodACH), holdfast.PaymentInstrumentNotCC, holdfast.InvalidPaymentMethod},
		"a prepaid balance": {
			func(in *asked) { in.Token.Method, in.Token.Aggregate = holdfast.MethodPrepaid, "G1" },
			holdfast.PaymentInstrumentNotCC, holdfast.InvalidPaymentMethod,
		},
		"a debt": {
			func(in *asked) { in.Token.Method, in.Token.Aggregate = holdfast.MethodDebt, "G1" },
			holdfast.PaymentInstrumentNotCC, holdfast.InvalidPaymentMethod,
		},
		"N23 a card at another account": {
			func(in *asked) { in.Instrument.Account = "N2" },
			holdfast.InvalidPaymentInstrument, holdfast.InvalidPaymentInstrument,
		},
		"N23 a card of the sandbox": {
			func(in *asked) { in.Instrument.Account = "" },
			holdfast.InvalidPaymentInstrument, holdfast.InvalidPaymentInstrument,
		},
		"N22 a caller of the sandbox": {
			func(in *asked) { in.Caller.Network = "" },
			holdfast.InvalidPaymentInstrument, holdfast.InvalidPaymentInstrument,
		},
		"a card that is gone": {
			func(in *asked) { in.Instrument.Unusable = "the card network no longer has it" },
			holdfast.InactiveInstrument, holdfast.InactiveInstrument,
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := atNetwork()
			row.spoil(&in)
			if _, err := payment.Reserve(in.Input, in.Request); code(err) != row.reserve {
				t.Errorf("Reserve is refused with %v, want %q", err, row.reserve)
			}
			if _, err := payment.Pay(in.Input, holdfast.PayRequest(in.Request)); code(err) != row.pay {
				t.Errorf("Pay is refused with %v, want %q", err, row.pay)
			}
		})
	}
}

// An account at a card network has no prepaid and no postpaid instruments, and its
// money comes from cards alone.
func TestActionsThatDoNotExistAtANetwork(t *testing.T) {
	caller := atNetwork().Caller
	fund := holdfast.FundPrepaidRequest{FundingAmount: money.Cents(10_00), CallerReference: "f", SenderTokenID: "K1"}
	if err := payment.CheckFundPrepaid(fund, caller); code(err) != holdfast.InvalidPaymentMethod {
		t.Errorf("FundPrepaid: %v", err)
	}
	settle := holdfast.SettleDebtRequest{SettlementAmount: money.Cents(10_00), CallerReference: "s", SenderTokenID: "K1"}
	if err := payment.CheckSettleDebt(settle, caller); code(err) != holdfast.InvalidPaymentMethod {
		t.Errorf("SettleDebt: %v", err)
	}
	in := onInstrument(holdfast.MethodDebt, payment.UseSettle)
	in.Caller.Network = "N1"
	_, err := payment.WriteOffDebt(in.Input, holdfast.WriteOffDebtRequest{
		AdjustmentAmount: money.Cents(1_00), CallerReference: "w",
	})
	if code(err) != holdfast.InvalidPaymentMethod {
		t.Errorf("WriteOffDebt: %v", err)
	}
	deposit := payment.Transaction{ID: "1T1", Recipient: "P1", Amount: money.Cents(10_00), Received: now}
	if _, err := payment.Deposit(caller, deposit); code(err) != holdfast.AccessFailure {
		t.Errorf("Deposit: %v", err)
	}
}

// N22: neither a live account nor a test account has a clock that moves.
func TestN22TheClockOfANetworkCannotBeMoved(t *testing.T) {
	c := party.Caller{ID: "C1", Network: "N1", Sandbox: true}
	if _, err := c.Advance(time.Hour); code(err) != holdfast.AccessFailure {
		t.Errorf("Advance: %v", err)
	}
	if _, err := c.ResetClock(); code(err) != holdfast.AccessFailure {
		t.Errorf("ResetClock: %v", err)
	}
}

func TestHowLongAnAnswerWaits(t *testing.T) {
	for name, row := range map[string]struct {
		caller party.Caller
		want   time.Duration
	}{
		"the sandbox":     {party.Caller{Sandbox: true}, 2 * time.Second},
		"a test account":  {party.Caller{Sandbox: true, Network: "N1"}, 5 * time.Second},
		"a live account":  {party.Caller{Network: "N1"}, 5 * time.Second},
		"its own setting": {party.Caller{Network: "N1", Wait: 9 * time.Second}, 9 * time.Second},
	} {
		if got := row.caller.WaitFor(); got != row.want {
			t.Errorf("%s waits for %v, want %v", name, got, row.want)
		}
	}
}

func TestPipelinesAtANetwork(t *testing.T) {
	type request = payment.PipelineRequest
	for name, row := range map[string]struct {
		r   request
		bad string
	}{
		"SingleUse":     {request{Pipeline: payment.PipelineSingleUse, Amount: money.Cents(50)}, ""},
		"MultiUse":      {request{Pipeline: payment.PipelineMultiUse}, ""},
		"Recurring":     {request{Pipeline: payment.PipelineRecurring, Amount: money.Cents(9_00)}, ""},
		"EditToken":     {request{Pipeline: payment.PipelineEditToken, Edited: "K1"}, ""},
		"Recipient":     {request{Pipeline: payment.PipelineRecipient}, "pipelineName"},
		"SetupPrepaid":  {request{Pipeline: payment.PipelineSetupPrepaid}, "pipelineName"},
		"SetupPostpaid": {request{Pipeline: payment.PipelineSetupPostpaid}, "pipelineName"},
		"too little": {
			request{Pipeline: payment.PipelineSingleUse, Amount: money.Cents(49)}, "transactionAmount",
		},
		"little or more": {
			request{Pipeline: payment.PipelineMultiUse, Amount: money.Cents(49), AmountType: holdfast.AmountMinimum}, "",
		},
		"another payee": {
			request{Pipeline: payment.PipelineSingleUse, Recipients: []holdfast.TokenID{"K2"}}, "recipientToken",
		},
		"several payees": {
			request{Pipeline: payment.PipelineMultiUse, Recipients: []holdfast.TokenID{"K2"}}, "recipientTokenList",
		},
	} {
		end := row.r.CheckNetwork(party.Caller{Network: "N1"})
		switch {
		case (end == nil) != (row.bad == ""):
			t.Errorf("%s: ends with %+v", name, end)
		case end != nil && *end != *payment.Malformed(row.bad):
			t.Errorf("%s: ends with %+v, want one about %s", name, *end, row.bad)
		}
		if end := row.r.CheckNetwork(party.Caller{}); end != nil {
			t.Errorf("%s in the sandbox: ends with %+v", name, *end)
		}
	}
}

// Fees go by the account, and are zero unless the operator sets them.
func TestFeesOfANetworkAccount(t *testing.T) {
	none := payment.NetworkFees(payment.FeeRate{Fixed: money.Micros(0)})
	some := payment.NetworkFees(payment.FeeRate{Share: 10_000, Fixed: money.Cents(5)})
	for cents, want := range map[int64]int64{50: 6, 5_00: 10, 100_00: 1_05} {
		if got := none.Fee(holdfast.MethodCC, money.Cents(cents)); got.Micro != 0 {
			t.Errorf("the fee of %d cents is %v", cents, got)
		}
		if got := some.Fee(holdfast.MethodCC, money.Cents(cents)); got != money.Cents(want) {
			t.Errorf("the fee of %d cents is %v, want %d cents", cents, got, want)
		}
	}
}

func TestAPaymentAdoptsOnlyItsOwnHold(t *testing.T) {
	held := payment.PageHold{
		ID: "H1", State: payment.PageHoldHeld, Reference: "pi_1", Token: "K1", Instrument: "I1", Amount: money.Cents(42_50),
	}
	paid := payment.Transaction{ID: "1T1", Token: "K1", Instrument: "I1", Amount: money.Cents(42_50)}
	for name, row := range map[string]struct {
		spoil func(*payment.PageHold, *payment.Transaction)
		fits  bool
	}{
		"the held amount":    {func(*payment.PageHold, *payment.Transaction) {}, true},
		"less":               {func(_ *payment.PageHold, t *payment.Transaction) { t.Amount = money.Cents(1_00) }, true},
		"more":               {func(_ *payment.PageHold, t *payment.Transaction) { t.Amount = money.Cents(42_51) }, false},
		"another token":      {func(_ *payment.PageHold, t *payment.Transaction) { t.Token = "K2" }, false},
		"another instrument": {func(_ *payment.PageHold, t *payment.Transaction) { t.Instrument = "I2" }, false},
		"no reference":       {func(h *payment.PageHold, _ *payment.Transaction) { h.Reference = "" }, false},
		"being released": {
			func(h *payment.PageHold, _ *payment.Transaction) { h.State = payment.PageHoldReleasing }, false,
		},
		"adopted already": {func(h *payment.PageHold, _ *payment.Transaction) { h.State = payment.PageHoldAdopted }, false},
	} {
		h, p := held, paid
		row.spoil(&h, &p)
		after, fits := h.Adopt(p)
		if fits != row.fits || fits && (after.State != payment.PageHoldAdopted || after.Transaction != p.ID) {
			t.Errorf("%s: adopted %v, %+v", name, fits, after)
		}
	}
}
