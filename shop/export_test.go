package shop

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Private names that tests need.

var (
	Steps     = steps
	Catalogue = catalogue
	TotalsOf  = totalsOf
	HowLong   = howLong
)

func (s *Shop) Order(ctx context.Context, id OrderID) (Order, error) { return orderByID(ctx, s.db, id) }

func (s *Shop) OrderOfCheckout(ctx context.Context, url string) (id OrderID, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT order_id FROM orders WHERE checkout_url = ?`, url).Scan(&id)
	return id, err
}

func (s *Shop) Log(ctx context.Context, id OrderID) ([]Happening, error) {
	return happenings(ctx, s.db, id)
}

func (s *Shop) Stock(ctx context.Context) (map[ProductID]int64, error) { return stock(ctx, s.db) }

func (s *Shop) ReadEvents(ctx context.Context) (bool, error) { return s.readEvents(ctx) }

// PriceOf is the price of some pieces of an order.
func (o Order) PriceOf(pieces []int64) string { return o.priceOf(pieces).Decimal() }

// Rest is how many pieces of each line are left.
func (o Order) Rest() []int64 { return o.rest() }

// Shipped is how many pieces of each line have shipped.
func (o Order) Shipped() []int64 { return o.shipped() }

// WorkDue runs each job that is due by the shop's clock once, and returns how many
// succeeded. It removes them; the others stay for the next call.
func (s *Shop) WorkDue(ctx context.Context) (done int, err error) {
	list, err := s.jobs.JobList(ctx, river.NewJobListParams().First(1000).
		States(rivertype.JobStateAvailable, rivertype.JobStateScheduled, rivertype.JobStateRetryable).
		OrderBy(river.JobListOrderByScheduledAt, river.SortOrderAsc))
	if err != nil {
		return 0, err
	}
	for _, job := range list.Jobs {
		if job.ScheduledAt.After(s.now()) {
			continue
		}
		var about About
		if err := json.Unmarshal(job.EncodedArgs, &about); err != nil {
			return done, err
		}
		if err := s.work[job.Kind](ctx, about.OrderID); err != nil {
			continue
		}
		if _, err := s.jobs.JobDelete(ctx, job.ID); err != nil {
			return done, fmt.Errorf("removing job %s: %w", job.Kind, err)
		}
		done++
	}
	return done, nil
}

// WorkedJobs reports every job that River itself completes.
func (s *Shop) WorkedJobs() (<-chan *river.Event, func()) {
	return s.jobs.Subscribe(river.EventKindJobCompleted)
}

// FailedJobs reports every job that fails in River itself.
func (s *Shop) FailedJobs() (<-chan *river.Event, func()) {
	return s.jobs.Subscribe(river.EventKindJobFailed)
}

// Database returns the shop's database, which also has River's tables.
func (s *Shop) Database() *sql.DB { return s.db }

// AllStates returns the states in the table of steps.
func AllStates() []OrderState {
	var all []OrderState
	for s := range steps {
		all = append(all, s)
	}
	return all
}

// SchemaText returns the first migration.
func SchemaText() (string, error) {
	text, err := schemaFiles.ReadFile("schema/0001_initial.sql")
	return string(text), err
}
