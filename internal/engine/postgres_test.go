package engine_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// Once a connection goes to another node, the connections that are left to the
// old node are not used. The old node may be a former primary that does not
// know it.
func TestConnectionsFollowTheNewest(t *testing.T) {
	address := holdfasttest.EmptyPostgresAddress(t)
	before, after := holdfasttest.NewWire(t, address), holdfasttest.NewWire(t, address)
	open(t, address, engine.Config{}) // makes the tables
	db := open(t, holdfasttest.Through(t, address, before, after), engine.Config{})
	readTwice := func() { // on two connections
		t.Helper()
		err := db.View(t.Context(), func(*engine.Tx) error {
			valueOf(t, db, "a")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	readTwice()
	if after.Carried.Load() != 0 {
		t.Fatal("the second node was used although the first one answers")
	}
	before.Refuse()
	// a third connection
	if err := db.View(t.Context(), func(*engine.Tx) error { readTwice(); return nil }); err != nil {
		t.Fatal(err)
	}
	if after.Carried.Load() == 0 {
		t.Fatal("no connection was made to the second node")
	}
	old := before.Carried.Load()
	readTwice()
	if before.Carried.Load() != old {
		// Closing a connection sends a message on it; nothing else may be sent.
		const goodbye = 5
		if said := before.Carried.Load() - old; said%goodbye != 0 || said > 3*goodbye {
			t.Errorf("%d bytes were sent to the first node after a connection to the second", said)
		}
	}
}

// A node that accepts no writes is skipped. If there is no other node,
// connecting fails.
func TestStandbyIsRefused(t *testing.T) {
	address := holdfasttest.EmptyPostgresAddress(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("default_transaction_read_only", "on")
	u.RawQuery = query.Encode()
	pools, err := engine.Connect(t.Context(), engine.Address{PostgreSQL: u.String()})
	if err == nil {
		pools.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "read only") {
		t.Errorf("connecting to a node that only reads: %v, want it refused", err)
	}
}

// A statement that the committer gives up is not cancelled. Otherwise
// PostgreSQL would treat a commit that waits for its standbys as done.
func TestNothingIsCancelled(t *testing.T) {
	address := holdfasttest.EmptyPostgresAddress(t)
	writer := openWriter(t, address)
	must(t, writer, `CREATE SEQUENCE carried_out`)
	must(t, writer, `CREATE TABLE gate (one BIGINT)`)
	closed, err := writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Rollback()
	if _, err := closed.ExecContext(t.Context(), `LOCK gate`); err != nil {
		t.Fatal(err)
	}
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	givenUp := make(chan error)
	go func() {
		_, err := writer.ExecContext(ctx, `SELECT nextval('carried_out'), (SELECT COUNT(1) FROM gate)`)
		givenUp <- err
	}()
	until(t, writer, `
		SELECT EXISTS (
			SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`)
	giveUp()
	if err := <-givenUp; err == nil {
		t.Fatal("the lock is free")
	}
	if err := closed.Rollback(); err != nil {
		t.Fatal(err)
	}
	until(t, writer, `SELECT is_called FROM carried_out`) // although nobody waits for it
}

// Pages that PostgreSQL writes out go to the disk steadily, unless the operator
// has set another value.
func TestWritesSteadily(t *testing.T) {
	address := holdfasttest.EmptyPostgresAddress(t)
	for set, want := range map[string]string{"": "256kB", "&backend_flush_after=64kB": "64kB"} {
		writer := openWriter(t, address+set)
		var got string
		if err := writer.QueryRowContext(t.Context(), `SHOW backend_flush_after`).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("backend_flush_after is %s with %q in the address, want %s", got, set, want)
		}
	}
}
