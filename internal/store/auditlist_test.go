package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// While pages are read, a server chains entries and others are written. Each entry that
// was there at first is on one page, in the order of time.
func TestAuditPagesWhileEntriesAreChained(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		const entries = 23
		for n := range entries {
			logNumber(t, db, n)
			if n == 4 {
				chainOnce(t, db, entries)
			}
		}
		for _, q := range []store.AuditQuery{
			{Limit: 4},
			{Limit: 4, Action: "caller.change", Actor: "P1"},
			{Limit: 1, Since: holdfasttest.Start, Until: holdfasttest.Start.Add(entries * time.Minute)},
		} {
			var got, want []string
			for n := range entries {
				want = append(want, fmt.Sprint(entries-1-n))
			}
			later := entries
			for more := true; more; more = q.After != "" {
				page, err := read(t, db, func(tx *store.ReadTx) (page []party.AuditEntry, err error) {
					page, q.After, err = tx.AuditPage(q)
					return page, err
				})
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page {
					got = append(got, e.Object)
				}
				chainOnce(t, db, 3)
				logNumber(t, db, later)
				later++
			}
			got = slices.DeleteFunc(got, func(object string) bool { return !slices.Contains(want, object) })
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", q, diff)
			}
		}
	})
}

func logNumber(t *testing.T, db *store.DB, n int) {
	t.Helper()
	err := db.Update(store.ByActor(t.Context(), ann), func(tx *store.Tx) error {
		return tx.Log(party.AuditEntry{Action: "caller.change", Object: fmt.Sprint(n)},
			holdfasttest.Start.Add(time.Duration(n)*time.Minute))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// chainOnce gives at most limit entries their places.
func chainOnce(t *testing.T, db *store.DB, limit int) {
	t.Helper()
	err := db.Background(t.Context(), func(tx *store.Tx) error {
		_, err := tx.ChainAudit(limit)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A cursor that names no entry is refused.
func TestAuditCursors(t *testing.T) {
	db := holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t))
	logNumber(t, db, 0)
	for _, cursor := range []string{"x", "-1", "E-", "E-x", "E-0", "E\x00-0", "1-1-1", "00000000000000000000000"} {
		_, err := read(t, db, func(tx *store.ReadTx) ([]party.AuditEntry, error) {
			return tx.AuditEntries(store.AuditQuery{After: cursor, Limit: 1})
		})
		if !errors.Is(err, store.ErrNoEntry) {
			t.Errorf("the cursor %q: %v", cursor, err)
		}
	}
}

// Filters find the entries of a key, those of somebody else with its name, and those of
// actions that each payment needs, although no index of their own has them.
func TestAuditFiltersOfKeys(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		key, _ := w.JSONKey(w.Shop, processor.NewKey{Name: "till", Scopes: "hold"})
		byKey := party.Actor{Kind: party.ActorKey, ID: string(key.ID), From: "192.0.2.1"}
		write := func(by party.Actor, action party.AuditAction, of party.CallerID, object string) {
			t.Helper()
			if err := db.Update(store.ByActor(t.Context(), by), func(tx *store.Tx) error {
				return tx.Log(party.AuditEntry{Action: action, Caller: of, Object: object}, w.Clock.Now())
			}); err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(time.Second)
		}
		found := func(q store.AuditQuery) (objects string) {
			t.Helper()
			q.Limit = 10
			all, err := read(t, db, func(tx *store.ReadTx) ([]party.AuditEntry, error) { return tx.AuditEntries(q) })
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range all {
				objects += e.Object
			}
			return objects
		}
		write(byKey, "hold.create", w.Shop.ID, "a")
		write(ann, "hold.create", w.Shop.ID, "b")
		write(byKey, "hold.release", w.Shop.ID, "c")
		if err := chain(t.Context(), db, 2); err != nil {
			t.Fatal(err)
		}
		write(byKey, "hold.create", w.Shop.ID, "d")
		actor := store.AuditQuery{Actor: string(key.ID)}
		for _, row := range []struct {
			name, want string
			q          store.AuditQuery
		}{
			{"a key", "dca", actor},
			{"a key and an action", "da", store.AuditQuery{Actor: actor.Actor, Action: "hold.create"}},
			{"a key and a rare action", "c", store.AuditQuery{Actor: actor.Actor, Action: "hold.release"}},
			{"a key and another caller", "", store.AuditQuery{Actor: actor.Actor, Caller: "C-other"}},
			{"a frequent action", "dba", store.AuditQuery{Action: "hold.create"}},
			{"a frequent action of a caller", "dba", store.AuditQuery{Action: "hold.create", Caller: w.Shop.ID}},
			{"a rare action", "c", store.AuditQuery{Action: "hold.release"}},
			{"a member", "b", store.AuditQuery{Actor: ann.ID}},
		} {
			if got := found(row.q); got != row.want {
				t.Errorf("%s: %q, want %q", row.name, got, row.want)
			}
		}
		write(party.Actor{Kind: party.ActorCommand, ID: string(key.ID), From: "till"}, "mail.send_again", "", "e")
		if err := chain(t.Context(), db, 10); err != nil {
			t.Fatal(err)
		}
		if got := found(actor); got != "edca" {
			t.Errorf("a key and a user with its name: %q", got)
		}
	})
}

// A filter that selects only the oldest of many entries finds it on a later page. The
// pages before end at the bound, and say that more follow.
func TestRareAuditFilters(t *testing.T) {
	const batch = 500
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		for from := 0; from <= store.BoundedMax; from += batch {
			err := db.Update(store.ByActor(t.Context(), ann), func(tx *store.Tx) error {
				for n := from; n < min(from+batch, store.BoundedMax+1); n++ {
					e := party.AuditEntry{Action: "caller.change", Object: "C1"}
					if n == 0 {
						e.Action = "caller.create"
					}
					if err := tx.Log(e, holdfasttest.Start.Add(time.Duration(n)*time.Second)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		q := store.AuditQuery{Action: "caller.create", Limit: 10}
		for pages, want := range []int{0, 1} {
			page, err := read(t, db, func(tx *store.ReadTx) (page []party.AuditEntry, err error) {
				page, q.After, err = tx.AuditPage(q)
				return page, err
			})
			if err != nil || len(page) != want || (q.After != "") != (pages == 0) {
				t.Errorf("page %d has %d entries, next %q, %v", pages, len(page), q.After, err)
			}
		}
		found := 0
		for _, err := range db.AuditLog(t.Context(), store.AuditQuery{Action: "caller.create", Limit: 10}) {
			if err != nil {
				t.Fatal(err)
			}
			found++
		}
		if found != 1 {
			t.Errorf("the whole log has %d of the rare entries", found)
		}
	})
}
