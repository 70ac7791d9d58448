package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func newParty(i int) party.Party {
	return party.Party{
		ID: party.ID(fmt.Sprintf("P%04d", i)), Name: "Party", Email: fmt.Sprintf("p%d@example.test", i),
		Standing: party.Active, Created: holdfasttest.Start,
	}
}

func insert(tx *store.Tx, p party.Party) error {
	inserted, err := tx.InsertParty(p)
	if err == nil && !inserted {
		err = errors.New("not inserted")
	}
	return err
}

func exists(t *testing.T, db *store.DB, id party.ID) (found bool) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
		_, found, err = tx.Party(id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// occupied keeps the only writer of an SQLite store busy, so that further actions
// wait in the queue until it is let go.
func occupied(t *testing.T, db *store.DB) (letGo func()) {
	t.Helper()
	begun, hold := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := db.Update(t.Context(), func(*store.Tx) error { close(begun); <-hold; return nil }); err != nil {
			t.Errorf("the action that keeps the store busy: %v", err)
		}
	})
	<-begun
	return func() {
		close(hold)
		wait.Wait()
	}
}

func TestAfterCloseNothingIsAccepted(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.Update(t.Context(), func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
			t.Fatalf("answered %v", err)
		}
	})
}

// Two servers share a database. A row that one reads and then writes cannot be
// changed by the other in between.
func TestTwoServersCountTogether(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			servers := []*store.DB{holdfasttest.Open(t, at), holdfasttest.Open(t, at)}
			caller := party.Caller{ID: "C1", Owner: "P1", Name: "Shop", Sandbox: true, Created: holdfasttest.Start}
			if err := servers[0].Update(t.Context(), func(tx *store.Tx) error { return tx.InsertCaller(caller) }); err != nil {
				t.Fatal(err)
			}
			const each = 50
			var wait sync.WaitGroup
			for _, db := range servers {
				for range each {
					wait.Go(func() {
						err := db.Update(t.Context(), func(tx *store.Tx) error {
							c, _, err := tx.Caller("C1")
							if err != nil {
								return err
							}
							c.ClockOffset += time.Second
							return tx.UpdateCaller(c)
						})
						if err != nil {
							t.Errorf("counting: %v", err)
						}
					})
				}
			}
			wait.Wait()
			err := servers[1].View(t.Context(), func(tx *store.ReadTx) error {
				c, _, err := tx.Caller("C1")
				if c.ClockOffset != 2*each*time.Second {
					t.Errorf("counted to %v", c.ClockOffset)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestALostAddressIsNoSecretsLeak(t *testing.T) {
	_, err := store.Open(t.Context(), store.Config{Address: "postgres://user:hunter2@127.0.0.1:1/x?connect_timeout=1"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("opened with %v", err)
	}
	_, err = store.Open(t.Context(), store.Config{Address: "postgres://user:hunter2@[bad/x"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("opened with %v", err)
	}
}

// Servers that start at once on an empty database create its schema only once.
func TestServersStartAtOnce(t *testing.T) {
	address := holdfasttest.EmptyPostgresAddress(t)
	var wait sync.WaitGroup
	for i := range 3 {
		wait.Go(func() {
			db, err := store.Open(t.Context(), store.Config{Address: address})
			if err != nil {
				t.Errorf("server %d: %v", i, err)
				return
			}
			defer db.Close()
			if err := db.Update(t.Context(), func(tx *store.Tx) error { return insert(tx, newParty(i)) }); err != nil {
				t.Errorf("server %d: %v", i, err)
			}
		})
	}
	wait.Wait()
}
