package processor_test

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// story runs a test in a new world on each database.
func story(t *testing.T, tell func(w *holdfasttest.World)) {
	t.Helper()
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // before the test holds a database
			tell(holdfasttest.NewWorld(t, holdfasttest.Open(t, address(t))))
		})
	}
}

// balance returns what all postings leave in one of the shop's accounts.
func balance(w *holdfasttest.World, account ledger.AccountID) string {
	w.T.Helper()
	var all []ledger.Posting
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		const most = 1000
		page, err := tx.Next(&store.Listing{Caller: w.Shop.ID, To: w.Clock.Now().AddDate(1, 0, 0)}, most)
		for _, t := range page {
			postings, failed := tx.Postings(t.Caller, t.ID)
			err, all = errors.Join(err, failed), append(all, postings...)
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return ledger.Balance(all, account).Decimal()
}

func micros(micro int64) string { return money.Micros(micro).Decimal() }

func usdMicro(micro int64) money.Amount { return money.Micros(micro) }

func want(w *holdfasttest.World, got, want string) {
	w.T.Helper()
	if got != want {
		w.T.Fatalf("got %s, want %s", got, want)
	}
}

func TestReserveThenSettlePaysTheShop(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		want(w, balance(w, ledger.Held), "42.50")
		if got, want := r.Deadline, w.CallerNow().Add(7*24*time.Hour); !got.Equal(want) {
			t.Fatalf("deadline %v, want %v", got, want)
		}
		s, err := w.Settle(r.ID, "")
		if err != nil || s.State != payment.Success || s.ID != r.ID {
			t.Fatalf("settle: %+v, %v", s, err)
		}
		want(w, balance(w, ledger.Held), "0.00")
		want(w, balance(w, ledger.Fees), "1.53") // 2.9 % of 42.50 is 1.2325, to the cent 1.23, + 0.30
		want(w, balance(w, ledger.Party(string(w.Owner.ID))), "40.97")
		want(w, balance(w, ledger.Network), "-42.50")
	})
}

func TestADeclineFailsTheTransactionAndHoldsNothing(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Network.Next(holdfasttest.Reply{Decline: holdfast.CodeTransactionDenied})
		r, err := w.Reserve(w.Authorize("20.00"), "20.00", "order-1")
		if err != nil || r.State != payment.Failure || r.StatusCode != holdfast.CodeTransactionDenied {
			t.Fatalf("reserve: %+v, %v", r, err)
		}
		want(w, balance(w, ledger.Held), "0.00")
		_, err = w.Settle(r.ID, "")
		w.WantCode(err, holdfast.OriginalTransactionFailed)
		_, err = w.Cancel(r.ID)
		w.WantCode(err, holdfast.InvalidTransactionState)
	})
}

func TestSettleForLessReleasesTheRest(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		_, err := w.Settle(r.ID, "42.51")
		w.WantCode(err, holdfast.SettleAmountGreaterThanReserveAmount)
		_, err = w.Settle(r.ID, "0.00")
		w.WantCode(err, holdfast.AmountOutOfRange)
		s, err := w.Settle(r.ID, "30.00")
		if err != nil || s.State != payment.Success {
			t.Fatalf("settle: %+v, %v", s, err)
		}
		want(w, s.Current().Decimal(), "30.00")
		want(w, balance(w, ledger.Held), "0.00")
		want(w, balance(w, ledger.Network), "-30.00")
		_, err = w.Settle(r.ID, "12.50") // the rest can never be charged
		w.WantCode(err, holdfast.InvalidTransactionState)
	})
}

func TestTheIdenticalSettleIsAnsweredAgain(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		for range 3 {
			s, err := w.Settle(r.ID, "")
			if err != nil || s.State != payment.Success {
				t.Fatalf("settle: %+v, %v", s, err)
			}
		}
		if _, err := w.Settle(r.ID, "42.50"); err != nil { // the same amount, given explicitly
			t.Fatal(err)
		}
		_, err := w.Settle(r.ID, "42.49")
		w.WantCode(err, holdfast.InvalidTransactionState)
		want(w, balance(w, ledger.Network), "-42.50")
	})
}

func TestACancelledReserveCannotBeSettled(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		c, err := w.Cancel(r.ID)
		if err != nil || c.State != payment.Cancelled || c.StatusCode != holdfast.CodeCanceled {
			t.Fatalf("cancel: %+v, %v", c, err)
		}
		_, err = w.Settle(r.ID, "")
		w.WantCode(err, holdfast.InvalidTransactionState)
		_, err = w.Cancel(r.ID)
		w.WantCode(err, holdfast.InvalidTransactionState)
		want(w, balance(w, ledger.Held), "0.00")
		decided(w, r.ID, payment.StepRelease)
		wantEffects(w, string(r.ID)+"/Authorize USD 42.50", string(r.ID)+"/Release USD 42.50")
	})
}

func TestASettledReserveCannotBeCancelled(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		if _, err := w.Settle(r.ID, ""); err != nil {
			t.Fatal(err)
		}
		_, err := w.Cancel(r.ID)
		w.WantCode(err, holdfast.InvalidTransactionState)
	})
}

func TestACaptureDeclinedFailsAndReleases(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		w.Network.Next(holdfasttest.Reply{Decline: holdfast.CodeTransactionDenied})
		s, err := w.Settle(r.ID, "40.00")
		if err != nil || s.State != payment.Failure {
			t.Fatalf("settle: %+v, %v", s, err)
		}
		want(w, balance(w, ledger.Held), "0.00")
		want(w, balance(w, ledger.Network), "0.00")
		decided(w, r.ID, payment.StepRelease)
		wantEffects(w, string(r.ID)+"/Authorize USD 42.50", string(r.ID)+"/Release USD 42.50")
		_, err = w.Settle(r.ID, "40.00")
		w.WantCode(err, holdfast.OriginalTransactionFailed)
	})
}

// The deadline decides, not the sweeper. A Settle is accepted a microsecond
// before the deadline, and refused at it and after it. The sweeper runs before
// the Settle, after it, or never.
func TestTheDeadlineHoldsWithOrWithoutTheSweeper(t *testing.T) {
	sweepers := []string{"before", "after", "never"}
	steps := map[string]time.Duration{
		"a microsecond before": -time.Microsecond, "at": 0, "a microsecond after": time.Microsecond,
	}
	for step, by := range steps {
		for _, sweeper := range sweepers {
			t.Run(step+", sweeper "+sweeper, func(t *testing.T) {
				story(t, func(w *holdfasttest.World) {
					r := w.Reserved("42.50", "order-1")
					w.Clock.Set(r.Deadline.Add(by))
					if sweeper == "before" {
						sweep(w)
					}
					s, err := w.Settle(r.ID, "")
					if sweeper == "after" {
						sweep(w)
					}
					w.CheckBooks()
					if by < 0 {
						if err != nil || s.State != payment.Success {
							t.Fatalf("settle in time: %+v, %v", s, err)
						}
						return
					}
					w.WantCode(err, holdfast.InvalidTransactionState)
					w.WantState(r.ID, payment.Cancelled)
					if got := w.Transaction(r.ID); got.StatusCode != holdfast.CodeExpired || !got.Completed.Equal(r.Deadline) {
						t.Fatalf("expired transaction says %s, completed %v", got.StatusCode, got.Completed)
					}
					want(w, balance(w, ledger.Held), "0.00")
				})
			})
		}
	}
}

func sweep(w *holdfasttest.World) {
	w.T.Helper()
	if _, err := w.Processor.Sweep(w.T.Context()); err != nil {
		w.T.Fatal(err)
	}
}

func TestAReadSeesTheExpiryThatNobodyWrote(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		w.Clock.Set(r.Deadline)
		w.WantState(r.ID, payment.Cancelled) // in its state by the current time
		if _, err := w.Cancel(r.ID); err == nil {
			t.Fatal("cancelled after the deadline")
		}
	})
}

func TestAShorterTimeoutShortensTheLife(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r, err := w.Processor.Reserve(t.Context(), w.Shop, holdfast.ReserveRequest{
			SenderTokenID: w.Authorize("10.00"), TransactionAmount: holdfasttest.USD("10.00"),
			CallerReference: "order-1", TransactionTimeoutMins: 60,
		})
		if err != nil || !r.Deadline.Equal(w.CallerNow().Add(time.Hour)) {
			t.Fatalf("reserve: deadline %v, %v", r.Deadline, err)
		}
	})
}

func TestTheSameRequestGetsTheFirstAnswer(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		token := w.Authorize("42.50")
		first, err := w.Reserve(token, "42.50", "order-1")
		if err != nil {
			t.Fatal(err)
		}
		again, err := w.Reserve(token, "42.50", "order-1") // the answer was lost
		if err != nil || again.ID != first.ID || again.State != payment.Reserved {
			t.Fatalf("again: %+v, %v", again, err)
		}
		_, err = w.Reserve(token, "42.00", "order-1")
		w.WantCode(err, holdfast.DuplicateRequest)
		wantEffects(w, string(first.ID)+"/Authorize USD 42.50")
	})
}

func TestAReferenceIsFreeAfterSevenDays(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		first := w.Reserved("42.50", "order-1")
		w.Clock.Advance(payment.ReferenceLife - time.Microsecond)
		_, err := w.Reserve(w.Authorize("1.50"), "1.50", "order-1")
		w.WantCode(err, holdfast.DuplicateRequest)
		w.Clock.Advance(time.Microsecond)
		second, err := w.Reserve(w.Authorize("1.50"), "1.50", "order-1")
		if err != nil || second.ID == first.ID {
			t.Fatalf("after seven days: %+v, %v", second, err)
		}
	})
}

func TestADecidedRefusalIsKeptAndAMalformedRequestIsNot(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		token := w.Authorize("10.00")
		_, err := w.Reserve(token, "0.00", "order-1") // wrong in itself
		w.WantCode(err, holdfast.AmountOutOfRange)
		_, err = w.Reserve(token, "10.01", "order-1") // more than the token allows
		w.WantCode(err, holdfast.IncompatibleTokens)
		_, err = w.Reserve(token, "10.01", "order-1")
		w.WantCode(err, holdfast.IncompatibleTokens)
		_, err = w.Reserve(token, "10.00", "order-1")
		w.WantCode(err, holdfast.DuplicateRequest)
		if _, err = w.Reserve(token, "10.00", "order-2"); err != nil {
			t.Fatalf("corrected, under a fresh reference: %v", err)
		}
	})
}

func TestReserveRefusesWhatATokenDoesNotAllow(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		_, err := w.Reserve("NOSUCHTOKEN", "1.00", "r-1")
		w.WantCode(err, holdfast.InvalidTokenIDSender)
		used := w.Authorize("10.00")
		if _, err = w.Reserve(used, "10.00", "r-2"); err != nil {
			t.Fatal(err)
		}
		_, err = w.Reserve(used, "10.00", "r-3")
		w.WantCode(err, holdfast.SameTokenIDUsedMultipleTimes)

		expiring := w.Authorize("10.00")
		w.Clock.Advance(payment.SingleUseLife - time.Microsecond)
		if _, err = w.Reserve(expiring, "10.00", "r-4"); err != nil {
			t.Fatalf("in the token's last microsecond: %v", err)
		}
		expired := w.Authorize("10.00")
		w.Clock.Advance(payment.SingleUseLife)
		_, err = w.Reserve(expired, "10.00", "r-5")
		w.WantCode(err, holdfast.IncompatibleTokens)

		_, err = w.Processor.Reserve(t.Context(), w.OtherShop(), holdfast.ReserveRequest{
			SenderTokenID: w.Authorize("10.00"), TransactionAmount: holdfasttest.USD("10.00"), CallerReference: "r-6",
		})
		w.WantCode(err, holdfast.IncompatibleTokens)
		_, err = w.Reserve("H216UECZ8ZM1G8G4QA3V7RKF8JDFZ9SI3SJAFSGUKBBNDHX1NVM8GUQRZNRNAHER", "1.00", "r-7")
		w.WantCode(err, holdfast.InvalidAccountStateSender)
	})
}

func TestReserveAcceptsOnlyValidCards(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		balance := w.Card
		balance.ID, balance.Method, balance.Default = "I-balance", holdfast.MethodABT, false
		addInstrument(w, balance)
		_, err := w.Reserve(w.AuthorizeWith(balance, "10.00"), "10.00", "r-1")
		w.WantCode(err, holdfast.PaymentInstrumentNotCC)

		old := w.Card
		old.ID, old.ExpiryMonth, old.ExpiryYear, old.Default = "I-old", 11, 2026, false
		addInstrument(w, old)
		if _, err = w.Reserve(w.AuthorizeWith(old, "10.00"), "10.00", "r-2"); err != nil {
			t.Fatalf("in the card's last month: %v", err)
		}
		w.Clock.Set(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
		_, err = w.Reserve(w.AuthorizeWith(old, "10.00"), "10.00", "r-3")
		w.WantCode(err, holdfast.InactiveInstrument)
	})
}

func addInstrument(w *holdfasttest.World, i payment.Instrument) {
	w.T.Helper()
	if err := w.DB.Update(w.T.Context(), func(tx *store.Tx) error { return tx.InsertInstrument(i) }); err != nil {
		w.T.Fatal(err)
	}
}

func TestReserveRefusesPartiesThatCannotTakePart(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		token := w.Authorize("10.00")
		w.SetStanding(w.Buyer.ID, party.Suspended)
		_, err := w.Reserve(token, "10.00", "r-1")
		w.WantCode(err, holdfast.InvalidAccountStateSender)
		w.SetStanding(w.Buyer.ID, party.Active)
		if _, err = w.Reserve(token, "10.00", "r-1"); err != nil { // that refusal was retriable: it is forgotten
			t.Fatal(err)
		}
		w.SetStanding(w.Owner.ID, party.Closed)
		_, err = w.Reserve(w.Authorize("10.00"), "10.00", "r-2")
		w.WantCode(err, holdfast.InvalidAccountStateRecipient)
	})
}

func TestOneOfManySettlersWins(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		var wait sync.WaitGroup
		accepted := make(chan string, 20)
		for i := range 20 {
			wait.Go(func() {
				amount := holdfasttest.USD("42.50").Sub(holdfasttest.USD("1.00").Add(usdMicro(int64(i) * 10_000)))
				s, err := w.Processor.Settle(t.Context(), w.Shop, holdfast.SettleRequest{
					ReserveTransactionID: r.ID, TransactionAmount: amount,
				})
				if err == nil {
					accepted <- s.Settled.Decimal()
				} else if refused, ok := errors.AsType[*holdfast.Error](err); !ok ||
					refused.Code != holdfast.InvalidTransactionState {
					t.Errorf("refused with %v", err)
				}
			})
		}
		wait.Wait()
		close(accepted)
		if len(accepted) != 1 {
			t.Fatalf("%d of 20 different settles were accepted", len(accepted))
		}
		w.CheckBooks()
	})
}

// Two servers on one database work for different callers. Neither makes the
// other's requests fail.
func TestTwoServersDoNotFailEachOther(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			one := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			other := processor.New(holdfasttest.Open(t, at), processor.Config{
				Network: one.Network, Now: one.Clock.Now,
				IDs: processor.RandomIDs{Now: one.Clock.Now},
				Log: slog.New(slog.DiscardHandler),
			})
			t.Cleanup(other.Close)
			one.Processor.IDs = other.IDs
			mine := one.Shop
			one.Shop = one.OtherShop()
			theirs := one.Shop
			var wait sync.WaitGroup
			work := func(p *processor.Processor, caller party.Caller, workers int) {
				one.Shop = caller
				for i := range workers {
					var tokens []holdfast.TokenID
					for range 10 {
						tokens = append(tokens, one.Authorize("10.00"))
					}
					wait.Go(func() {
						for j, token := range tokens {
							r, err := p.Reserve(t.Context(), caller, holdfast.ReserveRequest{
								SenderTokenID: token, TransactionAmount: holdfasttest.USD("10.00"),
								CallerReference: holdfast.CallerReference(fmt.Sprintf("%d-%d", i, j)),
							})
							if err != nil || r.State != payment.Reserved {
								t.Errorf("reserve: %s, %v", r.State, err)
							}
						}
					})
				}
			}
			work(one.Processor, mine, 32)
			work(other, theirs, 4)
			wait.Wait()
			one.CheckBooks()
		})
	}
}

func TestSixteenAtOnceAreOneReserve(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		token := w.Authorize("42.50")
		var wait sync.WaitGroup
		ids := make(chan holdfast.TransactionID, 16)
		for range 16 {
			wait.Go(func() {
				r, err := w.Processor.Reserve(t.Context(), w.Shop, holdfast.ReserveRequest{
					SenderTokenID: token, TransactionAmount: holdfasttest.USD("42.50"), CallerReference: "order-1",
				})
				if err != nil {
					t.Errorf("reserve: %v", err)
				}
				ids <- r.ID
			})
		}
		wait.Wait()
		close(ids)
		first := <-ids
		for id := range ids {
			if id != first {
				t.Fatalf("two transactions: %s and %s", first, id)
			}
		}
		w.CheckBooks()
		wantEffects(w, string(first)+"/Authorize USD 42.50")
	})
}

func wantEffects(w *holdfasttest.World, want ...string) {
	w.T.Helper()
	if diff := cmp.Diff(want, w.Network.Effects()); diff != "" {
		w.T.Fatalf("at the network (-want +got):\n%s", diff)
	}
}
