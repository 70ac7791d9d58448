package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/engine"
)

// The example of the package comment: of three Works in one group, the first two
// increase the same number. The second runs again in the next round and sees
// what the first has written.
func TestThreeWorksTwoOfWhichWantTheSameRow(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		mustUpdate(t, db, func(tx *engine.Tx) error {
			return errors.Join(add(tx, "apples", 1), add(tx, "pears", 10))
		})
		var saw [3][]int64
		work := func(i int, name string) func(tx *engine.Tx) error {
			return func(tx *engine.Tx) error {
				v, _, err := numbers.Get(tx, name)
				if err != nil {
					return err
				}
				saw[i] = append(saw[i], v.n)
				return increase(tx, name, 1)
			}
		}
		errs := together(t, db, work(0, "apples"), work(1, "apples"), work(2, "pears"))
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([3][]int64{{1}, {1, 2}, {10}}, saw); diff != "" {
			t.Errorf("what they saw in their runs (-want +got):\n%s", diff)
		}
		if a, p := valueOf(t, db, "apples"), valueOf(t, db, "pears"); a != 3 || p != 11 {
			t.Errorf("in the end there are %d apples and %d pears", a, p)
		}
	})
}

// The writes of a Work are kept until they are needed. The Work does not notice:
// it reads its own writes by key and by queries.
func TestAWorkReadsWhatItWrote(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		work := func(name string) func(tx *engine.Tx) error {
			return func(tx *engine.Tx) error {
				if err := add(tx, name, 1); err != nil {
					return err
				}
				if err := increase(tx, name, 1); err != nil { // reads its own row
					return err
				}
				if err := setNumber.Write(tx, name, 3, name, 2); err != nil { // writes it again, without a read
					return err
				}
				all, err := engine.List(tx, "reading numbers", scanNumber, selectNumbers+`WHERE name = $1`, name)
				if err != nil || len(all) != 1 || all[0].n != 3 {
					return fmt.Errorf("it reads %v, %w", all, err)
				}
				if err := tx.One("setting", `UPDATE numbers SET n = 4 WHERE name = $1`, name); err != nil {
					return err
				}
				return increase(tx, name, 1)
			}
		}
		if err := errors.Join(together(t, db, work("a"))...); err != nil {
			t.Errorf("by itself: %v", err)
		}
		if err := errors.Join(together(t, db, work("b"), work("c"), work("d"))...); err != nil {
			t.Errorf("in a group: %v", err)
		}
		for _, name := range []string{"a", "b", "c", "d"} {
			if n := valueOf(t, db, name); n != 5 {
				t.Errorf("%s is %d, want 5", name, n)
			}
		}
	})
}

// A Work that ends with an error after its writes were sent leaves no trace,
// and the other Works of its group do not see them.
func TestAWorkThatFailsAfterItsWritesWereSent(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		mustUpdate(t, db, func(tx *engine.Tx) error { return add(tx, "a", 1) })
		errs := together(t, db,
			func(tx *engine.Tx) error {
				if err := increase(tx, "a", 10); err != nil {
					return err
				}
				if _, err := tx.Exec("adding an event", `INSERT INTO events (what) VALUES ('gone')`); err != nil {
					return err
				}
				return errRefused
			},
			func(tx *engine.Tx) error { return increase(tx, "a", 1) },
			func(tx *engine.Tx) error {
				if _, err := tx.Exec("counting", `UPDATE numbers SET alias = 'x' WHERE name = 'none'`); err != nil {
					return err
				}
				return increase(tx, "a", 1)
			},
		)
		if !errors.Is(errs[0], errRefused) || errs[1] != nil || errs[2] != nil {
			t.Errorf("they ended with %v", errs)
		}
		if n := valueOf(t, db, "a"); n != 3 {
			t.Errorf("the number is %d, want 3", n)
		}
	})
}

// A Work that ignores the error by which it has to leave its round runs again.
func TestAWorkCannotStayByIgnoringAnError(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		work := func(name string) func(tx *engine.Tx) error {
			return func(tx *engine.Tx) error {
				_, _ = tx.Exec("adding an event", `INSERT INTO events (what) VALUES ($1)`, name)
				_ = add(tx, name, 1)
				return nil
			}
		}
		if err := errors.Join(together(t, db, work("a"), work("b"))...); err != nil {
			t.Error(err)
		}
		if a, b := valueOf(t, db, "a"), valueOf(t, db, "b"); a != 1 || b != 1 {
			t.Errorf("the numbers are %d and %d", a, b)
		}
		err := db.Update(t.Context(), func(tx *engine.Tx) error {
			_, _ = tx.Exec("failing", `INSERT INTO nothing (what) VALUES (1)`)
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "ignored an error") {
			t.Errorf("a Work that ignores the failure of a statement ended with %v", err)
		}
	})
}

// Works that share a commit each read their own row, some of which exist.
func TestManyReadTheirOwnRows(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		const there, wanted = 37, 60 // not multiples of the rows in one statement
		mustUpdate(t, db, func(tx *engine.Tx) error {
			for i := range there {
				if err := add(tx, fmt.Sprint("n", i), int64(i)); err != nil {
					return err
				}
			}
			return nil
		})
		letGo := occupied(t, db)
		var wait sync.WaitGroup
		for i := range wanted {
			wait.Go(func() {
				var v number
				var found bool
				err := db.Update(t.Context(), func(tx *engine.Tx) (err error) {
					v, found, err = numbers.Get(tx, fmt.Sprint("n", i))
					return err
				})
				if err != nil || found != (i < there) || found && v.n != int64(i) {
					t.Errorf("number %d: %v, found %t, %v", i, v, found, err)
				}
			})
		}
		engine.WaitForQueue(db, wanted, 0)
		letGo()
		wait.Wait()
	})
}

// A row has two names. A Work that writes it by one name and says the other is
// seen by a Work that reads it by the other.
func TestARowWithTwoNames(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		mustUpdate(t, db, func(tx *engine.Tx) error { return add(tx, "a", 1) })
		var saw number
		errs := together(t, db,
			func(tx *engine.Tx) error {
				return setNumber.WriteAlso(tx, "a", []engine.Row{aliases.Row("alias of a")}, 2, "a", 1)
			},
			func(tx *engine.Tx) (err error) {
				saw, _, err = aliases.Get(tx, "alias of a")
				return err
			},
		)
		if err := errors.Join(errs...); err != nil || saw.n != 2 {
			t.Errorf("it saw %+v, %v", saw, err)
		}
	})
}

// Works add to one counter. Each sum includes what earlier Works have added,
// and can be a value of the Work's own writes.
func TestACounter(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		addFive := func(what string) func(tx *engine.Tx) error {
			return func(tx *engine.Tx) error {
				sum, err := amounts.Add(tx, "shop", "shop", 5)
				if err != nil {
					return err
				}
				return events.Add(tx, what, sum)
			}
		}
		mustUpdate(t, db, addFive("first"))
		var saw int64
		errs := together(t, db, addFive("second"), addFive("third"), func(tx *engine.Tx) (err error) {
			saw, err = amounts.Read(tx, "shop")
			return err
		}, func(tx *engine.Tx) error {
			if _, err := amounts.Add(tx, "shop", "shop", 100); err != nil {
				return err
			}
			return errRefused
		}, func(tx *engine.Tx) error {
			if err := addFive("fourth")(tx); err != nil {
				return err
			}
			_, err := tx.Exec("adding an event", `INSERT INTO events (what) VALUES ('alone')`)
			return err
		})
		if !errors.Is(errs[3], errRefused) {
			t.Errorf("the fourth ended with %v", errs[3])
		}
		errs[3] = nil
		if err := errors.Join(errs...); err != nil || saw != 15 && saw != 20 {
			t.Errorf("the reader saw %d, want 15 or, after the fourth, 20; %v", saw, err)
		}
		var got []string
		err := db.View(t.Context(), func(tx *engine.Tx) (err error) {
			got, err = engine.List(tx, "reading events", func(row engine.Scanner) (string, error) {
				var what string
				var n int64
				err := row.Scan(&what, &n)
				return fmt.Sprint(what, " ", n), err
			}, `SELECT what, n FROM events WHERE what <> 'alone' ORDER BY n`)
			return err
		})
		want := []string{"first 5", "second 10", "third 15", "fourth 20"}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("the sums (-want +got):\n%s%v", diff, err)
		}
	})
}

// A decision that depends on a row's absence has to add the row. Nothing else
// could keep another server from adding it.
func TestAbsenceIsWritten(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		depends := func(tx *engine.Tx) error {
			if _, _, err := numbers.Get(tx, "a"); err != nil {
				return err
			}
			return add(tx, "b", 1)
		}
		if err := db.Update(t.Context(), depends); err == nil || !strings.Contains(err.Error(), "absence of a row") {
			t.Errorf("by itself it ended with %v", err)
		}
		errs := together(t, db, depends, func(tx *engine.Tx) error { return add(tx, "c", 1) })
		if errs[0] == nil || errs[1] != nil {
			t.Errorf("in a group they ended with %v", errs)
		}
		if valueOf(t, db, "b") >= 0 || valueOf(t, db, "c") < 0 {
			t.Error("the wrong one was committed")
		}
	})
}

// A Work that calls Update is refused at once. It would wait for its own end. An
// Update of another database is allowed.
func TestAnUpdateInsideAnUpdate(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		other := open(t, t.TempDir()+"/other.db", engine.Config{})
		nested := func(tx *engine.Tx) error {
			if err := other.Update(context.Background(), func(tx *engine.Tx) error {
				_, err := tx.Exec("adding an event", `INSERT INTO events (what) VALUES ('other')`)
				return err
			}); err != nil {
				return fmt.Errorf("the other database: %w", err)
			}
			return db.Update(context.Background(), func(*engine.Tx) error { return nil })
		}
		ok := func(tx *engine.Tx) error { return add(tx, "a", 1) }
		if err := db.Update(t.Context(), nested); !errors.Is(err, engine.ErrNested) {
			t.Errorf("by itself it ended with %v", err)
		}
		errs := together(t, db, nested, ok, nested)
		if !errors.Is(errs[0], engine.ErrNested) || errs[1] != nil || !errors.Is(errs[2], engine.ErrNested) {
			t.Errorf("in a group they ended with %v", errs)
		}
	})
}

// Confirm works on each database, alone and together with other Works.
func TestConfirm(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		confirm := func(tx *engine.Tx) error { return tx.Confirm() }
		errs := together(t, db, confirm, func(tx *engine.Tx) error { return add(tx, "a", 1) }, confirm)
		errs = append(errs, together(t, db, confirm)...)
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	})
}
