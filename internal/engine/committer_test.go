package engine_test

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

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// In one group, one Work panics, one violates a CHECK, one finds a changed row,
// one adds a row that exists, one is refused and the caller of one leaves. None
// of them leaves a trace, and the others are committed.
func TestAWorkNeverHarmsItsNeighbours(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		mustUpdate(t, db, func(tx *engine.Tx) error { return add(tx, "there", 1) })
		left, leave := context.WithCancel(t.Context())
		good := func(i int) func(tx *engine.Tx) error {
			return func(tx *engine.Tx) error { return add(tx, fmt.Sprint("good", i), 1) }
		}
		letGo := occupiedAllButOne(t, db)
		var wait sync.WaitGroup
		errs := make(map[string]error)
		var mu sync.Mutex
		run := func(ctx context.Context, name string, work func(tx *engine.Tx) error) {
			mu.Lock()
			place := len(errs)
			errs[name] = nil
			mu.Unlock()
			wait.Go(func() {
				err := db.Update(ctx, work)
				mu.Lock()
				defer mu.Unlock()
				errs[name] = err
			})
			engine.WaitForQueue(db, place+1, 0)
		}
		bad := func(then func(tx *engine.Tx) error) func(tx *engine.Tx) error {
			return func(tx *engine.Tx) error { return errors.Join(add(tx, "trace", 1), then(tx)) }
		}
		run(t.Context(), "good 0", good(0))
		run(t.Context(), "panics", bad(func(*engine.Tx) error { panic("a bug") }))
		run(t.Context(), "checks", func(tx *engine.Tx) error { return add(tx, "negative", -1) })
		run(t.Context(), "stale", func(tx *engine.Tx) error { return setNumber.Write(tx, "there", 2, "there", 7) })
		run(t.Context(), "twice", func(tx *engine.Tx) error { return add(tx, "there", 1) })
		run(t.Context(), "refused", bad(func(*engine.Tx) error { return errRefused }))
		run(left, "left", func(tx *engine.Tx) error { return add(tx, "left", 1) })
		run(t.Context(), "good 1", good(1))
		leave()
		for { // until its caller has gone
			mu.Lock()
			err := errs["left"]
			mu.Unlock()
			if err != nil {
				break
			}
			runtime.Gosched()
		}
		letGo(&wait)
		for name, ok := range map[string]func(error) bool{
			"good 0": func(err error) bool { return err == nil },
			"good 1": func(err error) bool { return err == nil },
			"panics": func(err error) bool {
				return err != nil && strings.Contains(err.Error(), "panic in a transaction: a bug")
			},
			"checks":  func(err error) bool { return err != nil && strings.Contains(strings.ToLower(err.Error()), "check") },
			"stale":   func(err error) bool { return errors.Is(err, engine.ErrStale) },
			"twice":   func(err error) bool { return err != nil && !engine.IsUnavailable(err) },
			"refused": func(err error) bool { return errors.Is(err, errRefused) },
			"left":    func(err error) bool { return errors.Is(err, context.Canceled) },
		} {
			if !ok(errs[name]) {
				t.Errorf("%s ended with %v", name, errs[name])
			}
		}
		for name, want := range map[string]int64{"good0": 1, "good1": 1, "there": 1, "trace": -1, "negative": -1, "left": -1} {
			if got := valueOf(t, db, name); got != want {
				t.Errorf("%s is %d, want %d", name, got, want)
			}
		}
	})
}

// A row that cannot be read without a panic ends neither the server nor the
// neighbours of the Work that reads it.
func TestAPanicWhileARowIsRead(t *testing.T) {
	poisoned := engine.NewSource(engine.Source[string, number]{
		Doing: "reading a poisoned number",
		Query: selectNumbers + `WHERE name = $1`, Many: selectNumbers + `WHERE name = ANY($1::text[])`, Order: "name",
		Args: func(k string) []any { return []any{k} },
		Scan: func(engine.Scanner) (number, error) { panic("a bug") }, Key: func(n number) string { return n.name },
	})
	databases(t, func(t *testing.T, db *engine.DB) {
		mustUpdate(t, db, func(tx *engine.Tx) error { return add(tx, "a", 1) })
		poison := func(tx *engine.Tx) error {
			_, _, err := poisoned.Get(tx, "a")
			return err
		}
		good := func(tx *engine.Tx) error { return increase(tx, "a", 1) }
		errs := append(together(t, db, good, poison, good), together(t, db, poison)...)
		for i, bad := range []bool{false, true, false, true} {
			if bad != (errs[i] != nil && strings.Contains(errs[i].Error(), "a bug")) || !bad && errs[i] != nil {
				t.Errorf("Work %d ended with %v", i, errs[i])
			}
		}
		if n := valueOf(t, db, "a"); n != 3 {
			t.Errorf("the number is %d, want 3", n)
		}
	})
}

func TestAWorkWhoseCallerLeftBeforeItsTurnIsNotRun(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		letGo := occupied(t, db)
		ctx, leave := context.WithCancel(t.Context())
		leave()
		ran := false
		if err := db.Update(ctx, func(*engine.Tx) error { ran = true; return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller that left got %v", err)
		}
		letGo()
		mustUpdate(t, db, func(*engine.Tx) error { return nil }) // behind it in the queue
		if ran {
			t.Error("its Work was run")
		}
	})
}

// When the queue is full, the next Update is refused and a Complete waits. All
// accepted Works are answered.
func TestAFullQueueRefuses(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		letGo := occupied(t, db)
		var wait sync.WaitGroup
		var done, refused atomic.Int64
		for range engine.QueueMax + 100 {
			wait.Go(func() {
				switch err := db.Update(t.Context(), func(*engine.Tx) error { return nil }); {
				case err == nil:
					done.Add(1)
				case errors.Is(err, engine.ErrFull):
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
			if err := db.Complete(t.Context(), func(tx *engine.Tx) error { return add(tx, "a", 1) }); err != nil {
				t.Errorf("what has happened: %v", err)
			}
		})
		letGo()
		wait.Wait()
		if done.Load() != engine.QueueMax || refused.Load() != 100 || valueOf(t, db, "a") != 1 {
			t.Errorf("%d were carried out and %d refused, want %d and 100", done.Load(), refused.Load(), engine.QueueMax)
		}
	})
}

// A Work that has begun is carried out, and its caller gets the outcome even if
// the caller's context ends meanwhile.
func TestWhatIsAnsweredIsWhatHappened(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		ctx, leave := context.WithCancel(t.Context())
		err := db.Update(ctx, func(tx *engine.Tx) error { leave(); return add(tx, "a", 1) })
		if err != nil || valueOf(t, db, "a") != 1 {
			t.Fatalf("answered %v", err)
		}
	})
}

func TestAfterCloseNothingIsAccepted(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.Update(t.Context(), func(*engine.Tx) error { return nil }); !errors.Is(err, engine.ErrClosed) {
			t.Fatalf("answered %v", err)
		}
	})
}

// A Work that comes while the engine closes is answered, one way or the other.
func TestNobodyWaitsForAClosedEngine(t *testing.T) {
	for range 20 {
		db := open(t, t.TempDir()+"/db", engine.Config{})
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				for db.Update(context.Background(), func(*engine.Tx) error { return nil }) == nil {
				}
			})
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		wait.Wait()
	}
}

// Two servers race for the same row. A row that one reads and then writes cannot
// be changed by the other in between.
func TestTwoServersCountTogether(t *testing.T) {
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			servers := []*engine.DB{open(t, at, engine.Config{}), open(t, at, engine.Config{})}
			mustUpdate(t, servers[0], func(tx *engine.Tx) error { return add(tx, "a", 0) })
			const each = 50
			var wait sync.WaitGroup
			for _, db := range servers {
				for range each {
					wait.Go(func() {
						if err := db.Update(t.Context(), func(tx *engine.Tx) error { return increase(tx, "a", 1) }); err != nil {
							t.Errorf("counting: %v", err)
						}
					})
				}
			}
			wait.Wait()
			if n := valueOf(t, servers[1], "a"); n != 2*each {
				t.Errorf("counted to %d", n)
			}
		})
	}
}

// Works that somebody waits for go first, however many background Works there
// are. Some background Works go on, however many others wait.
func TestWhichWorksShareACommit(t *testing.T) {
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
		waited, unwaited, ordered := engine.Group(256, test.waiting, test.background, test.busy)
		if waited != test.waited || unwaited != test.unwaited || !ordered {
			t.Errorf("of %d waited and %d background Works, log busy %t: %d and %d (in order: %t), want %d and %d",
				test.waiting, test.background, test.busy, waited, unwaited, ordered, test.waited, test.unwaited)
		}
	}
	if waited, unwaited, _ := engine.Group(1, 10, 10, false); waited != 1 || unwaited != 0 {
		t.Errorf("without group commit: %d and %d", waited, unwaited)
	}
}

// Accepted background Works are carried out even when the engine is closed.
func TestTheBackgroundIsCarriedOut(t *testing.T) {
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			db := open(t, at, engine.Config{})
			letGo := occupied(t, db)
			const each = 200
			var wait sync.WaitGroup
			for i := range 2 * each {
				do := db.Update
				if i >= each {
					do = db.Background
				}
				wait.Go(func() {
					if err := do(t.Context(), func(tx *engine.Tx) error { return add(tx, fmt.Sprint(i), 1) }); err != nil {
						t.Errorf("Work %d: %v", i, err)
					}
				})
			}
			engine.WaitForQueue(db, each, each)
			closed := make(chan error)
			go func() { closed <- db.Close() }()
			letGo()
			wait.Wait()
			if err := <-closed; err != nil {
				t.Fatal(err)
			}
			again := open(t, at, engine.Config{})
			for i := range 2 * each {
				if valueOf(t, again, fmt.Sprint(i)) != 1 {
					t.Errorf("Work %d left nothing", i)
				}
			}
		})
	}
}

// While one commit is under way, another one begins for a crowd.
func TestACrowdDoesNotWait(t *testing.T) {
	db := open(t, holdfasttest.EmptyPostgresAddress(t), engine.Config{})
	begun, hold := make(chan struct{}), make(chan struct{})
	var first, crowd sync.WaitGroup
	first.Go(func() {
		_ = db.Update(t.Context(), func(*engine.Tx) error { close(begun); <-hold; return errRefused })
	})
	<-begun
	for i := range engine.CrowdMin {
		crowd.Go(func() {
			if err := db.Update(t.Context(), func(tx *engine.Tx) error { return add(tx, fmt.Sprint(i), 1) }); err != nil {
				t.Errorf("Work %d: %v", i, err)
			}
		})
	}
	crowd.Wait()
	close(hold)
	first.Wait()
}

// A commit that hangs delays no other Work, however few wait.
func TestAHangingCommitDelaysNobody(t *testing.T) {
	at := holdfasttest.EmptyPostgresAddress(t)
	db, admin := open(t, at, engine.Config{}), openWriter(t, at)
	mustUpdate(t, db, func(tx *engine.Tx) error { return add(tx, "a", 1) })
	tx, err := admin.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), `SELECT 1 FROM numbers WHERE name = 'a' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	var hanging sync.WaitGroup
	hanging.Go(func() {
		if err := db.Update(t.Context(), func(tx *engine.Tx) error { return increase(tx, "a", 1) }); err != nil {
			t.Errorf("the Work that waited for the lock: %v", err)
		}
	})
	until(t, admin, `
		SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`)
	for i := range 3 {
		mustUpdate(t, db, func(tx *engine.Tx) error { return add(tx, fmt.Sprint("b", i), 1) })
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	hanging.Wait()
}

// After groups of several Works, the next commit waits for as many. It does not
// wait for ever: a Work that comes alone is committed.
func TestCompanyThatDoesNotCome(t *testing.T) {
	databases(t, func(t *testing.T, db *engine.DB) {
		for round := range 3 {
			var works []func(tx *engine.Tx) error
			for i := range 3 {
				works = append(works, func(tx *engine.Tx) error { return add(tx, fmt.Sprint(round, " ", i), 1) })
			}
			if err := errors.Join(together(t, db, works...)...); err != nil {
				t.Fatal(err)
			}
		}
		mustUpdate(t, db, func(tx *engine.Tx) error { return add(tx, "alone", 1) })
	})
}

// The statistics say what happened to a group of three Works, two of which want
// the same row and one of which runs alone.
func TestStats(t *testing.T) {
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var tries []engine.Try
			var waits []time.Duration
			now := holdfasttest.Start
			db := open(t, address(t), engine.Config{Stats: engine.Stats{
				Now: func() time.Time { mu.Lock(); defer mu.Unlock(); now = now.Add(time.Second); return now },
				Waited: func(_ bool, wait time.Duration) {
					mu.Lock()
					defer mu.Unlock()
					waits = append(waits, wait)
				},
				Tried: func(one engine.Try) {
					mu.Lock()
					defer mu.Unlock()
					tries = append(tries, one)
				},
			}})
			mustUpdate(t, db, func(tx *engine.Tx) error { return add(tx, "a", 1) })
			errs := together(t, db, func(tx *engine.Tx) error { return increase(tx, "a", 1) },
				func(tx *engine.Tx) error { return increase(tx, "a", 1) },
				func(tx *engine.Tx) error { return tx.One("adding", `INSERT INTO events (what) VALUES ('alone')`) })
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if first := tries[0]; first.Works != 1 || first.Rounds != 1 || first.Alone != 0 || !first.Committed {
				t.Errorf("the group of one: %+v", first)
			}
			found := false
			for _, one := range tries {
				if one.Works == 3 {
					found = true
					if one.Rounds != 1 || one.Again != 1 || one.Alone != 2 || !one.Committed || one.Conflict ||
						one.Took <= 0 || one.Commit <= 0 || one.Background != 0 {
						t.Errorf("the group of three: %+v", one)
					}
				}
			}
			if !found || len(waits) < 4 || waits[0] <= 0 {
				t.Errorf("tries %+v, waits %v", tries, waits)
			}
		})
	}
}

// After a conflict, a server moves to another shard of the counters.
func TestOtherShard(t *testing.T) {
	for shard := range engine.Shards {
		for range 100 {
			if other := engine.OtherShard(shard); other == shard || other < 0 || other >= engine.Shards {
				t.Fatalf("from shard %d it goes to %d", shard, other)
			}
		}
	}
}
