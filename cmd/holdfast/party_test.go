package main

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Guests are listed apart, and only their id chooses one.
func TestGuestsAreParties(t *testing.T) {
	address, now := t.TempDir()+"/s.db", time.Date(2026, time.November, 30, 12, 0, 0, 0, time.UTC)
	db, err := store.Open(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		for _, p := range []party.Party{
			{ID: "PANN", Name: "Ann", Email: "ann@example.com", Standing: party.Active, Created: now},
			{ID: "PGUS", Name: "Gus", Email: "ann@example.com", Standing: party.Active, Guest: true, Created: now},
		} {
			if _, err := tx.InsertParty(p); err != nil {
				return err
			}
		}
		return nil
	})
	db.Close()
	if err = errors.Join(err, os.Chmod(address, 0o600)); err != nil {
		t.Fatal(err)
	}
	holdfast := func(args ...string) string {
		t.Helper()
		var out, problems strings.Builder
		w := world{Out: &out, Err: &problems, Now: func() time.Time { return now }}
		if code := run(t.Context(), append(args, "--store", address), w); code != 0 {
			t.Fatalf("holdfast %q: %d\n%s", args, code, problems.String())
		}
		return out.String()
	}
	if got := holdfast("party", "list"); !strings.Contains(got, "PANN") || strings.Contains(got, "PGUS") {
		t.Errorf("accounts are\n%s", got)
	}
	if got := holdfast("party", "list", "--guests"); !strings.Contains(got, "PGUS") || !strings.Contains(got, "guest") ||
		strings.Contains(got, "PANN") {
		t.Errorf("guests are\n%s", got)
	}
	if got := holdfast("party", "list", "--guests", "--json"); !strings.Contains(got, `"emailVerified":false,"guest":true}`) {
		t.Errorf("guests in JSON are\n%s", got)
	}
	if got := holdfast("party", "set", "--email", "ann@example.com", "--standing", "Suspended"); !strings.Contains(got,
		"PANN") || strings.Contains(got, "guest") {
		t.Errorf("by the address, the party is\n%s", got)
	}
	if got := holdfast("party", "set", "--party", "PGUS", "--standing", "Closed"); !strings.Contains(got, "PGUS") ||
		!strings.Contains(got, "guest") || !strings.Contains(got, "Closed") {
		t.Errorf("by the id, the party is\n%s", got)
	}
}
