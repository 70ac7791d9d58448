package ipn_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Each action that takes OverrideIPNURL sends its notifications there and not
// to the caller's own address.
func TestOverrideIPNURL(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		elsewhere := s.URL + "/elsewhere"
		ctx, usd := t.Context(), holdfasttest.USD
		told := func(action, subject string) {
			t.Helper()
			all := s.owed(holdfast.TransactionID(subject))
			if len(all) == 0 {
				t.Errorf("%s: nobody is told", action)
				return
			}
			if last := all[len(all)-1]; last.URL != elsewhere || !last.Overrides {
				t.Errorf("%s is told to %s", action, last.URL)
			}
		}
		done := func(action string) func(payment.Transaction, error) {
			return func(r payment.Transaction, err error) {
				t.Helper()
				if err != nil {
					t.Errorf("%s: %v", action, err)
					return
				}
				told(action, string(r.ID))
			}
		}
		order := func(reference holdfast.CallerReference) holdfast.ReserveRequest {
			return holdfast.ReserveRequest{
				SenderTokenID: s.Authorize("25.00"), TransactionAmount: usd("25.00"), CallerReference: reference,
				OverrideIPNURL: elsewhere,
			}
		}
		done("Reserve")(s.Processor.Reserve(ctx, s.Shop, order("reserve")))
		done("Pay")(s.Processor.Pay(ctx, s.Shop, holdfast.PayRequest(order("pay"))))
		done("Settle")(s.Processor.Settle(ctx, s.Shop, holdfast.SettleRequest{
			ReserveTransactionID: s.Reserved("25.00", "settle").ID, OverrideIPNURL: elsewhere,
		}))
		done("Cancel")(s.Processor.Cancel(ctx, s.Shop, holdfast.CancelRequest{
			TransactionID: s.Reserved("25.00", "cancel").ID, OverrideIPNURL: elsewhere,
		}))
		done("Refund")(s.Processor.Refund(ctx, s.Shop, holdfast.RefundRequest{
			TransactionID: s.Paid("25.00", "paid").ID, CallerReference: "refund", OverrideIPNURL: elsewhere,
		}))
		prepaid, _, funds := s.Aggregate(holdfast.MethodPrepaid, "100.00")
		done("FundPrepaid")(s.Processor.FundPrepaid(ctx, s.Shop, holdfast.FundPrepaidRequest{
			SenderTokenID: funds, PrepaidInstrumentID: prepaid.ID, FundingAmount: usd("25"), CallerReference: "fund",
			OverrideIPNURL: elsewhere,
		}))
		credit, spends, settles := s.Aggregate(holdfast.MethodDebt, "100.00")
		if _, err := s.Pay(spends, "25.00", "debt"); err != nil {
			t.Fatal(err)
		}
		done("SettleDebt")(s.Processor.SettleDebt(ctx, s.Shop, holdfast.SettleDebtRequest{
			SenderTokenID: settles, CreditInstrumentID: credit.ID, SettlementAmount: usd("20"), CallerReference: "settle-debt",
			OverrideIPNURL: elsewhere,
		}))
		token := s.Authorize("25.00")
		if err := s.Processor.CancelToken(ctx, s.Shop,
			holdfast.CancelTokenRequest{TokenID: token, OverrideIPNURL: elsewhere}); err != nil {
			t.Fatal(err)
		}
		told("CancelToken", string(token))

		// An address given at an earlier step is used for later steps, too.
		r, err := s.Processor.Reserve(ctx, s.Shop, order("stays"))
		if err != nil {
			t.Fatal(err)
		}
		done("Cancel after Reserve")(s.Cancel(r.ID))
		if got := s.owed(s.Reserved("25.00", "plain").ID); got[0].URL != "" || got[0].Overrides {
			t.Errorf("without OverrideIPNURL it is told to %s", got[0].URL)
		}
	})
}
