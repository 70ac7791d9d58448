package processor_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// atNetwork is story for a shop with an account at a real card network.
func atNetwork(t *testing.T, tell func(w *holdfasttest.World)) {
	t.Helper()
	story(t, func(w *holdfasttest.World) {
		w.AtNetwork()
		tell(w)
	})
}

// held is an approved hold that the network lets go after a time.
func held(w *holdfasttest.World, until time.Duration) *payment.Answer {
	return &payment.Answer{Verdict: payment.Approved, Authorization: "pi_1", Details: payment.Details{
		Reference: "pi_1", Charge: "ch_1", Status: "requires_capture", HoldUntil: w.CallerNow().Add(until),
		AuthorizationCode: "123456", RequestID: "req_1",
	}}
}

// reservedUntil makes a hold that the network lets go after a time.
func reservedUntil(w *holdfasttest.World, until time.Duration) payment.Transaction {
	w.T.Helper()
	w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Answer: held(w, until)})
	return w.Reserved("42.50", "order-1")
}

func wantKnown(w *holdfasttest.World, id holdfast.TransactionID, want payment.Details) {
	w.T.Helper()
	got, found := w.NetworkPayment(id)
	if diff := cmp.Diff(want, got.Details); diff != "" || !found || got.Account != holdfasttest.AccountID {
		w.T.Fatalf("known at account %q (-want +got):\n%s", got.Account, diff)
	}
}

// lastAsked is the newest question to the network.
func lastAsked(w *holdfasttest.World) card.Question {
	w.T.Helper()
	all := w.Network.Asked()
	return all[len(all)-1]
}

func TestWhatANetworkSaysIsKept(t *testing.T) {
	atNetwork(t, func(w *holdfasttest.World) {
		r := reservedUntil(w, 5*24*time.Hour)
		asked := lastAsked(w)
		if asked.Card != (payment.StoredCard{Account: "N1", Ref: "pm_1", Customer: "cus_1"}) || asked.Reference != "" ||
			!asked.Since.Equal(r.Received) || !asked.Until.Equal(r.Received.Add(payment.ReserveLifeMax)) {
			t.Errorf("asked: %+v", asked)
		}
		kept := held(w, 5*24*time.Hour).Details
		wantKnown(w, r.ID, kept)
		w.Network.Next(holdfasttest.Reply{Answer: &payment.Answer{
			Verdict: payment.Approved, Details: payment.Details{Status: "succeeded", RequestID: "req_2"},
		}})
		if _, err := w.Settle(r.ID, "40.00"); err != nil {
			t.Fatal(err)
		}
		w.WantState(r.ID, payment.Success)
		if asked = lastAsked(w); asked.Reference != "pi_1" || !asked.HoldUntil.Equal(kept.HoldUntil) {
			t.Errorf("asked: %+v", asked)
		}
		kept.Status, kept.RequestID = "succeeded", "req_2" // the rest is as before
		wantKnown(w, r.ID, kept)

		refund, err := w.Refund(r.ID, "10.00", "refund-1")
		if err != nil || refund.State != payment.Success {
			t.Fatalf("refund: %+v, %v", refund, err)
		}
		if asked = lastAsked(w); asked.Authorization != "pi_1" || asked.Reference != "" {
			t.Errorf("asked: %+v", asked)
		}
	})
}

// The sandbox writes no row: see the budgets of rows in package store.
func TestTheSandboxHasNoDetails(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Network.Next(holdfasttest.Reply{Answer: held(w, 24*time.Hour)})
		r := w.Reserved("42.50", "order-1")
		if _, found := w.NetworkPayment(r.ID); found {
			t.Error("a payment of the sandbox has a row")
		}
	})
}

// What a network says before a doubt is kept, and the next question has it. The
// network chooses when that is asked.
func TestADoubtKeepsWhatIsKnown(t *testing.T) {
	atNetwork(t, func(w *holdfasttest.World) {
		impatient(w)
		w.Network.Next(
			holdfasttest.Reply{Lost: true, Doubt: &card.DoubtError{
				Known: payment.Details{Reference: "pi_1", Status: "requires_confirmation"}, Retry: 2 * time.Second,
				Err: errors.New("cut"),
			}},
			holdfasttest.Reply{Deaf: true})
		r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order-1")
		if err != nil || r.State != payment.Pending {
			t.Fatalf("reserve: %+v, %v", r, err)
		}
		known := func() payment.Details {
			p, _ := w.NetworkPayment(r.ID)
			return p.Details
		}
		waitUntil(w, func() bool { return known() != (payment.Details{}) }) // it is written after the answer
		wantKnown(w, r.ID, payment.Details{Reference: "pi_1", Status: "requires_confirmation"})
		resolve := func(want int) {
			t.Helper()
			if n, err := w.Processor.Resolve(t.Context()); err != nil || n != want {
				t.Fatalf("resolved %d, %v; want %d", n, err, want)
			}
		}
		before := len(w.Network.Asked())
		w.Clock.Advance(time.Second)
		resolve(0)
		if len(w.Network.Asked()) != before {
			t.Fatal("it was asked before its time")
		}
		w.Clock.Advance(time.Second)
		resolve(0) // without an answer
		if q := lastAsked(w); len(w.Network.Asked()) != before+1 || q.Reference != "pi_1" || q.Asked != 2 {
			t.Fatalf("asked: %+v", q)
		}
		w.Clock.Advance(time.Minute)
		resolve(1)
		w.WantState(r.ID, payment.Reserved)
		wantEffects(w, string(r.ID)+"/Authorize USD 42.50")
	})
}

// A question that the network has only accepted is not in doubt. It is asked
// again after hours, or as soon as the network tells that there is news.
func TestAnAcceptedQuestionWaitsForTheNetwork(t *testing.T) {
	accepted := &payment.Answer{Verdict: payment.Accepted, Details: payment.Details{Reference: "re_1", Status: "pending"}}
	for _, told := range []bool{false, true} {
		t.Run(map[bool]string{false: "silent", true: "told"}[told], func(t *testing.T) {
			atNetwork(t, func(w *holdfasttest.World) {
				reserved := reservedUntil(w, 5*24*time.Hour)
				if _, err := w.Settle(reserved.ID, ""); err != nil {
					t.Fatal(err)
				}
				w.Network.Next(holdfasttest.Reply{Answer: accepted})
				r, err := w.Refund(reserved.ID, "", "refund-1")
				if err != nil || r.State != payment.Pending {
					t.Fatalf("refund: %+v, %v", r, err)
				}
				wantKnown(w, r.ID, accepted.Details)
				if in := backlogOf(w).Asking; in.Rows != 0 {
					t.Errorf("%d questions are in doubt", in.Rows)
				}
				before := len(w.Network.Asked())
				later(w)
				if len(w.Network.Asked()) != before {
					t.Fatal("it was asked again")
				}
				if told {
					if err := w.DB.Update(t.Context(), func(tx *store.Tx) error {
						return tx.AskAgain(r, w.Clock.Now())
					}); err != nil {
						t.Fatal(err)
					}
				} else {
					w.Clock.Advance(6 * time.Hour)
				}
				later(w)
				w.WantState(r.ID, payment.Success)
				if q := lastAsked(w); q.Reference != "re_1" || q.Authorization != "pi_1" {
					t.Errorf("asked: %+v", q)
				}
			})
		})
	}
}

// A Reserve that the network has only accepted is answered with Pending at once.
func TestAnAcceptedReserveIsPending(t *testing.T) {
	atNetwork(t, func(w *holdfasttest.World) {
		w.Processor.Wait = time.Hour
		w.Network.Next(holdfasttest.Reply{Answer: &payment.Answer{Verdict: payment.Accepted}})
		r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order-1")
		if err != nil || r.State != payment.Pending {
			t.Fatalf("reserve: %+v, %v", r, err)
		}
		if n := owedOf(w, r.ID); n != 1 {
			t.Errorf("%d notifications of PENDING", n)
		}
		w.Clock.Advance(6 * time.Hour)
		later(w)
		w.WantState(r.ID, payment.Reserved)
	})
}

// An alarm is in the log once an hour for each account, and nothing is declined.
func TestN17NothingIsDeclinedWhileTheKeyIsRefused(t *testing.T) {
	atNetwork(t, func(w *holdfasttest.World) {
		var log bytes.Buffer
		w.Processor.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
		w.Processor.Wait = -1
		refused := holdfasttest.Reply{Doubt: &card.DoubtError{
			Alarm: true, Retry: time.Minute, Err: errors.New("401 invalid_api_key"),
		}}
		var ids []holdfast.TransactionID
		for range 3 {
			w.Network.Next(refused)
			r, err := w.Reserve(w.Authorize("42.50"), "42.50", holdfast.CallerReference(w.IDs.Other("order-")))
			if err != nil || r.State != payment.Pending {
				t.Fatalf("reserve: %+v, %v", r, err)
			}
			ids = append(ids, r.ID)
		}
		for range 10 {
			w.Network.Next(refused, refused, refused)
			later(w)
		}
		w.Network.Forget()
		for _, id := range ids {
			w.WantState(id, payment.Pending)
		}
		w.Clock.Advance(10 * time.Minute)
		later(w)
		for _, id := range ids {
			w.WantState(id, payment.Reserved)
		}
		w.Processor.Close()
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "account=N1") {
			t.Errorf("%d alarms in the log:\n%s", n, log.String())
		}
	})
}

func TestN11TheDeadlineIsBeforeTheEndOfTheHold(t *testing.T) {
	atNetwork(t, func(w *holdfasttest.World) {
		until := w.CallerNow().Add(4*24*time.Hour + 18*time.Hour)
		r := reservedUntil(w, 4*24*time.Hour+18*time.Hour)
		deadline := until.Add(-time.Hour)
		stored := w.Transaction(r.ID)
		for what, got := range map[string]time.Time{"answered": r.Deadline, "stored": stored.Deadline} {
			if !got.Equal(deadline) {
				t.Errorf("the %s deadline is %v, want %v", what, got, deadline)
			}
		}
		if !strings.Contains(stored.StatusMessage, "holds it until 2026-11-") {
			t.Errorf("the message does not say why: %q", stored.StatusMessage)
		}
		w.Clock.Set(deadline)
		_, err := w.Settle(r.ID, "")
		w.WantCode(err, holdfast.InvalidTransactionState)
		w.WantState(r.ID, payment.Cancelled)
		want(w, balance(w, ledger.Held), "0.00")
	})
}

func TestN12AHoldThatEndsTooSoonIsNotTaken(t *testing.T) {
	for left, want := range map[time.Duration]payment.State{
		time.Hour: payment.Failure, time.Hour + time.Minute: payment.Reserved, time.Minute: payment.Failure,
		-time.Minute: payment.Failure,
	} {
		t.Run(left.String(), func(t *testing.T) {
			atNetwork(t, func(w *holdfasttest.World) {
				w.Network.Next(holdfasttest.Reply{Answer: held(w, left)})
				r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order-1")
				if err != nil || r.State != want {
					t.Fatalf("reserve: %+v, %v", r, err)
				}
				if want == payment.Failure {
					decided(w, r.ID, payment.StepRelease)
					wantEffects(w, string(r.ID)+"/Authorize USD 42.50", string(r.ID)+"/Release USD 42.50")
				}
				w.CheckBooks()
			})
		})
	}
}

// The network approved, and has let the hold go before we looked.
func TestAHoldThatIsGoneIsReservedAndExpired(t *testing.T) {
	atNetwork(t, func(w *holdfasttest.World) {
		gone := held(w, -time.Hour)
		gone.Gone = true
		w.Network.Next(holdfasttest.Reply{Answer: gone})
		r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order-1")
		if err != nil || r.State != payment.Cancelled || r.StatusCode != holdfast.CodeExpired || r.Steps != 3 {
			t.Fatalf("reserve: %+v, %v", r, err)
		}
		want(w, balance(w, ledger.Held), "0.00")
		if n := owedOf(w, r.ID); n != 2 {
			t.Errorf("%d notifications, want RESERVED and CANCELLED", n)
		}
		later(w)
		wantEffects(w, string(r.ID)+"/Authorize USD 42.50") // no release
	})
}

func TestN9AHoldThatLapsedCannotBeSettled(t *testing.T) {
	atNetwork(t, func(w *holdfasttest.World) {
		r := reservedUntil(w, 24*time.Hour)
		w.Network.Next(holdfasttest.Reply{Answer: &payment.Answer{
			Code: holdfast.CodeTransactionDenied, Message: "The hold lapsed.", Gone: true,
			Details: payment.Details{Status: "canceled"},
		}})
		s, err := w.Settle(r.ID, "")
		if err != nil || s.State != payment.Failure || s.StatusCode != holdfast.CodeTransactionDenied {
			t.Fatalf("settle: %+v, %v", s, err)
		}
		want(w, balance(w, ledger.Party(string(w.Owner.ID))), "0.00")
		later(w)
		wantEffects(w, string(r.ID)+"/Authorize USD 42.50") // no release
	})
}

func TestS15ATransactionNeedsAttention(t *testing.T) {
	atNetwork(t, func(w *holdfasttest.World) {
		impatient(w)
		w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Lost: true, Doubt: &card.DoubtError{
			Known: payment.Details{Reference: "pi_1", Attention: "captured by hand"}, Alarm: true, Err: errors.New("captured"),
		}})
		r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order-1")
		if err != nil {
			t.Fatal(err)
		}
		waitUntil(w, func() bool {
			p, _ := w.NetworkPayment(r.ID)
			return p.Attention != ""
		})
		later(w)
		w.WantState(r.ID, payment.Reserved)
		refused := func() {
			t.Helper()
			_, err := w.Settle(r.ID, "")
			w.WantCode(err, holdfast.InvalidTransactionState)
			if !strings.Contains(err.Error(), "operator") {
				t.Errorf("the refusal does not say why: %v", err)
			}
			_, err = w.Cancel(r.ID)
			w.WantCode(err, holdfast.InvalidTransactionState)
		}
		refused()
		w.WantCode(w.Processor.ClearAttention(t.Context(), w.Shop.ID, "T-unknown"), holdfast.InvalidTransactionID)
		if err := w.Processor.ClearAttention(t.Context(), w.Shop.ID, r.ID); err != nil {
			t.Fatal(err)
		}
		w.WantCode(w.Processor.ClearAttention(t.Context(), w.Shop.ID, r.ID), holdfast.InvalidTransactionState)
		w.Processor.Wait = 0
		if s, err := w.Settle(r.ID, ""); err != nil || s.State != payment.Success {
			t.Fatalf("settle: %+v, %v", s, err)
		}
	})
}

// A card that the network will not take again is refused without asking.
func TestACardIsRefusedAfterAdvice(t *testing.T) {
	for _, advice := range []string{payment.AdviceNever, payment.AdviceGone, payment.AdviceWithdrawn} {
		t.Run(advice, func(t *testing.T) {
			atNetwork(t, func(w *holdfasttest.World) {
				for _, row := range []struct {
					advice string
					asked  bool
				}{{"try_again_later", true}, {advice, true}, {"", false}} {
					w.Network.Next(holdfasttest.Reply{Answer: &payment.Answer{
						Code: holdfast.CodeTransactionDenied, Message: "The card was declined.",
						Details: payment.Details{DeclineCode: "x", Advice: row.advice},
					}})
					before := len(w.Network.Asked())
					r, err := w.Reserve(w.Authorize("42.50"), "42.50", holdfast.CallerReference(w.IDs.Other("order-")))
					if asked := len(w.Network.Asked()) > before; asked != row.asked {
						t.Fatalf("after advice %q the network was asked: %v", row.advice, asked)
					}
					if !row.asked {
						w.WantCode(err, holdfast.InactiveInstrument)
					} else if err != nil || r.State != payment.Failure {
						t.Fatalf("reserve: %+v, %v", r, err)
					}
				}
			})
		})
	}
}
