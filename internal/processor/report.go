package processor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const (
	sumEvery = time.Minute
	// sumShare is how much longer than its computation a caller's sums stay as they
	// are, so that the job takes little of a server's time.
	sumShare = 50
	// sumDaysMost is how many days are added up at once.
	sumDaysMost = 31
	// sumLag is how long after its end a day is closed. All commits with steps of the
	// day have ended by then.
	sumLag = time.Hour
)

// daySums is the state of the job that adds up what moved on each day. The zero
// value is ready.
type daySums struct {
	mu    sync.Mutex
	look  time.Time // when to look at all callers next
	queue []party.Caller
	next  map[party.CallerID]time.Time // when a caller is due again
	under *sumsUnder                   // of the first caller of the queue; nil if none is begun
	spent time.Duration                // on the first caller of the queue
}

// sumsUnder are the sums of a caller's next days, of which some pages are read.
type sumsUnder struct {
	place   store.DailySumPlace
	days    store.DaysToSum
	more    bool // there are further days to compute
	reading *store.DayReading
}

// SumDays computes the daily sums of one caller that is due, at most of a month: it
// reads one page of payments for them, and writes the sums after the last page. It
// reports zero if no caller is due.
//
// It computes the sums of the days that are not closed again, and writes them if
// they differ. A day is closed an hour after its end, if no deadline of the day
// waits for its step. So sums are only a copy of what the steps say.
func (p *Processor) SumDays(ctx context.Context) (done int, err error) {
	s := &p.sums
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := p.queueSums(ctx); err != nil || len(s.queue) == 0 {
		return 0, err
	}
	c, began := s.queue[0], p.now()
	more, err := p.sumPage(ctx, c)
	now := p.now()
	s.spent += now.Sub(began)
	if !more || err != nil {
		s.next[c.ID] = now.Add(max(sumEvery, sumShare*s.spent))
		s.queue, s.under, s.spent = s.queue[1:], nil, 0
	}
	if err != nil {
		return 1, fmt.Errorf("adding up the days of caller %s: %w", c.ID, err)
	}
	return 1, nil
}

// queueSums queues the callers that are due.
func (p *Processor) queueSums(ctx context.Context) error {
	s, now := &p.sums, p.now()
	if len(s.queue) > 0 || now.Before(s.look) && s.look.Sub(now) <= sumEvery {
		return nil
	}
	var callers []party.Caller
	err := p.db.View(ctx, func(tx *store.ReadTx) (err error) {
		callers, err = tx.Callers()
		return err
	})
	if err != nil {
		return err
	}
	if s.look = now.Add(sumEvery); s.next == nil {
		s.next = make(map[party.CallerID]time.Time)
	}
	for _, c := range callers {
		if !now.Before(s.next[c.ID]) {
			s.queue = append(s.queue, c)
		}
	}
	return nil
}

// sumPage adds up the next page of a caller's days, and writes the sums after the last
// one. more says that there are further pages or days.
func (p *Processor) sumPage(ctx context.Context, c party.Caller) (more bool, err error) {
	s := &p.sums
	if s.under == nil {
		if s.under, err = p.beginSums(ctx, c); err != nil || s.under == nil {
			return false, err
		}
	}
	u := s.under
	if more, err = u.reading.Next(ctx); err != nil || more {
		return more, err
	}
	s.under = nil
	err = p.db.KeepDailySums(ctx, u.place, u.days, u.reading.Sums())
	if errors.Is(err, store.ErrStale) { // another server has computed them, or the clock was moved
		return false, nil
	}
	return u.more, err
}

// beginSums begins to compute the next days of a caller. It is nil if there are none.
func (p *Processor) beginSums(ctx context.Context, c party.Caller) (*sumsUnder, error) {
	var u sumsUnder
	err := p.db.View(ctx, func(tx *store.ReadTx) error {
		caller, found, err := tx.Caller(c.ID) // its clock may have been moved
		if err != nil || !found {
			return err
		}
		u.place, found, err = tx.DailySumPlace(c.ID)
		if err != nil || !found {
			return err
		}
		real := p.now()
		now := caller.Now(real)
		overdue, err := tx.OverdueSince(c.ID, now)
		u.days, u.more = daysToSum(u.place, real, now, overdue)
		return err
	})
	if err != nil || u.days.From >= u.days.To {
		return nil, err
	}
	u.reading = p.db.ReadDays(c.ID, u.days)
	return &u, nil
}

// daysToSum says which days to compute sums of, from place.Closed on. now is the
// caller's time.
func daysToSum(place store.DailySumPlace, real, now, overdue time.Time) (days store.DaysToSum, more bool) {
	today, closed := payment.BookDayOf(now), place.Closed
	if !real.Before(place.NotBefore) {
		closed = max(closed, payment.BookDayOf(now.Add(-sumLag)))
	}
	if !overdue.IsZero() {
		closed = max(place.Closed, min(closed, payment.BookDayOf(overdue)))
	}
	to := today + 1
	if some := place.Closed + sumDaysMost; closed >= some {
		to, closed = some, some
	}
	return store.DaysToSum{From: place.Closed, To: to, Closed: closed}, to <= today
}

// reopenDays makes the daily sums follow a caller's clock that is moved.
func (p *Processor) reopenDays(tx *store.Tx, before, after party.Caller) error {
	real := p.now()
	return tx.ReopenDailySums(after.ID, payment.BookDayOf(before.Now(real)), payment.BookDayOf(after.Now(real)),
		real.Add(sumLag))
}
