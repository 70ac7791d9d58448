package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
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

// occupied keeps all lines busy, so that further actions wait in the queue
// until they are let go.
func occupied(t *testing.T, db *store.DB) (letGo func()) {
	t.Helper()
	hold := make(chan struct{})
	var wait sync.WaitGroup
	for range db.Lines() {
		begun := make(chan struct{})
		wait.Go(func() {
			if err := db.Update(t.Context(), func(*store.Tx) error { close(begun); <-hold; return nil }); err != nil {
				t.Errorf("the action that keeps the store busy: %v", err)
			}
		})
		<-begun
	}
	return func() {
		close(hold)
		wait.Wait()
	}
}

var errRefused = errors.New("refused")

// Actions that are refused, fail in the database or panic leave no trace. The
// other actions of the same commit are committed.
func TestAnActionNeverHarmsItsNeighbours(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		letGo := occupied(t, db)
		var wait sync.WaitGroup
		const others = 40
		queued := make(chan struct{}, others)
		for i := 1; i <= others; i++ {
			wait.Go(func() {
				queued <- struct{}{}
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					if err := insert(tx, newParty(i)); err != nil {
						return err
					}
					switch i % 4 {
					case 1:
						return errRefused
					case 2:
						return insert(tx, newParty(i)) // it exists already
					case 3:
						panic("a bug")
					}
					return nil
				})
				if (err == nil) != (i%4 == 0) {
					t.Errorf("action %d: %v", i, err)
				}
				if i%4 == 1 && !errors.Is(err, errRefused) {
					t.Errorf("action %d: %v is not its own error", i, err)
				}
			})
		}
		for range others {
			<-queued
		}
		letGo()
		wait.Wait()
		for i := 1; i <= others; i++ {
			if got, want := exists(t, db, newParty(i).ID), i%4 == 0; got != want {
				t.Errorf("party %d exists: %v", i, got)
			}
		}
	})
}

func TestAnActionWhoseCallerLeftBeforeItsTurnIsNotRun(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		letGo := occupied(t, db)
		ctx, leave := context.WithCancel(t.Context())
		leave()
		ran := false
		if err := db.Update(ctx, func(*store.Tx) error { ran = true; return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller that left got %v", err)
		}
		letGo()
		if err := db.Update(t.Context(), func(*store.Tx) error { return nil }); err != nil { // behind it in the queue
			t.Fatal(err)
		}
		if ran {
			t.Error("its action was run")
		}
	})
}

// When the queue is full, the next Update is refused and a Complete waits. All
// accepted actions are answered.
func TestAFullQueueRefuses(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		letGo := occupied(t, db)
		var wait sync.WaitGroup
		var done, refused atomic.Int64
		for range store.QueueMax + 100 {
			wait.Go(func() {
				switch err := db.Update(t.Context(), func(*store.Tx) error { return nil }); {
				case err == nil:
					done.Add(1)
				case errors.Is(err, store.ErrFull):
					refused.Add(1)
				default:
					t.Errorf("answered %v", err)
				}
			})
		}
		for refused.Load() < 100 {
			runtime.Gosched()
		}
		wait.Go(func() {
			if err := db.Complete(t.Context(), func(tx *store.Tx) error { return insert(tx, newParty(1)) }); err != nil {
				t.Errorf("what has happened: %v", err)
			}
		})
		letGo()
		wait.Wait()
		if done.Load() != store.QueueMax || refused.Load() != 100 || !exists(t, db, "P0001") {
			t.Errorf("%d were carried out and %d refused, want %d and 100", done.Load(), refused.Load(), store.QueueMax)
		}
	})
}

// An action that has begun is carried out, and its caller gets the outcome even
// if the caller's context ends meanwhile.
func TestWhatIsAnsweredIsWhatHappened(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		ctx, leave := context.WithCancel(t.Context())
		err := db.Update(ctx, func(tx *store.Tx) error { leave(); return insert(tx, newParty(1)) })
		if err != nil || !exists(t, db, "P0001") {
			t.Fatalf("answered %v", err)
		}
	})
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

// An action that comes while the store closes is answered, one way or the
// other.
func TestNobodyWaitsForAClosedStore(t *testing.T) {
	for range 20 {
		db := holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t))
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				for db.Update(context.Background(), func(*store.Tx) error { return nil }) == nil {
				}
			})
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		wait.Wait()
	}
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

// Actions that somebody waits for go first, however many background actions
// there are. Some background actions go on, however many others wait.
func TestWhoSharesACommit(t *testing.T) {
	tests := []struct {
		waiting, background int
		busy                bool
		waited, unwaited    int
	}{
		{1, 0, false, 1, 0},
		{0, 1, false, 0, 1},
		{0, 1000, false, 0, 64},
		{1, 1000, false, 1, 32},
		{64, 1000, false, 64, 32},
		{160, 1000, false, 160, 40},
		{1000, 1000, false, 205, 51},
		{1000, 10, false, 246, 10},
		{1000, 0, false, 256, 0},
		{0, 1000, true, 0, 4},
		{100, 1000, true, 100, 4},
	}
	for _, test := range tests {
		waited, unwaited, ordered := store.Group(256, test.waiting, test.background, test.busy)
		if waited != test.waited || unwaited != test.unwaited || !ordered {
			t.Errorf("of %d waited and %d background actions, log busy %t: %d and %d (in order: %t), want %d and %d",
				test.waiting, test.background, test.busy, waited, unwaited, ordered, test.waited, test.unwaited)
		}
	}
	if waited, unwaited, _ := store.Group(1, 10, 10, false); waited != 1 || unwaited != 0 {
		t.Errorf("without group commit: %d and %d", waited, unwaited)
	}
}

// Accepted background actions are carried out even when the store is closed.
func TestTheBackgroundIsCarriedOut(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			db := holdfasttest.Open(t, at)
			letGo := occupied(t, db)
			const each = 200
			var wait sync.WaitGroup
			for i := 1; i <= 2*each; i++ {
				do := db.Update
				if i > each {
					do = db.Background
				}
				wait.Go(func() {
					if err := do(t.Context(), func(tx *store.Tx) error { return insert(tx, newParty(i)) }); err != nil {
						t.Errorf("action %d: %v", i, err)
					}
				})
			}
			store.WaitForQueue(db, each)
			store.WaitForBackground(db, each)
			closed := make(chan error)
			go func() { closed <- db.Close() }()
			letGo()
			wait.Wait()
			if err := <-closed; err != nil {
				t.Fatal(err)
			}
			again := holdfasttest.Open(t, at)
			for i := 1; i <= 2*each; i++ {
				if !exists(t, again, newParty(i).ID) {
					t.Errorf("action %d left nothing", i)
				}
			}
		})
	}
}
