package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The environment of the process that is killed.
const (
	copierFrom  = "HOLDFAST_COPIER_FROM"
	copierTo    = "HOLDFAST_COPIER_TO"
	copierWay   = "HOLDFAST_COPIER_WAY"
	copierPoint = "HOLDFAST_COPIER_POINT"
)

// A copying is a way to copy a store, which tells when it reaches a point.
type copying struct {
	points []string
	run    func(t *testing.T, from, to string, reached func(point string)) error
}

var copyings = map[string]copying{
	// A restore makes a store of a backup in the same way as a backup of a store.
	"backup and restore": {
		[]string{"the first pages", "the last pages", "the check"},
		func(t *testing.T, from, to string, reached func(string)) error {
			b := backupOf(from, to)
			b.Told = func(done, all int) {
				reached("the first pages")
				if done == all {
					reached("the last pages")
				}
			}
			b.Check = func(file string) error {
				db, err := store.Open(t.Context(), store.Config{Address: file})
				if err != nil {
					return err
				}
				_, err = db.CheckBooks(t.Context())
				reached("the check")
				return errors.Join(err, db.Close())
			}
			return b.Run(t.Context())
		},
	},
	"store copy": {
		[]string{"aggregate_instruments 0", "sessions 10000", "transactions 2", "webhook_endpoints 0"},
		func(t *testing.T, from, to string, reached func(string)) error {
			c := copyOf(t, from, to)
			c.Told = func(table string, rows int64) { reached(fmt.Sprint(table, " ", rows)) }
			_, err := c.Run(t.Context())
			return err
		},
	},
}

// TestKilledCopier is the process of TestCopyingIsKilled. It sends itself SIGKILL at
// a point.
func TestKilledCopier(t *testing.T) {
	from := os.Getenv(copierFrom)
	if from == "" {
		t.Skip("TestCopyingIsKilled runs it")
	}
	err := copyings[os.Getenv(copierWay)].run(t, from, os.Getenv(copierTo), func(point string) {
		if point != os.Getenv(copierPoint) {
			return
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		select {} // until it arrives
	})
	if err != nil {
		t.Fatal(err)
	}
}

// killCopier runs TestKilledCopier, which must not end by itself.
func killCopier(t *testing.T, way, from, to, point string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledCopier$")
	child.Env = append(os.Environ(), copierFrom+"="+from, copierTo+"="+to, copierWay+"="+way, copierPoint+"="+point)
	said, err := child.CombinedOutput()
	if err == nil {
		t.Fatalf("it never comes to %s", point)
	}
	status, ok := child.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the process ended with %v:\n%s", err, said)
	}
}

// A process that copies a store is killed at several points. The store is as it was.
// There is no copy, or one that no program opens. The same command then makes it.
func TestCopyingIsKilled(t *testing.T) {
	addresses := holdfasttest.EmptyAddresses(t)
	sources, wants := map[string]string{}, map[string]string{}
	for name, address := range addresses {
		sources[name] = address(t)
		fillManyRows(t, sources[name])
		digest, _ := digestOf(t, sources[name], nil)
		wants[name] = digest.String()
	}
	for way, c := range copyings {
		for from, source := range sources {
			for to, address := range addresses {
				if way != "store copy" && (from != "SQLite" || to != "SQLite") {
					continue
				}
				for _, point := range c.points {
					t.Run(fmt.Sprintf("%s from %s to %s at %s", way, from, to, point), func(t *testing.T) {
						target := address(t)
						killCopier(t, way, source, target, point)
						wantNoStore(t, target)
						if got, _ := digestOf(t, source, nil); got.String() != wants[from] {
							t.Error("the source has other books now")
						}
						if err := c.run(t, source, target, func(string) {}); err != nil {
							t.Fatal(err)
						}
						got, _ := digestOf(t, target, nil)
						if got.String() != wants[from] {
							t.Error("the second copy has other books")
						}
						if to == "SQLite" {
							wantAlone(t, target)
						}
					})
				}
			}
		}
	}
}

// wantNoStore requires that no program opens what a copier that was killed has left.
func wantNoStore(t *testing.T, target string) {
	t.Helper()
	if !strings.HasPrefix(target, "postgres") {
		left, err := os.ReadDir(filepath.Dir(target))
		if err != nil || len(left) == 0 {
			t.Errorf("the copier has not begun: %v (%v)", left, err)
		}
		for _, file := range left {
			if !strings.HasPrefix(file.Name(), filepath.Base(target)+".unfinished") {
				t.Errorf("it leaves %s", file.Name())
			}
		}
		return
	}
	for who, open := range map[string]func(context.Context, store.Config) (*store.DB, error){
		"a server": store.Open, "a command": store.OpenExisting,
	} {
		if _, err := open(t.Context(), store.Config{Address: target}); !errors.Is(err, store.ErrHalfCopied) {
			t.Errorf("%s opens it with %v", who, err)
		}
	}
	for others := 1; others > 0; { // PostgreSQL takes a moment to notice that the process is gone
		if err := raw(t, target).QueryRowContext(t.Context(), `
			SELECT COUNT(1) FROM pg_stat_activity, pg_sleep(0.01)
			WHERE datname = current_database() AND application_name LIKE 'holdfast %'`).Scan(&others); err != nil {
			t.Fatal(err)
		}
	}
}

// fillManyRows makes a store of several MB, with a shop, a buyer, a hold and a
// payment.
func fillManyRows(t *testing.T, address string) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	w := holdfasttest.NewWorld(t, db)
	w.Reserved("9.00", "order-1")
	w.Paid("5.00", "order-2")
	w.Processor.Close()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	rows := `
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 11000)
		INSERT INTO sessions (session_id, data, expires) SELECT 'S' || i, zeroblob(200), 1 FROM n`
	if strings.HasPrefix(address, "postgres") {
		rows = `
			INSERT INTO sessions (session_id, data, expires)
			SELECT 'S' || i, decode(repeat('00', 200), 'hex'), 1 FROM generate_series(1, 11000) AS i`
	}
	if _, err := raw(t, address).ExecContext(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
}

// A copy that was killed between its name and the end has both names. The next copy
// of that name, after the first was moved away, leaves the first as it is.
func TestACopyWithTwoNames(t *testing.T) {
	address := holdfasttest.Addresses(t)["SQLite"](t)
	folder := t.TempDir()
	copied, kept := filepath.Join(folder, "copy.db"), filepath.Join(t.TempDir(), "kept.db")
	if err := backupOf(address, copied).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Link(copied, copied+".unfinished"), os.Rename(copied, kept)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	if err := backupOf(address, copied).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(kept); err != nil || string(now) != string(whole) {
		t.Errorf("the first copy has %d bytes, and had %d (%v)", len(now), len(whole), err)
	}
	wantAlone(t, copied)
}
