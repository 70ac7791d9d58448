package shop

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Private names that tests need.

var (
	Steps     = steps
	Catalogue = catalogue
	TotalsOf  = totalsOf
	PartOf    = totalsOfPart
	HowLong   = howLong
)

func (s *Shop) Order(ctx context.Context, id OrderID) (Order, error) { return orderByID(ctx, s.db, id) }

func (s *Shop) Log(ctx context.Context, id OrderID) ([]Happening, error) {
	return happenings(ctx, s.db, id)
}

// WorkDue runs each job that is due by the shop's clock once, and returns their
// kinds in order. It removes jobs that succeed; the others stay for the next
// call.
func (s *Shop) WorkDue(ctx context.Context) (kinds []string, err error) {
	list, err := s.jobs.JobList(ctx, river.NewJobListParams().First(1000).
		States(rivertype.JobStateAvailable, rivertype.JobStateScheduled, rivertype.JobStateRetryable).
		OrderBy(river.JobListOrderByScheduledAt, river.SortOrderAsc))
	if err != nil {
		return nil, err
	}
	for _, job := range list.Jobs {
		if job.ScheduledAt.After(s.now()) {
			continue
		}
		var about About
		if err := json.Unmarshal(job.EncodedArgs, &about); err != nil {
			return nil, err
		}
		kinds = append(kinds, job.Kind)
		if err := s.work[job.Kind](ctx, about.OrderID); err != nil {
			if !errors.Is(err, errWaiting) {
				kinds[len(kinds)-1] += " failed"
			}
			continue
		}
		if _, err := s.jobs.JobDelete(ctx, job.ID); err != nil {
			return nil, fmt.Errorf("removing job %s: %w", job.Kind, err)
		}
	}
	return kinds, nil
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
