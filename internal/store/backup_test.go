package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

var takenAt = time.Date(2026, time.November, 30, 3, 0, 0, 0, time.UTC)

// backupOf is a backup of a file into another one.
func backupOf(from, to string) store.Backup {
	return store.Backup{From: from, To: to, Taken: takenAt, Now: takenAt}
}

// A backup finishes under load. It is one consistent state of the store: it opens,
// its books are right, and it has everything that was answered before it began. It
// is paused.
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
	began, told := written.Load(), 0
	b := backupOf(address, copied)
	b.Told = func(done, all int) { // the copying goes on only when others have written
		told = done * 100 / all
		for have := written.Load(); written.Load() < have+2; {
			if err := db.Update(t.Context(), func(*store.Tx) error { return nil }); err != nil {
				t.Error(err)
				return
			}
		}
	}
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	meanwhile := written.Load() - began
	close(stop)
	writers.Wait()
	if told != 100 || meanwhile == 0 {
		t.Errorf("the progress ended at %d %%, and %d actions were committed meanwhile", told, meanwhile)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode() != 0o600 {
		t.Errorf("the copy has the mode %v (%v)", info.Mode(), err)
	}
	wantAlone(t, copied)
	backup, err := store.OpenExisting(t.Context(), store.Config{Address: copied})
	if err != nil {
		t.Fatal(err)
	}
	defer backup.Close()
	holdfasttest.CheckBooks(t, backup)
	if !exists(t, backup, before.ID) {
		t.Error("the copy lacks what was answered before it began")
	}
	if p, paused := backup.Paused(); !paused ||
		p != (store.Pause{Reason: store.PausedBackup, Taken: takenAt, Since: takenAt}) {
		t.Errorf("its pause is %v, %v", p, paused)
	}
}

// wantAlone requires a file to be the only one in its folder.
func wantAlone(t *testing.T, file string) {
	t.Helper()
	all, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(all) != 1 || all[0].Name() != filepath.Base(file) {
		t.Errorf("in the folder of %s are %v (%v)", file, all, err)
	}
}

// A backup that is cut short at any moment, or whose check fails, leaves nothing
// that looks like a store, and can be made again.
func TestABackupThatIsCutShort(t *testing.T) {
	address := holdfasttest.Addresses(t)["SQLite"](t)
	copied := filepath.Join(t.TempDir(), "copy.db")
	ctx, cancel := context.WithCancel(t.Context())
	b := backupOf(address, copied)
	b.Told = func(int, int) { cancel() }
	if err := b.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a backup that was interrupted ends with %v", err)
	}
	wrong := errors.New("the books are wrong")
	b = backupOf(address, copied)
	b.Check = func(file string) error {
		if _, err := os.Stat(copied); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the copy has its name before it was checked: %v", err)
		}
		db := holdfasttest.Open(t, file)
		return errors.Join(wrong, db.Close())
	}
	if err := b.Run(t.Context()); !errors.Is(err, wrong) {
		t.Errorf("a backup with wrong books ends with %v", err)
	}
	if all, err := os.ReadDir(filepath.Dir(copied)); err != nil || len(all) > 0 {
		t.Errorf("they leave %v (%v)", all, err)
	}
	if err := os.WriteFile(copied+".unfinished", []byte("of a backup that was killed"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := backupOf(address, copied).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantAlone(t, copied)
}

// A backup overwrites no file, and comes next to no log of another store: SQLite
// would take the log for its own.
func TestABackupOverwritesNothing(t *testing.T) {
	address := holdfasttest.Addresses(t)["SQLite"](t)
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		copied := filepath.Join(t.TempDir(), "copy.db")
		if err := os.WriteFile(copied+suffix, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := backupOf(address, copied).Run(t.Context()); !errors.Is(err, store.ErrExists) {
			t.Errorf("next to %s: %v", filepath.Base(copied+suffix), err)
		}
		if text, err := os.ReadFile(copied + suffix); err != nil || string(text) != "mine" {
			t.Errorf("%s has %q (%v)", filepath.Base(copied+suffix), text, err)
		}
	}
	// The name is taken while the copy is made.
	copied := filepath.Join(t.TempDir(), "copy.db")
	b := backupOf(address, copied)
	b.Told = func(int, int) {
		if err := os.WriteFile(copied, []byte("mine"), 0o600); err != nil {
			t.Error(err)
		}
	}
	if err := b.Run(t.Context()); !errors.Is(err, store.ErrExists) {
		t.Errorf("over a file that came meanwhile: %v", err)
	}
	wantAlone(t, copied)
}

// What is no store, or is damaged, makes no backup.
func TestNoBackupOfWhatIsNoStore(t *testing.T) {
	address := holdfasttest.Addresses(t)["SQLite"](t)
	whole, err := os.ReadFile(address)
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte{}, whole...)
	for i := len(damaged) / 2; i < len(damaged)*3/4; i++ {
		damaged[i] = 0x5a
	}
	for name, content := range map[string]string{
		"an empty file": "", "a text": strings.Repeat("no database ", 1000), "half a store": string(whole[:len(whole)/2]),
		"a damaged store": string(damaged),
	} {
		from := filepath.Join(t.TempDir(), "store.db")
		if err := os.WriteFile(from, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), "copy.db")
		if err := backupOf(from, copied).Run(t.Context()); err == nil {
			t.Errorf("%s makes a backup", name)
		}
		if all, err := os.ReadDir(filepath.Dir(copied)); err != nil || len(all) > 0 {
			t.Errorf("%s leaves %v (%v)", name, all, err)
		}
	}
}

// A backup of a backup has the state of the first one's time. It has no sessions
// and no requests for an approval: they may have ended or been approved since.
func TestABackupOfABackup(t *testing.T) {
	address := holdfasttest.Addresses(t)["SQLite"](t)
	first, second := filepath.Join(t.TempDir(), "first.db"), filepath.Join(t.TempDir(), "second.db")
	for _, statement := range []string{
		`INSERT INTO sessions (session_id, data, expires) VALUES ('S1', x'00', 1)`,
		`INSERT INTO approvals (caller_id, approval_id, idempotency, action, object, data, amount, state, asked_by, asked_at, decided_by,
			decided_at) VALUES ('C1', 'A1', 'K1', 'refund', 'T1', '{}', 1, 'Asked', 'P1', 1, '', 0)`,
	} {
		if _, err := raw(t, address).ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := backupOf(address, first).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := backupOf(first, second)
	b.Taken = takenAt.Add(time.Hour)
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	db := holdfasttest.Open(t, second)
	if p, paused := db.Paused(); !paused || !p.Taken.Equal(takenAt) {
		t.Errorf("its pause is %v, %v", p, paused)
	}
	got := linesOf(t, raw(t, second), `
		SELECT (SELECT COUNT(1) FROM sessions) || ' ' || (SELECT COUNT(1) FROM approvals WHERE state = 'Asked')`)
	if got[0] != "0 0" {
		t.Errorf("it has %s sessions and approvals", got[0])
	}
}
