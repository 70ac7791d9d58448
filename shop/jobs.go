package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

const (
	// The page that causes a request also sends it at once. The request's job
	// starts after this time. It has nothing left to do, unless the answer was
	// lost.
	answerAwaited = 20 * time.Second

	redirectLookEvery = time.Hour       // for a buyer who does not come back
	outcomeLookEvery  = 5 * time.Second // while the card network has not answered
	outcomeLookSlow   = 5 * time.Minute // if it has not answered within an hour
	holdLookEvery     = 6 * time.Hour   // for a hold that is not settled yet
	jobTimeMax        = time.Minute
	jobsAtOnce        = 4
	stopWaitMax       = 20 * time.Second

	// A job that fails is retried after growing pauses. They stay short, so that
	// after an outage near a hold's deadline the retry still comes in time.
	// Retries end long after the hold has expired.
	retryWaitMax = time.Minute
	attemptsMax  = int(2 * holdLifeMax / retryWaitMax)
)

// The jobs. Each belongs to one order and does nothing if the order has changed
// its state. So a job may safely run twice.
type (
	// recoverRedirect looks for the token of a buyer who has not come back.
	recoverRedirect struct{ About }
	// reserveFunds sends a Reserve until it is answered.
	reserveFunds struct{ About }
	// awaitHold asks for the status of a Reserve that was answered Pending.
	awaitHold struct{ About }
	// fulfil watches the hold of an order. It exists from the moment at which the
	// money is held until the order is shipped or cancelled, or the hold expires.
	fulfil struct{ About }
	// settleCharge sends a Settle until it is answered.
	settleCharge struct{ About }
	// cancelHold sends a Cancel until it is answered.
	cancelHold struct{ About }
	// refundCharge sends the refunds of an order until they are complete.
	refundCharge struct{ About }
)

// About names the order of a job.
type About struct {
	OrderID OrderID `json:"order_id" river:"unique"`
}

func (recoverRedirect) Kind() string { return "recover_redirect" }
func (reserveFunds) Kind() string    { return "reserve" }
func (awaitHold) Kind() string       { return "await_hold" }
func (fulfil) Kind() string          { return "fulfil" }
func (settleCharge) Kind() string    { return "settle" }
func (cancelHold) Kind() string      { return "cancel" }
func (refundCharge) Kind() string    { return "refund" }

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
	addWorker[recoverRedirect](s, workers, s.workRecover)
	addWorker[reserveFunds](s, workers, s.reserve)
	addWorker[awaitHold](s, workers, s.workAwaitHold)
	addWorker[fulfil](s, workers, s.workFulfil)
	addWorker[settleCharge](s, workers, s.settle)
	addWorker[cancelHold](s, workers, s.cancel)
	addWorker[refundCharge](s, workers, s.refund)
	s.jobs, err = river.NewClient(driver, &river.Config{
		Logger:      log,
		JobTimeout:  jobTimeMax,
		MaxAttempts: attemptsMax,
		RetryPolicy: retries{s.now},
		// A job that seems to run for longer has ended without River's notice.
		RescueStuckJobsAfter: jobTimeMax + time.Minute,
		// SQLite cannot notify River of new jobs. Polling once a second is enough,
		// because most jobs are due later or only repeat a request that a page has
		// sent.
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
		err := work(ctx, job.Args.order())
		if errors.Is(err, errWaiting) {
			return river.JobSnooze(s.lookAgain(ctx, job.Args))
		}
		return err
	}))
}

// lookAgain returns how long a job waits before it asks again.
func (s *Shop) lookAgain(ctx context.Context, job orderJob) time.Duration {
	o, err := orderByID(ctx, s.db, job.order())
	if err != nil {
		return outcomeLookSlow
	}
	switch any(job).(type) {
	case recoverRedirect:
		return redirectLookEvery
	case fulfil:
		if left := o.Deadline.Sub(s.serverNow()); !o.Deadline.IsZero() && left < holdLookEvery {
			return max(left, outcomeLookEvery)
		}
		return holdLookEvery
	}
	if s.now().Sub(o.Changed) > time.Hour {
		return outcomeLookSlow
	}
	return outcomeLookEvery
}

// enqueueFor adds the job that an order's new state needs. It does so in the
// transaction that writes the state.
func (s *Shop) enqueueFor(ctx context.Context, tx *sql.Tx, o Order) error {
	about := About{OrderID: o.ID}
	switch o.State {
	case AwaitingAuthorisation:
		return s.enqueue(ctx, tx, recoverRedirect{about}, redirectLookEvery)
	case Reserving:
		return s.enqueue(ctx, tx, reserveFunds{about}, answerAwaited)
	case Pending:
		return s.enqueue(ctx, tx, awaitHold{about}, outcomeLookEvery)
	case ToShip:
		return s.enqueue(ctx, tx, fulfil{about}, 0)
	case Shipping:
		return s.enqueue(ctx, tx, settleCharge{about}, answerAwaited)
	case Cancelling:
		return s.enqueue(ctx, tx, cancelHold{about}, answerAwaited)
	case Abandoned, NotAuthorised, PaymentFailed, Shipped, Cancelled, Lapsed, NeedsAttention:
	}
	return nil
}

// unfinished are the states of a job that will still run.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
	rivertype.JobStateRetryable, rivertype.JobStateScheduled,
}

func (s *Shop) enqueue(ctx context.Context, tx *sql.Tx, job orderJob, after time.Duration) error {
	opts := &river.InsertOpts{ScheduledAt: s.now().Add(after)}
	if _, ok := job.(fulfil); ok {
		// After a refused charge, the order is ToShip again, and its job may still
		// exist.
		opts.UniqueOpts = river.UniqueOpts{ByArgs: true, ByState: unfinished}
	}
	if _, err := s.jobs.InsertTx(ctx, tx, job, opts); err != nil {
		return fmt.Errorf("enqueueing %s for order %s: %w", job.Kind(), job.order(), err)
	}
	return nil
}

func (s *Shop) workRecover(ctx context.Context, id OrderID) error {
	if err := s.recover(ctx, id); err != nil {
		return err
	}
	s.atOnce(ctx, "Reserve", id, s.reserve)
	return nil
}

func (s *Shop) workAwaitHold(ctx context.Context, id OrderID) error {
	o, err := orderByID(ctx, s.db, id)
	if err != nil || o.State != Pending {
		return err
	}
	if o, err = s.ask(ctx, o); err != nil {
		return err
	}
	if o.State == Pending {
		return errWaiting
	}
	return nil
}

func (s *Shop) workFulfil(ctx context.Context, id OrderID) error {
	o, err := orderByID(ctx, s.db, id)
	if err != nil || !o.State.Open() {
		return err
	}
	if o.State == Shipping || o.State == Cancelling {
		return errWaiting // the jobs of Settle and Cancel find out
	}
	if o, err = s.ask(ctx, o); err != nil {
		return err
	}
	if o.State.Open() {
		return errWaiting
	}
	return nil
}

// atOnce sends a request whose job is already stored. It tries for at most
// atOnceMax, because a person waits for the page, and continues if that person
// closes the browser. It returns no error, because the job repeats a request
// that fails now.
func (s *Shop) atOnce(ctx context.Context, action string, id OrderID, try func(context.Context, OrderID) error) {
	asking, done := context.WithTimeout(context.WithoutCancel(ctx), atOnceMax)
	defer done()
	if err := try(asking, id); err != nil && !errors.Is(err, errWaiting) {
		s.log.WarnContext(ctx, "a request failed; its job repeats it", "action", action, "order", id, "err", err)
	}
}

// Run works on the jobs until ctx ends. Then it finishes the running jobs and
// returns.
func (s *Shop) Run(ctx context.Context) error {
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
