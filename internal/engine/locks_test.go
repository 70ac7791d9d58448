package engine_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// A Work reads one row and writes another, while another server changes the
// first. On PostgreSQL the Work must not commit a change that depends on the old
// row. On SQLite the other server waits for the only writer.
func TestWhatADecisionOnlyReadCannotChange(t *testing.T) {
	byKey := func(tx *engine.Tx) (int64, error) {
		v, _, err := numbers.Get(tx, "read")
		return v.n, err
	}
	reads := map[string]func(tx *engine.Tx) (int64, error){
		"by its key": byKey,
		"by a query": func(tx *engine.Tx) (n int64, err error) {
			return n, tx.QueryRow(`SELECT n FROM numbers WHERE name = 'read'`).Scan(&n)
		},
		"unlocked": func(tx *engine.Tx) (int64, error) { return byKey(tx.Unlocked("this is the test of it")) },
	}
	for kind, address := range holdfasttest.EmptyAddresses(t) {
		for how, read := range reads {
			for _, alone := range []bool{true, false} {
				t.Run(kind+" "+how+map[bool]string{true: " alone", false: " with others"}[alone], func(t *testing.T) {
					at := address(t)
					db, other := open(t, at, engine.Config{}), open(t, at, engine.Config{})
					mustUpdate(t, db, func(tx *engine.Tx) error { return add(tx, "read", 1) })
					var once sync.Once
					var wait sync.WaitGroup
					change := func() {
						if err := other.Update(t.Context(), func(tx *engine.Tx) error { return increase(tx, "read", 1) }); err != nil {
							t.Errorf("the other server: %v", err)
						}
					}
					works := []func(tx *engine.Tx) error{func(tx *engine.Tx) error {
						n, err := read(tx)
						if err != nil {
							return err
						}
						once.Do(func() {
							if kind == "SQLite" {
								wait.Go(change)
							} else {
								change()
							}
						})
						return add(tx, "saw", n)
					}}
					if !alone {
						works = append(works, func(tx *engine.Tx) error { return add(tx, "neighbour", 1) })
					}
					for _, err := range together(t, db, works...) {
						if err != nil {
							t.Error(err)
						}
					}
					wait.Wait()
					want := int64(2)
					if kind == "SQLite" || how == "unlocked" {
						want = 1
					}
					if got := valueOf(t, db, "saw"); got != want {
						t.Errorf("it saw %d, want %d", got, want)
					}
					if got := valueOf(t, db, "read"); got != 2 {
						t.Errorf("the other server wrote %d", got)
					}
				})
			}
		}
	}
}

// Two servers find that a row does not exist, and both add it. The second one
// runs again and reads the row of the first one.
func TestTwoAddTheSameRow(t *testing.T) {
	at := holdfasttest.EmptyPostgresAddress(t)
	db, other := open(t, at, engine.Config{}), open(t, at, engine.Config{})
	var met int64
	first := sync.OnceFunc(func() {
		if err := other.Update(t.Context(), func(tx *engine.Tx) error { return add(tx, "a", 1) }); err != nil {
			t.Errorf("the other server: %v", err)
		}
	})
	mustUpdate(t, db, func(tx *engine.Tx) error {
		v, found, err := numbers.Get(tx, "a")
		if err != nil || found {
			met = v.n
			return err
		}
		first()
		return numbersUpsert.Write(tx, "a", "a", "alias", 2)
	})
	if met != 1 {
		t.Errorf("the second one found %d, want 1", met)
	}
}

// A Work reads a row, and then its write of that row changes nothing, which it
// ignores. It still must not commit if another server changes the row.
func TestAWriteThatChangesNothingReplacesNoLock(t *testing.T) {
	at := holdfasttest.EmptyPostgresAddress(t)
	db, other := open(t, at, engine.Config{}), open(t, at, engine.Config{})
	mustUpdate(t, db, func(tx *engine.Tx) error { return add(tx, "read", 1) })
	runs := 0
	first := sync.OnceFunc(func() {
		if err := other.Update(t.Context(), func(tx *engine.Tx) error { return increase(tx, "read", 1) }); err != nil {
			t.Errorf("the other server: %v", err)
		}
	})
	mustUpdate(t, db, func(tx *engine.Tx) error {
		runs++
		v, _, err := numbers.Get(tx, "read")
		if err != nil {
			return err
		}
		switch err := setNumber.Write(tx, "read", 9, "read", 7); {
		case errors.Is(err, engine.ErrStale):
			first()
		case err != nil:
			return err
		}
		return add(tx, "saw", v.n)
	})
	if saw := valueOf(t, db, "saw"); saw != 2 {
		t.Errorf("it saw %d in its last of %d runs, want 2", saw, runs)
	}
}

var numbersUpsert = numbers.Change(engine.Insertion{
	Doing: "writing a number", Table: "numbers", Otherwise: "ON CONFLICT (name) DO UPDATE SET n = excluded.n",
	Columns: append(engine.Columns(engine.Text, "name, alias"), engine.Columns(engine.Number, "n")...),
})
