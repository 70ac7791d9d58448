package engine_test

import (
	"errors"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// The first statements of a transaction take its beginning with them, and the
// last writes take the locks and the commit. So each read of a Work is one round
// trip to PostgreSQL, and all its writes are one.
func TestRoundTrips(t *testing.T) {
	at := holdfasttest.EmptyPostgresAddress(t)
	w := holdfasttest.NewWire(t, at)
	db := open(t, holdfasttest.Through(t, at, w), engine.Config{})
	mustUpdate(t, db, func(tx *engine.Tx) error {
		return errors.Join(add(tx, "a", 1), add(tx, "b", 1), add(tx, "c", 1))
	})
	readTwo := func(tx *engine.Tx) error {
		numbers.Expect(tx, "a")
		if _, _, err := numbers.Get(tx, "b"); err != nil {
			return err
		}
		_, _, err := numbers.Get(tx, "a")
		return err
	}
	write := func(tx *engine.Tx) error { return events.Add(tx, "something", 1) }
	tests := []struct {
		name  string
		works []func(tx *engine.Tx) error
		trips int64
	}{
		{"a write", []func(*engine.Tx) error{write}, 1},
		{"a read and a write", []func(*engine.Tx) error{func(tx *engine.Tx) error { return increase(tx, "a", 1) }}, 2},
		{"two rows that are read together, one of which is locked", []func(*engine.Tx) error{func(tx *engine.Tx) error {
			return errors.Join(readTwo(tx), increase(tx, "a", 1))
		}}, 2},
		{"two reads and a write", []func(*engine.Tx) error{func(tx *engine.Tx) error {
			return errors.Join(increase(tx, "a", 1), increase(tx, "b", 1))
		}}, 3},
		{"a counter", []func(*engine.Tx) error{func(tx *engine.Tx) error {
			_, err := amounts.Add(tx, "shop", "shop", 1)
			return err
		}}, 2},
		{"a group of two with a row each", []func(*engine.Tx) error{
			func(tx *engine.Tx) error { return increase(tx, "a", 1) },
			func(tx *engine.Tx) error { return increase(tx, "b", 1) },
		}, 2},
		{"a group of two that want one row, and a third Work", []func(*engine.Tx) error{
			func(tx *engine.Tx) error { return increase(tx, "a", 1) },
			func(tx *engine.Tx) error { return increase(tx, "a", 1) },
			func(tx *engine.Tx) error { return increase(tx, "b", 1) },
		}, 3},
		{"a Work that runs alone behind another", []func(*engine.Tx) error{
			func(tx *engine.Tx) error { return increase(tx, "a", 1) },
			func(tx *engine.Tx) error { return tx.One("adding", `INSERT INTO events (what) VALUES ('alone')`) },
		}, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			least := int64(1000)
			for range 6 { // each connection prepares its statements first
				var before int64
				works := make([]func(*engine.Tx) error, len(test.works))
				for i, one := range test.works {
					works[i] = func(tx *engine.Tx) error {
						if i == 0 && before == 0 {
							before = w.Turns.Load()
						}
						return one(tx)
					}
				}
				for _, err := range together(t, db, works...) {
					if err != nil {
						t.Fatal(err)
					}
				}
				least = min(least, w.Turns.Load()-before)
			}
			if least != test.trips {
				t.Errorf("%d round trips, want %d", least, test.trips)
			}
		})
	}
}

// A statement that changes a wrong number of rows fails before the commit that
// was sent with it, for one row and for many.
func TestAWrongNumberOfRowsIsNeverCommitted(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		mustUpdate(t, db, func(tx *engine.Tx) error { return errors.Join(add(tx, "a", 1), add(tx, "b", 1)) })
		stale := func(tx *engine.Tx) error {
			return errors.Join(events.Add(tx, "gone", 1), setNumber.Write(tx, "a", 9, "a", 7))
		}
		good := func(tx *engine.Tx) error {
			return errors.Join(events.Add(tx, "stays", 1), setNumber.Write(tx, "b", 2, "b", 1))
		}
		if err := db.Update(t.Context(), stale); !errors.Is(err, engine.ErrStale) {
			t.Errorf("by itself it ended with %v", err)
		}
		errs := together(t, db, stale, good)
		if !errors.Is(errs[0], engine.ErrStale) || errs[1] != nil {
			t.Errorf("in a group they ended with %v", errs)
		}
		// A Work that handles the failure of its own write goes on.
		mustUpdate(t, db, func(tx *engine.Tx) error {
			if err := setNumber.Write(tx, "a", 9, "a", 7); err != nil && !errors.Is(err, engine.ErrStale) {
				return err
			}
			return setNumber.Write(tx, "b", 3, "b", 2)
		})
		if a, b := valueOf(t, db, "a"), valueOf(t, db, "b"); a != 1 || b != 3 {
			t.Errorf("a is %d and b %d", a, b)
		}
		var what string
		var n int
		err := db.View(t.Context(), func(tx *engine.Tx) error {
			return tx.QueryRow(`SELECT MAX(what), COUNT(1) FROM events`).Scan(&what, &n)
		})
		if what != "stays" || n != 1 || err != nil {
			t.Errorf("the events: %s, %d, %v", what, n, err)
		}
	})
}
