package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A PostgreSQL database is restored to a moment by exactly the commands of
// docs/operating.md. It has every payment that was answered before, and none that
// began after. Its books are right, and nothing is sent before the operator has
// resumed it.
func TestPointInTime(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes a PostgreSQL server")
	}
	t.Parallel()
	m := newMachine(t)
	m.withPostgres()
	m.read("**PostgreSQL** has its own tools.", "## Restore\n")
	m.follow("archive_timeout")
	m.shell(m.here("sudo systemctl start postgresql"))
	m.startHoldfast()
	l := newLoad(m)
	m.refuses.Store(true)
	l.start()
	eventually(t, "payments are answered", func() bool { return l.count() > 30 })
	m.follow("sudo -u postgres pg_basebackup")
	inBackup := l.count()
	eventually(t, "more payments are answered", func() bool { return l.count() > inBackup+30 })
	before := l.answered()
	m.point = time.Now()
	eventually(t, "more payments are answered", func() bool { return l.count() > len(before)+30 })
	l.finish()

	m.read("### Restore PostgreSQL\n", "## Disaster\n")
	m.follow("sudo -u holdfast holdfast restore")
	m.refuses.Store(false)
	sent := m.heard.Load()
	m.follow("sudo systemctl start holdfast")
	if out, err := m.holdfast("books", "check", "--store", m.address); err != nil {
		t.Errorf("books check: %v\n%s", err, out)
	}
	l.checkRestored(before)
	for range 3 {
		if err := m.server.runner.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if status, body := askReady(t, m.server, "*/*"); status != http.StatusServiceUnavailable || m.heard.Load() != sent {
		t.Errorf("before the resume, %d notices are sent, and /readyz answers %d\n%s", m.heard.Load()-sent, status, body)
	}
	m.follow("sudo -u holdfast holdfast resume --store postgres://holdfast@db1/holdfast --drop-older")
	if len(m.steps) > 0 {
		t.Errorf("the docs go on with %q", m.steps)
	}
	if out, err := m.holdfast("notification", "again", "--failing", "--store", m.address); err != nil {
		t.Errorf("notification again: %v\n%s", err, out)
	}
	eventually(t, "notices are sent", func() bool { return m.heard.Load() > sent })
	if status, body := askReady(t, m.server, "*/*"); status != http.StatusOK {
		t.Errorf("/readyz of the resumed store: %d %s", status, body)
	}
	l.payOnce()
}

// checkRestored checks that a restored store has the payments that were answered
// before its moment, in their state, and none that began after it.
func (l *orders) checkRestored(before []order) {
	l.m.t.Helper()
	states := map[bool]payment.State{true: payment.Success, false: payment.Reserved}
	err := l.m.store.View(l.m.t.Context(), func(tx *store.ReadTx) error {
		for _, o := range before {
			got, found, err := tx.Transaction(l.caller, o.id)
			if err != nil {
				return err
			}
			if !found || got.State != states[o.settled] {
				l.m.t.Errorf("order %s is %q after the restore, settled before: %v", o.id, got.State, o.settled)
			}
		}
		after := 0
		for _, o := range l.answered()[len(before):] {
			if !o.began.After(l.m.point) {
				continue
			}
			after++
			if _, found, err := tx.Transaction(l.caller, o.id); err != nil || found {
				l.m.t.Errorf("order %s began after the moment and is in the restored store (%v)", o.id, err)
			}
		}
		if after == 0 {
			l.m.t.Error("no order began after the moment")
		}
		return nil
	})
	if err != nil {
		l.m.t.Fatal(err)
	}
}

// An operator of an SQLite file follows the chapters of docs/operating.md on
// upgrades, backups and restores. What is restored has the payments of the backup,
// and no later ones.
func TestOperatingAnSQLiteFile(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.address = m.dir + "/lib/holdfast.db"
	m.shell("mkdir -m 700 lib backups")
	m.startHoldfast()
	l := newLoad(m)
	pay := func() {
		t.Helper()
		for range 3 {
			l.payOnce()
		}
	}
	pay()
	m.read("\n## Upgrade\n", "\n### Roll back\n")
	m.steps = slices.DeleteFunc(m.steps, func(step string) bool { return strings.Contains(step, "postgres://") })
	m.follow("sudo -u holdfast holdfast books check")
	before := l.answered()
	pay()
	m.followAll("\n### Roll back\n", "\n## Backups\n")
	l.wantOnly(before)

	m.followAll("\n## Backups\n", "\n**PostgreSQL** has its own tools.")
	pay()
	m.followAll("\n## Restore\n", "\n### Restore PostgreSQL\n")
	l.wantOnly(before)
	l.payOnce()
	if empty, found := holdfasttest.EmptyAddresses(t)["PostgreSQL"]; found {
		m.copyTo = empty(t)
		want := l.answered()
		m.read("\n### Copy a store to another database\n", "\n## The server\n")
		m.follow("sudo -u holdfast holdfast store copy")
		m.address = m.copyTo
		m.follow("sudo -u holdfast holdfast books check")
		m.startHoldfast()
		l.wantOnly(append(before, want[len(want)-1]))
	}
}

// wantOnly requires that the store has some of the orders that were answered, and no
// others.
func (l *orders) wantOnly(want []order) {
	l.m.t.Helper()
	err := l.m.store.View(l.m.t.Context(), func(tx *store.ReadTx) error {
		for _, o := range l.answered() {
			_, found, err := tx.Transaction(l.caller, o.id)
			if err != nil {
				return err
			}
			if found != slices.Contains(want, o) {
				l.m.t.Errorf("order %s is in the store: %v", o.id, found)
			}
		}
		return nil
	})
	if err != nil {
		l.m.t.Fatal(err)
	}
}
