package ipn_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The pause to the next try is measured by the caller's clock, wherever that
// stands.
func TestTheNextTryRunsOnTheCallersClock(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		if _, err := s.Processor.AdvanceClock(t.Context(), s.Shop.ID, 100*time.Hour); err != nil {
			t.Fatal(err)
		}
		s.answers(http.StatusInternalServerError)
		id := s.pending("order-1")
		s.Clock.Advance(3 * time.Second)
		s.run()
		s.one()
		if got, want := s.owed(id)[0].NextAt, s.CallerNow().Add(time.Minute); !got.Equal(want) {
			t.Errorf("the next try is at %v, want %v", got, want)
		}
		s.run()
		if got := s.arrivals(); len(got) != 0 {
			t.Errorf("after a failure it is tried again at once, %d times", len(got))
		}
	})
}

// A transaction's notifications are delivered one after another. If the first
// one took long, the lease of the second has too little time left, so it is put
// back and claimed again. Otherwise another server could deliver it at the same
// time.
func TestNoDeliveryBeginsNearTheEndOfItsLease(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			s := newShop(t, holdfasttest.Open(t, at))
			other := s.newSender(holdfasttest.Open(t, at))
			s.hearsPending()
			s.Reserved("25.00", "order-1") // PENDING and RESERVED
			s.Clock.Advance(3 * time.Second)
			var arrived atomic.Int64
			s.answersWith(func(w http.ResponseWriter, _ *http.Request) {
				switch arrived.Add(1) {
				case 1:
					s.Clock.Advance(25 * time.Second) // of the lease's 30
				case 2:
					s.Clock.Advance(9 * time.Second) // within the 10 of a delivery
					if n, err := other.RunOnce(t.Context()); n != 0 || err != nil {
						t.Errorf("another server delivered %d meanwhile, %v", n, err)
					}
				}
				w.WriteHeader(http.StatusOK)
			})
			if n := s.run(); n != 2 {
				t.Errorf("%d notifications arrived, want 2", n)
			}
			if got := s.arrivals(); len(got) != 2 {
				t.Errorf("%d requests came, want 2", len(got))
			}
		})
	}
}

// The day includes its last moment.
func TestATryAtExactlyADay(t *testing.T) {
	created := holdfasttest.Start
	for _, row := range []struct {
		after time.Duration // of the try that failed
		tries int
		again bool
	}{
		{23 * time.Hour, 28, true},
		{23*time.Hour + time.Microsecond, 28, false},
		{24*time.Hour - time.Minute, 1, true},
		{24*time.Hour - time.Minute + time.Microsecond, 1, false},
		{24 * time.Hour, 28, false},
		{time.Hour, 39, true},
		{time.Hour, 40, false},
	} {
		now := created.Add(row.after)
		next, again := ipn.NextTry(created, now, row.tries)
		if again != row.again || next.Sub(now) > time.Hour || next.Sub(now) < time.Minute {
			t.Errorf("after %v and %d tries: again %v at %v", row.after, row.tries, again, next.Sub(created))
		}
	}
}
