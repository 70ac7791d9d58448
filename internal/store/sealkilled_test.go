package store_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The environment of the process that is killed.
const (
	killedAddress = "HOLDFAST_SEAL_ADDRESS"
	killedFrom    = "HOLDFAST_SEAL_FROM" // keys; empty for a plain store
	killedTo      = "HOLDFAST_SEAL_TO"
	killedAfter   = "HOLDFAST_SEAL_STEPS"
)

// TestKilledSealer is the process of TestSealingIsKilled. It sends itself
// SIGKILL after a number of steps.
func TestKilledSealer(t *testing.T) {
	address := os.Getenv(killedAddress)
	if address == "" {
		t.Skip("TestSealingIsKilled runs it")
	}
	left, err := strconv.Atoi(os.Getenv(killedAfter))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.OpenExisting(t.Context(), store.Config{Address: address, SealKey: readKey(t, os.Getenv(killedFrom))})
	if err != nil {
		t.Fatal(err)
	}
	db.AfterSealStep(func() {
		if left--; left == 0 {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				t.Error(err)
			}
			select {} // until it arrives
		}
	})
	to := readKey(t, os.Getenv(killedTo))
	err = alone(func() error {
		if to == nil {
			return db.Unseal(t.Context())
		}
		return db.Seal(t.Context(), *to)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func readKey(t *testing.T, text string) *store.SealKey {
	t.Helper()
	if text == "" {
		return nil
	}
	key, err := store.ReadSealKey(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return &key
}

// killed runs TestKilledSealer, and reports whether the process was killed
// before its end.
func killed(t *testing.T, address string, from, to *store.SealKey, steps int) bool {
	t.Helper()
	reveal := func(key *store.SealKey) string {
		if key == nil {
			return ""
		}
		return key.Reveal()
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledSealer$")
	child.Env = append(os.Environ(), killedAddress+"="+address, killedFrom+"="+reveal(from), killedTo+"="+reveal(to),
		fmt.Sprintf("%s=%d", killedAfter, steps))
	said, err := child.CombinedOutput()
	if err == nil {
		return false
	}
	status, ok := child.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the process ended with %v:\n%s", err, said)
	}
	return true
}

// A process that seals a store, seals it with another key or unseals it is
// killed after each of its steps. The store then opens with exactly one of the
// old and the new key. It has all secrets in that key's form. Running the
// command again finishes the work.
func TestSealingIsKilled(t *testing.T) {
	one, other := newSealKey(t), newSealKey(t)
	for engine, address := range holdfasttest.Addresses(t) {
		for name, way := range map[string]struct{ from, to *store.SealKey }{
			"sealing": {nil, one}, "another key": {one, other}, "unsealing": {one, nil},
		} {
			t.Run(name+" on "+engine, func(t *testing.T) {
				t.Parallel()
				var asBefore, asAfter bool
				for steps := 1; ; steps++ {
					at := address(t)
					with(t, at, way.from, func(db *store.DB) { addSecrets(t, db, 0, 1) })
					if !killed(t, at, way.from, way.to, steps) {
						break
					}
					if holdsAll(t, at, way.from, way.to) {
						asAfter = true
					} else {
						asBefore = true
					}
				}
				if !asBefore || !asAfter {
					t.Errorf("killed on the way, the store was as before: %t, as after: %t", asBefore, asAfter)
				}
			})
		}
	}
}

// holdsAll fails the test unless a store opens with exactly one of two keys and holds
// all secrets in that key's form. It reports whether that is the second one.
func holdsAll(t *testing.T, at string, from, to *store.SealKey) (after bool) {
	t.Helper()
	var opened []*store.SealKey
	for _, key := range []*store.SealKey{from, to} {
		db, err := store.OpenExisting(t.Context(), store.Config{Address: at, SealKey: key})
		if errors.Is(err, store.ErrSealed) || errors.Is(err, store.ErrNotSealed) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		readable(t, db, 1)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		opened = append(opened, key)
	}
	if len(opened) != 1 {
		t.Fatalf("%d of the two keys open the store", len(opened))
	}
	want := 0
	if opened[0] == nil {
		// An access secret, a signing key, a key of links, and a network account with its key and its event secrets.
		want = 5
	}
	if got := plainRows(t, at); got != want {
		t.Fatalf("%d secrets are plain, want %d", got, want)
	}
	if opened[0] == to && to == nil || strings.HasPrefix(at, "postgres") {
		return opened[0] == to // PostgreSQL takes a moment to notice that the process is gone
	}
	with(t, at, opened[0], func(db *store.DB) {
		var err error
		if to == nil {
			err = db.Unseal(t.Context())
		} else {
			err = db.Seal(t.Context(), *to)
		}
		if err != nil {
			t.Fatalf("finishing: %v", err)
		}
	})
	with(t, at, to, func(db *store.DB) {
		readable(t, db, 1)
		if left := traces(t, at); to != nil && (db.Unclean || left > 0) {
			t.Errorf("the store is reported as unclean: %t; %d plain secrets are left in the files", db.Unclean, left)
		}
	})
	return opened[0] == to
}
