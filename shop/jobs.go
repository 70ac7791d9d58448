package shop

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

const (
	// The page that causes a call also makes it at once. The call's job starts after
	// this time. It has nothing left to do, unless the answer was lost.
	answerAwaited = 20 * time.Second

	jobTimeMax  = time.Minute
	jobsAtOnce  = 4
	stopWaitMax = 20 * time.Second

	// A job that fails is retried after growing pauses. They stay short, so that
	// after an outage near a hold's deadline the retry still comes in time.
	// Retries end long after the hold has expired.
	retryWaitMax = time.Minute
	attemptsMax  = int(2 * holdLifeMax / retryWaitMax)
)

// The jobs. Each belongs to one order and does nothing if the order has changed
// its state. So a job may safely run twice.
type (
	// placeHold asks for the hold of an order.
	placeHold struct{ About }
	// settleParcel charges a parcel.
	settleParcel struct{ About }
	// releasePieces releases the price of pieces that do not ship.
	releasePieces struct{ About }
	// refundCharge pays back.
	refundCharge struct{ About }
	// dropApproval cancels an approval that is not used.
	dropApproval struct{ About }
	// look finds out what has become of an order, after an event.
	look struct{ About }
)

// About names the order of a job.
type About struct {
	OrderID OrderID `json:"order_id"`
}

func (placeHold) Kind() string     { return "hold" }
func (settleParcel) Kind() string  { return "settle" }
func (releasePieces) Kind() string { return "release" }
func (refundCharge) Kind() string  { return "refund" }
func (dropApproval) Kind() string  { return "drop" }
func (look) Kind() string          { return "look" }

// openJobs prepares River on the shop's own database. Nothing runs before Run.
func (s *Shop) openJobs(ctx context.Context) error {
	log := slog.New(atLeast{slog.LevelWarn, s.log.Handler()})
	driver := riversqlite.New(s.db)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: log})
	if err != nil {
		return fmt.Errorf("preparing the jobs' tables: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("preparing the jobs' tables: %w", err)
	}
	s.work = map[string]func(context.Context, OrderID) error{}
	workers := river.NewWorkers()
	addWorker[placeHold](s, workers, s.placeHold)
	addWorker[settleParcel](s, workers, s.settle)
	addWorker[releasePieces](s, workers, s.release)
	addWorker[refundCharge](s, workers, s.refund)
	addWorker[dropApproval](s, workers, s.dropApproval)
	addWorker[look](s, workers, s.look)
	s.jobs, err = river.NewClient(driver, &river.Config{
		Logger:      log,
		JobTimeout:  jobTimeMax,
		MaxAttempts: attemptsMax,
		RetryPolicy: retries{s.now},
		// A job that seems to run for longer has ended without River's notice.
		RescueStuckJobsAfter: jobTimeMax + time.Minute,
		// SQLite cannot notify River of new jobs. Polling once a second is enough,
		// because most jobs only repeat a call that a page has made.
		PollOnly: true,
		Queues:   map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: jobsAtOnce}},
		Workers:  workers,
	})
	if err != nil {
		return fmt.Errorf("preparing the jobs: %w", err)
	}
	return nil
}

// retries is River's retry policy.
type retries struct{ now func() time.Time }

// NextRetry waits one second after the first failure and doubles the pause
// after each further failure, up to retryWaitMax.
func (r retries) NextRetry(job *rivertype.JobRow) time.Time {
	const doublingsMax = 6 // 64 s
	return r.now().Add(min(time.Second<<min(len(job.Errors), doublingsMax), retryWaitMax))
}

// releaseJobs makes jobs available that were running when the last process was
// killed. Only one process uses a shop's database, so no job can be running
// before this process starts its jobs. River does not know that and would wait.
func (s *Shop) releaseJobs(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `UPDATE river_job SET state = ? WHERE state = ?`,
		rivertype.JobStateAvailable, rivertype.JobStateRunning)
	if err != nil {
		return fmt.Errorf("releasing the jobs of the last run: %w", err)
	}
	return nil
}

type orderJob interface {
	river.JobArgs
	order() OrderID
}

func (a About) order() OrderID { return a.OrderID }

func addWorker[J orderJob](s *Shop, workers *river.Workers, work func(context.Context, OrderID) error) {
	var kind J
	s.work[kind.Kind()] = work
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[J]) error {
		return work(ctx, job.Args.order())
	}))
}

// enqueueFor adds the job that an order's new state needs. It does so in the
// transaction that writes the state.
func (s *Shop) enqueueFor(ctx context.Context, tx *sql.Tx, o Order) error {
	of := About{OrderID: o.ID}
	switch o.State {
	case Reserving:
		return s.enqueue(ctx, tx, placeHold{of}, answerAwaited)
	case Shipping:
		return s.enqueue(ctx, tx, settleParcel{of}, answerAwaited)
	case Releasing:
		return s.enqueue(ctx, tx, releasePieces{of}, answerAwaited)
	case AwaitingApproval, Abandoned, TurnedAway, SoldOut, Pending, PaymentFailed, ToShip, Shipped, Cancelled, Lapsed,
		ChargeFailed, NeedsAttention:
	}
	return nil
}

func (s *Shop) enqueue(ctx context.Context, tx *sql.Tx, job orderJob, after time.Duration) error {
	if _, err := s.jobs.InsertTx(ctx, tx, job, &river.InsertOpts{ScheduledAt: s.now().Add(after)}); err != nil {
		return fmt.Errorf("enqueueing %s for order %s: %w", job.Kind(), job.order(), err)
	}
	return nil
}

// atOnce makes a call whose job is already stored. It tries for at most
// atOnceMax, because a person waits for the page, and continues if that person
// closes the browser. It returns no error, because the job repeats a call that
// fails now.
func (s *Shop) atOnce(ctx context.Context, action string, id OrderID, try func(context.Context, OrderID) error) {
	asking, done := context.WithTimeout(context.WithoutCancel(ctx), atOnceMax)
	defer done()
	if err := try(asking, id); err != nil {
		s.log.WarnContext(ctx, "a call failed; its job repeats it", "action", action, "order", id, "err", err)
	}
}

// runJobs works on the jobs until ctx ends. Then it finishes the running jobs and
// returns.
func (s *Shop) runJobs(ctx context.Context) error {
	working := context.WithoutCancel(ctx)
	if err := s.releaseJobs(working); err != nil {
		return err
	}
	if err := s.jobs.Start(working); err != nil {
		return fmt.Errorf("starting the jobs: %w", err)
	}
	<-ctx.Done()
	stopping, done := context.WithTimeout(working, stopWaitMax)
	defer done()
	if err := s.jobs.Stop(stopping); err != nil {
		// These jobs run again after the next start.
		if err := s.jobs.StopAndCancel(working); err != nil {
			return fmt.Errorf("stopping the jobs: %w", err)
		}
	}
	return nil
}

// atLeast drops log records below a level. It is for a library that logs more
// than a shop needs.
type atLeast struct {
	level slog.Level
	slog.Handler
}

// Enabled reports whether a record of the level is kept.
func (h atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level && h.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the level.
func (h atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{h.level, h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the level.
func (h atLeast) WithGroup(name string) slog.Handler {
	return atLeast{h.level, h.Handler.WithGroup(name)}
}
