package stripe_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

func TestN1Hold(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		answer, _ := s.settle(s.question(payment.StepAuthorize, s.card("visa"), 4250))
		s.wantApproved(answer)
		s.wantHeld(4250)
		hold := s.fake.Holds()[0]
		d := answer.Details
		if answer.Authorization != hold.Intent || d.Reference != hold.Intent || !d.HoldUntil.Equal(hold.Until) ||
			d.Charge == "" || d.AuthorizationCode == "" || d.RequestID == "" || d.Status != "requires_capture" {
			s.t.Errorf("the answer is %+v, the hold %+v", answer, hold)
		}
		if want := s.clock.Now().Add(4*24*time.Hour + 18*time.Hour); !d.HoldUntil.Equal(want) {
			s.t.Errorf("a Visa card without its buyer is held until %v, want %v", d.HoldUntil, want)
		}
	})
}

// The client is killed after each of its requests. Another one goes on with the
// same question.
func TestS1KilledBetweenAnyTwoRequests(t *testing.T) {
	for _, step := range steps {
		for _, forgets := range []bool{false, true} {
			for requests := range 4 {
				s := newStand(t)
				s.forgets = forgets
				q := s.ready(step)
				tried := s.fake.Count("POST /v1/payment_intents/{id}/confirm")
				s.net.left = requests
				answer, doubt := s.ask(&q)
				if doubt != nil {
					s.restart()
					answer, _ = s.settle(q)
				}
				s.wantApproved(answer)
				switch step {
				case payment.StepAuthorize:
					s.wantHeld(4250)
				case payment.StepCharge, payment.StepCapture:
					s.wantHeld()
					if got := s.fake.Captured(); got != 4250 {
						t.Errorf("%s, killed after %d requests: captured %d", step, requests, got)
					}
				case payment.StepRelease:
					s.wantHeld()
				case payment.StepReturn:
					if got := s.fake.Refunded(); got != 4250 {
						t.Errorf("killed after %d requests: refunded %d", requests, got)
					}
				}
				if made := len(s.fake.Objects("payment_intent")); made != 1 {
					t.Errorf("%s, killed after %d requests: %d intents", step, requests, made)
				}
				if again := s.fake.Count("POST /v1/payment_intents/{id}/confirm") - tried; again > 1 {
					t.Errorf("%s, killed after %d requests: confirmed %d times", step, requests, again)
				}
			}
		}
	}
}

// Each request of a hold is lost, or its answer, or cut, or is another program's.
func TestN3N4N18LostRequestsAndAnswers(t *testing.T) {
	for _, path := range []string{createPath, confirmPath} {
		for _, trouble := range []stripefake.Trouble{
			stripefake.LoseRequest, stripefake.LoseReply, stripefake.CutBody, stripefake.HTML, stripefake.Unavailable,
		} {
			everyWay(t, func(_ *testing.T, s *stand) {
				q := s.question(payment.StepAuthorize, s.card("visa"), 4250)
				s.fake.Next(http.MethodPost, path, trouble)
				answer, doubts := s.settle(q)
				s.wantApproved(answer)
				if len(doubts) != 1 || doubts[0].Alarm {
					s.t.Errorf("trouble %d at %s: doubts %v", trouble, path, doubts)
				}
				s.wantHeld(4250)
				s.wantTried(1)
			})
		}
	}
}

// The answer is lost, and nobody asks again before Stripe has forgotten the keys.
func TestN5KeysForgotten(t *testing.T) {
	for _, path := range []string{createPath, confirmPath} {
		for _, trouble := range []stripefake.Trouble{stripefake.LoseRequest, stripefake.LoseReply} {
			everyWay(t, func(_ *testing.T, s *stand) {
				q := s.question(payment.StepAuthorize, s.card("visa"), 4250)
				s.fake.Next(http.MethodPost, path, trouble)
				if _, doubt := s.ask(&q); doubt == nil {
					s.t.Fatal("the lost answer is known")
				}
				s.clock.Advance(25 * time.Hour)
				answer, _ := s.settle(q)
				s.wantApproved(answer)
				s.wantHeld(4250)
				s.wantTried(1)
			})
		}
	}
}

// A transaction that was given up before anything was made does not begin to hold
// an amount.
func TestGivenUpBeforeItBegan(t *testing.T) {
	for _, path := range []string{createPath, confirmPath} {
		everyWay(t, func(_ *testing.T, s *stand) {
			q := s.question(payment.StepAuthorize, s.card("visa"), 4250)
			q.Until = s.clock.Now().Add(time.Hour)
			s.fake.Next(http.MethodPost, path, stripefake.LoseRequest)
			s.wantDoubt(&q)
			s.clock.Advance(2 * time.Hour)
			answer, _ := s.settle(q)
			s.wantDeclined(answer, "The payment was not decided in time.")
			s.wantTried(0)
		})
	}
}

func TestS2CreateStored500IntentExists(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		q := s.question(payment.StepAuthorize, s.card("visa"), 4250)
		s.fake.Next(http.MethodPost, createPath, stripefake.ErrorAfter)
		answer, doubts := s.settle(q)
		s.wantApproved(answer)
		s.wantHeld(4250)
		if len(doubts) != 1 || len(s.fake.Objects("payment_intent")) != 1 {
			s.t.Errorf("doubts %v, intents %d", doubts, len(s.fake.Objects("payment_intent")))
		}
	})
}

func TestS3CreateStored500NoIntent(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		q := s.question(payment.StepAuthorize, s.card("visa"), 4250)
		s.fake.Next(http.MethodPost, createPath, stripefake.ErrorBefore)
		answer, _ := s.settle(q)
		s.wantApproved(answer)
		s.wantHeld(4250)
		if waited := s.clock.Now().Sub(q.Since); waited < 10*time.Minute || waited > time.Hour {
			s.t.Errorf("the second key was used after %v", waited)
		}
	})
}

func TestS4ConfirmStored500(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		q := s.question(payment.StepAuthorize, s.card("visa"), 4250)
		s.fake.Next(http.MethodPost, confirmPath, stripefake.ErrorAfter)
		answer, doubts := s.settle(q)
		s.wantApproved(answer)
		s.wantHeld(4250)
		s.wantTried(1)
		if len(doubts) != 1 {
			s.t.Errorf("doubts %v", doubts)
		}
	})
}

func TestS5ConfirmStored500NeverConfirmed(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		q := s.question(payment.StepAuthorize, s.card("visa"), 4250)
		s.fake.Next(http.MethodPost, confirmPath, stripefake.ErrorBefore)
		answer, _ := s.settle(q)
		s.wantApproved(answer)
		s.wantHeld(4250)
		s.wantTried(1)
		if waited := s.clock.Now().Sub(q.Since); waited < 10*time.Minute || waited > time.Hour {
			s.t.Errorf("the second key was used after %v", waited)
		}
	})
}

func TestS6ConfirmKeyInUse(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		q := s.question(payment.StepAuthorize, s.card("visa"), 4250)
		s.fake.Script(stripefake.Script{Method: http.MethodPost, Path: confirmPath, Do: stripefake.Conflict, Times: 2})
		answer, doubts := s.settle(q)
		s.wantApproved(answer)
		s.wantHeld(4250)
		if len(doubts) != 2 || doubts[0].Alarm || doubts[0].Retry != 2*time.Second {
			s.t.Errorf("doubts %+v", doubts)
		}
	})
}

func TestS7LockedAndTooFast(t *testing.T) {
	for _, trouble := range []stripefake.Trouble{stripefake.LockTimeout, stripefake.RateLimited} {
		everyWay(t, func(_ *testing.T, s *stand) {
			q := s.question(payment.StepAuthorize, s.card("visa"), 4250)
			s.fake.Next(http.MethodPost, createPath, trouble)
			s.fake.Next(http.MethodPost, confirmPath, trouble)
			answer, doubts := s.settle(q)
			s.wantApproved(answer)
			s.wantHeld(4250)
			if len(doubts) != 2 || doubts[0].Alarm || doubts[1].Alarm {
				s.t.Errorf("doubts %+v", doubts)
			}
		})
	}
}

func TestS8DeclineLost(t *testing.T) {
	for _, step := range []payment.Step{payment.StepAuthorize, payment.StepCharge} {
		everyWay(t, func(_ *testing.T, s *stand) {
			q := s.question(step, s.card("chargeCustomerFail"), 4250)
			s.fake.Next(http.MethodPost, confirmPath, stripefake.LoseReply)
			answer, _ := s.settle(q)
			s.wantDeclined(answer, "The card was declined.")
			if answer.Details.DeclineCode != "generic_decline" {
				s.t.Errorf("details %+v", answer.Details)
			}
			s.wantTried(1)
			s.wantHeld()
		})
	}
}

func TestS9AuthenticationRequired(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		answer, _ := s.settle(s.question(payment.StepAuthorize, s.card("authenticationRequired"), 4250))
		s.wantDeclined(answer, "The bank wants the buyer to confirm the payment.")
		id := answer.Details.Reference
		if err := s.fake.Authenticate(id, true); err == nil {
			s.t.Error("the buyer can still authenticate the payment")
		}
		if status := s.fake.Object(id)["status"]; status != "canceled" {
			s.t.Errorf("the intent is %s", status)
		}
		s.wantHeld()
	})
}

func TestS10BuyerAtTheBank(t *testing.T) {
	begin := func(s *stand) card.Question {
		q := s.question(payment.StepAuthorize, s.card("authenticationRequired"), 4250)
		q.Present, q.ReturnURL = true, "https://shop.example/back"
		_, doubt := s.ask(&q)
		if doubt == nil || doubt.Known.Action == "" || doubt.Alarm {
			s.t.Fatalf("the doubt is %+v", doubt)
		}
		return q
	}
	t.Run("returns twice", func(t *testing.T) {
		everyWay(t, func(_ *testing.T, s *stand) {
			q := begin(s)
			if err := s.fake.Authenticate(s.fake.Objects("payment_intent")[0]["id"].(string), true); err != nil {
				s.t.Fatal(err)
			}
			for range 2 {
				answer, _ := s.settle(q)
				s.wantApproved(answer)
				if want := s.clock.Now().Add(7 * 24 * time.Hour); answer.Details.HoldUntil.Sub(want).Abs() > time.Hour {
					s.t.Errorf("held until %v", answer.Details.HoldUntil)
				}
			}
			s.wantHeld(4250)
		})
	})
	t.Run("fails", func(t *testing.T) {
		everyWay(t, func(_ *testing.T, s *stand) {
			q := begin(s)
			if err := s.fake.Authenticate(s.fake.Objects("payment_intent")[0]["id"].(string), false); err != nil {
				s.t.Fatal(err)
			}
			answer, _ := s.settle(q)
			s.wantDeclined(answer, "The card was declined.")
			s.wantHeld()
		})
	})
	t.Run("never returns", func(t *testing.T) {
		everyWay(t, func(_ *testing.T, s *stand) {
			q := begin(s)
			_, doubt := s.ask(&q)
			if doubt == nil || doubt.Known.Action == "" {
				s.t.Fatalf("the buyer is still at the bank, but the doubt is %+v", doubt)
			}
			s.clock.Advance(31 * time.Minute)
			answer, _ := s.settle(q)
			s.wantDeclined(answer, "The bank wants the buyer to confirm the payment.")
			if err := s.fake.Authenticate(answer.Details.Reference, true); err == nil {
				s.t.Error("the buyer can still authenticate the payment")
			}
			s.wantHeld()
		})
	})
}

// An older release has asked for something else under the same key.
func TestS11OtherParametersUnderTheKey(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		c := s.card("visa")
		other := s.question(payment.StepAuthorize, c, 4250)
		other.Descriptor = "HF*OTHER"
		s.fake.Next(http.MethodPost, confirmPath, stripefake.LoseRequest)
		s.wantDoubt(&other)
		q := s.question(payment.StepAuthorize, c, 4250)
		q.Asked = 2
		_, doubt := s.ask(&q)
		if doubt == nil || !doubt.Alarm || doubt.Known.Reference == "" {
			s.t.Fatalf("the doubt is %+v", doubt)
		}
		q.Reference = doubt.Known.Reference
		answer, _ := s.settle(q)
		s.wantApproved(answer)
		s.wantHeld(4250)
		s.wantTried(1)
	})
}

func TestS12RefundAfterTheKeyIsForgotten(t *testing.T) {
	for name, trouble := range map[string]stripefake.Trouble{
		"lost request": stripefake.LoseRequest, "lost answer": stripefake.LoseReply, "stored 500": stripefake.ErrorAfter,
		"stored 500 without effect": stripefake.ErrorBefore,
	} {
		t.Run(name, func(t *testing.T) {
			everyWay(t, func(_ *testing.T, s *stand) {
				c := s.card("visa")
				charged, _ := s.settle(s.question(payment.StepCharge, c, 4250))
				q := s.about(payment.StepReturn, c, 1000, charged.Authorization)
				s.fake.Next(http.MethodPost, refundsPath, trouble)
				s.wantDoubt(&q)
				s.clock.Advance(25 * time.Hour)
				answer, _ := s.settle(q)
				s.wantApproved(answer)
				if refunds := s.fake.Objects("refund"); len(refunds) != 1 || s.fake.Refunded() != 1000 {
					s.t.Errorf("refunds %v", refunds)
				}
			})
		})
	}
}

func TestS21AnswersThatAreNotOurs(t *testing.T) {
	for name, alter := range map[string]func(map[string]any){
		"capture method": func(pi map[string]any) { pi["capture_method"] = "automatic_async" },
		"amount":         func(pi map[string]any) { pi["amount"] = 1 },
		"currency":       func(pi map[string]any) { pi["currency"] = "eur" },
		"livemode":       func(pi map[string]any) { pi["livemode"] = true },
	} {
		t.Run(name, func(t *testing.T) {
			everyWay(t, func(_ *testing.T, s *stand) {
				q := s.question(payment.StepAuthorize, s.card("visa"), 4250)
				s.alter(alter)
				_, doubt := s.ask(&q)
				if doubt == nil || !doubt.Alarm {
					s.t.Fatalf("the doubt is %+v", doubt)
				}
				s.wantTried(0) // the intent that was made is not ours to confirm
			})
		})
	}
}

// alter changes all intents that the fake shows.
func (s *stand) alter(change func(map[string]any)) {
	s.fake.Set(func(settings *stripefake.Settings) {
		settings.Alter = func(_ *http.Request, answer map[string]any) {
			if answer["object"] == "payment_intent" {
				change(answer)
			}
		}
	})
}

func TestS23UnknownWords(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		q := s.question(payment.StepAuthorize, s.card("visa"), 4250)
		s.alter(func(pi map[string]any) {
			pi["status"], pi["a_new_field"], pi["next_action"] = "requires_magic", map[string]any{"x": 1}, nil
		})
		if _, doubt := s.ask(&q); doubt == nil || doubt.Alarm {
			s.t.Fatalf("the doubt is %+v", doubt)
		}
		s.alter(func(pi map[string]any) { pi["a_new_field"] = []any{1, "two"} })
		answer, _ := s.settle(q)
		s.wantApproved(answer)

		s.fake.DeclineNext(stripefake.Decline{Code: "card_declined", DeclineCode: "a_new_code"})
		q = s.question(payment.StepAuthorize, s.card("visa"), 4250)
		q.Transaction = "T2"
		answer, _ = s.settle(q)
		s.wantDeclined(answer, "The card was declined.")
	})
}

func TestS24DescriptorsAtStripe(t *testing.T) {
	for _, descriptor := range []string{
		"HF*BOOKS", `HF*JOE'S "BIG" <SALE>`, "HF*A LONG TEXT OF FORTY LETTERS, ABOUT SO", "HF*4711", "HF*東京", "HF*", "",
	} {
		s := newStand(t)
		q := s.question(payment.StepAuthorize, s.card("visa"), 4250)
		q.Descriptor = descriptor
		answer, _ := s.settle(q)
		s.wantApproved(answer)
	}
}

func TestAmountsThatStripeCannotTake(t *testing.T) {
	s := newStand(t)
	q := s.question(payment.StepAuthorize, s.card("visa"), 4250)
	for _, micro := range []int64{10_001, 490_000, 1_000_000_000_000} {
		q.Amount.Micro = micro
		answer, err := s.client.Ask(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		s.wantDeclined(answer, "The card network cannot take this amount.")
	}
	if len(s.fake.Objects("payment_intent")) != 0 {
		t.Error("Stripe was asked")
	}
}

// Several servers ask the same question at once.
func TestN19ServersAskAtOnce(t *testing.T) {
	for _, step := range steps {
		s := newStand(t)
		q := s.ready(step)
		var servers sync.WaitGroup
		for i := range 8 {
			servers.Go(func() {
				q := q
				q.Asked = 1 + i%3
				_, _ = stripe.New(s.config).Ask(context.Background(), q) // all but one may be in doubt
			})
		}
		servers.Wait()
		q.Asked = 2
		answer, _ := s.settle(q)
		s.wantApproved(answer)
		held, captured, refunded := int64(0), int64(0), int64(0)
		switch step {
		case payment.StepAuthorize:
			held = 4250
		case payment.StepCharge, payment.StepCapture:
			captured = 4250
		case payment.StepReturn:
			captured, refunded = 4250, 4250
		case payment.StepRelease:
		}
		if s.fake.Held() != held || s.fake.Captured() != captured || s.fake.Refunded() != refunded {
			t.Errorf("%s: held %d, captured %d, refunded %d", step, s.fake.Held(), s.fake.Captured(), s.fake.Refunded())
		}
		s.wantTried(1)
	}
}
