package shop_test

import (
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/holdfast-pay/holdfast/shop"
)

// reserving makes an order whose hold got no answer.
func (st *stage) reserving() shop.OrderID {
	st.Helper()
	id := st.order("mug")
	st.approve(id)
	st.way.set(func(y *way) { y.refuse["hold"] = "service_unavailable" })
	st.back(id)
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
	st.change(`UPDATE river_job SET state = 'running', attempt = 1, attempted_at = CURRENT_TIMESTAMP, scheduled_at = '2020-01-01 00:00:00' WHERE kind = 'hold'`)
	st.restart()
	st.way.set(func(y *way) { delete(y.refuse, "hold") })
	worked, stop := st.shop.WorkedJobs()
	defer stop()
	st.run()
	for st.next(worked).Job.Kind != "hold" { // another job may be due by real time
	}
	st.wantState(id, shop.ToShip)
}

// However long an outage lasts, the next retry comes soon after it.
func TestRetriesStayFrequent(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: time.Second, 3: 8 * time.Second, 5000: time.Minute} {
		errors := "[" + strings.TrimSuffix(strings.Repeat(`{"attempt":1},`, failures), ",") + "]"
		st := newStage(t)
		st.reserving()
		st.world.Clock.Set(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)) // River refuses a retry time in the past
		st.change(`UPDATE river_job SET state = 'available', scheduled_at = '2020-01-01 00:00:00', attempt = 5000, errors = '` + errors + `' WHERE kind = 'hold'`)
		failed, stop := st.shop.FailedJobs()
		defer stop()
		st.run()
		job := st.next(failed).Job
		if got := job.ScheduledAt.Sub(st.world.Clock.Now()); got != want {
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
	before := len(st.logOf(id))
	st.pass(time.Minute)
	for range 3 {
		st.work()
	}
	if after := st.logOf(id); len(after) != before {
		t.Errorf("the log went on: %+v", after[before:])
	}
}
