package ipn_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A notification is signed once, however often it is tried at one address. A
// body is stored only after a try has failed.
func TestOneSignatureForEachNotification(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		made := ipn.CountSignatures(s.Sender.Signer)
		const count = 5
		var id holdfast.TransactionID
		for range count {
			id = s.Reserved("25.00", holdfast.CallerReference(s.IDs.Other("order-"))).ID
		}
		s.Clock.Advance(3 * time.Second)
		if n := s.run(); n != count || made.Load() != count {
			t.Errorf("%d notifications arrived with %d signatures, want %d", n, made.Load(), count)
		}
		if n := s.owed(id); len(n) != 1 || n[0].Body != "" || n[0].Outcome != store.NotificationDelivered {
			t.Errorf("after the first try: %+v", n)
		}

		made.Store(0)
		s.answers(http.StatusInternalServerError)
		failing := s.Reserved("25.00", "failing").ID
		s.Clock.Advance(3 * time.Second)
		for range 4 {
			s.run()
			s.Clock.Advance(time.Hour)
		}
		if n := s.owed(failing)[0]; n.Tries != 4 || n.Body == "" || made.Load() != 1 {
			t.Errorf("%d tries made %d signatures, want 4 and 1", n.Tries, made.Load())
		}
		s.sendTo(s.URL + "/elsewhere")
		s.run()
		if made.Load() != 2 {
			t.Errorf("after a new address there are %d signatures, want 2", made.Load())
		}
		s.answers(http.StatusOK)
		s.Clock.Advance(time.Hour)
		s.run()
		if n := s.owed(failing)[0]; n.Outcome != store.NotificationDelivered || n.Body != "" || made.Load() != 2 {
			t.Errorf("in the end it is %s with %d signatures, body %q", n.Outcome, made.Load(), n.Body)
		}
	})
}

// An answer that comes after the lease counts, also if another server has moved
// the notification to its caller's queue in the meantime. It does not disturb
// the results that are written together with it.
func TestLateAnswerCounts(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			s := newShop(t, holdfasttest.Open(t, at))
			other := s.newSender(holdfasttest.Open(t, at))
			late := s.Reserved("25.00", "late").ID
			s.Clock.Advance(3 * time.Second)
			jam := s.jam()
			s.Sender.Timeout = 10 * time.Second
			s.wantStarted(1)
			<-jam.reached
			s.answers(http.StatusInternalServerError) // to the other server
			s.Clock.Advance(31 * time.Second)         // the lease is over
			if n, err := other.RunOnce(t.Context()); n != 0 || err != nil {
				t.Fatalf("the other server delivered %d, %v", n, err)
			}
			s.wantOwed(late, store.NotificationWaiting, 2, "500 Internal Server Error")
			jam.end()
			s.Sender.Wait()
			s.wantOwed(late, store.NotificationDelivered, 2, "200 OK")
			s.Clock.Advance(24 * time.Hour)
			s.arrivals()
			if s.run(); len(s.arrivals()) != 0 {
				t.Error("it is delivered again")
			}
		})
	}
}

// The line of all callers is in the order of real time. A caller whose clock is
// ahead does not wait behind it, and a clock that is moved takes what waits
// along.
func TestMovedClockIsNotBehindTheLine(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.Owe(600, s.CallerNow().Add(time.Minute)) // not due yet, and more than a claim looks at
		s.another("ahead", "/ipn")
		move := func(by time.Duration) {
			t.Helper()
			moved, err := s.Processor.AdvanceClock(t.Context(), s.Shop.ID, by)
			if err != nil {
				t.Fatal(err)
			}
			s.Shop = moved
		}
		waits := s.pending("before the move")
		move(100 * time.Hour)
		late := s.pending("after the move")
		if n := s.run(); n != 1 {
			t.Errorf("%d notifications arrived after the move, want 1", n)
		}
		if got, want := s.one().id, string(waits)+"-1"; got != want {
			t.Errorf("%s arrived, want %s", got, want)
		}
		move(3 * time.Second)
		if n := s.run(); n != 1 {
			t.Errorf("%d notifications arrived three seconds later, want 1", n)
		}
		if got, want := s.one().id, string(late)+"-1"; got != want {
			t.Errorf("%s arrived, want %s", got, want)
		}
	})
}
