package processor_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// lasting makes a multi-use token with a limit on the sum of its payments and on
// their number.
func lasting(w *holdfasttest.World, dollars string, uses int64) holdfast.TokenID {
	w.T.Helper()
	return w.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: w.Card.Method},
		payment.Limit{Kind: payment.LimitAmount, Value: holdfasttest.USD(dollars).Micro},
		payment.Limit{Kind: payment.LimitCount, Value: uses})
}

// heldWith makes a hold with a token.
func heldWith(w *holdfasttest.World, token holdfast.TokenID, dollars string) payment.Transaction {
	w.T.Helper()
	r, err := w.Reserve(token, dollars, holdfast.CallerReference(w.IDs.Other("order-")))
	if err != nil || r.State != payment.Reserved {
		w.T.Fatalf("the hold is %s, %v", r.State, err)
	}
	return r
}

func raise(w *holdfasttest.World, hold holdfast.TransactionID, dollars, ref string) (payment.Transaction, error) {
	w.T.Helper()
	t, err := w.Processor.RaiseHold(w.T.Context(), w.Shop, nil, processor.RaiseHold{
		Hold: hold, Amount: holdfasttest.USD(dollars), Reference: holdfast.CallerReference(ref),
	})
	w.CheckBooks()
	return t, err
}

func renew(w *holdfasttest.World, hold holdfast.TransactionID, ref string) (payment.Transaction, error) {
	w.T.Helper()
	t, err := w.Processor.RenewHold(w.T.Context(), w.Shop, nil, processor.RenewHold{
		Hold: hold, Reference: holdfast.CallerReference(ref),
	})
	w.CheckBooks()
	return t, err
}

// holdOf reads a hold as it is now.
func holdOf(w *holdfasttest.World, id holdfast.TransactionID) (h payment.Hold) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		var found bool
		if h, found, err = tx.Hold(w.Shop.ID, id); err == nil && !found {
			err = errors.New("no such hold")
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return h.AsOf(w.CallerNow())
}

// wantHold fails the test unless a hold is as the text says: its state, and the
// amounts that are held, settled and released.
func wantHold(w *holdfasttest.World, id holdfast.TransactionID, want string) {
	w.T.Helper()
	h := holdOf(w, id)
	got := fmt.Sprintf("%s %s/%s/%s", h.State(), h.Held().Decimal(), h.Settled().Decimal(), h.Released().Decimal())
	if got != want {
		w.T.Fatalf("the hold is %s, want %s", got, want)
	}
}

// wantUsed compares what the limits of a token count.
func wantUsed(w *holdfasttest.World, token holdfast.TokenID, dollars string, uses int64) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		limits, err := tx.Limits(string(w.Shop.ID), string(token))
		for _, l := range limits {
			if l.UsedAmount.Decimal() != dollars || l.UsedCount != uses {
				w.T.Fatalf("%d uses of %v are counted, want %d of %s", l.UsedCount, l.UsedAmount, uses, dollars)
			}
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
}

func TestAHoldIsRaisedAndRenewed(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		token := lasting(w, "60.00", 2) // no more than the hold and its raise
		root := heldWith(w, token, "40.00")
		w.Clock.Advance(time.Hour)
		more, err := raise(w, root.ID, "20.00", "more")
		if err != nil || more.State != payment.Reserved || more.Parent != root.ID {
			t.Fatalf("%+v, %v", more, err)
		}
		wantHold(w, root.ID, "held 60.00/0.00/0.00")
		wantUsed(w, token, "60.00", 2)
		if got := holdOf(w, more.ID).Deadline(); !got.Equal(root.Deadline) {
			t.Errorf("the hold ends at %v, want when its first member ends, at %v", got, root.Deadline)
		}
		_, err = raise(w, root.ID, "0.10", "too much")
		w.WantCode(err, holdfast.TokenUsageError)

		w.Clock.Advance(6 * 24 * time.Hour)
		anew, err := renew(w, root.ID, "anew")
		if err != nil || anew.State != payment.Reserved || anew.Amount != holdfasttest.USD("60.00") {
			t.Fatalf("%+v, %v", anew, err)
		}
		for _, old := range []holdfast.TransactionID{root.ID, more.ID} {
			w.WantState(old, payment.Cancelled)
			decided(w, old, payment.StepRelease)
		}
		wantHold(w, root.ID, "held 60.00/0.00/0.00")
		wantUsed(w, token, "60.00", 1)
		want(w, balance(w, ledger.Held), "60.00")
		if got, want := holdOf(w, root.ID).Deadline(), w.CallerNow().Add(7*24*time.Hour); !got.Equal(want) {
			t.Errorf("the renewed hold ends at %v, want %v", got, want)
		}

		// The renewed hold can be raised, renewed and settled like any other.
		if again, err := renew(w, anew.ID, "once more"); err != nil || again.State != payment.Reserved {
			t.Fatalf("%+v, %v", again, err)
		}
		wantUsed(w, token, "60.00", 1)
		last := holdOf(w, root.ID).EndsFirst()
		if s, err := w.Settle(last.ID, "50.00"); err != nil || s.State != payment.Success {
			t.Fatalf("%+v, %v", s, err)
		}
		wantHold(w, root.ID, "settled 0.00/50.00/10.00")
		wantUsed(w, token, "50.00", 1)
	})
}

// Callers of FPS are told that the first hold has ended, and nothing about linked
// holds. The sender gets no mail that its money is back.
func TestLinkedHoldsAreNotTold(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		var receipts []payment.ReceiptAbout
		w.Processor.Receipts = func(r payment.Receipt) (string, string) {
			receipts = append(receipts, r.About)
			return "subject", "text"
		}
		root := heldWith(w, lasting(w, "100.00", 9), "40.00")
		more, err := raise(w, root.ID, "20.00", "more")
		if err != nil {
			t.Fatal(err)
		}
		anew, err := renew(w, root.ID, "anew")
		if err != nil {
			t.Fatal(err)
		}
		decided(w, root.ID, payment.StepRelease)
		told := map[holdfast.TransactionID]int{}
		err = w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			for _, id := range []holdfast.TransactionID{root.ID, more.ID, anew.ID} {
				all, err := tx.Notifications(w.Shop.ID, string(id))
				if err != nil {
					return err
				}
				told[id] = len(all)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if told[root.ID] != 2 || told[more.ID] != 0 || told[anew.ID] != 0 {
			t.Errorf("notifications: %v, want two about the first hold", told)
		}
		if len(receipts) > 0 {
			t.Errorf("the sender got mails: %v", receipts)
		}
	})
}

func TestADeclineLeavesTheHoldAsItWas(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		token := lasting(w, "90.00", 9)
		root := heldWith(w, token, "40.00")
		no := holdfasttest.Reply{Step: payment.StepAuthorize, Decline: holdfast.CodeTransactionDenied}
		for name, ask := range map[string]func() (payment.Transaction, error){
			"raise":   func() (payment.Transaction, error) { return raise(w, root.ID, "20.00", "more") },
			"renewal": func() (payment.Transaction, error) { return renew(w, root.ID, "anew") },
		} {
			w.Network.Next(no)
			got, err := ask()
			if err != nil || got.State != payment.Failure || got.StatusCode != holdfast.CodeTransactionDenied {
				t.Fatalf("%s: %+v, %v", name, got, err)
			}
			const left = "The hold is as it was, and can be settled until "
			if says := strings.Contains(got.StatusMessage, left); says != (name == "renewal") {
				t.Errorf("%s: %q", name, got.StatusMessage)
			}
			wantHold(w, root.ID, "held 40.00/0.00/0.00")
			wantUsed(w, token, "40.00", 1)
		}
		if s, err := w.Settle(root.ID, ""); err != nil || s.State != payment.Success {
			t.Fatalf("%+v, %v", s, err)
		}
	})
}

// While the network does not answer, the hold stays as it is and can be settled.
// What the network did in the meantime shows when it answers.
func TestARaiseAndARenewalInDoubt(t *testing.T) {
	const anew = "anew"
	for name, row := range map[string]struct {
		ask       func(w *holdfasttest.World, root holdfast.TransactionID) (payment.Transaction, error)
		meanwhile func(w *holdfasttest.World, root holdfast.TransactionID) error
		ends      payment.State // of the linked hold
		hold      string
	}{
		"a raise": {
			func(w *holdfasttest.World, root holdfast.TransactionID) (payment.Transaction, error) {
				return raise(w, root, "20.00", "more")
			},
			nil, payment.Reserved, "held 60.00/0.00/0.00",
		},
		"a raise, and a settle meanwhile": {
			func(w *holdfasttest.World, root holdfast.TransactionID) (payment.Transaction, error) {
				return raise(w, root, "20.00", "more")
			},
			func(w *holdfasttest.World, root holdfast.TransactionID) error { return second(w.Settle(root, "")) },
			payment.Reserved, "held 20.00/40.00/0.00",
		},
		"a raise, and a cancel meanwhile": {
			func(w *holdfasttest.World, root holdfast.TransactionID) (payment.Transaction, error) {
				return raise(w, root, "20.00", "more")
			},
			func(w *holdfasttest.World, root holdfast.TransactionID) error { return second(w.Cancel(root)) },
			payment.Failure, "released 0.00/0.00/40.00",
		},
		"a renewal": {
			func(w *holdfasttest.World, root holdfast.TransactionID) (payment.Transaction, error) {
				return renew(w, root, anew)
			},
			nil, payment.Reserved, "held 40.00/0.00/0.00",
		},
		"a renewal, and a settle meanwhile": {
			func(w *holdfasttest.World, root holdfast.TransactionID) (payment.Transaction, error) {
				return renew(w, root, anew)
			},
			func(w *holdfasttest.World, root holdfast.TransactionID) error { return second(w.Settle(root, "30.00")) },
			payment.Failure, "settled 0.00/30.00/10.00",
		},
		"a renewal, and a cancel meanwhile": {
			func(w *holdfasttest.World, root holdfast.TransactionID) (payment.Transaction, error) {
				return renew(w, root, anew)
			},
			func(w *holdfasttest.World, root holdfast.TransactionID) error { return second(w.Cancel(root)) },
			payment.Failure, "released 0.00/0.00/40.00",
		},
		"a renewal, and the deadline meanwhile": {
			func(w *holdfasttest.World, root holdfast.TransactionID) (payment.Transaction, error) {
				return renew(w, root, anew)
			},
			func(w *holdfasttest.World, _ holdfast.TransactionID) error {
				w.Clock.Advance(2 * time.Hour) // nobody has written the expiry
				return nil
			},
			payment.Failure, "expired 0.00/0.00/40.00",
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				token := lasting(w, "100.00", 9)
				root := heldWith(w, token, "40.00")
				w.Clock.Advance(payment.ReserveLifeMax - time.Hour)
				w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Lost: true})
				linked, err := unanswered(w, func() (payment.Transaction, error) { return row.ask(w, root.ID) })
				if err != nil || linked.State != payment.Pending {
					t.Fatalf("%+v, %v", linked, err)
				}
				wantHold(w, root.ID, "held 40.00/0.00/0.00")
				if row.meanwhile != nil {
					if err := row.meanwhile(w, root.ID); err != nil {
						t.Fatal(err)
					}
				}
				later(w)
				decided(w, linked.ID, payment.StepAuthorize)
				w.WantState(linked.ID, row.ends)
				wantHold(w, root.ID, row.hold)
				if row.ends == payment.Failure {
					decided(w, linked.ID, payment.StepRelease) // what the network holds by now
				}
				sweep(w)
				want(w, balance(w, ledger.Held), holdOf(w, root.ID).Held().Decimal())
			})
		})
	}
}

// While a renewal is under way, no raise and no other renewal begins.
func TestARenewalUnderWayKeepsOthersOut(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		root := heldWith(w, lasting(w, "100.00", 9), "40.00")
		w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Deaf: true})
		first, err := unanswered(w, func() (payment.Transaction, error) { return renew(w, root.ID, "anew") })
		if err != nil || first.State != payment.Pending {
			t.Fatalf("%+v, %v", first, err)
		}
		_, err = renew(w, root.ID, "again")
		w.WantCode(err, holdfast.OriginalTransactionIncomplete)
		_, err = raise(w, root.ID, "5.00", "more")
		w.WantCode(err, holdfast.OriginalTransactionIncomplete)
		later(w)
		w.WantState(first.ID, payment.Reserved)
		if more, err := raise(w, root.ID, "5.00", "more"); err != nil || more.State != payment.Reserved {
			t.Fatalf("afterwards: %+v, %v", more, err) // the refusal was not kept
		}
	})
}

func TestOnlyTheCallersHoldsAreRaised(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		root := heldWith(w, lasting(w, "100.00", 9), "40.00")
		other := w.OtherShop()
		paid := w.Paid("5.00", "paid")
		for name, r := range map[string]processor.RaiseHold{
			"of another caller": {Hold: root.ID}, "unknown": {Hold: "1T0"}, "a payment": {Hold: paid.ID},
		} {
			r.Amount, r.Reference = holdfasttest.USD("5.00"), holdfast.CallerReference(name)
			by := w.Shop
			if name == "of another caller" {
				by = other
			}
			_, err := w.Processor.RaiseHold(t.Context(), by, nil, r)
			w.WantCode(err, holdfast.InvalidTransactionID)
			_, err = w.Processor.RenewHold(t.Context(), by, nil, processor.RenewHold{Hold: r.Hold, Reference: r.Reference + "'"})
			w.WantCode(err, holdfast.InvalidTransactionID)
		}
	})
}

// A renewal is approved at the moment at which the hold is settled, on two
// servers. One of both wins: the buyer pays once, and nothing stays held that
// nobody can settle.
func TestARenewalAndASettleAtTheSameMoment(t *testing.T) {
	const rounds = 12
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			w.Unchecked = true
			other := processor.New(holdfasttest.Open(t, at), processor.Config{
				Network: w.Network, Now: w.Clock.Now, IDs: w.IDs, Log: slog.New(slog.DiscardHandler),
			})
			t.Cleanup(other.Close)
			ended := map[string]int{}
			for i := range rounds {
				root := heldWith(w, lasting(w, "40.00", 1), "40.00")
				answer := make(chan struct{})
				w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Wait: answer})
				var anew, settled payment.Transaction
				var errs [2]error
				var racing sync.WaitGroup
				racing.Go(func() {
					anew, errs[0] = w.Processor.RenewHold(t.Context(), w.Shop, nil, processor.RenewHold{
						Hold: root.ID, Reference: holdfast.CallerReference(fmt.Sprint("anew-", i)),
					})
				})
				waitUntil(w, func() bool { return holdOf(w, root.ID).Root().Linked == 1 })
				if i%2 == 0 {
					close(answer)
				}
				racing.Go(func() {
					settled, errs[1] = other.Settle(t.Context(), w.Shop, holdfast.SettleRequest{ReserveTransactionID: root.ID})
				})
				if i%2 == 1 {
					close(answer)
				}
				racing.Wait()
				if errs[0] != nil || errs[1] != nil && !refused(errs[1]) {
					t.Fatal(errs)
				}
				h := holdOf(w, root.ID)
				switch {
				case settled.State == payment.Success && anew.State == payment.Failure:
					ended["settled"]++
					wantHold(w, root.ID, "settled 0.00/40.00/0.00")
				case errs[1] != nil && anew.State == payment.Reserved:
					ended["renewed"]++
					wantHold(w, root.ID, "held 40.00/0.00/0.00")
				default:
					t.Fatalf("the renewal is %s, the settle %s (%v); the hold %s", anew.State, settled.State, errs[1], h.State())
				}
			}
			w.CheckBooks()
			t.Log(ended)
		})
	}
}

// A raise of a JSON key counts with the hold that it raises.
func TestAKeyRaisesNoHoldAboveItsLimit(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		key, _ := w.JSONKey(w.Shop, processor.NewKey{HoldLimit: holdfasttest.USD("50.00")})
		root := heldWith(w, lasting(w, "200.00", 9), "40.00")
		ask := func(dollars string) error {
			call := w.CallWith(key, "raise-"+dollars, "POST /v1/holds/"+string(root.ID)+"/raise", nil)
			return second(w.Processor.RaiseHold(t.Context(), w.Shop, call, processor.RaiseHold{
				Hold: root.ID, Amount: holdfasttest.USD(dollars),
			}))
		}
		wantCallCode(w, ask("10.01"), payment.CallHoldLimit)
		if err := ask("10.00"); err != nil {
			t.Fatal(err)
		}
		wantCallCode(w, ask("0.10"), payment.CallHoldLimit)
		wantHold(w, root.ID, "held 50.00/0.00/0.00")
	})
}

// At a card network each member is a hold of its own, and a replaced one is
// released. A doubt there is decided as in the sandbox.
func TestAHoldAtStripeIsRaisedAndRenewed(t *testing.T) {
	atStripe(t, func(w striped) {
		w.Processor.Wait = time.Minute
		root := heldWith(w.World, lasting(w.World, "60.00", 2), "40.00")
		if more, err := raise(w.World, root.ID, "20.00", "more"); err != nil || more.State != payment.Reserved {
			t.Fatalf("raise: %+v, %v", more, err)
		}
		if held := w.fake.Held(); held != 60_00 {
			t.Fatalf("Stripe holds %d cents", held)
		}
		w.Processor.Wait = -1 // the answer comes later
		anew, err := renew(w.World, root.ID, "anew")
		if err != nil {
			t.Fatal(err)
		}
		decided(w.World, anew.ID, payment.StepAuthorize)
		decided(w.World, root.ID, payment.StepRelease)
		waitUntil(w.World, func() bool { return w.fake.Held() == 60_00 })
		wantHold(w.World, root.ID, "held 60.00/0.00/0.00")

		w.Processor.Wait = time.Minute
		call := w.Call("settle-1", "POST /v1/holds/"+string(root.ID)+"/settle", nil)
		paid, err := w.Processor.SettleHold(t.Context(), w.Shop, call, processor.SettleHold{Hold: root.ID})
		if err != nil || len(paid) != 1 || paid[0].State != payment.Success || paid[0].Fee.Positive() {
			t.Errorf("the settle is %+v, %v: the account's fee is zero", paid, err)
		}
		single := heldWith(w.World, w.Authorize("50.00"), "40.00")
		_, err = raise(w.World, single.ID, "5.00", "one more")
		w.WantCode(err, holdfast.InvalidPaymentInstrument)
		_, err = renew(w.World, single.ID, "once more")
		w.WantCode(err, holdfast.InvalidTokenType)
	})
}

// A hold whose state at the network a person must look at is not renewed, also if
// that turns out while the network is being asked.
func TestAHoldThatNeedsAttentionIsNotRenewed(t *testing.T) {
	atStripe(t, func(w striped) {
		w.Processor.Wait = time.Minute
		root := heldWith(w.World, lasting(w.World, "60.00", 9), "40.00")
		network := &holdfasttest.Network{} // it does not answer the first question
		network.Next(holdfasttest.Reply{Deaf: true})
		w.Processor.Network = network
		anew, err := unanswered(w.World, func() (payment.Transaction, error) { return renew(w.World, root.ID, "anew") })
		w.must(err)
		waitUntil(w.World, func() bool { return len(network.Asked()) == 1 })
		w.must(w.DB.Update(t.Context(), func(tx *store.Tx) error {
			known, _, err := tx.NetworkPayment(w.Shop.ID, root.ID)
			if err != nil {
				return err
			}
			known.Attention = "It was captured in the dashboard."
			return tx.SaveNetworkPayment(known)
		}))
		question := w.Transaction(anew.ID).Question()
		w.must(w.Processor.Answer(*question, payment.Answer{Verdict: payment.Approved, Authorization: "pi_x"}, nil))
		w.WantState(anew.ID, payment.Failure)
		decided(w.World, anew.ID, payment.StepRelease)
		w.WantState(root.ID, payment.Reserved)
		_, err = renew(w.World, root.ID, "again")
		w.WantCode(err, holdfast.InvalidTransactionState)
		_, err = raise(w.World, root.ID, "5.00", "more")
		w.WantCode(err, holdfast.InvalidTransactionState)
	})
}
