package stripe_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
)

// A crowd asks for holds at a steady rate, whatever the answers are, and asks in
// the background again for those in doubt, as the processor does.
type crowd struct {
	*stand
	again    bool // ask again after a doubt
	over     time.Time
	asking   sync.WaitGroup
	approved atomic.Int64 // of the callers' questions
	later    atomic.Int64 // approved in the background
	doubts   atomic.Int64
}

func (c *crowd) ask(ctx context.Context, q card.Question, approved *atomic.Int64) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second) // as the processor
	answer, err := c.client.Ask(ctx, q)
	cancel()
	if err == nil && answer.Approved() {
		approved.Add(1)
		return
	}
	doubt, ok := errors.AsType[*card.DoubtError](err)
	if !ok || doubt.Retry < 20*time.Second || !strings.Contains(doubt.Error(), "are waiting") {
		c.t.Errorf("%s: %+v, %v", q.Transaction, answer, err)
		return
	}
	c.doubts.Add(1)
	_ = sleep(context.Background(), doubt.Retry)
	if !c.again || time.Now().After(c.over) { //nolint:forbidigo // the bubble's
		return
	}
	if q.Asked++; doubt.Known.Reference != "" {
		q.Reference = doubt.Known.Reference
	}
	c.ask(card.Background(context.Background()), q, &c.later)
}

// With more callers than the account's rate allows, as many holds as it allows are
// approved. The other questions are in doubt without a request, and the circuit
// stays closed. Questions in doubt are asked again in the background, and have a
// share even if the callers never stop.
func TestOverload(t *testing.T) {
	const limit = 20
	for _, test := range []struct {
		name          string
		offered       int // in a second
		again         bool
		callers, both int64 // least approved in each second, in percent of the limit
		later         int64
	}{
		{"at 30 a second", 30, false, 95, 95, 0},
		{"at 60 a second", 60, false, 95, 95, 0},
		{"at 30 a second with questions in doubt", 30, true, 80, 95, 6},
		{"at 60 a second with questions in doubt", 60, true, 80, 95, 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, slow := newBusy(t)
				kept := slow.kept(t, s.client)
				const lasts = 60 * time.Second
				c := &crowd{stand: s, again: test.again, over: time.Now().Add(lasts)} //nolint:forbidigo // the bubble's
				question := func(n int64) card.Question { return s.numbered("Authorize", kept, n, "") }
				for n := range int64(test.offered) * int64(lasts/time.Second) {
					time.Sleep(time.Second / time.Duration(test.offered))
					c.asking.Go(func() { c.ask(context.Background(), question(n), &c.approved) })
				}
				callers, later := c.approved.Load(), c.later.Load()
				c.asking.Wait()
				full := int64(limit) * int64(lasts/time.Second)
				t.Logf("approved %d of callers and %d in the background, of %d; %d doubts", callers, later, full, c.doubts.Load())
				if callers*100 < full*test.callers || (callers+later)*100 < full*test.both || later*100 < full*test.later {
					t.Errorf("approved %d of callers and %d in the background, of %d", callers, later, full)
				}
				if slowed := slow.answered(http.StatusTooManyRequests); slowed > 0 {
					t.Errorf("the network said %d times that it is asked too fast", slowed)
				}
			})
		})
	}
}
