package bench

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The books of a filled store are right, and stay right when a server works
// with it.
func TestPreload(t *testing.T) {
	const count = 20_000
	databases(t, func(t *testing.T, address string) {
		b := newBench(t, address)
		if err := b.assemble(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := b.definitions(t)
		l := b.preloading(count)
		l.rebuild = true
		if err := l.run(t.Context(), count); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, b.definitions(t), cmp.AllowUnexported(definition{})); diff != "" {
			t.Errorf("the tables have changed:\n%s", diff)
		}
		b.checkTimes(t)
		if err := b.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Measure(t.Context()); err != nil {
			t.Fatal(err)
		}
		c, err := b.Check(t.Context(), true)
		if err != nil || !c.good() || c.Books.Transactions != count+int(c.Acknowledged) {
			t.Errorf("checked %+v, books %+v (%v)", c, c.Books, err)
		}
	})
}

// definitions are the indexes and settings of the tables that are filled.
func (b *Bench) definitions(t *testing.T) map[string][]definition {
	t.Helper()
	all := map[string][]definition{}
	for _, table := range copiedPayments {
		if !b.database.postgres {
			break
		}
		found, err := b.database.definitions(t.Context(), table.name)
		if err != nil || len(found) < 2 {
			t.Fatalf("%s has the definitions %v (%v)", table.name, found, err)
		}
		slices.SortFunc(found, func(a, b definition) int { return strings.Compare(a.do, b.do) })
		all[table.name] = found
	}
	return all
}

// checkTimes checks that the payments of a merchant are spread over an hour, in
// the order of their ids.
func (b *Bench) checkTimes(t *testing.T) {
	t.Helper()
	var all []payment.Transaction
	err := b.Store.View(t.Context(), func(tx *store.ReadTx) (err error) {
		l := store.Listing{Caller: b.cast.merchants[0].caller.ID, To: b.Now().Add(time.Hour), Ascending: true}
		all, err = tx.Next(&l, 10_000)
		return err
	})
	if err != nil || len(all) < 5_000 {
		t.Fatalf("a merchant has %d payments (%v)", len(all), err)
	}
	if over := all[len(all)-1].Received.Sub(all[0].Received); over < loadedOver*9/10 || over > loadedOver*11/10 {
		t.Errorf("the payments are spread over %v", over)
	}
	for i, p := range all {
		if p.Completed.Before(p.Received) {
			t.Fatalf("payment %d was completed at %v and received at %v", i, p.Completed, p.Received)
		}
	}
}

// Copies of holds have one deadline, and can be settled like all others.
func TestGatheredCopies(t *testing.T) {
	const count = patternsMost + 500
	databases(t, func(t *testing.T, address string) {
		b := newBench(t, address)
		if err := b.Gather(t.Context(), count); err != nil {
			t.Fatal(err)
		}
		var due []store.Due
		err := b.Store.View(t.Context(), func(tx *store.ReadTx) (err error) {
			due, err = tx.DueOf(b.gathered.caller.ID, b.Now().Add(payment.ReserveLifeMax), 2*count)
			return err
		})
		if err != nil || len(due) != count {
			t.Fatalf("%d holds are due (%v)", len(due), err)
		}
		p := b.newProcessor(b.Now)
		defer p.Close()
		for _, held := range due[count-3:] {
			settled, err := p.Settle(t.Context(), b.gathered.caller, holdfast.SettleRequest{ReserveTransactionID: held.ID})
			if err != nil || settled.State != payment.Success {
				t.Errorf("settling %s: %s, %v", held.ID, settled.State, err)
			}
		}
		report, err := b.Store.CheckBooks(t.Context())
		if err != nil || len(report.Findings) > 0 || report.Transactions != count {
			t.Errorf("%d transactions (%v), wrong: %v", report.Transactions, err, report.Findings)
		}
	})
}

// A storm is over when no question to the card network is open.
func TestAsking(t *testing.T) {
	databases(t, func(t *testing.T, address string) {
		b := newBench(t, address)
		if err := b.Gather(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		for _, question := range []string{"", "Release"} {
			_, err := b.database.ExecContext(t.Context(), `UPDATE transactions SET asking = $1`, question)
			if err != nil {
				t.Fatal(err)
			}
			asking, err := b.database.asking(t.Context(), b.gathered.caller.ID)
			if err != nil || asking != (question != "") {
				t.Errorf("with the question %q something is asked: %t (%v)", question, asking, err)
			}
			if asking, err = b.database.asking(t.Context(), "another"); err != nil || asking {
				t.Errorf("another caller asks: %t (%v)", asking, err)
			}
		}
	})
}
