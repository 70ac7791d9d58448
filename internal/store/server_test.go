package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A store knows which servers run on it, and forgets those that were killed.
func TestServers(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		beat := func(id string, seen time.Time) {
			t.Helper()
			s := store.Server{ID: id, Version: "1.2.0", Host: "pay1", Started: takenAt, Seen: seen}
			if err := db.Beat(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		live := func(now time.Time) (ids []string) {
			t.Helper()
			err := db.View(t.Context(), func(tx *store.ReadTx) error {
				all, err := tx.Servers()
				for _, s := range all {
					if s.Live(now) && s.Version == "1.2.0" && s.Host == "pay1" && s.Schema > 0 && s.Started.Equal(takenAt) {
						ids = append(ids, s.ID)
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return ids
		}
		beat("a", takenAt)
		beat("b", takenAt)
		beat("a", takenAt.Add(20*time.Second))
		if diff := cmp.Diff([]string{"a", "b"}, live(takenAt.Add(20*time.Second))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"a"}, live(takenAt.Add(40*time.Second))); diff != "" {
			t.Error(diff)
		}
		if err := db.MarkRestored(t.Context(), takenAt, takenAt.Add(40*time.Second)); !errors.Is(err, store.ErrServersRun) {
			t.Errorf("a store with a server is marked as restored: %v", err)
		}
		if err := db.RemoveServer(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string(nil), live(takenAt.Add(40*time.Second))); diff != "" {
			t.Error(diff)
		}
		beat("c", takenAt.Add(25*time.Hour)) // b was killed a day ago
		if diff := cmp.Diff([]string{"c"}, live(takenAt)); diff != "" {
			t.Error(diff)
		}
	})
}
