package ipn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/holdfast-pay/holdfast/internal/store"
)

// An ending is the result of a try.
type ending struct {
	try
	result  string
	arrived bool
	back    bool // there was no try; the notification can be claimed again at once
}

// endings collect the results that come while others are being written. So they
// are written together, and nothing waits for company.
type endings struct {
	mu      sync.Mutex
	next    *endingGroup // nil until a result comes
	writing bool
}

type endingGroup struct {
	ends []ending
	done chan struct{}
	err  error // set before done is closed
}

// finish writes the result of a try, and waits until it is written. A
// notification that was sent gets its result even if the server is about to
// stop.
func (s *Sender) finish(ctx context.Context, e ending) error {
	s.endings.mu.Lock()
	if s.endings.next == nil {
		s.endings.next = &endingGroup{done: make(chan struct{})}
	}
	group := s.endings.next
	group.ends = append(group.ends, e)
	if !s.endings.writing {
		s.endings.writing = true
		s.deliveries.Go(func() { s.writeGroups(ctx) })
	}
	s.endings.mu.Unlock()
	<-group.done
	return group.err
}

// writeGroups writes what has come, until nothing more has.
func (s *Sender) writeGroups(ctx context.Context) {
	for {
		s.endings.mu.Lock()
		group := s.endings.next
		s.endings.next, s.endings.writing = nil, group != nil
		s.endings.mu.Unlock()
		if group == nil {
			return
		}
		group.err = s.write(ctx, group.ends)
		close(group.done)
	}
}

// write writes results in one commit, and then tells the log of the failures.
// If one of the notifications is no longer as its claim left it, each is written
// alone.
func (s *Sender) write(ctx context.Context, ends []ending) error {
	err := s.commit(ctx, ends)
	if errors.Is(err, store.ErrStale) {
		err = nil
		for _, e := range ends {
			err = errors.Join(err, s.writeAlone(ctx, e))
		}
	}
	if errors.Is(err, store.ErrClosed) && !slices.ContainsFunc(ends, func(e ending) bool { return !e.back }) {
		return nil // the leases end by themselves
	}
	if err != nil {
		return fmt.Errorf("writing the results of %d notifications: %w", len(ends), err)
	}
	for _, e := range ends {
		s.tell(e)
	}
	return nil
}

// writeAlone writes one result. If the lease was lost, only an arrival still
// counts: another server may have moved the notification to its caller's queue.
func (s *Sender) writeAlone(ctx context.Context, e ending) error {
	err := s.commit(ctx, []ending{e})
	if errors.Is(err, store.ErrStale) && e.arrived && !e.Queued {
		e.Queued = true
		err = s.commit(ctx, []ending{e})
	}
	if errors.Is(err, store.ErrStale) {
		return nil
	}
	return err
}

func (s *Sender) commit(ctx context.Context, ends []ending) error {
	return s.Store.Complete(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		for _, e := range ends {
			if err := s.record(tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// record writes one result, by the caller's clock.
func (s *Sender) record(tx *store.Tx, e ending) error {
	now := e.telling.Caller.Now(s.Now())
	next, again := nextTry(e.Created, now, e.Tries)
	switch {
	case e.back:
		return tx.ReturnNotification(e.Delivery)
	case e.arrived:
		return tx.NotificationDone(e.Delivery, e.result, now)
	case again:
		return tx.RetryNotification(e.Delivery, e.result, next)
	}
	return tx.GiveUpNotification(e.Delivery, e.result, now)
}

// A Result is what came of a try to deliver a notification.
type Result string

// The results.
const (
	Delivered Result = "delivered"
	Failed    Result = "failed" // the notification is tried again
	GivenUp   Result = "given_up"
)

// tell counts a try, and logs a failure.
func (s *Sender) tell(e ending) {
	result := Delivered
	switch {
	case e.back:
		return
	case !e.arrived:
		result = s.logFailure(e)
	}
	if s.Tried != nil {
		s.Tried(result)
	}
}

func (s *Sender) logFailure(e ending) Result {
	if _, again := nextTry(e.Created, e.telling.Caller.Now(s.Now()), e.Tries); again {
		s.Log.Warn("notification not delivered, will be tried again", "caller", e.Caller, "delivery", deliveryID(e.try),
			"tries", e.Tries, "result", e.result)
		return Failed
	}
	s.Log.Error("notification given up", "caller", e.Caller, "delivery", deliveryID(e.try), "tries", e.Tries, "result",
		e.result)
	return GivenUp
}
