package ipn_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// perCaller is how many deliveries of one caller can be under way.
const perCaller = ipn.SlotsPerCaller

// A jam is a receiver that holds the shop's notifications until it is released.
type jam struct {
	reached chan string   // the ids that wait
	opened  chan string   // the ids that came to /open and need not wait
	one     chan struct{} // each value lets one go
	end     func()        // lets all go
}

func (s *shop) jam() jam {
	ended := make(chan struct{})
	j := jam{
		reached: make(chan string, 200), opened: make(chan string, 200), one: make(chan struct{}),
		end: sync.OnceFunc(func() { close(ended) }),
	}
	s.t.Cleanup(j.end)
	s.answersWith(func(_ http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("Holdfast-Delivery")
		if r.URL.Path == "/open" {
			j.opened <- id
			return
		}
		j.reached <- id
		select {
		case <-j.one:
		case <-ended:
		}
	})
	s.Sender.Timeout = time.Hour
	return j
}

// another makes what follows happen to another caller, who is notified at path.
func (s *shop) another(name, path string) {
	s.t.Helper()
	owner := s.Party(name, name+"@example.test")
	c, _, err := s.Processor.CreateCaller(s.t.Context(), processor.NewCaller{Owner: owner.ID, Name: name, Sandbox: true})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Shop = c
	s.sendTo(s.URL + path)
}

func (s *shop) wantStarted(want int) {
	s.t.Helper()
	if n, err := s.Sender.Start(s.t.Context()); n != want || err != nil {
		s.t.Fatalf("%d deliveries started, %v, want %d", n, err, want)
	}
}

// A receiver that hangs takes its own caller's slots on all servers, and delays
// no other caller.
func TestHangingReceiverHoldsUpItsOwnCallerAlone(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		const owed = perCaller + 12
		for range owed {
			s.pending(holdfast.CallerReference(s.IDs.Other("order-")))
		}
		s.Clock.Advance(time.Minute)
		s.another("open", "/open")
		late := s.pending("late")
		s.Clock.Advance(3 * time.Second)
		jam := s.jam()
		s.wantStarted(perCaller + 1)
		for range perCaller {
			<-jam.reached
		}
		if got, want := <-jam.opened, string(late)+"-1"; got != want {
			t.Errorf("the other caller is told of %s, want %s", got, want)
		}
		if n, err := s.newSender(db).Start(t.Context()); n != 0 || err != nil {
			t.Errorf("another server started %d deliveries, %v, to a caller that has all its slots taken", n, err)
		}
		later := s.pending("later")
		s.Clock.Advance(3 * time.Second)
		s.wantStarted(1)
		if got, want := <-jam.opened, string(later)+"-1"; got != want {
			t.Errorf("the other caller is told of %s, want %s", got, want)
		}
		if len(jam.reached) != 0 {
			t.Errorf("%d deliveries to one caller are under way, more than its %d", len(jam.reached), perCaller)
		}
		jam.end()
		s.Sender.Wait()
		if n := s.run(); n != owed-perCaller {
			t.Errorf("%d notifications arrived after that, want %d", n, owed-perCaller)
		}
	})
}

// However many notifications wait for a receiver that hangs, those of another
// caller behind them are delivered at once.
func TestBacklogStandsBeforeNobodyElse(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.Owe(1700, s.CallerNow()) // more than makes way at a time, and then more than is looked at
		s.Clock.Advance(time.Minute)
		s.another("open", "/open")
		late := s.pending("late")
		s.Clock.Advance(3 * time.Second)
		jam := s.jam()
		s.wantStarted(perCaller)
		s.wantStarted(1)
		if got, want := <-jam.opened, string(late)+"-1"; got != want {
			t.Errorf("the other caller is told of %s, want %s", got, want)
		}
		jam.end()
		s.Sender.Wait()
		s.wantStarted(perCaller)
		s.Sender.Wait()
	})
}

// Deliveries under way count against the caller's slots, also if older
// notifications come into the caller's queue meanwhile.
func TestOlderBacklogGetsNoMorePlaces(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		long := s.CallerNow()
		s.Clock.Advance(time.Minute)
		for range perCaller {
			s.pending(holdfast.CallerReference(s.IDs.Other("order-")))
		}
		s.Clock.Advance(3 * time.Second)
		jam := s.jam()
		s.wantStarted(perCaller)
		s.Owe(300, long)
		s.wantStarted(0)
		jam.end()
		s.Sender.Wait()
	})
}

// When all slots are taken, the next free slot goes to the caller with the
// fewest deliveries, however long the others have waited.
func TestFreedSlotGoesToWhoHasTheFewest(t *testing.T) {
	s := newShop(t, keyedWorldStore(t))
	for i := range ipn.Slots / perCaller {
		if i > 0 {
			s.another(fmt.Sprintf("shop-%d", i), "/ipn")
		}
		for range perCaller + 1 {
			s.pending(holdfast.CallerReference(s.IDs.Other("order-")))
		}
	}
	s.Clock.Advance(time.Minute)
	jam := s.jam()
	s.wantStarted(ipn.Slots)
	for range ipn.Slots {
		<-jam.reached
	}
	s.another("open", "/open")
	late := s.pending("late")
	s.Clock.Advance(3 * time.Second)
	s.wantStarted(0)
	jam.one <- struct{}{}
	<-s.Sender.Freed()
	s.wantStarted(1)
	select {
	case <-jam.opened:
	case id := <-jam.reached:
		t.Errorf("the slot went to %s, want %s-1", id, late)
	}
	jam.end()
	s.Sender.Wait()
}

// A step that happens while a notification of the same transaction is under way
// is delivered after it.
func TestTransactionIsToldInOrder(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.hearsPending()
		held := s.Reserved("25.00", "order-1")
		s.Clock.Advance(3 * time.Second)
		jam := s.jam()
		s.wantStarted(2)
		<-jam.reached
		if _, err := s.Cancel(held.ID); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(3 * time.Second)
		s.wantStarted(0)
		jam.end()
		s.Sender.Wait()
		s.run()
		var ids []string
		for _, d := range s.arrivals() {
			ids = append(ids, strings.TrimPrefix(d.id, string(held.ID)))
		}
		if diff := cmp.Diff([]string{"-1", "-2", "-3"}, ids); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

// A notification that cannot be composed is tried like any other and given up
// in the end. It does not block the others.
func TestNotificationThatCannotBeComposed(t *testing.T) {
	file := t.TempDir() + "/broken.db"
	s := newShop(t, holdfasttest.Open(t, file))
	broken, whole := s.pending("order-1"), s.pending("order-2")
	raw, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.ExecContext(t.Context(), `UPDATE transactions SET sender = 'nobody' WHERE transaction_id = $1`,
		string(broken)); err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(3 * time.Second)
	if n := s.run(); n != 1 {
		t.Errorf("%d notifications arrived, want the other one", n)
	}
	s.wantOwed(whole, store.NotificationDelivered, 1, "")
	s.wantOwed(broken, store.NotificationWaiting, 1, "not sent: what it tells of cannot be read")
	if !strings.Contains(s.Log.String(), "one of its parties is missing") {
		t.Error("the log does not say why")
	}
	for range 25 {
		s.Clock.Advance(time.Hour)
		s.run()
	}
	if n := s.owed(broken)[0]; n.Outcome != store.NotificationGivenUp {
		t.Errorf("after a day the notification is %s, want it given up", n.Outcome)
	}
}
