package bench

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A store with 100,000 payments is copied into the other kind of database and
// back. Nothing is lost: the books have the same hash in all three.
func TestCopyThereAndBack(t *testing.T) {
	if testing.Short() {
		t.Skip("it copies 100,000 payments twice")
	}
	const count = 100_000
	second, third := holdfasttest.EmptyPostgresAddress(t), holdfasttest.EmptyAddresses(t)["SQLite"](t)
	first := holdfasttest.Addresses(t)["SQLite"](t)
	b := newBench(t, first)
	if err := b.assemble(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.preloading(count).run(t.Context(), count); err != nil {
		t.Fatal(err)
	}
	want, err := b.Store.BooksDigest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	from := first
	for _, to := range []string{second, third} {
		c := store.Copy{Now: b.Now(), Told: func(string, int64) {}}
		if c.From, err = store.ParseAddress(from); err != nil {
			t.Fatal(err)
		}
		if c.To, err = store.ParseAddress(to); err != nil {
			t.Fatal(err)
		}
		began := time.Now() //nolint:forbidigo // how long it takes is only logged
		if _, err := c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("copied to %s in %v", c.To, time.Since(began)) //nolint:forbidigo // as above
		db := holdfasttest.Open(t, to)
		got, err := db.BooksDigest(t.Context())
		if err != nil || got.String() != want.String() {
			t.Errorf("the books in %s have the hash %s (%v), want %s", c.To, got, err, want)
		}
		report, err := db.CheckBooks(t.Context())
		if err != nil || len(report.Findings) > 0 || report.Transactions < count {
			t.Errorf("in %s are %d transactions (%v), wrong: %v", c.To, report.Transactions, err, report.Findings)
		}
		from = to
	}
}
