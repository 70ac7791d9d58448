package store_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// annsSession signs P0001 in.
func annsSession(t *testing.T, db *store.DB) party.SignedIn {
	t.Helper()
	s := party.SignedIn{ID: "S0001", Party: "P0001", Begun: holdfasttest.Start, LastSeen: holdfasttest.Start}
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		if err := insert(tx, newParty(1)); err != nil {
			return err
		}
		return tx.InsertSignedIn(s, holdfasttest.Start)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A new password ends every session.
func endSessions(t *testing.T, db *store.DB) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.EndSignedInElsewhere("P0001", "") })
	if err != nil {
		t.Error(err)
	}
}

func TestWhatIsBoundToASessionEndsWithIt(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		bound := store.Bound(t.Context(), annsSession(t, db))
		add := func(i int) func(tx *store.Tx) error {
			return func(tx *store.Tx) error { return insert(tx, newParty(i)) }
		}
		if err := db.Update(bound, add(2)); err != nil {
			t.Errorf("during the session: %v", err)
		}
		endSessions(t, db)
		if err := db.Update(bound, add(3)); !errors.Is(err, store.ErrSignedOut) || exists(t, db, "P0003") {
			t.Errorf("after the session: %v, and it was done: %t", err, exists(t, db, "P0003"))
		}
		if err := db.Update(store.Unbound(bound), add(4)); err != nil {
			t.Errorf("an action that needs no session: %v", err)
		}
	})
}

// The session ends on another server between the check and the commit. That
// cannot happen on SQLite.
func TestASessionEndsBeforeTheCommit(t *testing.T) {
	address := holdfasttest.PostgresAddress(t)
	db, other := holdfasttest.Open(t, address), holdfasttest.Open(t, address)
	bound := store.Bound(t.Context(), annsSession(t, db))
	end := sync.OnceFunc(func() { endSessions(t, other) })
	err := db.Update(bound, func(tx *store.Tx) error {
		end()
		return insert(tx, newParty(2))
	})
	if !errors.Is(err, store.ErrSignedOut) || exists(t, db, "P0002") {
		t.Errorf("answered %v, and it was done: %t", err, exists(t, db, "P0002"))
	}
}

// A card is added on another server after a new password has read the cards,
// and before it ends the sessions. The new password then reads the cards again.
// That cannot happen on SQLite.
func TestAnActionCommitsBeforeItsSessionEnds(t *testing.T) {
	address := holdfasttest.PostgresAddress(t)
	db, other := holdfasttest.Open(t, address), holdfasttest.Open(t, address)
	bound := store.Bound(t.Context(), annsSession(t, db))
	added := payment.Instrument{ID: "I0001", Owner: "P0001", Method: holdfast.MethodCC, Created: holdfasttest.Start}
	add := sync.OnceFunc(func() {
		if err := other.Update(bound, func(tx *store.Tx) error { return tx.InsertInstrument(added) }); err != nil {
			t.Error(err)
		}
	})
	var seen []payment.Instrument
	err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
		if seen, err = tx.Instruments("P0001"); err != nil {
			return err
		}
		add()
		return tx.EndSignedInElsewhere("P0001", "")
	})
	if err != nil || len(seen) != 1 {
		t.Errorf("the new password has seen the cards %v, %v", seen, err)
	}
}
