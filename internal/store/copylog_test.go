package store_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"modernc.org/sqlite"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A store is copied although it cannot be written, because its disk is full or another
// program has locked it. The caller is told that the audit log has no entry.
func TestCopiesOfAStoreThatCannotBeWritten(t *testing.T) {
	for name, row := range map[string]struct {
		prepare string // for connections that write
		lock    bool
		want    error
	}{
		// The trigger makes an entry so large that it needs pages of its own.
		"full": {prepare: `PRAGMA max_page_count = 1; CREATE TEMP TRIGGER large BEFORE INSERT ON audit_waiting BEGIN
			INSERT INTO metadata VALUES ('', '', hex(zeroblob(50000))); END`, want: store.ErrNoSpace},
		"locked": {prepare: `PRAGMA busy_timeout = 1`, lock: true, want: store.ErrLocked},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			source := filepath.Join(dir, "source.db")
			db := holdfasttest.Open(t, source)
			holdfasttest.NewWorld(t, db).Paid("10.00", "order-1")
			sqlite.RegisterConnectionHook(func(conn sqlite.ExecQuerierContext, at string) error {
				if !strings.Contains(at, source) || strings.Contains(at, "query_only") {
					return nil
				}
				_, err := conn.ExecContext(t.Context(), row.prepare, nil)
				return err
			})
			if row.lock {
				other := raw(t, source)
				other.SetMaxOpenConns(1)
				if _, err := other.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
					t.Fatal(err)
				}
			}
			var told []error
			unlogged := func(err error) { told = append(told, err) }
			b := backupOf(source, filepath.Join(dir, "backup.db"))
			b.Logged, b.Unlogged = true, unlogged
			if err := b.Run(t.Context()); err != nil {
				t.Fatalf("the backup ends with %v", err)
			}
			c := copyOf(t, source, filepath.Join(dir, "copy.db"))
			c.Live, c.Unlogged = true, unlogged
			if _, err := c.Run(t.Context()); err != nil {
				t.Fatalf("the copy ends with %v", err)
			}
			if len(told) != 2 || !errors.Is(told[0], row.want) || !errors.Is(told[1], row.want) {
				t.Errorf("told %v, want %v twice", told, row.want)
			}
			for _, file := range []string{"backup.db", "copy.db"} {
				copied := holdfasttest.Open(t, filepath.Join(dir, file))
				if report, err := copied.CheckBooks(t.Context()); err != nil || report.Transactions != 1 {
					t.Errorf("%s has %d transactions (%v)", file, report.Transactions, err)
				}
			}
		})
	}
}
