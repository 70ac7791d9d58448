package processor_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// A shop that asks for the rest of a used-up hold learns that the hold has ended.
// Only an amount of zero that the shop itself sends is out of range.
func TestTheRestOfAUsedUpHold(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		part(w, r.ID, "10.00")
		part(w, r.ID, "32.50")
		ended := func(err error) {
			t.Helper()
			w.WantCode(err, holdfast.InvalidTransactionState)
			if !strings.Contains(err.Error(), string(r.ID)) {
				t.Errorf("the refusal names no hold: %v", err)
			}
		}
		_, err := settlePart(w, r.ID, "", false)
		ended(err)
		_, err = settlePart(w, r.ID, "", true)
		ended(err)
		_, err = settlePart(w, r.ID, "1.00", false)
		ended(err)
		_, err = settlePart(w, r.ID, "0.00", false)
		w.WantCode(err, holdfast.AmountOutOfRange)
		ended(release(w, r.ID, ""))
		ended(release(w, r.ID, "1.00"))
		_, err = w.Processor.Settle(w.T.Context(), w.Shop, holdfast.SettleRequest{ReserveTransactionID: r.ID})
		ended(err)
		_, err = w.Processor.Cancel(w.T.Context(), w.Shop, holdfast.CancelRequest{TransactionID: r.ID})
		ended(err)

		back := processor.RefundHold{Hold: r.ID, Reference: "back-1"}
		if _, err = w.Processor.RefundHold(w.T.Context(), w.Shop, nil, back); err != nil {
			t.Fatal(err)
		}
		back.Reference = "back-2"
		_, err = w.Processor.RefundHold(w.T.Context(), w.Shop, nil, back)
		w.WantCode(err, holdfast.TransactionFullyRefundedAlready)
		w.CheckBooks()
	})
}
