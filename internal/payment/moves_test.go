package payment_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A marketplace's fee is a separate transaction, made in the step in which the
// money moves.
func TestTheMarketplacesFeeIsTaken(t *testing.T) {
	in := sold()
	in.CommissionID, in.OwnerBalance = "1T2", money.Cents(feeOf42)
	in.Request.MarketplaceFixedFee = money.Cents(1_00)
	c, err := payment.Pay(in.Input, holdfast.PayRequest(in.Request))
	if err != nil {
		t.Fatal(err)
	}
	done := c.After.Outcome(*c.Ask, approved, now)
	if len(c.Also) != 0 || len(done.Also) != 1 || done.Also[0].After.Kind != payment.KindCommission ||
		done.Also[0].After.Parent != "1T1" {
		t.Fatalf("it makes %+v", done.Also)
	}
	wantBalances(t, done.Also[0].Postings, map[ledger.AccountID]int64{ledger.Party("P3"): -1_00, ledger.Party("P1"): 1_00})
}

// The recipient's money is not set aside if the payment brings more than its
// fee takes.
func TestNothingIsSetAsideWithoutNeed(t *testing.T) {
	c, err := payment.Pay(good().Input, holdfast.PayRequest(good().Request))
	if err != nil || c.After.SetsAside || len(c.Postings) != 0 {
		t.Errorf("it sets aside %v, %v", c.Postings, err)
	}
}

func TestARefundToABalance(t *testing.T) {
	o := paid(money.Cents(50_00), money.Micros(0))
	o.Method = holdfast.MethodABT
	c, err := payment.Refund(refunding(o), holdfast.RefundRequest{RefundAmount: money.Cents(20_00)})
	if err != nil || c.After.State != payment.Success || c.Ask != nil {
		t.Fatalf("%+v, %v", c.After, err)
	}
	// 20/50 of the fee of 1.75
	wantBalances(t, c.Postings, map[ledger.AccountID]int64{
		ledger.Party("P2"): 20_00, ledger.Party("P3"): -20_00 + 70, ledger.Fees: -70,
	})
}

func TestRefusalsSayTheReason(t *testing.T) {
	wantMessage := func(what string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", what, err, want)
		}
	}
	in := good()
	in.Token.Method, in.Instrument.Method = holdfast.MethodACH, holdfast.MethodACH
	_, err := payment.Reserve(in.Input, in.Request)
	wantMessage("a hold of a bank account", err, "the sender chose Visa ending in 4242")
	in.Instrument = payment.Instrument{}
	_, err = payment.Reserve(in.Input, in.Request)
	wantMessage("a hold without an instrument", err, "the sender chose ACH")
	in = onInstrument(holdfast.MethodPrepaid, payment.UseFund)
	in.Movers[0].Token.Cancelled = true
	_, err = payment.FundPrepaid(in.Input, holdfast.FundPrepaidRequest{
		FundingAmount: money.Cents(10_00), CallerReference: "f",
	})
	wantMessage("a funding that nobody could spend", err, "the token that would spend the balance is cancelled")
	in = onCredit()
	in.Movers[0].Token.Cancelled = true
	_, err = payment.Pay(in.Input, holdfast.PayRequest(in.Request))
	wantMessage("a debt that nobody settles", err, "the token that would settle a debt is cancelled")
}

// A payment may be one cent, but not by card.
func TestCheckPayment(t *testing.T) {
	for kind, want := range map[payment.Kind]holdfast.Code{
		payment.KindPay: "", payment.KindReserve: holdfast.AmountOutOfRange,
	} {
		r := good().Request
		r.TransactionAmount = money.Cents(1)
		if err := payment.CheckPayment(kind, r, good().Caller); code(err) != want {
			t.Errorf("%s of a cent: %v", kind, err)
		}
	}
}

func TestStatementsShowWhatCanBePrinted(t *testing.T) {
	if got, ok := payment.Latin("A\x07B~ \x7fC"); !ok || got != "AB~ C" {
		t.Errorf("it is %q", got)
	}
}

func TestAnAuditSaysWhere(t *testing.T) {
	for name, row := range map[string]struct {
		tamper func(*payment.File)
		want   string // a row and its finding; empty if nothing is wrong
	}{
		"a step out of place": {func(f *payment.File) { f.History[1].Seq = 7 }, "1T1/7 is in the place of step 2"},
		"no postings":         {func(f *payment.File) { f.Postings = nil }, "1T1/2/1 is missing: USD 42.50"},
		"no history": {
			func(f *payment.File) { f.History = nil },
			"1T1 is Success but its history ends at None",
		},
		"a token for anybody": {func(f *payment.File) { f.Token.Recipient = "" }, ""},
		"a token for another": {func(f *payment.File) { f.Token.Recipient = "P9" }, "is not between the parties"},
		"one that names recipients": {
			func(f *payment.File) { f.Token.Recipient, f.Transaction.RecipientToken = "P9", "K3" },
			"",
		},
		"the token's instrument": {func(f *payment.File) { f.Token.Instrument = "I9" }, "is not between the parties"},
	} {
		f := settled(t)
		row.tamper(&f)
		var found []string
		for _, finding := range f.Audit() {
			found = append(found, finding.Row+" "+finding.Problem)
		}
		if all := strings.Join(found, "\n"); row.want == "" && all != "" || !strings.Contains(all, row.want) {
			t.Errorf("%s: found %q, want %q", name, found, row.want)
		}
	}
}
