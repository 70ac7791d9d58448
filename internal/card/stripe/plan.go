package stripe

import (
	"context"
	"time"
)

const (
	// sendTime is what a request must have left of its context's time when it is
	// sent. With less, our own deadline would cut many answers.
	sendTime = 5 * time.Second
	// fullTime is time enough for every answer of a healthy Stripe.
	fullTime = 10 * time.Second
)

// A plan divides the time of a question among its requests. Without it, the first
// request of a question would wait so long that the time is up for the second, and
// under too many questions no question would come to its end.
type plan struct {
	each  time.Duration // that every request must have when it is sent
	many  bool          // more than one request is needed, as a rule
	begun bool          // the first one was sent
}

type planKey struct{}

// planned divides the time of a context.
func planned(ctx context.Context, many bool) context.Context {
	return context.WithValue(ctx, planKey{}, &plan{each: share(ctx), many: many})
}

// share is the time for one request. A short context is divided into thirds.
func share(ctx context.Context) time.Duration {
	if left, limited := timeLeft(ctx); limited {
		return min(sendTime, left/3)
	}
	return sendTime
}

// noteSent notes that a request of a question is sent.
func noteSent(ctx context.Context) {
	if p, ok := ctx.Value(planKey{}).(*plan); ok {
		p.begun = true
	}
}

// needed is what must be left of a context's time when its next request is sent.
// The first one of many leaves time for the others, and for as long a wait.
func needed(ctx context.Context) time.Duration {
	p, ok := ctx.Value(planKey{}).(*plan)
	switch {
	case !ok:
		return share(ctx)
	case p.many && !p.begun:
		return p.each * 11 / 5
	}
	return p.each
}

// timeLeft is the time until a context's deadline. It is false if there is none.
func timeLeft(ctx context.Context) (time.Duration, bool) {
	until, limited := ctx.Deadline()
	if !limited {
		return 0, false
	}
	return time.Until(until), true //nolint:forbidigo // deadlines go by the real clock, and Config.Now may be another
}
