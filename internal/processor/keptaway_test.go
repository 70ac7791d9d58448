package processor_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// A Reserve that is sent again after its deadline is answered Cancelled, with
// or without a sweep.
func TestALateRepetitionIsAnsweredCancelled(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		token := w.Authorize("42.50")
		request := holdfast.ReserveRequest{
			SenderTokenID: token, TransactionAmount: holdfasttest.USD("42.50"), CallerReference: "order-1",
			TransactionTimeoutMins: 60,
		}
		first, err := w.Processor.Reserve(t.Context(), w.Shop, request)
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Set(first.Deadline)
		for _, when := range []string{"before the sweep", "after it"} {
			again, err := w.Processor.Reserve(t.Context(), w.Shop, request)
			if err != nil || again.ID != first.ID || again.State != payment.Cancelled ||
				again.StatusCode != holdfast.CodeExpired {
				t.Errorf("%s: %+v, %v", when, again, err)
			}
			sweep(w)
		}
	})
}

// Another caller of the same owner cannot use a prepaid or credit instrument:
// it belongs to the caller that set it up.
func TestAnInstrumentIsItsCallersAlone(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		prepaid, debt := newPurse(w, holdfast.MethodPrepaid, 0), newPurse(w, holdfast.MethodDebt, 0)
		prepaid.must(prepaid.fund("20.00"))
		debt.must(debt.spend("20.00"))
		other, _, err := w.Processor.CreateCaller(t.Context(), processor.NewCaller{
			Owner: w.Owner.ID, Name: "Kiln, elsewhere", Sandbox: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		// Its own tokens, which name the other caller's instruments.
		own := func(use payment.TokenUse, of purse) holdfast.TokenID {
			mine := *w
			mine.Shop = other
			return mine.Token(payment.Token{
				Use: use, Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: w.Card.Method, Aggregate: of.ID,
			})
		}
		_, err = w.Processor.FundPrepaid(t.Context(), other, holdfast.FundPrepaidRequest{
			SenderTokenID: own(payment.UseFund, prepaid), PrepaidInstrumentID: prepaid.ID,
			FundingAmount: holdfasttest.USD("5.00"), CallerReference: "fund",
		})
		w.WantCode(err, holdfast.InstrumentAccessDenied)
		_, err = w.Processor.SettleDebt(t.Context(), other, holdfast.SettleDebtRequest{
			SenderTokenID: own(payment.UseSettle, debt), CreditInstrumentID: debt.ID, SettlementAmount: holdfasttest.USD("5.00"),
			CallerReference: "settle",
		})
		w.WantCode(err, holdfast.InstrumentAccessDenied)
		_, err = w.Processor.WriteOffDebt(t.Context(), other, holdfast.WriteOffDebtRequest{
			CreditInstrumentID: debt.ID, AdjustmentAmount: holdfasttest.USD("5.00"), CallerReference: "write-off",
		})
		w.WantCode(err, holdfast.InstrumentAccessDenied)
		prepaid.wants("20.00", "0.00")
		debt.wants("20.00", "0.00")
	})
}
