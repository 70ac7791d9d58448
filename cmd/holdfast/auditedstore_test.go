package main

import (
	"bytes"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A quietStore is a store with a shop, on which commands run at the time of its clock.
type quietStore struct {
	*holdfasttest.World
	address string
}

func newQuietStore(t *testing.T) quietStore {
	t.Helper()
	address := filepath.Join(t.TempDir(), "s.db")
	db, err := openStore(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w := holdfasttest.NewWorld(t, db)
	w.Unchecked = true // a test puts a violation in
	return quietStore{w, address}
}

// command carries out a command, notes its entries and returns what it printed.
func (s quietStore) command(name []string, args ...string) string {
	s.T.Helper()
	var said bytes.Buffer
	line := append(append(name[:len(name):len(name)], args...), "--store", s.address)
	entries := holdfasttest.Logged(s.T, s.DB.Reader, func() {
		w := world{Out: &said, Err: &said, Now: s.Clock.Now}
		if code := run(s.T.Context(), line, w); code != exitFine {
			s.T.Fatalf("%q ends with %d:\n%s", line, code, &said)
		}
	})
	var actions []party.AuditAction
	for _, e := range entries {
		actions = append(actions, e.Action)
		if a := e.Actor; a.Kind != party.ActorCommand || a.ID == "" || a.From == "" {
			s.T.Errorf("%q: %s is by %+v", line, e.Action, a)
		}
	}
	trail.Note(name[0]+" "+name[1], actions...)
	return said.String()
}

// sandboxCard gives the buyer a card that the sandbox of the program knows.
func (s quietStore) sandboxCard() payment.InstrumentID {
	s.T.Helper()
	kept, err := (&sandbox.Network{Now: s.Clock.Now}).Verify(s.T.Context(), card.Details{
		Number: card.NewNumber("4242424242424242"), SecurityCode: card.NewNumber("123"), ExpiryMonth: 12, ExpiryYear: 2031,
		Holder: s.Buyer.Name,
	})
	if err != nil {
		s.T.Fatal(err)
	}
	i := s.Card
	i.ID, i.NetworkRef, i.Default = "ISANDBOX", kept.Ref, false
	if err := s.DB.Update(s.T.Context(), func(tx *store.Tx) error { return tx.InsertInstrument(i) }); err != nil {
		s.T.Fatal(err)
	}
	return i.ID
}

// Commands that need more on the store than scripts can make write their entries.
func TestEntriesOfCommands(t *testing.T) {
	s := newQuietStore(t)
	token := s.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: s.sandboxCard(), Method: s.Card.Method},
		payment.Limit{Kind: payment.LimitAmount, Value: holdfasttest.USD("500.00").Micro})
	hold, err := s.Reserve(token, "10.00", "order-1")
	if err != nil {
		t.Fatal(err)
	}
	s.command([]string{"holds", "raise"}, string(hold.ID), "--amount", "5.00")
	s.command([]string{"holds", "renew"}, string(hold.ID))

	s.StartEvents()
	endpoint, _, err := s.Processor.CreateEndpoint(t.Context(), s.Shop, processor.NewEndpoint{
		URL: "https://shop.example.test/hooks",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Reserved("2.00", "order-2")
	events := s.Feed()
	if len(events) == 0 {
		t.Fatal("there is no event")
	}
	s.command([]string{"webhook", "redeliver"}, string(endpoint.ID), string(events[0].Message().ID))

	raw, err := sql.Open("sqlite", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.ExecContext(t.Context(), `
		INSERT INTO book_violations (violation_id, caller_id, table_name, row_key, fault, problem, found, last_seen,
			acknowledged, acknowledged_by, reason)
		VALUES ('V1', $1, 'steps', '1', 'sum', 'the sum is wrong', 1, 1, 0, '', '')`, s.Shop.ID); err != nil {
		t.Fatal(err)
	}
	s.command([]string{"books", "acknowledge"}, "V1", "--reason", "it was a drill")
}

// A migration of a store is in its audit log. As there is only one version of the schema,
// the store of the test is as it was before the first one.
func TestTheEntryOfAMigration(t *testing.T) {
	address := filepath.Join(t.TempDir(), "s.db")
	config := store.Config{Address: address}
	db, err := openStore(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	takeBack(t, address)
	var said bytes.Buffer
	if code := run(t.Context(), []string{"migrate", "--store", address},
		world{Out: &said, Err: &said, Now: time.Now}); code != exitFine {
		t.Fatalf("migrate ends with %d:\n%s", code, &said)
	}
	if db, err = store.OpenExisting(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for e, err := range db.AuditLog(t.Context(), store.AuditQuery{Limit: 10}) {
		if err != nil {
			t.Fatal(err)
		}
		trail.Note("migrate", e.Action)
	}
}

// takeBack removes all tables and views of a store, and what is known of its version.
func takeBack(t *testing.T, address string) {
	t.Helper()
	raw, err := sql.Open("sqlite", address)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	do := func(statement string) {
		t.Helper()
		if _, err := raw.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := raw.QueryContext(t.Context(), `
		SELECT type || ' ' || name FROM sqlite_master
		WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%' AND name <> 'goose_db_version'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		do(`DROP ` + name)
	}
	do(`DELETE FROM goose_db_version WHERE version_id > 0`)
}
