package bench

import (
	"log/slog"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
	"github.com/holdfast-pay/holdfast/internal/signed"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func databases(t *testing.T, test func(t *testing.T, address string)) {
	t.Helper()
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) { test(t, address(t)) })
	}
}

// newBench is a short bench with a server on the same store.
func newBench(t *testing.T, address string) *Bench {
	t.Helper()
	db := holdfasttest.Open(t, address)
	b := &Bench{
		Store: db, Address: address, Mix: MixReserveSettle, Spread: Zipf, Merchants: 3, Connections: 4,
		Warmup: 20 * time.Millisecond, Duration: 100 * time.Millisecond, Seed: 1,
		Now: time.Now, //nolint:forbidigo // a measurement takes real time
	}
	log := slog.New(slog.DiscardHandler)
	p := b.newProcessor(b.Now)
	p.NotifyDelay = -1
	t.Cleanup(p.Close)
	server := httptest.NewServer((&queryapi.Server{
		Processor: p, Store: db.Reader, Callers: &signed.Callers{Find: db.CallerByKey, Now: b.Now}, Now: b.Now, Log: log,
	}).Handler())
	t.Cleanup(server.Close)
	t.Cleanup(b.Close)
	var err error
	if b.Endpoint, err = url.Parse(server.URL); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBench(t *testing.T) {
	databases(t, func(t *testing.T, address string) {
		b := newBench(t, address)
		if err := b.Preload(t.Context(), 20); err != nil {
			t.Fatal(err)
		}
		if err := b.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, err := b.Measure(t.Context())
		if err != nil || r.Errors > 0 || r.Requests == 0 {
			t.Fatalf("measured %+v (%v)", r.Figures, err)
		}
		counted := r.Postgres != nil && r.Postgres.AnswerWALkB > 0
		if counted != (r.Store == "PostgreSQL") {
			t.Errorf("%s has counters %+v", r.Store, r.Postgres)
		}
		c, err := b.Check(t.Context(), true)
		if err != nil || !c.good() || c.Acknowledged == 0 || c.Books.Transactions != int(c.Acknowledged)+20 {
			t.Errorf("checked %+v, books %+v (%v)", c, c.Books, err)
		}
	})
}

// measured is a bench of one connection after its measurement.
func measured(t *testing.T, address string) *Bench {
	t.Helper()
	b := newBench(t, address)
	b.Mix, b.Connections = MixReserve, 1
	if err := b.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// Check must find missing and different transactions.
func TestCheckFindsWhatIsNotThere(t *testing.T) {
	databases(t, func(t *testing.T, address string) {
		b := measured(t, address)
		d := b.drivers[0]
		d.acked = append(d.acked, ack{Reserve, holding{0, "1NOTTHERE"}, holdfast.StatusReserved})
		d.acked[0].status = holdfast.StatusSuccess
		c, err := b.Check(t.Context(), false)
		if err != nil || c.good() || c.Missing != 1 || c.Different != 1 {
			t.Errorf("checked %+v (%v), want one missing and one different", c, err)
		}
	})
}

// Two references must not be answered with the same transaction.
func TestCheckCountsAnswers(t *testing.T) {
	databases(t, func(t *testing.T, address string) {
		b := measured(t, address)
		d := b.drivers[0]
		d.acked = append(d.acked, d.acked[0])
		c, err := b.Check(t.Context(), false)
		if err != nil || c.good() || c.Different != 1 {
			t.Errorf("checked %+v (%v), want one that is different", c, err)
		}
	})
}

// The holds of a storm have the same deadline and a separate caller.
func TestGather(t *testing.T) {
	databases(t, func(t *testing.T, address string) {
		b := newBench(t, address)
		if err := b.Gather(t.Context(), 30); err != nil {
			t.Fatal(err)
		}
		var due []store.Lapse
		deadlines := map[time.Time]int{}
		err := b.Store.View(t.Context(), func(tx *store.ReadTx) error {
			all, err := tx.DueOf(b.gathered.caller.ID, b.Now().Add(payment.ReserveLifeMax), 100)
			if err == nil {
				due, err = tx.Lapses(all)
			}
			return err
		})
		for _, held := range due {
			deadlines[held.Deadline]++
		}
		if err != nil || len(due) != 30 || len(deadlines) != 1 {
			t.Errorf("%d holds expire at %d moments (%v)", len(due), len(deadlines), err)
		}
	})
}
