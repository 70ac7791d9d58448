package processor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func TestN10S14AHoldThatEndsAtTheNetwork(t *testing.T) {
	for name, ends := range map[string]func(*stripefake.Server, string) error{
		"it lapses": (*stripefake.Server).Lapse, "it is cancelled in the dashboard": (*stripefake.Server).Cancel,
	} {
		t.Run(name, func(t *testing.T) {
			atStripe(t, func(s striped) {
				hold := s.Reserved("42.50", "order-1")
				s.heard()
				told := owedOf(s.World, hold.ID)
				s.must(ends(s.fake, s.intent(hold.ID)))
				s.heard()
				s.poll()
				got := s.Transaction(hold.ID)
				if got.State != payment.Cancelled || got.StatusCode != holdfast.CodeExpired {
					t.Errorf("the hold is %s with %s", got.State, got.StatusCode)
				}
				if n := owedOf(s.World, hold.ID) - told; n != 1 {
					t.Errorf("the caller is told %d times", n)
				}
				_, err := s.Settle(hold.ID, "")
				s.WantCode(err, holdfast.InvalidTransactionState)
				if s.fake.Held() != 0 {
					t.Error("there is a hold at the network")
				}
			})
		})
	}
}

func TestS14AHoldThatIsCancelledWhileItIsSettled(t *testing.T) {
	atStripe(t, func(s striped) {
		hold := s.Reserved("42.50", "order-1")
		s.heard()
		impatient(s.World)
		s.fake.Script(stripefake.Script{Path: "/v1/payment_intents/*/capture", Do: stripefake.LoseRequest, Times: 1})
		if _, err := s.Settle(hold.ID, ""); err != nil {
			t.Fatal(err)
		}
		waitUntil(s.World, func() bool { return s.fake.Count("POST /v1/payment_intents/{id}/capture") > 0 })
		s.must(s.fake.Cancel(s.intent(hold.ID)))
		s.heard()
		s.poll()
		got := s.Transaction(hold.ID)
		if got.State != payment.Failure || got.StatusCode != holdfast.CodeTransactionDenied {
			t.Errorf("the hold is %s with %s: %s", got.State, got.StatusCode, got.StatusMessage)
		}
		s.wantBalance("0.00")
	})
}

func TestS15AHoldThatIsCapturedInTheDashboard(t *testing.T) {
	atStripe(t, func(s striped) {
		hold := s.Reserved("42.50", "order-1")
		s.heard()
		s.must(s.fake.Capture(s.intent(hold.ID), 4250))
		s.heard()
		s.poll()
		s.WantState(hold.ID, payment.Reserved)
		known, _ := s.NetworkPayment(hold.ID)
		if known.Attention == "" || backlogOf(s.World).Attention != 1 {
			t.Error("nobody is asked to look")
		}
		_, err := s.Settle(hold.ID, "")
		s.WantCode(err, holdfast.InvalidTransactionState)
		_, err = s.Cancel(hold.ID)
		s.WantCode(err, holdfast.InvalidTransactionState)
		s.wantLetters(payment.AboutAttention)
	})
}

func TestS13TheRestOfAHoldIsNoRefund(t *testing.T) {
	atStripe(t, func(s striped) {
		sold := s.settled("40.00")
		s.poll()
		if kinds := s.children(sold.ID); kinds != nil || sold.Refunded.Micro != 0 {
			t.Errorf("%v were refunded, by %v", sold.Refunded, kinds)
		}
		s.wantBalance("40.00")
		s.wantLetters()
	})
}

func TestN15S16ARefundThatFailsAfterItsSuccess(t *testing.T) {
	atStripe(t, func(s striped) {
		sold := s.settled("")
		refund, err := s.Refund(sold.ID, "10.00", "refund-1")
		s.must(err)
		s.WantState(refund.ID, payment.Success)
		s.heard()
		s.wantBalance("32.50")
		s.must(s.fake.FailRefund(s.intent(refund.ID), "lost_or_stolen_card"))
		s.heard()
		s.poll()
		s.WantState(refund.ID, payment.Success)
		s.wantBalance("42.50")
		if diff := cmp.Diff([]payment.Kind{payment.KindRefundReversal}, s.children(refund.ID)); diff != "" {
			t.Errorf("related to the refund (-want +got):\n%s", diff)
		}
		s.wantLetters(payment.AboutRefundFailed)
		again, err := s.Refund(sold.ID, "", "refund-2")
		s.must(err)
		if again.Amount != sold.Amount {
			t.Errorf("%v can be refunded after that, want %v", again.Amount, sold.Amount)
		}
	})
}

func TestS16ARefundThatIsPendingForDays(t *testing.T) {
	for name, row := range map[string]struct {
		end     func(*stripefake.Server, string) error
		state   payment.State
		balance string
	}{
		"it succeeds": {(*stripefake.Server).FinishRefund, payment.Success, "32.50"},
		"it fails": {
			func(f *stripefake.Server, id string) error { return f.FailRefund(id, "declined") }, payment.Failure, "42.50",
		},
	} {
		t.Run(name, func(t *testing.T) {
			atStripe(t, func(s striped) {
				sold := s.settled("")
				s.fake.Set(func(settings *stripefake.Settings) { settings.RefundsWait = true })
				impatient(s.World)
				refund, err := s.Refund(sold.ID, "10.00", "refund-1")
				s.must(err)
				waitUntil(s.World, func() bool {
					known, _ := s.NetworkPayment(refund.ID)
					return known.Reference != ""
				})
				s.heard()
				s.Clock.Advance(3 * 24 * time.Hour)
				s.work()
				s.WantState(refund.ID, payment.Pending)
				s.must(row.end(s.fake, s.intent(refund.ID)))
				s.heard()
				s.WantState(refund.ID, row.state)
				s.wantBalance(row.balance)
				s.wantLetters()
			})
		})
	}
}

func TestARefundThatIsMadeInTheDashboard(t *testing.T) {
	atStripe(t, func(s striped) {
		sold := s.settled("40.00")
		_, err := s.fake.Refund(s.intent(sold.ID), 1500)
		s.must(err)
		s.heard()
		s.poll()
		s.wantBalance("25.00")
		if diff := cmp.Diff([]payment.Kind{payment.KindOutsideRefund}, s.children(sold.ID)); diff != "" {
			t.Errorf("related to the payment (-want +got):\n%s", diff)
		}
		_, err = s.Refund(sold.ID, "25.01", "refund-1")
		s.WantCode(err, holdfast.RefundAmountExceeded)
		rest, err := s.Refund(sold.ID, "", "refund-2")
		s.must(err)
		s.WantState(rest.ID, payment.Success)
		s.wantBalance("0.00")
		s.wantLetters(payment.AboutOutsideRefund)
	})
}

func TestS17ADispute(t *testing.T) {
	for name, won := range map[string]bool{"won": true, "lost": false} {
		t.Run(name, func(t *testing.T) {
			atStripe(t, func(s striped) {
				s.withFees() // so the dispute takes more than the balance has
				sold := s.settled("")
				s.wantBalance("40.97")
				dispute, err := s.fake.Dispute(s.intent(sold.ID), "product_not_received", false)
				s.must(err)
				s.heard()
				s.WantState(sold.ID, payment.Success)
				s.wantBalance("-1.53")
				_, err = s.Refund(sold.ID, "", "refund-1")
				s.WantCode(err, holdfast.InvalidTransactionState)
				s.must(s.fake.CloseDispute(dispute, won))
				s.heard()
				s.poll()
				want := []payment.Kind{payment.KindDispute}
				letters := []payment.NetworkAbout{payment.AboutDispute, payment.AboutDisputeLost}
				if won {
					want = append(want, payment.KindDisputeReturn)
					letters[1] = payment.AboutDisputeWon
				}
				if diff := cmp.Diff(want, s.children(sold.ID)); diff != "" {
					t.Errorf("related to the payment (-want +got):\n%s", diff)
				}
				s.wantLetters(letters...)
				refund, err := s.Refund(sold.ID, "1.00", "refund-2")
				if won {
					s.must(err)
					s.WantState(refund.ID, payment.Success)
				} else {
					s.WantCode(err, holdfast.TransactionFullyRefundedAlready)
				}
			})
		})
	}
}

func TestAnInquiryMovesNoMoney(t *testing.T) {
	atStripe(t, func(s striped) {
		sold := s.settled("")
		id, err := s.fake.Dispute(s.intent(sold.ID), "fraudulent", true)
		s.must(err)
		s.heard()
		s.must(s.fake.CloseDispute(id, false))
		s.heard()
		s.must(s.DB.View(t.Context(), func(tx *store.ReadTx) error {
			all, err := tx.Disputes(s.Shop.ID, sold.ID)
			if err == nil && (len(all) != 1 || all[0].Open) {
				t.Errorf("after its end, the inquiry is %+v", all)
			}
			return err
		}))
		s.wantBalance("42.50")
		s.wantLetters(payment.AboutInquiry)
		if kinds := s.children(sold.ID); kinds != nil {
			t.Errorf("the books have %v", kinds)
		}
	})
}

func TestAnEarlyWarningIsToldOnce(t *testing.T) {
	atStripe(t, func(s striped) {
		sold := s.settled("")
		s.must(s.fake.Warn(s.intent(sold.ID)))
		s.heard()
		s.poll()
		s.wantLetters(payment.AboutWarning)
	})
}

func TestS20EventsAreOnlyPolled(t *testing.T) {
	atStripe(t, func(s striped) {
		lapsed, sold := s.Reserved("42.50", "order-0"), s.settledSilently()
		s.must(s.fake.Lapse(s.intent(lapsed.ID)))
		_, err := s.fake.Refund(s.intent(sold.ID), 1500)
		s.must(err)
		s.fake.Drop(s.fake.Deliveries()...)
		s.poll()
		s.WantState(lapsed.ID, payment.Cancelled)
		s.wantBalance("27.50")
	})
}

func (s striped) settledSilently() payment.Transaction {
	s.T.Helper()
	t := s.Reserved("42.50", holdfast.CallerReference(s.IDs.Other("order-")))
	_, err := s.Settle(t.ID, "")
	s.must(err)
	return s.Transaction(t.ID)
}

// A restored database does not know later payments. A hold that belongs to no row is
// let go after an hour. Money that was taken needs a person.
func TestS25WhatABackupDoesNotKnow(t *testing.T) {
	atStripe(t, func(s striped) {
		for i, step := range []payment.Step{payment.StepAuthorize, payment.StepCharge} {
			_, err := s.Processor.Network.Ask(t.Context(), card.Question{Attempt: payment.Attempt{
				Caller: s.Shop.ID, Transaction: holdfast.TransactionID(fmt.Sprintf("1LOST%030d", i)), Step: step,
				Amount: holdfasttest.USD("20.00"), Card: s.Card.Stored(), Since: s.Clock.Now(), Asked: 1,
			}})
			s.must(err)
		}
		s.fake.Drop(s.fake.Deliveries()...)
		s.poll()
		if s.fake.Held() != 2000 {
			t.Error("a hold was let go at once: its row may not be written yet")
		}
		s.Clock.Advance(2 * time.Hour)
		s.work()
		if s.fake.Held() != 0 {
			t.Error("the hold is still there")
		}
		s.wantLetters(payment.AboutUnknown)
		if n := s.events()[store.NetworkEventGivenUp]; n == 0 {
			t.Error("no event was given up")
		}
	})
}

// A hold of another store that uses the same account at the network is left alone,
// and a person is told.
func TestAHoldOfAnotherStoreIsLeftAlone(t *testing.T) {
	atStripe(t, func(s striped) {
		_, err := s.Processor.Network.Ask(t.Context(), card.Question{Attempt: payment.Attempt{
			Caller: "C-of-staging", Transaction: "1STAGING", Step: payment.StepAuthorize, Amount: holdfasttest.USD("20.00"),
			Card: s.Card.Stored(), Since: s.Clock.Now(), Asked: 1,
		}})
		s.must(err)
		s.deliver()
		s.Clock.Advance(2 * time.Hour)
		s.work()
		if s.fake.Held() != 2000 {
			t.Error("the other store's hold was let go")
		}
		if n := s.events()[store.NetworkEventGivenUp]; n == 0 {
			t.Error("nobody is told")
		}
	})
}

// Two accounts of one store that are the same account at the network hear of each
// other's holds, and leave them alone.
func TestAHoldOfAnotherAccountIsLeftAlone(t *testing.T) {
	for name, known := range map[string]bool{"the reference is known": true, "only the key is known": false} {
		t.Run(name, func(t *testing.T) {
			atStripe(t, func(s striped) {
				other := store.NetworkAccount{}
				s.must(s.DB.Update(t.Context(), func(tx *store.Tx) (err error) {
					if other, _, err = tx.NetworkAccount(holdfasttest.AccountID); err != nil {
						return err
					}
					other.ID, other.Name, other.Owner = "N2", "other", s.Buyer.ID
					return tx.InsertNetworkAccount(other)
				}))
				hold := s.Reserved("42.50", "order-1")
				if !known {
					s.forget(hold.ID)
				}
				s.Clock.Advance(2 * time.Hour)
				s.poll()
				s.WantState(hold.ID, payment.Reserved)
				if s.fake.Held() != 4250 {
					t.Error("the hold was let go")
				}
				s.wantLetters()
			})
		})
	}
}

// forget removes what is known of a transaction at the network.
func (s striped) forget(id holdfast.TransactionID) {
	s.T.Helper()
	s.must(s.DB.Update(s.T.Context(), func(tx *store.Tx) error {
		known, _, err := tx.NetworkPayment(s.Shop.ID, id)
		if err != nil {
			return err
		}
		known.Reference = "pi_forgotten"
		return tx.SaveNetworkPayment(known)
	}))
}

func TestS19MessagesTwiceReversedAndBeforeTheAnswer(t *testing.T) {
	atStripe(t, func(s striped) {
		hold := s.Reserved("42.50", "order-1")
		_, err := s.Settle(hold.ID, "40.00")
		s.must(err)
		_, err = s.fake.Refund(s.intent(hold.ID), 500)
		s.must(err)
		all := s.fake.Deliveries()
		slices.Reverse(all)
		for _, d := range append(all, all...) {
			s.take(d)
		}
		want := 0
		for _, d := range all {
			if !strings.HasPrefix(d.Type, "checkout.") && !strings.HasPrefix(d.Type, "setup_intent.") {
				want++
			}
		}
		if n := s.events()[store.NetworkEventWaiting]; n != want {
			t.Errorf("%d events are stored of %d", n, want)
		}
		s.work()
		s.wantBalance("35.00")
		s.wantLetters(payment.AboutOutsideRefund)
	})
}

// Nothing of a message but the names of objects is stored, and no secret.
func TestEventsHaveNoSecrets(t *testing.T) {
	atStripe(t, func(s striped) {
		s.settled("40.00")
		s.must(s.DB.View(t.Context(), func(tx *store.ReadTx) error {
			all, err := tx.NetworkEvents(s.Shop.Network, "", 100)
			for _, e := range all {
				for _, word := range []string{e.ID, e.Type, e.Object, e.Parent, e.Key, e.Problem} {
					if strings.Contains(word, "_secret_") || strings.Contains(word, "{") {
						t.Errorf("event %s has %q", e.ID, word)
					}
				}
			}
			if len(all) == 0 {
				t.Error("there are no events")
			}
			return err
		}))
	})
}

// While the network refuses the key, events wait and are tried more and more
// seldom. After three days they are given up, and an operator can take them up
// again. After ninety days they are forgotten.
func TestEventsAreTriedForThreeDays(t *testing.T) {
	atStripe(t, func(s striped) {
		hold := s.Reserved("42.50", "order-1")
		s.heard()
		s.must(s.fake.Lapse(s.intent(hold.ID)))
		s.deliver()
		s.fake.RevokeKey(stripefake.TestKey)
		tries := 0
		for range 3 * 24 * 4 {
			s.Clock.Advance(15 * time.Minute)
			s.work()
			if s.events()[store.NetworkEventWaiting] > 0 {
				tries++
			}
		}
		s.Clock.Advance(2 * time.Hour)
		s.work()
		if counts := s.events(); tries == 0 || counts[store.NetworkEventWaiting] > 0 ||
			counts[store.NetworkEventGivenUp] == 0 {
			t.Fatalf("after three days the events are %v", counts)
		}
		if b := backlogOf(s.World); b.Events.Rows != 0 || b.EventsGivenUp == 0 {
			t.Errorf("the backlog has %+v and %d given up", b.Events, b.EventsGivenUp)
		}
		s.WantState(hold.ID, payment.Reserved)
		s.fake.RestoreKey(stripefake.TestKey)
		s.Clock.Advance(time.Hour) // the circuit closes
		queued, err := s.Processor.RetryEvents(t.Context(), holdfasttest.AccountID)
		s.must(err)
		s.work()
		if s.WantState(hold.ID, payment.Cancelled); queued == 0 {
			t.Error("no event was taken up again")
		}
		s.Clock.Advance(91 * 24 * time.Hour)
		_, err = s.Processor.ForgetEvents(t.Context())
		s.must(err)
		if counts := s.events(); len(counts) != 0 {
			t.Errorf("after ninety days there are %v", counts)
		}
	})
}

func TestTheBooksAreComparedDaily(t *testing.T) {
	atStripe(t, func(s striped) {
		found := -1
		s.Processor.Reconciled = func(_ payment.NetworkAccountID, differences int) { found = differences }
		sold := s.settled("")
		_, err := s.fake.Refund(s.intent(sold.ID), 300)
		s.must(err)
		s.fake.Drop(s.fake.Deliveries()...)
		compare := func(want int) {
			t.Helper()
			found = -1
			_, err := s.Processor.ReconcileDaily(t.Context())
			s.must(err)
			if found != want {
				t.Errorf("%d differences are found, want %d", found, want)
			}
		}
		compare(0) // of a day before the sale
		compare(-1)
		s.Clock.Advance(48 * time.Hour)
		compare(1)
		s.poll()
		s.Clock.Advance(24*time.Hour - 20*time.Minute)
		compare(-1)
	})
}
