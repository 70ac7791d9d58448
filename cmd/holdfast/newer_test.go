package main

import (
	"database/sql"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// channel is a migration of a later version: it changes a table that has rows.
const channel = `-- +goose Up
ALTER TABLE transactions ADD COLUMN channel TEXT NOT NULL DEFAULT '';
UPDATE transactions SET channel = 'fps' WHERE channel = '';
CREATE INDEX transactions_by_channel ON transactions (caller_id, channel);
`

// A laterProgram is this program with one more migration.
type laterProgram string

func newLaterProgram(t *testing.T) laterProgram {
	t.Helper()
	schema, err := filepath.Abs("../../internal/store/schema")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(schema, "0002_channel.sql"): writeFile(t, "0002_channel.sql", []byte(channel)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "holdfast")
	build := exec.Command("go", "build", "-buildvcs=false", "-overlay", writeFile(t, "overlay.json", overlay),
		"-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return laterProgram(program)
}

// migrate carries out a command that must succeed.
func (p laterProgram) migrate(t *testing.T, args ...string) (answer migrateAnswer) {
	t.Helper()
	out, err := exec.Command(string(p), append([]string{"migrate", "--json"}, args...)...).Output()
	if err == nil {
		err = json.Unmarshal(out, &answer)
	}
	if err != nil {
		t.Fatalf("migrate %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return answer
}

// keepOrders makes a store with a hold and a payment.
func keepOrders(t *testing.T, address string) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	w := holdfasttest.NewWorld(t, db)
	w.Clock.Advance(time.Since(w.Clock.Now())) // the commands have the machine's clock
	w.Reserved("9.00", "order-1")
	w.Paid("5.00", "order-2")
	w.Processor.Close()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// countByChannel counts the transactions of a channel; an error says that there are
// no channels.
func countByChannel(t *testing.T, address, channel string) (n int, err error) {
	t.Helper()
	driver := "sqlite"
	if strings.HasPrefix(address, "postgres") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.QueryRowContext(t.Context(), `SELECT COUNT(1) FROM transactions WHERE channel = $1`, channel).Scan(&n)
	return n, err
}

// The program of a later version plans its migration on a copy while a server of this
// version runs, which goes on. It migrates the store when the server has ended. This
// version then refuses the store.
func TestUpgradeToALaterProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	later := newLaterProgram(t)
	for name, first := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			address := first(t)
			keepOrders(t, address)
			planned := []string{"--store", address, "--plan"}
			if name == "PostgreSQL" {
				copied := holdfasttest.EmptyPostgresAddress(t)
				if out, code := holdfastCommand(t, "store", "copy", "--from", address, "--to", copied); code != exitFine {
					t.Fatalf("copying: exit code %d\n%s", code, out)
				}
				planned = append(planned, "--on", copied)
			}
			_, end := startVerb(t, "serve", "--listen", freePort, "--store", address)

			got := later.migrate(t, planned...)
			if len(got.Running) != 1 || got.Took == "" || got.BooksRight == nil || !*got.BooksRight {
				t.Errorf("the plan is %+v; want one server, a time and right books", got)
			}
			got.Running, got.Took, got.BooksRight = nil, "", nil
			want := migrateAnswer{Have: 1, Known: 2, Pending: []string{"0002_channel.sql"}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the plan is (-want +got):\n%s", diff)
			}
			if n, err := countByChannel(t, address, "fps"); err == nil {
				t.Errorf("the plan has changed %d rows of the store", n)
			}
			if name == "PostgreSQL" {
				if n, err := countByChannel(t, planned[len(planned)-1], "fps"); n != 2 || err != nil {
					t.Errorf("the migration of the copy has changed %d rows (%v), want 2", n, err)
				}
			} else if left, err := filepath.Glob(filepath.Join(filepath.Dir(address), "*plan*")); len(left) > 0 || err != nil {
				t.Errorf("the copy is left: %q (%v)", left, err)
			}
			out, err := exec.Command(string(later), "migrate", "--store", address).CombinedOutput()
			if err == nil || !strings.Contains(string(out), "server") {
				t.Errorf("under a server, the store is migrated: %v\n%s", err, out)
			}

			onStore(t, address, "books", "check")
			if err := end(); err != nil {
				t.Fatal(err)
			}
			if done := later.migrate(t, "--store", address); !done.Done || len(done.Running) > 0 {
				t.Errorf("the migration is %+v", done)
			}
			if n, err := countByChannel(t, address, "fps"); n != 2 || err != nil {
				t.Errorf("the migration has changed %d rows (%v), want 2", n, err)
			}
			if out, err := exec.Command(string(later), "books", "check", "--store", address).CombinedOutput(); err != nil {
				t.Errorf("after the migration: %v\n%s", err, out)
			}
			if out, code := holdfastCommand(t, "serve", "--listen", freePort, "--store", address); code != exitFailed ||
				!strings.Contains(out, "newer holdfast") {
				t.Errorf("this version takes the store of a later one: exit code %d\n%s", code, out)
			}
		})
	}
}
