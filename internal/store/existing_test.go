package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// OpenExisting opens a store with this program's schema, and leaves every other
// database as it is.
func TestOpenExisting(t *testing.T) {
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			refused := func(at string, want error) {
				t.Helper()
				db, err := store.OpenExisting(t.Context(), store.Config{Address: at})
				if err == nil {
					db.Close()
				}
				if !errors.Is(err, want) {
					t.Errorf("opened with %v, want %v", err, want)
				}
			}
			at := address(t)
			if name == "SQLite" {
				if _, err := store.OpenExisting(t.Context(), store.Config{Address: at}); err == nil {
					t.Error("a file that does not exist was opened")
				}
				if _, err := os.Stat(at); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("the file exists: %v", err)
				}
				if err := os.WriteFile(at, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			refused(at, store.ErrNoSchema)
			refused(at, store.ErrNoSchema) // the first try did not migrate it
			if err := holdfasttest.Open(t, at).Close(); err != nil {
				t.Fatal(err)
			}
			db, err := store.OpenExisting(t.Context(), store.Config{Address: at})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			holdfasttest.CheckBooks(t, db)
		})
	}
}

// A copy of the file without its log is refused if all data was still in the
// log.
func TestALoneFileIsNoStore(t *testing.T) {
	at := filepath.Join(t.TempDir(), "holdfast.db")
	holdfasttest.Open(t, at)
	copied, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(alone, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenExisting(t.Context(), store.Config{Address: alone}); !errors.Is(err, store.ErrNoSchema) {
		t.Errorf("a copy of %d bytes was opened with %v", len(copied), err)
	}
	if err := os.WriteFile(alone, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = store.OpenExisting(t.Context(), store.Config{Address: alone})
	if err == nil || !strings.Contains(err.Error(), "not a database") {
		t.Errorf("a file of text was opened with %v", err)
	}
}

// While another process has locked the file, all waiting actions are answered
// as soon as the first one's wait times out.
func TestALockedFileAnswersEverybody(t *testing.T) {
	const timeout, waiting = 200 * time.Millisecond, 2000
	address := holdfasttest.Addresses(t)["SQLite"](t)
	db, err := store.Open(t.Context(), store.Config{Address: address, LockWait: timeout})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	letGo := holdfasttest.Lock(t, address)
	var wait sync.WaitGroup
	began := time.Now() //nolint:forbidigo // another process holds a lock for real
	for i := range waiting {
		wait.Go(func() {
			ran := false
			update := db.Update
			if i%2 == 0 {
				update = db.Background
			}
			err := update(t.Context(), func(*store.Tx) error { ran = true; return nil })
			if !errors.Is(err, store.ErrBusy) || ran {
				t.Errorf("action %d: %v, and it ran: %v", i, err, ran)
			}
		})
	}
	wait.Wait()
	const longest = 60 * timeout                   // one group after the other would take 160
	if took := time.Since(began); took > longest { //nolint:forbidigo // as above
		t.Errorf("all were answered after %v", took)
	}
	letGo()
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return insert(tx, newParty(1)) }); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}
