package webhook

import (
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// pauses are the times between failures and the next tries. After the last one the
// event is given up: three days after the first failure.
var pauses = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour,
	8 * time.Hour, 8 * time.Hour, 8 * time.Hour, 8 * time.Hour, 8 * time.Hour, 8 * time.Hour, 8 * time.Hour,
}

const (
	// A receiver that is not ready for an event gets it again soon. That is no
	// failure. notYetMax bounds it to about three days.
	notYetPause    = 2 * time.Second
	notYetPauseMax = 5 * time.Minute
	notYetMax      = 900
	// retryAfterMax bounds what a receiver may ask for.
	retryAfterMax = 8 * time.Hour
)

// A Result is what came of a try to deliver an event.
type Result string

// The results.
const (
	Delivered Result = "delivered"
	NotYet    Result = "not_yet" // the receiver answered 425 or 409: the event comes again soon
	Failed    Result = "failed"  // the event is tried again
	GivenUp   Result = "given_up"
	Gone      Result = "gone"  // the receiver answered 410: the endpoint is paused
	Stuck     Result = "stuck" // three days of failures: the ordered endpoint is paused
)

// Results lists every result.
var Results = []Result{Delivered, NotYet, Failed, GivenUp, Gone, Stuck}

// outcome is the delivery after a try, and what came of it. Times are real time.
func outcome(
	e payment.Endpoint, d store.WebhookDelivery, try store.WebhookTry, a Answer,
) (store.WebhookDelivery, Result) {
	d.Tries++
	d.LastTry = try
	ended := try.At.Add(try.Took)
	switch {
	case a.Status/100 == 2:
		d.Outcome = store.WebhookDelivered
		return d, Delivered
	case a.Status == http.StatusGone:
		d.NextAt = ended
		return d, Gone
	case (a.Status == http.StatusTooEarly || a.Status == http.StatusConflict) && d.Tries-d.Failures <= notYetMax:
		d.NextAt = ended.Add(min(max(notYet(d.Tries-d.Failures), a.RetryAfter), notYetPauseMax))
		return d, NotYet
	}
	d.Failures++
	if d.Failures <= len(pauses) {
		d.NextAt = ended.Add(max(pauses[d.Failures-1], a.RetryAfter))
		return d, Failed
	}
	if e.Ordered {
		d.NextAt = ended
		return d, Stuck
	}
	d.Outcome = store.WebhookGivenUp
	return d, GivenUp
}

// notYet is the pause after a number of answers "not yet".
func notYet(answers int) time.Duration {
	pause := notYetPause
	for range min(answers-1, 8) {
		pause *= 2
	}
	return min(pause, notYetPauseMax)
}
