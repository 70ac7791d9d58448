package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/card/cardtest"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/jobs"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A lostTime is what a shop does before and after a backup of its store.
type lostTime struct {
	*holdfasttest.World
	fake    *stripefake.Server
	taken   time.Time              // of the backup
	letters []payment.NetworkAbout // of the restored store

	// These are in the backup.
	settled, cancelled, refunded, settling, pending payment.Transaction
	// These are not.
	held, paid payment.Transaction
}

// A store is restored while Stripe has gone on without it. Nobody is asked before
// the resume. Then the store learns what happened in the lost time. Nothing is
// captured twice, holds that nobody knows are released, and money that nobody knows
// has a name.
func TestARestoredStoreAtStripe(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		for _, forgets := range []bool{false, true} { // Stripe forgets idempotency keys after a day
			t.Run(fmt.Sprintf("%s, keys forgotten %v", name, forgets), func(t *testing.T) {
				at, backup := address(t), holdfasttest.EmptyAddresses(t)[name](t)
				l := beforeBackup(t, at)
				makeBackup(t, at, backup, l.taken)
				l.goOn()
				if l.Clock.Advance(2 * time.Hour); forgets {
					l.Clock.Advance(25 * time.Hour)
					l.fake.ForgetKeys()
				}
				taken, returned := l.fake.Captured(), l.fake.Refunded()
				asked := len(l.fake.Requests())
				r := l.restoredTo(backup)
				l.run(r)
				if n := len(l.fake.Requests()); n != asked {
					t.Errorf("Stripe was asked %d times before the resume", n-asked)
				}
				l.resume()
				l.run(r)
				l.check()
				l.putRight(l.settled, l.pending)
				l.run(r)
				if c, b := l.fake.Captured(), l.fake.Refunded(); c != taken || b != returned {
					t.Errorf("Stripe has taken %d and returned %d, before the restore %d and %d", c, b, taken, returned)
				}
				for _, fault := range l.fake.Faults() {
					t.Error(fault)
				}
			})
		}
	}
}

// beforeBackup makes a shop with payments in several states. Two have a question to
// Stripe without an answer.
func beforeBackup(t *testing.T, at string) *lostTime {
	t.Helper()
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
	l := &lostTime{World: w, fake: w.AtStripe("http://holdfast.example.test/networks/N1/events")}
	w.Processor.Wait = time.Second
	l.settled, l.cancelled = w.Reserved("10.00", "order-1"), w.Reserved("20.00", "order-2")
	l.refunded, l.settling = w.Reserved("30.00", "order-3"), w.Reserved("40.00", "order-4")
	l.settle(l.refunded)
	l.fake.Next(http.MethodPost, "/v1/payment_intents/*/capture", stripefake.LoseReply)
	if s, err := w.Settle(l.settling.ID, ""); err != nil || s.State != payment.Settling {
		t.Fatalf("a Settle in doubt: %+v (%v)", s, err)
	}
	l.fake.Next(http.MethodPost, "/v1/payment_intents/*/confirm", stripefake.LoseRequest)
	var err error
	l.pending, err = w.Reserve(w.Authorize("50.00"), "50.00", "order-5")
	if err != nil || l.pending.State != payment.Pending {
		t.Fatalf("a Reserve in doubt: %+v (%v)", l.pending, err)
	}
	l.taken = processor.Micro(w.Clock.Now())
	return l
}

// settle settles a hold.
func (l *lostTime) settle(r payment.Transaction) {
	l.T.Helper()
	if _, err := l.Settle(r.ID, ""); err != nil {
		l.T.Fatal(err)
	}
	l.WantState(r.ID, payment.Success)
}

// makeBackup copies a store under its server.
func makeBackup(t *testing.T, from, to string, now time.Time) {
	t.Helper()
	c := store.Copy{Live: true, Now: now}
	for address, at := range map[string]*store.Location{from: &c.From, to: &c.To} {
		var err error
		if *at, err = store.ParseAddress(address); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// goOn is the time after the backup, which the restored store does not know.
func (l *lostTime) goOn() {
	l.T.Helper()
	for range 3 {
		l.Clock.Advance(time.Minute)
		if _, err := l.Processor.Resolve(l.T.Context()); err != nil {
			l.T.Fatal(err)
		}
	}
	l.WantState(l.settling.ID, payment.Success)
	l.settle(l.pending)
	l.settle(l.settled)
	if _, err := l.Cancel(l.cancelled.ID); err != nil {
		l.T.Fatal(err)
	}
	if _, err := l.Refund(l.refunded.ID, "12.00", "refund-1"); err != nil {
		l.T.Fatal(err)
	}
	l.held, l.paid = l.Reserved("60.00", "order-6"), l.Paid("70.00", "order-7")
	if _, err := l.Processor.Release(l.T.Context()); err != nil {
		l.T.Fatal(err)
	}
	l.Processor.Close()
}

// restoredTo changes to the restored store, as a new server opens it.
func (l *lostTime) restoredTo(address string) *jobs.Runner {
	l.T.Helper()
	config := l.Processor.Config
	l.DB = holdfasttest.Open(l.T, address)
	router := cardtest.Router(l.DB, l.Clock.Now, nil)
	router.Paused = func() bool { return l.Processor.Paused() }
	config.Network, config.Operator = router, "operator@example.test"
	config.NetworkLetters = func(n payment.NetworkNotice) (string, string) {
		l.letters = append(l.letters, n.About)
		return string(n.About), "text"
	}
	l.Processor = processor.New(l.DB, config)
	l.T.Cleanup(l.Processor.Close)
	return &jobs.Runner{Processor: l.Processor, Now: l.Clock.Now, Log: slog.New(slog.DiscardHandler)}
}

// run runs all work of a server for an hour and a half: a hold that nobody knows is
// left alone for an hour.
func (l *lostTime) run(r *jobs.Runner) {
	l.T.Helper()
	for range 9 {
		l.Clock.Advance(10 * time.Minute)
		if err := r.RunOnce(l.T.Context()); err != nil {
			l.T.Fatal(err)
		}
	}
	l.CheckBooks()
}

// resume does what holdfast resume does with the networks.
func (l *lostTime) resume() {
	l.T.Helper()
	router := cardtest.Router(l.DB, l.Clock.Now, nil) // the operator asks
	config := l.Processor.Config
	config.Network = router
	clerk := processor.New(l.DB, config)
	defer clerk.Close()
	unknown, err := clerk.AfterRestore(l.T.Context(), l.taken)
	if err != nil || unknown == 0 {
		l.T.Errorf("%d events were unknown (%v)", unknown, err)
	}
	if err := l.DB.Resume(context.Background(), nil, processor.Micro(l.Clock.Now())); err != nil {
		l.T.Fatal(err)
	}
}

// check compares the restored store with Stripe. What was captured waits for a
// person, because the store knows of no Settle. So does money that it does not know.
func (l *lostTime) check() {
	l.T.Helper()
	for _, row := range []struct {
		t    payment.Transaction
		want payment.State
	}{
		{l.cancelled, payment.Cancelled},
		{l.refunded, payment.Success},
		{l.settling, payment.Success},
		{l.settled, payment.Reserved},
		{l.pending, payment.Reserved},
	} {
		if got := l.Transaction(row.t.ID); got.State != row.want || got.Asking != "" {
			l.T.Errorf("%s is %s, asking %q; want %s", row.t.Reference, got.State, got.Asking, row.want)
		}
	}
	if held := l.fake.Holds(); len(held) > 0 {
		l.T.Errorf("Stripe still holds %+v", held)
	}
	var doubts []payment.NetworkPayment
	err := l.DB.View(l.T.Context(), func(tx *store.ReadTx) (err error) {
		doubts, err = tx.NetworkAttention(holdfasttest.AccountID, 10)
		return err
	})
	if err != nil || len(doubts) != 2 || !slices.Contains(l.letters, payment.AboutUnknown) {
		l.T.Errorf("a person is told of %+v, in letters about %v (%v)", doubts, l.letters, err)
	}
	l.wantDifferences(map[string]int64{"10.00": 1, "50.00": 1, "70.00": 1})
}

// putRight does what going-live.md says about holds that were captured in the lost
// time: the operator clears them, and the shop settles again. Stripe is asked, and
// has taken the money already.
func (l *lostTime) putRight(holds ...payment.Transaction) {
	l.T.Helper()
	for _, h := range holds {
		if _, err := l.Settle(h.ID, ""); err == nil {
			l.T.Errorf("%s is settled before a person has looked at it", h.Reference)
		}
		if err := l.Processor.ClearAttention(l.T.Context(), l.Shop.ID, h.ID); err != nil {
			l.T.Fatal(err)
		}
		l.settle(h)
	}
	l.wantDifferences(map[string]int64{"70.00": 1})
}

// wantDifferences reconciles the days of the test, and wants payments that the books
// do not know, by their amounts.
func (l *lostTime) wantDifferences(want map[string]int64) {
	l.T.Helper()
	day := l.Clock.Now().UTC().Truncate(24 * time.Hour)
	found, err := l.Processor.Reconcile(l.T.Context(), holdfasttest.AccountID, day.AddDate(0, 0, -2), day.AddDate(0, 0, 1))
	if err != nil {
		l.T.Fatal(err)
	}
	got := make(map[string]int64)
	for _, d := range found.Differences {
		switch d.Why {
		case payment.DiffMidnight: // it was booked today, after it had happened yesterday
		case payment.DiffUnknown:
			got[money.Micros(d.Network).Decimal()]++
		default:
			l.T.Errorf("a difference: %+v", d)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.T.Errorf("payments that only Stripe has (-want +got):\n%s", diff)
	}
}
