package stripe_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

func TestS13CaptureOfLess(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		c := s.card("visa")
		q := s.about(payment.StepCapture, c, 4000, s.held(c, 4250))
		for range 2 {
			answer, _ := s.settle(q)
			s.wantApproved(answer)
		}
		if s.fake.Captured() != 4000 || s.fake.Refunded() != 0 {
			s.t.Errorf("captured %d, refunded %d", s.fake.Captured(), s.fake.Refunded())
		}
		s.wantHeld()
		// Stripe's refund of the rest is not taken for one of ours.
		answer, _ := s.settle(s.about(payment.StepReturn, c, 250, q.Authorization))
		s.wantApproved(answer)
		if s.fake.Refunded() != 250 {
			s.t.Errorf("refunded %d", s.fake.Refunded())
		}
	})
}

func TestN8CaptureInTrouble(t *testing.T) {
	for name, trouble := range map[string]stripefake.Trouble{
		"lost request": stripefake.LoseRequest, "lost answer": stripefake.LoseReply, "stored 500": stripefake.ErrorAfter,
		"stored 500 without effect": stripefake.ErrorBefore, "conflict": stripefake.Conflict, "locked": stripefake.LockTimeout,
		"cut": stripefake.CutBody, "down": stripefake.Unavailable, "other program": stripefake.HTML,
	} {
		t.Run(name, func(t *testing.T) {
			everyWay(t, func(_ *testing.T, s *stand) {
				c := s.card("visa")
				q := s.about(payment.StepCapture, c, 4250, s.held(c, 4250))
				s.fake.Next(http.MethodPost, capturePath, trouble)
				answer, doubts := s.settle(q)
				s.wantApproved(answer)
				if len(doubts) == 0 {
					s.t.Error("the trouble had no effect")
				}
				if s.fake.Captured() != 4250 {
					s.t.Errorf("captured %d", s.fake.Captured())
				}
			})
		})
	}
}

// A hold is captured long after the transaction began. A 500 does not delay the
// look at what became of it.
func TestCaptureOfAnOldHoldIsLookedAtSoon(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		c := s.card("visa")
		q := s.about(payment.StepCapture, c, 4250, s.held(c, 4250))
		s.clock.Advance(48 * time.Hour)
		begin := s.clock.Now()
		s.fake.Next(http.MethodPost, capturePath, stripefake.ErrorAfter)
		answer, _ := s.settle(q)
		s.wantApproved(answer)
		if waited := s.clock.Now().Sub(begin); waited > time.Minute {
			s.t.Errorf("it took %v", waited)
		}
	})
}

func TestN9HoldLapsedBeforeCapture(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		c := s.card("visa")
		id := s.held(c, 4250)
		if err := s.fake.Lapse(id); err != nil {
			s.t.Fatal(err)
		}
		answer, _ := s.settle(s.about(payment.StepCapture, c, 4250, id))
		s.wantDeclined(answer, "The hold lapsed at the card network.")
		answer, _ = s.settle(s.about(payment.StepRelease, c, 4250, id))
		s.wantApproved(answer)
	})
}

func TestReleaseInTrouble(t *testing.T) {
	for name, trouble := range map[string]stripefake.Trouble{
		"lost request": stripefake.LoseRequest, "lost answer": stripefake.LoseReply, "stored 500": stripefake.ErrorAfter,
		"stored 500 without effect": stripefake.ErrorBefore, "locked": stripefake.LockTimeout,
	} {
		t.Run(name, func(t *testing.T) {
			everyWay(t, func(_ *testing.T, s *stand) {
				c := s.card("visa")
				q := s.about(payment.StepRelease, c, 4250, s.held(c, 4250))
				s.fake.Next(http.MethodPost, cancelPath, trouble)
				answer, _ := s.settle(q)
				s.wantApproved(answer)
				s.wantHeld()
			})
		})
	}
}

// A hold that no transaction knows, because a backup was restored, is released by
// its reference alone.
func TestS25ReleaseWithoutItsCaller(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		c := s.card("visa")
		id := s.held(c, 4250)
		answer, _ := s.settle(card.Question{Attempt: payment.Attempt{
			Transaction: "T1", Step: payment.StepRelease, Amount: money.Cents(4250), Authorization: id, Reference: id,
			Asked: 1, Since: s.clock.Now(), Card: payment.StoredCard{Account: "N1"},
		}})
		s.wantApproved(answer)
		s.wantHeld()
	})
}

// A hold that was captured in the dashboard is not released, and no money moves by
// itself.
func TestReleaseOfWhatWasTaken(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		c := s.card("visa")
		id := s.held(c, 4250)
		if err := s.fake.Capture(id, 4250); err != nil {
			s.t.Fatal(err)
		}
		answer, _ := s.settle(s.about(payment.StepRelease, c, 4250, id))
		s.wantDeclined(answer, "The amount was already taken, so the hold cannot be released.")
		if answer.Details.Attention == "" || s.fake.Captured() != 4250 {
			s.t.Errorf("the answer is %+v", answer)
		}
		// The capture that the caller asks for finds that it was done.
		answer, _ = s.settle(s.about(payment.StepCapture, c, 4250, id))
		s.wantApproved(answer)
	})
}

// A hold of which the dashboard has captured another amount than the caller settles
// needs a person once. A Settle of the captured amount finds that it was done.
func TestCaptureOfAnotherAmount(t *testing.T) {
	for name, cents := range map[string]struct{ captured, settled int64 }{
		"less": {4000, 4250}, "all": {4250, 4000},
	} {
		t.Run(name, func(t *testing.T) {
			everyWay(t, func(_ *testing.T, s *stand) {
				c := s.card("visa")
				id := s.held(c, 4250)
				if err := s.fake.Capture(id, cents.captured); err != nil {
					s.t.Fatal(err)
				}
				answer, doubts := s.settle(s.about(payment.StepCapture, c, cents.settled, id))
				s.wantDeclined(answer, "Another amount was already taken, so the payment cannot be made.")
				want := fmt.Sprintf("Stripe took %v, and not %v, so the payment failed here. Refund the amount at Stripe.",
					money.Cents(cents.captured), money.Cents(cents.settled))
				if answer.Details.Attention != want || !answer.Gone || len(doubts) > 0 || s.fake.Captured() != cents.captured {
					s.t.Errorf("the answer is %+v, after the doubts %v", answer, doubts)
				}
				answer, _ = s.settle(s.about(payment.StepCapture, c, cents.captured, id))
				s.wantApproved(answer)
			})
		})
	}
}

// An expired hold that ends within an hour anyway costs no request. If it has not
// ended when the question is asked again, it is released.
func TestReleaseLeftToLapse(t *testing.T) {
	s := newStand(t)
	c := s.card("visa")
	id := s.held(c, 4250)
	until := s.fake.Holds()[0].Until
	s.clock.Set(until.Add(-time.Hour))
	q := s.about(payment.StepRelease, c, 4250, id)
	q.HoldUntil, q.Expired = until, true
	before := len(s.fake.Requests())
	answer, _ := s.ask(&q)
	if answer.Verdict != payment.Accepted || len(s.fake.Requests()) != before {
		t.Errorf("the answer is %+v after %d requests", answer, len(s.fake.Requests())-before)
	}
	s.clock.Advance(6 * time.Hour)
	answer, _ = s.ask(&q)
	s.wantApproved(answer)
	if s.fake.Count("POST /v1/payment_intents/{id}/cancel") != 0 {
		t.Error("a hold that had lapsed was released")
	}

	q = s.question(payment.StepAuthorize, c, 100)
	q.Transaction = "T2"
	held, _ := s.settle(q)
	q = s.about(payment.StepRelease, c, 100, held.Authorization)
	q.Transaction, q.HoldUntil = "T2", s.clock.Now().Add(30*time.Minute)
	answer, _ = s.ask(&q)
	s.wantApproved(answer) // the caller has asked for it
	s.wantHeld()
}

func TestN13Refunds(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		c := s.card("visa")
		charged, _ := s.settle(s.question(payment.StepCharge, c, 4250))
		s.wantApproved(charged)
		for i, name := range []holdfast.TransactionID{"R1", "R2"} {
			q := s.about(payment.StepReturn, c, 1000, charged.Authorization)
			q.Transaction = name
			answer, _ := s.settle(q)
			s.wantApproved(answer)
			if got := s.fake.Refunded(); got != int64(i+1)*1000 {
				s.t.Errorf("refunded %d", got)
			}
		}
	})
}

func TestRefundsThatStripeRefuses(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		c := s.card("visa")
		charged, _ := s.settle(s.question(payment.StepCharge, c, 4250))
		if _, err := s.fake.Refund(charged.Authorization, 4250); err != nil {
			s.t.Fatal(err)
		}
		answer, _ := s.settle(s.about(payment.StepReturn, c, 1000, charged.Authorization))
		s.wantDeclined(answer, "The payment was already refunded at the card network.")
		if answer.Details.Attention == "" {
			s.t.Error("nobody is told of the refund")
		}
	})
}

func TestRefundOfADisputedPayment(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		c := s.card("visa")
		charged, _ := s.settle(s.question(payment.StepCharge, c, 4250))
		if _, err := s.fake.Dispute(charged.Authorization, "fraudulent", false); err != nil {
			s.t.Fatal(err)
		}
		answer, _ := s.settle(s.about(payment.StepReturn, c, 1000, charged.Authorization))
		s.wantDeclined(answer, "The payment is disputed, so it cannot be refunded.")
	})
}

func TestS16PendingRefund(t *testing.T) {
	for _, fails := range []bool{false, true} {
		everyWay(t, func(_ *testing.T, s *stand) {
			s.fake.Set(func(settings *stripefake.Settings) { settings.RefundsWait = true })
			c := s.card("visa")
			charged, _ := s.settle(s.question(payment.StepCharge, c, 4250))
			q := s.about(payment.StepReturn, c, 1000, charged.Authorization)
			for range 3 {
				answer, _ := s.ask(&q)
				if answer.Verdict != payment.Accepted || answer.Details.Reference == "" {
					s.t.Fatalf("the answer is %+v", answer)
				}
				s.clock.Advance(24 * time.Hour)
			}
			id := s.fake.Objects("refund")[0]["id"].(string)
			if fails {
				if err := s.fake.FailRefund(id, "lost_or_stolen_card"); err != nil {
					s.t.Fatal(err)
				}
				answer, _ := s.settle(q)
				s.wantDeclined(answer, "The refund could not be paid back to the card.")
				return
			}
			if err := s.fake.FinishRefund(id); err != nil {
				s.t.Fatal(err)
			}
			answer, _ := s.settle(q)
			s.wantApproved(answer)
			if s.fake.Refunded() != 1000 {
				s.t.Errorf("refunded %d", s.fake.Refunded())
			}
		})
	}
}

// A key that was revoked leaves everything open, and Stripe is not asked all the
// time. When the key works again, everything is decided.
func TestN17KeyRefused(t *testing.T) {
	for _, step := range steps {
		s := newStand(t)
		var told []string
		s.config.Stopped = func(why string) { told = append(told, why) }
		s.restart()
		q := s.ready(step)
		before := len(s.fake.Requests())
		s.fake.RevokeKey(stripefake.TestKey)
		for range 120 {
			if _, doubt := s.ask(&q); doubt == nil || !doubt.Alarm {
				t.Fatalf("%s: the doubt is %+v", step, doubt)
			}
			s.clock.Advance(5 * time.Second)
		}
		if asked := len(s.fake.Requests()) - before; asked > 12 {
			t.Errorf("%s: Stripe was asked %d times in ten minutes", step, asked)
		}
		s.fake.RestoreKey(stripefake.TestKey)
		s.clock.Advance(2 * time.Minute)
		answer, _ := s.settle(q)
		s.wantApproved(answer)
		if len(told) != 2 || told[0] == "" || told[1] != "" {
			t.Errorf("%s: told that the account is stopped: %q", step, told)
		}
	}
}

// A server that starts with an account that was stopped finds that the key works.
func TestKeyWorksAgainAfterARestart(t *testing.T) {
	s := newStand(t)
	var told []string
	s.config.Account.Stopped, s.config.Stopped = "refused", func(why string) { told = append(told, why) }
	s.restart()
	s.card("visa")
	s.held(s.card("visa"), 4250)
	if len(told) != 1 || told[0] != "" {
		t.Errorf("told %q", told)
	}
}

func TestCardIsGone(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		c := s.card("visa")
		if err := s.fake.Detach(c.Ref); err != nil {
			s.t.Fatal(err)
		}
		answer, _ := s.settle(s.question(payment.StepAuthorize, c, 4250))
		s.wantDeclined(answer, "The card is no longer at the card network.")
		if answer.Details.Advice != payment.AdviceGone {
			s.t.Errorf("details %+v", answer.Details)
		}
		c.Ref = "pm_unheard_of"
		q := s.question(payment.StepAuthorize, c, 4250)
		q.Transaction = "T2"
		answer, _ = s.settle(q)
		s.wantDeclined(answer, "The card is no longer at the card network.")
		s.wantHeld()
	})
}

// The card is detached between the request that makes the intent and the one that
// confirms it.
func TestCardIsGoneMidway(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		c := s.card("visa")
		q := s.question(payment.StepAuthorize, c, 4250)
		s.fake.Next(http.MethodPost, confirmPath, stripefake.LoseRequest)
		s.wantDoubt(&q)
		if err := s.fake.Detach(c.Ref); err != nil {
			s.t.Fatal(err)
		}
		answer, _ := s.settle(q)
		s.wantDeclined(answer, "The card is no longer at the card network.")
		if status := s.fake.Objects("payment_intent")[0]["status"]; status != "canceled" {
			s.t.Errorf("the intent is %s", status)
		}
	})
}
