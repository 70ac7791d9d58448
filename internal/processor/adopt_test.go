package processor_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// V7: a payment with the token of a page hold asks about that hold, whether it is
// for the held amount or for less. The deadline follows the hold.
func TestV7APaymentAdoptsTheHoldOfThePage(t *testing.T) {
	type paying = func(w *holdfasttest.World, token holdfast.TokenID) (payment.Transaction, error)
	for name, row := range map[string]struct {
		pay  paying
		step payment.Step
		ends payment.State
	}{
		"Reserve of all": {func(w *holdfasttest.World, token holdfast.TokenID) (payment.Transaction, error) {
			return w.Reserve(token, "42.50", "order-1")
		}, payment.StepAuthorize, payment.Reserved},
		"Reserve of less": {func(w *holdfasttest.World, token holdfast.TokenID) (payment.Transaction, error) {
			return w.Reserve(token, "40.00", "order-1")
		}, payment.StepAuthorize, payment.Reserved},
		"Pay": {func(w *holdfasttest.World, token holdfast.TokenID) (payment.Transaction, error) {
			return w.Pay(token, "42.50", "order-1")
		}, payment.StepCharge, payment.Success},
	} {
		t.Run(name, func(t *testing.T) {
			atNetwork(t, func(w *holdfasttest.World) {
				h, token := holdOnPage(w, "42.50")
				r, err := row.pay(w, token)
				if err != nil || r.State != row.ends {
					t.Fatalf("paying: %+v, %v", r, err)
				}
				q := lastAsked(w)
				if q.Step != row.step || q.Reference != "pi_page" || q.Amount != r.Amount || !q.HoldUntil.Equal(h.HoldUntil) {
					t.Errorf("asked: %+v", q)
				}
				if after := pageHold(w, h.ID); after.State != payment.PageHoldAdopted || after.Transaction != r.ID {
					t.Errorf("the hold is %+v", after)
				}
				if known, _ := w.NetworkPayment(r.ID); known.Reference != "pi_page" {
					t.Errorf("known: %+v", known)
				}
			})
		})
	}
}

// A Reserve for more than was held is refused as ever, because a token for a
// single payment has a largest amount. The hold stays for the next Reserve.
func TestV7MoreThanWasHeldIsRefused(t *testing.T) {
	atNetwork(t, func(w *holdfasttest.World) {
		h, token := holdOnPage(w, "42.50")
		_, err := w.Reserve(token, "42.51", "order-1")
		w.WantCode(err, holdfast.IncompatibleTokens)
		if after := pageHold(w, h.ID); after.State != payment.PageHoldHeld {
			t.Errorf("the hold is %+v", after)
		}
		if r, err := w.Reserve(token, "42.50", "order-2"); err != nil || r.State != payment.Reserved {
			t.Fatalf("reserve: %+v, %v", r, err)
		}
	})
}

// A hold that is being released is not adopted: the payment makes its own.
func TestAReleasedHoldIsNotAdopted(t *testing.T) {
	atNetwork(t, func(w *holdfasttest.World) {
		h, token := holdOnPage(w, "42.50")
		releasing := h
		releasing.State = payment.PageHoldReleasing
		err := w.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.ChangePageHold(h, releasing) })
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.Reserve(token, "42.50", "order-1")
		if err != nil || r.State != payment.Reserved {
			t.Fatalf("reserve: %+v, %v", r, err)
		}
		if q := lastAsked(w); q.Reference != "" {
			t.Errorf("asked: %+v", q)
		}
	})
}

// The fee of a payment at a network is the account's, when it is reserved and when
// it is settled. The shop's clock stays.
func TestFeesAndClockAtANetwork(t *testing.T) {
	atNetwork(t, func(w *holdfasttest.World) {
		r := reservedUntil(w, 5*24*time.Hour)
		if s, err := w.Settle(r.ID, ""); err != nil || s.Fee.Micro != 0 {
			t.Fatalf("settle: %+v, %v", s, err)
		}
		err := w.DB.Update(t.Context(), func(tx *store.Tx) error {
			a, _, err := tx.NetworkAccount(holdfasttest.AccountID)
			if err != nil {
				return err
			}
			a.Fees.Fixed = holdfasttest.USD("0.25")
			return tx.UpdateNetworkAccount(a)
		})
		if err != nil {
			t.Fatal(err)
		}
		if paid := w.Paid("10.00", "order-2"); paid.Fee != holdfasttest.USD("0.25") {
			t.Errorf("the fee is %v", paid.Fee)
		}
		r = w.Reserved("10.00", "order-3")
		if s, err := w.Settle(r.ID, "5.00"); err != nil || s.Fee != holdfasttest.USD("0.25") {
			t.Errorf("settle: %+v, %v", s, err)
		}
		_, err = w.Processor.AdvanceClock(t.Context(), w.Shop.ID, time.Hour)
		w.WantCode(err, holdfast.AccessFailure)
		_, err = w.Processor.ResetClock(t.Context(), w.Shop.ID)
		w.WantCode(err, holdfast.AccessFailure)
		w.WantCode(w.Processor.Deposit(t.Context(), w.Shop.ID, w.Buyer.ID, holdfasttest.USD("5.00")), holdfast.AccessFailure)
	})
}

// The hold of a page at Stripe is adopted: there is one hold, and one capture of
// no more than was reserved.
func TestV7TheHoldOfAPageAtStripe(t *testing.T) {
	atStripe(t, func(s striped) {
		s.Processor.Wait = time.Minute
		h, token := holdOnPage(s.World, "42.50")
		h.Reference = heldAtStripe(s, h)
		s.must(s.DB.Update(t.Context(), func(tx *store.Tx) error {
			before, _, err := tx.PageHold(h.ID)
			if err != nil {
				return err
			}
			return tx.ChangePageHold(before, h)
		}))
		r, err := s.Reserve(token, "40.00", "order-1")
		if err != nil || r.State != payment.Reserved || r.Authorization != h.Reference {
			t.Fatalf("reserve: %+v, %v", r, err)
		}
		if holds := s.fake.Holds(); len(holds) != 1 {
			t.Fatalf("held: %v", holds)
		}
		_, err = s.Settle(r.ID, "40.01")
		s.WantCode(err, holdfast.SettleAmountGreaterThanReserveAmount)
		if after, err := s.Settle(r.ID, "40.00"); err != nil || after.State != payment.Success {
			t.Fatalf("settle: %+v, %v", after, err)
		}
		if s.fake.Captured() != 40_00 || s.fake.Held() != 0 {
			t.Errorf("captured %d, held %d", s.fake.Captured(), s.fake.Held())
		}
	})
}

// heldAtStripe places the hold of a page at Stripe, and returns Stripe's name for
// it.
func heldAtStripe(s striped, h payment.PageHold) string {
	s.T.Helper()
	answer, err := s.Processor.Network.Ask(s.T.Context(), card.Question{Attempt: payment.Attempt{
		Caller: h.Caller, Transaction: holdfast.TransactionID(h.ID), Step: payment.StepAuthorize, Amount: h.Amount,
		Card: s.Card.Stored(), Since: s.Clock.Now(), Asked: 1, Descriptor: "HF*SHOP",
	}})
	if s.must(err); !answer.Approved() {
		s.T.Fatalf("the page's hold is %+v", answer)
	}
	return answer.Authorization
}

// A visit for what the caller cannot do at its network does not begin.
func TestAVisitOfACallerWithANetworkAccount(t *testing.T) {
	atNetwork(t, func(w *holdfasttest.World) {
		start := func(p holdfast.Params) error {
			r, end := payment.ReadPipeline(p)
			if end != nil {
				t.Fatal(end)
			}
			_, err := w.Processor.StartVisit(t.Context(), w.Shop, r, p, false)
			return err
		}
		single := func(amount string) holdfast.Params {
			return holdfast.Params{
				{Name: "pipelineName", Value: "SingleUse"},
				{Name: "callerReference", Value: "cart-" + amount},
				{Name: "transactionAmount", Value: amount},
			}
		}
		if err := start(single("0.50")); err != nil {
			t.Errorf("the least amount: %v", err)
		}
		for name, p := range map[string]holdfast.Params{
			"transactionAmount": single("0.49"),
			"pipelineName": {
				{Name: "pipelineName", Value: "Recipient"},
				{Name: "callerReference", Value: "seller-1"},
				{Name: "callerReferenceRefund", Value: "seller-2"},
				{Name: "recipientPaysFee", Value: "True"},
			},
			"paymentMethod": append(single("5"), holdfast.Param{Name: "paymentMethod", Value: "ABT"}),
		} {
			end, ok := errors.AsType[*payment.PipelineEnd](start(p))
			if !ok || *end != *payment.Malformed(name) {
				t.Errorf("%s: %+v", name, end)
			}
		}
	})
}
