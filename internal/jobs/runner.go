// Package jobs runs the background work: it expires holds and releases them,
// repeats questions that are in doubt, gives events their positions, delivers
// notifications and mails, and audits the books.
package jobs

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/mail"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webhook"
)

// A Runner runs the loops of one server. Other servers on the same store may
// run theirs: each row is claimed by one server. Nothing depends on a loop's
// pace; deadlines hold without it.
type Runner struct {
	Processor *processor.Processor
	Sender    *ipn.Sender      // nil leaves notifications to another server on the same store
	Webhooks  *webhook.Sender  // nil leaves webhooks to another server on the same store
	Mail      *mail.Sender     // nil delivers none
	Now       func() time.Time // real time
	Log       *slog.Logger
	Every     time.Duration // between rounds that found nothing; zero means 500 ms
	// Pause waits between rounds and fails when the context ends; nil waits on
	// a timer. Tests need not wait.
	Pause func(context.Context, time.Duration) error

	mu    sync.Mutex
	beats map[string]time.Time // when each loop began its last round
}

const (
	everyDefault = 500 * time.Millisecond
	// failurePauseMax bounds the pauses after failures, which double: holds that
	// fell due while there was no database are released soon after it is back.
	failurePauseMax = 5 * time.Second
	slowRound       = time.Minute
	// claimRest is the time between two claims of notifications. Slots become free
	// one by one, and each claim occupies the writer for about a millisecond.
	claimRest = 20 * time.Millisecond
	// placeRest is the time between two rounds that give positions to events. Each
	// occupies the writer, so many events share one.
	placeRest = 10 * time.Millisecond
	// chainRest is the time between two rounds that give places to audit entries, for
	// the same reason. Nobody waits for them.
	chainRest = 250 * time.Millisecond
	// sumRest is the time between two pages of payments that are added up, so that
	// requests do not wait for a processor.
	sumRest = 10 * time.Millisecond
	// stuckAfter is how long a round may take. Rounds are bounded, but a disk or a
	// network may be slow.
	stuckAfter = 10 * time.Minute
	// auditing is the loop whose rounds may take longer: it may check the whole books
	// of a caller. The age of the audit shows if it hangs.
	auditing        = "auditing the books"
	auditingChanges = "auditing changes of the books"
	chaining        = "chaining the audit log"
	// warning is the loop that looks at each caller. A warning may come some seconds
	// late, so its rounds are rarer.
	warning      = "warning of deadlines"
	warningEvery = 5 * time.Second
)

// A loop is one kind of work, a bounded round at a time.
type loop struct {
	name  string
	round func(context.Context) (done int, err error)
	more  <-chan struct{} // ends the pause after a round that found nothing; nil never does
	rest  time.Duration   // after a round that found something
}

// loops are the loops of the processor, in the order in which RunOnce runs them. A
// paused store has only those that may run then.
func (r *Runner) loops() []loop {
	loops := []loop{
		{warning, r.Processor.WarnOfDeadlines, nil, 0},
		{"expiring holds", r.Processor.Sweep, nil, 0},
		{"releasing holds", r.Processor.Release, r.Processor.HandedOver(), 0},
		{"resolving what is in doubt", r.Processor.Resolve, nil, 0},
		{"ending approvals", r.Processor.LapseApprovals, nil, 0},
		{"forgetting old visits", r.Processor.ForgetVisits, nil, 0},
		{"reading events of card networks", r.Processor.PollEvents, nil, 0},
		{"working off events of card networks", r.Processor.WorkEvents, nil, 0},
		{"forgetting old events of card networks", r.Processor.ForgetEvents, nil, 0},
		{"forgetting old webhooks", r.Processor.ForgetWebhooks, nil, 0},
		{"comparing the books with card networks", r.Processor.ReconcileDaily, nil, 0},
		{"watching pages of card networks", r.Processor.WatchPages, nil, 0},
		{"placing events", r.placeEvents, r.Processor.EventsAdded(), placeRest},
		{chaining, r.Processor.ChainAudit, nil, chainRest},
		{auditing, r.Processor.AuditBooks, nil, 0},
		{auditingChanges, r.Processor.AuditChanged, nil, 0},
		{"adding up days", r.Processor.SumDays, nil, sumRest},
	}
	for i, l := range loops {
		loops[i] = r.unlessPaused(l)
	}
	return loops
}

// whilePaused are the loops that also run in a paused store. They move no money,
// ask no card network and deliver nothing.
var whilePaused = map[string]bool{auditing: true, auditingChanges: true, chaining: true}

// unlessPaused makes a loop do nothing while the store is paused, unless it may
// run then.
func (r *Runner) unlessPaused(l loop) loop {
	if round := l.round; !whilePaused[l.name] {
		l.round = func(ctx context.Context) (int, error) {
			if r.Processor.Paused() {
				return 0, nil
			}
			return round(ctx)
		}
	}
	return l
}

// Run runs each loop at its own pace until ctx ends, and returns when all of
// them have.
func (r *Runner) Run(ctx context.Context) {
	loops := r.loops()
	if r.Sender != nil {
		loops = append(loops, r.unlessPaused(loop{"delivering notifications", r.Sender.Start, r.Sender.Freed(), claimRest}))
		defer r.Sender.Wait()
	}
	if r.Webhooks != nil {
		loops = append(loops, r.unlessPaused(loop{"delivering webhooks", r.Webhooks.Start, r.Webhooks.Freed(), claimRest}))
		defer r.Webhooks.Wait()
	}
	if r.Mail != nil {
		loops = append(loops, r.unlessPaused(loop{"delivering mails", r.Mail.RunOnce, nil, 0}))
	}
	var running sync.WaitGroup
	for _, l := range loops {
		r.beat(l)
		running.Go(func() { r.repeat(ctx, l) })
	}
	running.Wait()
}

// placeEvents gives events their positions, and wakes the delivery of those that it
// queues for webhook endpoints.
func (r *Runner) placeEvents(ctx context.Context) (placed int, err error) {
	placed, err = r.Processor.PlaceEvents(ctx)
	if placed > 0 && r.Webhooks != nil {
		r.Webhooks.Wake()
	}
	return placed, err
}

func (r *Runner) beat(l loop) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.beats == nil {
		r.beats = make(map[string]time.Time)
	}
	r.beats[l.name] = r.Now()
}

// Stuck returns the loops whose round has not ended for ten minutes. Before Run
// has begun, it returns all work.
func (r *Runner) Stuck() (names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.beats) == 0 {
		return []string{"all background work"}
	}
	now := r.Now()
	for _, name := range slices.Sorted(maps.Keys(r.beats)) {
		if name != auditing && now.Sub(r.beats[name]) > stuckAfter {
			names = append(names, name)
		}
	}
	return names
}

// RunOnce runs every job once, even if the one before failed, and waits for the
// deliveries.
func (r *Runner) RunOnce(ctx context.Context) error {
	loops := r.loops()
	if r.Sender != nil {
		loops = append(loops, r.unlessPaused(loop{round: r.Sender.RunOnce}))
	}
	if r.Webhooks != nil {
		loops = append(loops, r.unlessPaused(loop{round: r.Webhooks.RunOnce}))
	}
	if r.Mail != nil {
		loops = append(loops, r.unlessPaused(loop{round: r.Mail.RunOnce}))
	}
	var failed []error
	for _, l := range loops {
		_, err := l.round(ctx)
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// repeat runs rounds: at once, or after a short rest, while there is work; at
// its pace when there is none; and more and more slowly while rounds fail.
func (r *Runner) repeat(ctx context.Context, l loop) {
	every := r.Every
	if every == 0 {
		every = everyDefault
	}
	if l.name == warning {
		every = max(every, warningEvery)
	}
	pause := every
	for ctx.Err() == nil {
		r.beat(l)
		began := r.Now()
		done, err := l.round(ctx)
		if took := r.Now().Sub(began); took > slowRound {
			r.Log.Warn("a round took long", "job", l.name, "took", took, "done", done)
		}
		wait, more := every, l.more
		switch {
		case ctx.Err() != nil:
			return
		case done > 0:
			if err != nil { // of a part, which does not hold up the rest
				r.Log.Error("a part of a round failed, will be tried again", "job", l.name, "done", done, "error", err)
			}
			if pause = every; l.rest == 0 {
				continue
			}
			wait, more = l.rest, nil
		case err != nil:
			pause = min(2*pause, failurePauseMax)
			wait, more = pause, nil
			r.Log.Error("a round failed, will be tried again", "job", l.name, "in", pause, "error", err)
		default:
			pause = every
		}
		if err := r.pause(ctx, wait, more); err != nil {
			return
		}
	}
}

func (r *Runner) pause(ctx context.Context, d time.Duration, more <-chan struct{}) error {
	if r.Pause != nil {
		return r.Pause(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-more:
		return nil
	case <-timer.C:
		return nil
	}
}
