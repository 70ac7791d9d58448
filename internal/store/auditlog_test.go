package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

var ann = party.Actor{Kind: party.ActorMember, ID: "P1", Name: "Ann", From: "192.0.2.1"}

// logEntries writes entries about callers, one minute apart, each in a commit of its own.
func logEntries(t *testing.T, db *store.DB, by party.Actor, callers ...party.CallerID) {
	t.Helper()
	for i, c := range callers {
		err := db.Update(store.ByActor(t.Context(), by), func(tx *store.Tx) error {
			return tx.Log(party.AuditEntry{
				Action: "caller.change", Caller: c, Object: string(c),
				Before: party.Facts{"name": "Shop"}, After: party.Facts{"name": fmt.Sprint("Shop ", i)},
			}, holdfasttest.Start.Add(time.Duration(i)*time.Minute))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// chain gives all entries their places, at most so many in a commit.
func chain(ctx context.Context, db *store.DB, limit int) error {
	for n := 1; n > 0; {
		err := db.Background(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.ChainAudit(limit)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func entriesOf(t *testing.T, db *store.DB, q store.AuditQuery) (lines []string) {
	t.Helper()
	all, err := read(t, db, func(tx *store.ReadTx) ([]party.AuditEntry, error) { return tx.AuditEntries(q) })
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		lines = append(lines, fmt.Sprintf("%d %s %s %s", e.Position, e.Actor.ID, e.Object, e.After["name"]))
	}
	return lines
}

// An entry has the actor of its action's context. It can be read at once, and stays
// the same when it gets its place in the chain.
func TestAuditEntries(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		logEntries(t, db, ann, "C1", "C2")
		if err := chain(t.Context(), db, 1); err != nil {
			t.Fatal(err)
		}
		logEntries(t, db, party.TheServer, "C1")
		logEntries(t, db, ann, "C3", "C1")
		start := holdfasttest.Start
		for _, row := range []struct {
			name string
			q    store.AuditQuery
			want []string
		}{
			{"all", store.AuditQuery{}, []string{
				"0 P1 C1 Shop 1", "0 P1 C3 Shop 0", "0 holdfast C1 Shop 0", "2 P1 C2 Shop 1", "1 P1 C1 Shop 0",
			}},
			{"a page", store.AuditQuery{Limit: 1}, []string{"0 P1 C1 Shop 1"}},
			{"a caller", store.AuditQuery{Caller: "C1"}, []string{"0 P1 C1 Shop 1", "0 holdfast C1 Shop 0", "1 P1 C1 Shop 0"}},
			{"an actor", store.AuditQuery{Actor: "holdfast"}, []string{"0 holdfast C1 Shop 0"}},
			{"an object", store.AuditQuery{Object: "C2"}, []string{"2 P1 C2 Shop 1"}},
			{"an action", store.AuditQuery{Action: "caller.create"}, nil},
			{"a caller and an actor", store.AuditQuery{Caller: "C1", Actor: "P1"}, []string{
				"0 P1 C1 Shop 1", "1 P1 C1 Shop 0",
			}},
			{"all of them", store.AuditQuery{Caller: "C2", Actor: "P1", Object: "C2", Action: "caller.change"}, []string{
				"2 P1 C2 Shop 1",
			}},
			{"since", store.AuditQuery{Since: start.Add(time.Minute)}, []string{"0 P1 C1 Shop 1", "2 P1 C2 Shop 1"}},
			{"until", store.AuditQuery{Until: start.Add(time.Minute), Object: "C1"}, []string{
				"0 holdfast C1 Shop 0", "1 P1 C1 Shop 0",
			}},
		} {
			if row.q.Limit == 0 {
				row.q.Limit = 10
			}
			got := entriesOf(t, db, row.q)
			slices.Sort(got)
			slices.Sort(row.want)
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.name, diff)
			}
		}
	})
}

func verified(t *testing.T, db *store.DB, against *party.AuditHash) store.AuditVerdict {
	t.Helper()
	v, err := db.VerifyAudit(t.Context(), against)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Two servers lengthen the chain at the same time, while entries are written. Each
// entry is in it once.
func TestTwoServersChainTheAuditLog(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			var running sync.WaitGroup
			for i := range 2 {
				db := holdfasttest.Open(t, at)
				running.Go(func() {
					for range 10 {
						logEntries(t, db, ann, "C1", party.CallerID(fmt.Sprint("C", i)))
						if err := chain(t.Context(), db, 3); err != nil {
							t.Error(err)
						}
					}
				})
			}
			running.Wait()
			db := holdfasttest.Open(t, at)
			if err := chain(t.Context(), db, 3); err != nil {
				t.Fatal(err)
			}
			if v := verified(t, db, nil); v.Fault != "" || v.Checked != 40 || v.Head.Last != 40 || v.Waiting != 0 {
				t.Errorf("the chain: %+v", v)
			}
		})
	}
}

// The database refuses to change entries, and to delete them, except to move them into
// the chain.
func TestTheDatabaseKeepsAuditEntries(t *testing.T) {
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			db := holdfasttest.Open(t, at)
			logEntries(t, db, ann, "C1")
			if err := chain(t.Context(), db, 1); err != nil {
				t.Fatal(err)
			}
			logEntries(t, db, ann, "C2")
			prompt := raw(t, at)
			for _, statement := range []string{
				`DELETE FROM audit_log`,
				`UPDATE audit_log SET after = '{}'`,
				`UPDATE audit_log SET position = 2`,
				`DELETE FROM audit_waiting`,
				`UPDATE audit_waiting SET actor_id = 'P2'`,
			} {
				if _, err := prompt.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "never") {
					t.Errorf("%s: %v", statement, err)
				}
			}
			if err := chain(t.Context(), db, 1); err != nil {
				t.Error(err)
			}
			if v := verified(t, db, nil); v.Fault != "" || v.Checked != 2 || v.Waiting != 0 {
				t.Errorf("the chain: %+v", v)
			}
		})
	}
}

// Verify names the first entry that was changed, removed or added. Somebody who
// computes all hashes again is found out by a hash that was kept elsewhere.
func TestVerifyAudit(t *testing.T) {
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			db := holdfasttest.Open(t, at)
			if v := verified(t, db, nil); v.Fault != "" || v.Checked != 0 {
				t.Errorf("an empty log: %+v", v)
			}
			logEntries(t, db, ann, "C1", "C2", "C3", "C4")
			if err := chain(t.Context(), db, 10); err != nil {
				t.Fatal(err)
			}
			kept := verified(t, db, nil).Head
			logEntries(t, db, ann, "C5")
			if err := chain(t.Context(), db, 10); err != nil {
				t.Fatal(err)
			}
			if v := verified(t, db, &kept.Hash); v.Fault != "" || v.Against != 4 || v.Checked != 5 {
				t.Errorf("as it was written: %+v", v)
			}
			tamper(t, at, db, kept.Hash)
		})
	}
}

// An entry that was changed before it got its place is found, too.
func TestVerifyEntriesThatWaited(t *testing.T) {
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			db := holdfasttest.Open(t, at)
			logEntries(t, db, ann, "C1", "C2")
			for _, statement := range []string{
				`DROP TRIGGER audit_waiting_changed` + triggersOf(at, "audit_waiting"),
				`UPDATE audit_waiting SET actor_name = 'Ben' WHERE caller_id = 'C2'`,
			} {
				if _, err := raw(t, at).ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			if err := chain(t.Context(), db, 10); err != nil {
				t.Fatal(err)
			}
			if v := verified(t, db, nil); v.At != 2 || !strings.Contains(v.Fault, "was changed") {
				t.Errorf("at %d: %s", v.At, v.Fault)
			}
		})
	}
}

// triggersOf is the end of a statement that removes a trigger of a table.
func triggersOf(address, table string) string {
	if strings.HasPrefix(address, "postgres") {
		return " ON " + table
	}
	return ""
}

// tamper changes the log in several ways, and takes each change back.
func tamper(t *testing.T, at string, db *store.DB, kept party.AuditHash) {
	t.Helper()
	prompt := raw(t, at)
	run := func(statement string) {
		t.Helper()
		if _, err := prompt.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	on := triggersOf(at, "audit_log")
	run(`DROP TRIGGER audit_log_deleted` + on)
	run(`DROP TRIGGER audit_log_changed` + on)
	run(`CREATE TABLE kept AS SELECT * FROM audit_log`)
	run(`CREATE TABLE kept_chain AS SELECT * FROM audit_chain`)
	for _, row := range []struct {
		how, statement string
		at             int64
		fault          string
	}{
		{"changed", `UPDATE audit_log SET actor_id = 'P9' WHERE position = 3`, 3, "was changed"},
		{"unreadable", `UPDATE audit_log SET after = 'x' WHERE position = 2`, 2, "was changed"},
		{"shorter hash", `UPDATE audit_log SET hash = previous WHERE position = 2`, 2, "was changed"},
		{"removed", `DELETE FROM audit_log WHERE position = 3`, 3, "missing"},
		{"the first removed", `DELETE FROM audit_log WHERE position = 1`, 1, "missing"},
		{"the last removed", `DELETE FROM audit_log WHERE position = 5`, 5, "missing"},
		{"the end moved back", `UPDATE audit_chain SET last = 4`, 5, "added"},
		{"the end changed", `UPDATE audit_chain SET hash = (SELECT hash FROM audit_log WHERE position = 4)`, 5, "former hash"},
	} {
		run(row.statement)
		if v := verified(t, db, nil); v.At != row.at || !strings.Contains(v.Fault, row.fault) {
			t.Errorf("%s: at %d: %s", row.how, v.At, v.Fault)
		}
		run(`DELETE FROM audit_log`)
		run(`INSERT INTO audit_log SELECT * FROM kept`)
		run(`DELETE FROM audit_chain`)
		run(`INSERT INTO audit_chain SELECT * FROM kept_chain`)
	}
	run(`DELETE FROM audit_log`)
	run(`UPDATE audit_chain SET last = 0, hash = (SELECT previous FROM kept WHERE position = 1)`)
	logEntries(t, db, party.Actor{Kind: party.ActorMember, ID: "P2", Name: "Ben"}, "C1", "C2", "C3", "C4", "C5")
	if err := chain(t.Context(), db, 10); err != nil {
		t.Fatal(err)
	}
	if v := verified(t, db, nil); v.Fault != "" {
		t.Errorf("computed again: %+v", v)
	}
	if v := verified(t, db, &kept); !strings.Contains(v.Fault, "no entry has the hash") {
		t.Errorf("computed again, against a kept hash: %+v", v)
	}
}
