package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/engine"
)

const logMost = 1000 // pages

func openWithShortLog(t *testing.T, path string) *engine.DB {
	t.Helper()
	db := open(t, path, engine.Config{})
	db.KeepLogShort(logMost)
	return db
}

// growLog adds numbers, each as large as a page, until SQLite's log is longer
// than it should be.
func growLog(t *testing.T, db *engine.DB, first int) (next int) {
	t.Helper()
	const some = 200
	for next = first; logPages(t, db) < logMost; next += some {
		err := db.Update(t.Context(), func(tx *engine.Tx) error {
			for i := next; i < next+some; i++ {
				if err := insertNumber.Write(tx, fmt.Sprint(i), fmt.Sprint(i), strings.Repeat("n", 4000), i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return next
}

// shortenLog commits until the log has begun anew.
func shortenLog(t *testing.T, db *engine.DB, first int) (next int) {
	t.Helper()
	for next = first; logPages(t, db) >= logMost; next++ {
		db.Shorten() // without waiting for the next look by itself
		mustUpdate(t, db, func(tx *engine.Tx) error { return add(tx, fmt.Sprint(next), 1) })
	}
	return next
}

func logPages(t *testing.T, db *engine.DB) int {
	t.Helper()
	n, err := db.LogPages()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTheLogBeginsAnewWhileCommitsGoOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "holdfast.db")
	db := openWithShortLog(t, path)
	next := shortenLog(t, db, growLog(t, db, 1))
	next = shortenLog(t, db, growLog(t, db, next))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after closing, the log still exists: %v", err)
	}
	db = open(t, path, engine.Config{})
	for _, i := range []int{1, next - 1} {
		if valueOf(t, db, fmt.Sprint(i)) < 0 {
			t.Errorf("number %d is lost", i)
		}
	}
}

// A reader keeps its consistent state, however long the log becomes. The log
// begins anew after the reader has ended.
func TestTheLogWaitsForAReader(t *testing.T) {
	db := openWithShortLog(t, filepath.Join(t.TempDir(), "holdfast.db"))
	next := growLog(t, db, 1)
	err := db.View(t.Context(), func(tx *engine.Tx) error {
		seen := func(i int) bool {
			_, found, err := numbers.Get(tx, fmt.Sprint(i))
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		if !seen(1) {
			t.Error("the first number is not found")
		}
		for range 3 {
			db.Shorten()
			err := db.Update(context.WithoutCancel(t.Context()), func(tx *engine.Tx) error {
				return add(tx, fmt.Sprint(next), 1)
			})
			if err != nil {
				return err
			}
			next++
		}
		if seen(next - 1) {
			t.Error("a reader sees a row that was written after it began")
		}
		if n := logPages(t, db); n < logMost {
			t.Errorf("the log has %d pages, and a reader needs more", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	shortenLog(t, db, next)
}
