package processor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A week with everything that can happen: settlements of a part, refunds by the
// caller and in the dashboard, one that fails, disputes won and lost, a payout.
// The books equal the network's to the cent, on each day.
func TestS22TheBooksEqualTheNetworks(t *testing.T) {
	atStripe(t, func(s striped) {
		from := s.Clock.Now().UTC().Truncate(24 * time.Hour)
		next := func() { s.heard(); s.Clock.Advance(24 * time.Hour) }
		part, whole := s.settled("40.00"), s.settled("")
		lapsed := s.Reserved("42.50", "order-2")
		next()
		refund, err := s.Refund(part.ID, "7.25", "refund-1")
		s.must(err)
		s.WantState(refund.ID, payment.Success)
		_, err = s.fake.Refund(s.intent(part.ID), 300)
		s.must(err)
		s.must(s.fake.Lapse(s.intent(lapsed.ID)))
		dispute, err := s.fake.Dispute(s.intent(whole.ID), "fraudulent", false)
		s.must(err)
		next()
		s.must(s.fake.FailRefund(s.intent(refund.ID), "declined"))
		s.must(s.fake.CloseDispute(dispute, true))
		next()
		lost := s.settled("30.00")
		s.fake.Payout(false)
		next()
		again, err := s.fake.Dispute(s.intent(lost.ID), "fraudulent", false)
		s.must(err)
		s.must(s.fake.CloseDispute(again, false))
		next()
		_, err = s.fake.Refund(s.intent(part.ID), 150)
		s.must(err)
		next()
		r, err := s.Processor.Reconcile(t.Context(), holdfasttest.AccountID, from, s.Clock.Now().UTC())
		s.must(err)
		for _, d := range r.Differences {
			t.Errorf("%s of %s: the books have %d, the network %d: %s", d.Type, d.Payment, d.Books, d.Network, d.Why)
		}
		moved := false
		for _, d := range r.Days {
			moved = moved || d.Network != 0
			if d.Books != d.Network {
				t.Errorf("on %s the books have %d, the network %d", d.Day.Format(time.DateOnly), d.Books, d.Network)
			}
		}
		if !moved || r.Rests != 2 || len(r.Payouts) != 1 || !r.Equal() {
			t.Errorf("moved %v, %d rests, payouts %v", moved, r.Rests, r.Payouts)
		}
		s.wantBalance("78.00") // 40.00 + 42.50 + 30.00, less 3.00, 30.00 and 1.50
	})
}

// Money that the books do not have is a difference, unless another program has
// taken it.
func TestReconcilingFindsDifferences(t *testing.T) {
	atStripe(t, func(s striped) {
		from := s.Clock.Now().UTC().Truncate(24 * time.Hour)
		sold := s.settled("")
		_, err := s.fake.Refund(s.intent(sold.ID), 300)
		s.must(err)
		s.fake.Drop(s.fake.Deliveries()...)
		_, err = s.Processor.Network.Ask(t.Context(), card.Question{Attempt: payment.Attempt{
			Caller: s.Shop.ID, Transaction: "1LOST0000000000000000000000000000001", Step: payment.StepCharge,
			Amount: holdfasttest.USD("20.00"), Card: s.Card.Stored(), Since: s.Clock.Now(), Asked: 1,
		}})
		s.must(err)
		r, err := s.Processor.Reconcile(t.Context(), holdfasttest.AccountID, from, from.AddDate(0, 0, 1))
		s.must(err)
		why := make(map[payment.DifferenceReason]int64)
		for _, d := range r.Differences {
			why[d.Why] += d.Network
		}
		if len(r.Differences) != 2 || why[payment.DiffUnbooked] != -3_000_000 || why[payment.DiffUnknown] != 20_000_000 {
			t.Errorf("the differences are %+v", r.Differences)
		}
	})
}

// A payout pays out sales that are older than the period. Neither they, nor an
// older payment of ours that is refunded now, need a look at the network.
func TestReconcilingLooksAtNoOlderSale(t *testing.T) {
	atStripe(t, func(s striped) {
		sold := s.settled("")
		s.Clock.Advance(90 * 24 * time.Hour)
		from := s.Clock.Now().UTC().Truncate(24 * time.Hour)
		line := func(id, intent string, kind payment.LineType, at time.Time) payment.NetworkLine {
			return payment.NetworkLine{
				Account: holdfasttest.AccountID, ID: id, Type: kind, Micro: 1_000_000, Source: "src_" + id, Payment: intent,
				Payout: "po_big", Created: at,
			}
		}
		lines := []payment.NetworkLine{line("txn_refund", s.intent(sold.ID), payment.LineRefund, from.Add(time.Hour))}
		for i := range 50 {
			id := fmt.Sprintf("%03d", i)
			lines = append(lines, line("txn_"+id, "pi_old"+id, payment.LineCharge, from.AddDate(0, 0, -9)))
		}
		paid := line("txn_paid", "", payment.LinePayout, from.Add(time.Hour))
		paid.Source, paid.Micro = "po_big", -51_000_000
		s.must(s.DB.Update(t.Context(), func(tx *store.Tx) error {
			for _, l := range append(lines, paid) {
				if err := tx.SaveNetworkLine(l); err != nil {
					return err
				}
			}
			return nil
		}))
		before := len(s.fake.Requests())
		r, err := s.Processor.Reconcile(t.Context(), holdfasttest.AccountID, from, from.AddDate(0, 0, 1))
		s.must(err)
		for _, q := range s.fake.Requests()[before:] {
			if strings.HasPrefix(q.Path, "/v1/payment_intents/") {
				t.Errorf("looked at %s", q.Path)
			}
		}
		if len(r.Payouts) != 1 || r.Payouts[0].Adds != 51_000_000 || r.Foreign != 0 {
			t.Errorf("the payouts are %+v, %d foreign", r.Payouts, r.Foreign)
		}
	})
}
