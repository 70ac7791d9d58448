package queryapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// shortHolds is a network that lets each hold go after five days.
type shortHolds struct {
	network
	now func() time.Time
}

func (n shortHolds) Ask(ctx context.Context, q card.Question) (payment.Answer, error) {
	answer, err := n.network.Ask(ctx, q)
	if q.Step == payment.StepAuthorize {
		answer.Details = payment.Details{Reference: "pi_1", HoldUntil: n.now().Add(5 * 24 * time.Hour)}
	}
	return answer, err
}

// atNetwork gives the shop an account at a card network, and Ann a card there,
// "visa-there".
func (w *world) atNetwork() {
	w.t.Helper()
	w.p.Network = shortHolds{now: w.clock}
	w.update(func(tx *store.Tx) error {
		return tx.InsertNetworkAccount(store.NetworkAccount{NetworkAccount: payment.NetworkAccount{
			ID: "N1", Kind: payment.NetworkStripe, Mode: payment.NetworkTest, Owner: "PSHOP", Name: "Tea",
			Fees: payment.FeeRate{Fixed: money.Micros(0)}, PerSecond: 10, Created: testNow,
		}})
	})
	w.instrument(payment.Instrument{
		ID: "visa-there", Owner: "PANN", Account: "N1", Customer: "cus_1", ExpiryMonth: 12, ExpiryYear: 2030, Verified: true,
	})
	_, err := w.p.ChangeCaller(context.Background(), "CSHOP", func(c party.Caller) (party.Caller, error) {
		c.Network = "N1"
		return c, nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func usd(name, value string) []string {
	return []string{name + ".Value=" + value, name + ".CurrencyCode=USD"}
}

// What a caller with a network account cannot do is refused at the API with the
// codes of docs/divergences.md.
func TestRefusalsOfACallerWithANetworkAccount(t *testing.T) {
	for name, row := range map[string]struct {
		action string
		with   payment.Token
		more   []string
		code   holdfast.Code
	}{
		"N21 too little":        {"Reserve", payment.Token{}, usd("TransactionAmount", "0.49"), holdfast.AmountOutOfRange},
		"N21 too little to pay": {"Pay", payment.Token{}, usd("TransactionAmount", "0.49"), holdfast.AmountOutOfRange},
		"a recipient":           {"Pay", payment.Token{}, []string{"RecipientTokenId=R"}, holdfast.IncompatibleTokens},
		"N23 a card elsewhere": {
			"Reserve", payment.Token{Instrument: "visa"}, nil, holdfast.InvalidPaymentInstrument,
		},
		"a balance":      {"Pay", payment.Token{Instrument: "balance"}, nil, holdfast.InvalidPaymentMethod},
		"a bank account": {"Pay", payment.Token{Instrument: "bank"}, nil, holdfast.InvalidPaymentMethod},
		"FundPrepaid": {
			"FundPrepaid",
			payment.Token{},
			append(usd("FundingAmount", "5.00"), "PrepaidInstrumentId=G1"),
			holdfast.InvalidPaymentMethod,
		},
		"SettleDebt": {
			"SettleDebt",
			payment.Token{},
			append(usd("SettlementAmount", "5.00"), "CreditInstrumentId=D1"),
			holdfast.InvalidPaymentMethod,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.atNetwork()
			row.with.Instrument = or(row.with.Instrument, "visa-there")
			pairs := []string{"SenderTokenId=" + string(w.token("A", row.with)), "CallerReference=order-1"}
			if len(row.more) == 0 || !strings.Contains(row.more[0], "Amount.Value") {
				pairs = append(pairs, "TransactionAmount.Value=5.00", "TransactionAmount.CurrencyCode=USD")
			}
			pairs = append(pairs, row.more...)
			answer := w.ask(row.action, pairs...)
			if body := answer.Body.String(); answer.Code != http.StatusBadRequest ||
				!strings.Contains(body, "<Code>"+string(row.code)+"</Code>") {
				t.Errorf("%d %s, want %s", answer.Code, body, row.code)
			}
		})
	}
}

// N22: the clock stays.
func TestN22TheClockOfACallerWithANetworkAccount(t *testing.T) {
	w := newWorld(t)
	w.atNetwork()
	p := w.signed("POST", "/sandbox/clock", "shop", holdfast.Params{{Name: "Advance", Value: "1h"}})
	answer := w.exchange("POST", "/sandbox/clock", p)
	if body := answer.Body.String(); answer.Code == http.StatusOK || !strings.Contains(body, "AccessFailure") {
		t.Errorf("%d %s", answer.Code, body)
	}
}

// N11: the answer to a Reserve shows the deadline that the network's hold allows,
// and GetTransactionStatus says why.
func TestN11TheDeadlineThatIsShown(t *testing.T) {
	w := newWorld(t)
	w.atNetwork()
	answer := w.ask("Reserve", "SenderTokenId="+string(w.token("A", payment.Token{Instrument: "visa-there"})),
		"TransactionAmount.Value=5.00", "TransactionAmount.CurrencyCode=USD", "CallerReference=order-1")
	want := testNow.Add(5*24*time.Hour - time.Hour)
	got, err := time.Parse(time.RFC3339Nano, answer.Header().Get(holdfast.HeaderDeadline))
	if err != nil || !got.Equal(want) {
		t.Errorf("the deadline is %v, %v; want %v", got, err, want)
	}
	status := w.ask("GetTransactionStatus", "TransactionId="+string(transactionID(1))).Body.String()
	if !strings.Contains(status, "holds it until 2026-11-28") {
		t.Errorf("GetTransactionStatus does not say why: %s", status)
	}
}
