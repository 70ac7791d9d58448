package shop_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/shop"
)

// reserving makes an order whose Reserve got no answer.
func (st *stage) reserving() shop.OrderID {
	st.Helper()
	st.fps.set(func(f *fakeFPS) { f.refuse["Reserve"] = "ServiceUnavailable" })
	id := st.order("mug")
	st.want(st.get(st.returnPath(id, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
	st.wantState(id, shop.Reserving)
	return id
}

// change changes rows of the database directly, without River.
func (st *stage) change(query string) {
	st.Helper()
	if _, err := st.shop.Database().ExecContext(st.Context(), query); err != nil {
		st.Fatal(err)
	}
}

// run runs the jobs until the test ends.
func (st *stage) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- st.shop.Run(ctx) }()
	st.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			st.Errorf("Run ended with %v", err)
		}
	})
}

func (st *stage) next(events <-chan *river.Event) *river.Event {
	st.Helper()
	select {
	case event := <-events:
		return event
	case <-time.After(30 * time.Second):
		st.Fatal("no job was worked")
		return nil
	}
}

// A job that was running when the process was killed runs at once in the next
// process.
func TestJobOfAKilledProcess(t *testing.T) {
	st := newStage(t)
	id := st.reserving()
	st.change(`UPDATE river_job SET state = 'running', attempt = 1, attempted_at = CURRENT_TIMESTAMP, scheduled_at = '2020-01-01 00:00:00' WHERE kind = 'reserve'`)
	st.restart()
	st.fps.set(func(f *fakeFPS) { delete(f.refuse, "Reserve") })
	worked, stop := st.shop.WorkedJobs()
	defer stop()
	st.run()
	for st.next(worked).Job.Kind != "reserve" { // another job may be due by real time
	}
	st.wantState(id, shop.ToShip)
}

// However long an outage lasts, the next retry comes soon after it.
func TestRetriesStayFrequent(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: time.Second, 3: 8 * time.Second, 5000: time.Minute} {
		errors := "[" + strings.TrimSuffix(strings.Repeat(`{"attempt":1},`, failures), ",") + "]"
		st := newStage(t)
		st.clock.Store(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()) // River refuses a retry time in the past
		st.reserving()
		st.change(`UPDATE river_job SET state = 'available', scheduled_at = '2020-01-01 00:00:00', attempt = 5000, errors = '` + errors + `' WHERE kind = 'reserve'`)
		failed, stop := st.shop.FailedJobs()
		defer stop()
		st.run()
		job := st.next(failed).Job
		if got := job.ScheduledAt.Sub(st.now()); got != want {
			t.Errorf("after %d failures the next try is in %v, want %v", failures, got, want)
		}
		if week := 7 * 24 * 60; job.MaxAttempts < week { // a try a minute
			t.Errorf("a job is given up after %d failures, want a week of them", job.MaxAttempts)
		}
	}
}

// An outage of a day is one entry in the order's log, not a thousand.
func TestOutageIsLoggedOnce(t *testing.T) {
	st := newStage(t)
	id := st.reserving()
	before, err := st.shop.Log(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	st.pass(time.Minute)
	for range 3 {
		st.work("reserve failed")
	}
	after, err := st.shop.Log(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if len(after) != len(before) {
		t.Errorf("the log went on: %+v", after[len(before):])
	}
}
