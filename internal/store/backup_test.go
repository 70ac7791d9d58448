package store_test

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A copy by VACUUM INTO, the documented backup, finishes under load. It is one
// consistent state of the store: it opens, its books are right, and it has
// everything that was answered before it began.
func TestABackupUnderLoad(t *testing.T) {
	address := holdfasttest.Addresses(t)["SQLite"](t)
	db := holdfasttest.Open(t, address)
	var written atomic.Int64
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					return insert(tx, newParty(int(written.Add(1))))
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for written.Load() < 100 {
		if err := db.Update(t.Context(), func(*store.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	before := newParty(0)
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return insert(tx, before) }); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	began := written.Load()
	if _, err := raw(t, address).ExecContext(t.Context(), `VACUUM INTO '`+copied+`'`); err != nil {
		t.Fatal(err)
	}
	meanwhile := written.Load() - began
	close(stop)
	writers.Wait()
	backup, err := store.OpenExisting(t.Context(), store.Config{Address: copied})
	if err != nil {
		t.Fatal(err)
	}
	defer backup.Close()
	holdfasttest.CheckBooks(t, backup)
	if !exists(t, backup, before.ID) {
		t.Error("the copy lacks what was answered before it began")
	}
	t.Logf("%d actions were committed while the copy was made", meanwhile)
}
