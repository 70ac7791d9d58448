package store_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// pagesOf reads all pages of a window, and names their movements.
func pagesOf(
	t *testing.T, w *holdfasttest.World, from, to time.Time, limit int, selects func(*payment.Movement) bool,
) (names []string) {
	t.Helper()
	var after store.MovementPlace
	for range 10_000 {
		var page []payment.Movement
		var next *store.MovementPlace
		err := w.DB.View(t.Context(), func(tx *store.ReadTx) (err error) {
			page, next, err = tx.MovementPage(w.Shop.ID, from, to, after, limit, selects)
			return err
		})
		if err != nil || len(page) > limit {
			t.Fatalf("a page has %d movements, %v", len(page), err)
		}
		for i := range page {
			names = append(names, nameOf(&page[i]))
		}
		if next == nil {
			return names
		}
		after = *next
	}
	t.Fatal("the pages do not end")
	return nil
}

func nameOf(m *payment.Movement) string {
	return fmt.Sprintf("%s/%d at %v: %s of %v", m.Transaction, m.Step, m.At, m.Verb, m.Postings)
}

// The pages of any window have each movement of the window once, late steps among them.
func TestPagesHaveEachMovementOnce(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		s := holdfasttest.NewBusyShop(w, 31)
		s.Run(200)
		edges := make(map[time.Time]bool)
		err := db.Movements(t.Context(), w.Shop.ID, time.UnixMicro(1), time.UnixMicro(1<<55),
			func(m *payment.Movement) error {
				edges[m.At] = true
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
		times := slices.SortedFunc(maps.Keys(edges), time.Time.Compare)
		for range 25 {
			a, b := times[s.Random.IntN(len(times))], times[s.Random.IntN(len(times))]
			if b.Before(a) {
				a, b = b, a
			}
			b = b.Add(time.Duration(s.Random.IntN(2)) * time.Microsecond)
			selects := func(m *payment.Movement) bool { return len(m.Postings) > 0 }
			if s.Random.IntN(2) == 0 {
				selects = func(m *payment.Movement) bool { return m.Paid() != 0 }
			}
			var want []string
			err := db.Movements(t.Context(), w.Shop.ID, a, b, func(m *payment.Movement) error {
				if selects(m) {
					want = append(want, nameOf(m))
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			got := pagesOf(t, w, a, b, 1+s.Random.IntN(7), selects)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("from %v to %v the pages have\n%v\nwant\n%v", a, b, got, want)
			}
		}
	})
}
