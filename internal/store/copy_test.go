package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// copyOf copies a store into a new database.
func copyOf(t *testing.T, from, to string) store.Copy {
	t.Helper()
	c := store.Copy{Now: takenAt}
	var errs [2]error
	c.From, errs[0] = store.ParseAddress(from)
	c.To, errs[1] = store.ParseAddress(to)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return c
}

// digestOf is the hash of a store's books, and whether the store is paused as a
// copy.
func digestOf(t *testing.T, address string, key *store.SealKey) (digest store.StoreDigest, copied bool) {
	t.Helper()
	db, err := store.OpenExisting(t.Context(), store.Config{Address: address, SealKey: key})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	holdfasttest.CheckBooks(t, db)
	if digest, err = db.BooksDigest(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, _ := db.Paused()
	return digest, p.Reason == store.PausedCopy
}

// A sealed store is copied from each kind of database into each kind. All rows are
// the same, the secrets stay sealed with the same key, and the copy is paused.
func TestCopy(t *testing.T) {
	key, err := store.NewSealKey()
	if err != nil {
		t.Fatal(err)
	}
	addresses := holdfasttest.EmptyAddresses(t)
	for from := range addresses {
		for to := range addresses {
			t.Run(from+" to "+to, func(t *testing.T) {
				source, target := addresses[from](t), addresses[to](t)
				fillSealed(t, source, key)
				copied, err := copyOf(t, source, target).Run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				want, _ := digestOf(t, source, &key)
				got, paused := digestOf(t, target, &key)
				if diff := cmp.Diff(want, got); diff != "" || want.String() != got.String() || !paused {
					t.Errorf("the books of the copy, which is paused: %v (-want +got):\n%s", paused, diff)
				}
				rows := map[string]int64{}
				for _, table := range copied {
					rows[table.Table] = table.Rows
				}
				if rows["transactions"] != 2 || rows["access_keys"] != 1 || rows["sealing"] != 1 || rows["event_feed"] != 1 {
					t.Errorf("rows were copied: %v", rows)
				}
				if _, err := store.OpenExisting(t.Context(), store.Config{Address: target}); !errors.Is(err, store.ErrSealed) {
					t.Errorf("without its key, the copy opens with %v", err)
				}
				if _, err := copyOf(t, source, target).Run(t.Context()); err == nil {
					t.Error("a second copy into the same database is made")
				}
			})
		}
	}
}

// A copy and a backup are in the audit log of the store that was copied. A store that is
// paused is a copy itself, and stays as it is.
func TestCopiesAreInTheAuditLog(t *testing.T) {
	by := store.ByActor(t.Context(), party.Actor{Kind: party.ActorCommand, ID: "ann", From: "pay1"})
	actions := func(address string) (all []party.AuditAction) {
		t.Helper()
		db, err := store.OpenExisting(t.Context(), store.Config{Address: address})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for e, err := range db.AuditLog(t.Context(), store.AuditQuery{Limit: 10}) {
			if err != nil || e.Actor.ID != "ann" || e.Actor.From != "pay1" {
				t.Fatalf("%+v, %v", e, err)
			}
			all = append(all, e.Action)
		}
		slices.Sort(all)
		return all
	}
	want := func(what, address string, want ...party.AuditAction) {
		t.Helper()
		if diff := cmp.Diff(want, actions(address)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			source, dir := address(t), t.TempDir()
			if err := holdfasttest.Open(t, source).Close(); err != nil {
				t.Fatal(err)
			}
			copied := filepath.Join(dir, "copy.db")
			if _, err := copyOf(t, source, copied).Run(by); err != nil {
				t.Fatal(err)
			}
			want("the source", source, "store.copy_out")
			want("the copy", copied, "store.copy", "store.copy_out")
			if _, err := copyOf(t, copied, filepath.Join(dir, "again.db")).Run(by); err != nil {
				t.Fatal(err)
			}
			want("the copy of the copy", copied, "store.copy", "store.copy_out")
			if name != "SQLite" {
				return
			}
			b := backupOf(source, filepath.Join(dir, "backup.db"))
			b.Logged = true
			if err := b.Run(by); err != nil {
				t.Fatal(err)
			}
			want("the source of the backup", source, "store.backup", "store.copy_out")
			want("the backup", b.To, "store.backup", "store.copy_out")
		})
	}
}

// fillSealed makes a sealed store with a shop, a buyer, a hold and a payment.
func fillSealed(t *testing.T, address string, key store.SealKey) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Address: address, SealKey: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := holdfasttest.NewWorld(t, db)
	w.Reserved("9.00", "order-1")
	w.Paid("5.00", "order-2")
	w.Processor.Close()
}

// A copy that is cut short is no store: there is no file, or no program opens the
// database. It can be made again.
func TestACopyThatIsCutShort(t *testing.T) {
	key, err := store.NewSealKey()
	if err != nil {
		t.Fatal(err)
	}
	source := holdfasttest.EmptyAddresses(t)["SQLite"](t)
	fillSealed(t, source, key)
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			target := address(t)
			ctx, cancel := context.WithCancel(t.Context())
			c := copyOf(t, source, target)
			c.Told = func(table string, _ int64) {
				if table == "steps" {
					cancel()
				}
			}
			if _, err := c.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Fatalf("it ends with %v", err)
			}
			config := store.Config{Address: target, SealKey: &key}
			if name == "SQLite" {
				if all, err := os.ReadDir(filepath.Dir(target)); err != nil || len(all) > 0 {
					t.Errorf("it leaves %v (%v)", all, err)
				}
			} else {
				for doing, open := range map[string]func(context.Context, store.Config) (*store.DB, error){
					"a server": store.Open, "a command": store.OpenExisting,
				} {
					if _, err := open(t.Context(), config); !errors.Is(err, store.ErrHalfCopied) {
						t.Errorf("%s opens it with %v", doing, err)
					}
				}
			}
			if _, err := copyOf(t, source, target).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			want, _ := digestOf(t, source, &key)
			if got, paused := digestOf(t, target, &key); got.String() != want.String() || !paused {
				t.Errorf("the books of the second copy are %s, want %s; it is paused: %v", got, want, paused)
			}
		})
	}
}

// A store on which a server runs is copied only if that was asked for, and nothing
// is copied into a database that has tables.
func TestCopiesThatAreRefused(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			source, target := address(t), holdfasttest.EmptyAddresses(t)[name](t)
			db := holdfasttest.Open(t, source)
			if err := db.Beat(t.Context(), store.Server{ID: "a", Started: takenAt, Seen: takenAt}); err != nil {
				t.Fatal(err)
			}
			if _, err := copyOf(t, source, target).Run(t.Context()); !errors.Is(err, store.ErrServersRun) {
				t.Errorf("under a server: %v", err)
			}
			c := copyOf(t, source, target)
			c.Live = true
			if _, err := c.Run(t.Context()); err != nil {
				t.Errorf("under a server, as it was asked for: %v", err)
			}
			if _, err := copyOf(t, target, source).Run(t.Context()); err == nil {
				t.Error("a store is overwritten")
			}
			holdfasttest.CheckBooks(t, db)
			if name == "SQLite" {
				return
			}
			foreign := holdfasttest.EmptyPostgresAddress(t)
			if _, err := raw(t, foreign).ExecContext(t.Context(), `CREATE TABLE orders (id BIGINT)`); err != nil {
				t.Fatal(err)
			}
			c = copyOf(t, target, foreign)
			if _, err := c.Run(t.Context()); !errors.Is(err, store.ErrNotEmpty) {
				t.Errorf("into the database of another program: %v", err)
			}
		})
	}
}

// The copy of a paused store keeps the pause, because it has the same old state.
func TestACopyOfAPausedStore(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			source, target := address(t), holdfasttest.EmptyAddresses(t)[name](t)
			want := store.Pause{Reason: store.PausedBackup, Taken: takenAt.Add(-time.Hour), Since: takenAt.Add(-time.Minute)}
			if err := holdfasttest.Open(t, source).MarkRestored(t.Context(), want.Taken, want.Since); err != nil {
				t.Fatal(err)
			}
			if _, err := copyOf(t, source, target).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			db, err := store.OpenExisting(t.Context(), store.Config{Address: target})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if p, _ := db.Paused(); !p.Taken.Equal(want.Taken) || !p.Since.Equal(want.Since) || p.Reason != want.Reason {
				t.Errorf("the copy is paused as %+v, want %+v", p, want)
			}
			var entries int
			err = raw(t, target).QueryRowContext(t.Context(),
				`SELECT COUNT(1) FROM audit_waiting WHERE action = 'store.copy' AND object = ''`).Scan(&entries)
			if err != nil || entries != 1 {
				t.Errorf("%d entries of its audit log say that it was copied (%v)", entries, err)
			}
		})
	}
}
