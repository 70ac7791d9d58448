package engine

import (
	"path/filepath"
	"testing"
	"time"
)

// Copying SQLite's log into the file is reported, with its time.
func TestCheckpointsAreReported(t *testing.T) {
	pools, err := Connect(t.Context(), Address{File: filepath.Join(t.TempDir(), "log.db")})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 10, 15, 30, 0, time.UTC)
	var copied []int
	db, err := Start(t.Context(), pools, Config{Stats: Stats{
		Now: func() time.Time { now = now.Add(time.Second); return now },
		Checkpointed: func(pages int, took time.Duration) {
			copied = append(copied, pages)
			if took != time.Second {
				t.Errorf("the copying took %v, want a second", took)
			}
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := pools.Writer.ExecContext(t.Context(), `CREATE TABLE some (thing TEXT)`); err != nil {
		t.Fatal(err)
	}
	log, err := checkpoint(db.checkpoints.db, "NOOP")
	if err != nil {
		t.Fatal(err)
	}
	db.checkpoints.shorten()
	if len(copied) > 0 {
		t.Errorf("a short log was copied: %v pages", copied)
	}
	db.checkpoints.most = 1
	db.checkpoints.shorten()
	if len(copied) != 1 || copied[0] != log.left() || log.left() == 0 {
		t.Errorf("reported pages: %v, want %d", copied, log.left())
	}
}
