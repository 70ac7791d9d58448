package jobs_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/jobs"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// inbox is where a shop's notifications arrive.
type inbox struct {
	mu  sync.Mutex
	got []string // "RESERVED Success"
	// heard is called with the number that arrived; it may be nil.
	heard func(int)
}

func (i *inbox) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	params, err := holdfast.ParseParams(string(body))
	if err != nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.got = append(i.got, params.Get("transactionStatus")+" "+params.Get("statusCode"))
	if i.heard != nil {
		i.heard(len(i.got))
	}
}

func (i *inbox) arrived() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string(nil), i.got...)
}

// announced is a network that tells when it is asked.
type announced struct {
	card.Network
	asked chan<- struct{}
}

func (n announced) Ask(ctx context.Context, q card.Question) (payment.Answer, error) {
	defer func() { n.asked <- struct{}{} }()
	return n.Network.Ask(ctx, q)
}

func newRunner(t *testing.T, db *store.DB) (*holdfasttest.World, *jobs.Runner, *inbox) {
	t.Helper()
	w := holdfasttest.NewWorld(t, db)
	var in inbox
	server := httptest.NewServer(&in)
	t.Cleanup(server.Close)
	_, err := w.Processor.ChangeCaller(t.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
		c.IPNURL = server.URL
		return c, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ipn.LoadSigner(t.Context(), db, "https://fps.example.com/", w.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	return w, &jobs.Runner{
		Processor: w.Processor, Now: w.Clock.Now, Log: log,
		Sender: &ipn.Sender{Store: db, Signer: signer, Now: w.Clock.Now, AllowPrivate: true, Log: log},
	}, &in
}

// One round of each job brings a server up to date: due holds are expired,
// questions in doubt are decided, and the caller is notified.
func TestRunOnce(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w, r, in := newRunner(t, db)
		w.Processor.Wait = -1
		asked := make(chan struct{}, 10)
		w.Processor.Network = announced{w.Network, asked}
		w.Network.Next(holdfasttest.Reply{Deaf: true})
		doubtful, err := w.Reserve(w.Authorize("9.00"), "9.00", "order-1")
		if err != nil {
			t.Fatal(err)
		}
		<-asked
		w.Clock.Advance(time.Minute)
		if err := r.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.WantState(doubtful.ID, payment.Reserved)
		w.Clock.Advance(time.Minute)
		if err := r.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(7 * 24 * time.Hour)
		for range 2 { // the notice of the expiry comes seconds after it
			if err := r.RunOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(time.Minute)
		}
		w.WantState(doubtful.ID, payment.Cancelled)
		want := []string{"PENDING PendingNetworkResponse", "RESERVED Success", "CANCELLED Expired"}
		if diff := cmp.Diff(want, in.arrived()); diff != "" {
			t.Errorf("the shop heard (-want +got):\n%s", diff)
		}
		w.Processor.Close()
		w.CheckBooks()
	})
}

// A runner without a sender leaves notifications to another server's.
func TestRunWithoutASender(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w, r, in := newRunner(t, db)
		other := r.Sender
		r.Sender = nil
		held := w.Reserved("9.00", "order-1")
		w.Clock.Advance(8 * 24 * time.Hour)
		if err := r.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		r.Pause = func(ctx context.Context, _ time.Duration) error { stop(); return ctx.Err() }
		r.Run(ctx)
		w.WantState(held.ID, payment.Cancelled)
		if got := in.arrived(); len(got) != 0 {
			t.Errorf("the shop heard %q, want nothing yet", got)
		}
		r.Sender = other
		w.Clock.Advance(time.Minute)
		if err := r.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := in.arrived(); len(got) == 0 {
			t.Error("the notifications were not kept for the other server")
		}
	})
}

// The loops do what RunOnce does, and have ended when Run returns.
func TestRunUntilTheContextEnds(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w, r, in := newRunner(t, db)
		held := w.Reserved("9.00", "order-1")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var week sync.Once
		r.Every = time.Second
		r.Sender.Timeout = 30 * 24 * time.Hour // this clock does not wait for a delivery to end
		var rests atomic.Int32
		r.Pause = func(ctx context.Context, d time.Duration) error {
			switch d {
			case 20 * time.Millisecond:
				rests.Add(1)
				return ctx.Err()
			case 10 * time.Millisecond, 250 * time.Millisecond: // after events, sums and audit entries
				return ctx.Err()
			case time.Second, 5 * time.Second: // the latter between two looks for warnings
			default:
				t.Errorf("an idle loop pauses for %v, want its pace", d)
			}
			switch w.Clock.Advance(time.Second); len(in.arrived()) {
			case 1:
				week.Do(func() { w.Clock.Advance(7 * 24 * time.Hour) })
			case 2:
				stop()
			}
			return ctx.Err()
		}
		r.Run(ctx)
		w.WantState(held.ID, payment.Cancelled)
		if got := in.arrived(); len(got) != 2 {
			t.Errorf("the shop heard %q, want two notices", got)
		}
		if rests.Load() == 0 {
			t.Error("claims of notifications follow each other at once")
		}
	})
}

// A round that fails is repeated, more and more slowly up to a limit, and
// logged.
func TestFailuresBackOff(t *testing.T) {
	db := holdfasttest.Open(t, t.TempDir()+"/gone.db")
	_, r, _ := newRunner(t, db)
	db.Close()
	var log holdfasttest.Log
	r.Log = slog.New(slog.NewTextHandler(&log, nil))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	jobs := []string{
		"expiring holds", "resolving what is in doubt", "forgetting old visits", "working off events of card networks",
		"forgetting old events of card networks", "watching pages of card networks", "auditing the books",
		"placing events", "forgetting old webhooks", "delivering notifications", "chaining the audit log",
		"adding up days", "ending approvals",
	}
	var mu sync.Mutex
	pauses := map[time.Duration]int{}
	r.Pause = func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		if pauses[d]++; pauses[4*time.Second] == len(jobs) && pauses[5*time.Second] >= 3*len(jobs) {
			stop()
		}
		return ctx.Err()
	}
	r.Run(ctx)
	for d := time.Second; d <= 4*time.Second; d *= 2 {
		if pauses[d] != len(jobs) {
			t.Errorf("%d pauses of %v, want one a loop", pauses[d], d)
		}
		delete(pauses, d)
	}
	delete(pauses, 500*time.Millisecond) // three loops ask no store, and find nothing
	if len(pauses) != 1 || pauses[5*time.Second] < 3*len(jobs) {
		t.Errorf("after that the pauses are %v, want 5s all the time", pauses)
	}
	said := log.Said()
	for _, job := range jobs {
		if !strings.Contains(said, job) {
			t.Errorf("the log says nothing of %q", job)
		}
	}
}

// A round that failed in part is followed by the next one at once: one failing
// row does not delay the others.
func TestPartsThatFailHoldUpNothing(t *testing.T) {
	db := holdfasttest.Open(t, t.TempDir()+"/part.db")
	_, r, _ := newRunner(t, db)
	var log holdfasttest.Log
	r.Log = slog.New(slog.NewTextHandler(&log, nil))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var rounds int
	r.Pause = func(context.Context, time.Duration) error {
		t.Error("there is a pause while there is work")
		stop()
		return ctx.Err()
	}
	r.Repeat(ctx, "work", func(context.Context) (int, error) {
		if rounds++; rounds == 5 {
			stop()
		}
		return 1, errors.New("a row is broken")
	})
	if said := log.Said(); rounds != 5 || !strings.Contains(said, "a row is broken") {
		t.Errorf("%d rounds and the log says %q, want 5 rounds and what failed", rounds, said)
	}
}

// A caller has more notifications than slots. Each slot that becomes free is
// used at once, not at the loop's pace.
func TestFreedSlotsAreUsedAtOnce(t *testing.T) {
	db := holdfasttest.Open(t, t.TempDir()+"/freed.db")
	w, r, in := newRunner(t, db)
	const reserves = 40
	for range reserves {
		w.Reserved("9.00", holdfast.CallerReference(w.IDs.Other("order-")))
	}
	w.Clock.Advance(time.Minute)
	r.Every = time.Hour
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	in.heard = func(n int) {
		if n == reserves {
			stop()
		}
	}
	r.Run(ctx)
	if got := in.arrived(); len(got) != reserves {
		t.Errorf("the shop heard %d notices, want %d", len(got), reserves)
	}
}

// A hold that expires is released at the network as soon as its expiry is
// committed, not at the loop's pace.
func TestLapsesAreReleasedAtOnce(t *testing.T) {
	db := holdfasttest.Open(t, t.TempDir()+"/lapsed.db")
	w, r, _ := newRunner(t, db)
	held := w.Reserved("9.00", "order-1")
	r.Sender = nil
	r.Every = time.Hour
	asked := make(chan struct{}, 1)
	w.Processor.Network = announced{w.Network, asked}
	w.Clock.Advance(payment.ReserveLifeMax)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	go func() {
		<-asked
		stop()
	}()
	r.Run(ctx)
	w.Processor.Close()
	effects := w.Network.Effects()
	if want := string(held.ID) + "/Release USD 9.00"; len(effects) != 2 || effects[1] != want {
		t.Errorf("at the network: %q, want %q last", effects, want)
	}
}

// Waiting on the timer ends with the context.
func TestTimerEndsWithTheContext(t *testing.T) {
	db := holdfasttest.Open(t, t.TempDir()+"/idle.db")
	_, r, _ := newRunner(t, db)
	r.Every = time.Hour
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx)
	}()
	stop()
	<-ended
}

// A loop whose round does not end is named, and so is work that has not begun.
func TestStuckLoops(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w, r, _ := newRunner(t, db)
		if got := r.Stuck(); len(got) != 1 {
			t.Errorf("before the start: %q", got)
		}
		ctx, stop := context.WithCancel(t.Context())
		r.Repeat(ctx, "hanging", func(context.Context) (int, error) {
			if got := r.Stuck(); len(got) != 0 {
				t.Errorf("at once: %q", got)
			}
			w.Clock.Advance(11 * time.Minute)
			if got := r.Stuck(); len(got) != 1 || got[0] != "hanging" {
				t.Errorf("after eleven minutes: %q", got)
			}
			stop()
			return 0, nil
		})
	})
}
