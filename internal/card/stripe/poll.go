package stripe

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	stripego "github.com/stripe/stripe-go/v85"

	"github.com/holdfast-pay/holdfast/internal/card"
)

// eventTypes are the types of events that Holdfast acts on, as docs/going-live.md
// lists them. They are in groups, because Stripe lists at most twenty types at once.
var eventTypes = [...][]string{
	{
		"payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled",
		"payment_intent.amount_capturable_updated", "payment_intent.requires_action", "payment_intent.processing",
		"charge.captured", "charge.expired", "charge.refunded", "charge.updated",
		"refund.created", "refund.updated", "refund.failed",
	},
	{
		"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
		"charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
		"checkout.session.completed", "checkout.session.expired", "setup_intent.succeeded", "setup_intent.setup_failed",
		"payment_method.automatically_updated", "payment_method.detached", "radar.early_fraud_warning.created",
		"review.opened", "review.closed", "payout.paid", "payout.failed", "payout.reconciliation_completed",
	},
}

const (
	// eventsKept is how long Stripe keeps events.
	eventsKept = 30 * 24 * time.Hour
	// eventsMax bounds the events of one reading, but for those of the first time after
	// its beginning. Readings overlap, so each must get further than the overlap.
	eventsMax  = 1000
	eventsTime = 15 * time.Minute
	// eventsSpan is the time that is read at once, to begin with. Stripe lists the
	// newest events first, so a span must be read as a whole.
	eventsSpan = time.Hour
)

// Events reads the events since a time, the oldest first. If there are very many,
// it reads the oldest of them: read again, since the last one's time.
func (c *Client) Events(ctx context.Context, since time.Time) ([]card.Event, error) {
	now := c.now().Add(time.Second).Truncate(time.Second)
	from, span := since.Truncate(time.Second), eventsSpan
	if oldest := now.Add(-eventsKept).Truncate(time.Second); from.Before(oldest) {
		from = oldest
	}
	var all []card.Event
	least := from.Add(eventsTime)
	for !from.After(now) && (len(all) < eventsMax || from.Before(least)) {
		to := from.Add(span)
		read, more, err := c.eventsBetween(ctx, from, to, span > time.Second)
		switch {
		case err != nil:
			return nil, err
		case more:
			span = max(span/4, time.Second).Truncate(time.Second)
			continue
		case len(read) < eventsMax/4:
			span *= 4
		}
		all = append(all, read...)
		from = to
	}
	return all, nil
}

// eventsBetween reads the events from a time until before another. more says that
// there are too many to read at once.
func (c *Client) eventsBetween(
	ctx context.Context, from, to time.Time, bounded bool,
) (all []card.Event, more bool, err error) {
	for _, types := range eventTypes {
		params := &stripego.EventListParams{
			CreatedRange: &stripego.RangeQueryParams{GreaterThanOrEqual: from.Unix(), LesserThan: to.Unix()},
			Types:        stripego.StringSlice(types),
		}
		params.Limit = stripego.Int64(100)
		read, f := call(ctx, c, "", func(ctx context.Context) (read []card.Event, err error) {
			for e, err := range c.api.V1Events.List(ctx, params).All(ctx) {
				if err != nil {
					return nil, err
				}
				if bounded && len(all)+len(read) == eventsMax {
					more = true
					break
				}
				if one, ok := c.readEvent(e); ok {
					read = append(read, one)
				}
			}
			return read, nil
		})
		if f != nil {
			return nil, false, f.while("reading events")
		}
		all = append(all, read...)
	}
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b card.Event) int { return cmp.Compare(a.Created.Unix(), b.Created.Unix()) })
	return all, more, nil
}

func (c *Client) readEvent(e *stripego.Event) (card.Event, bool) {
	if e.Livemode != c.live() || e.Data == nil || !plain(e.ID) || !plain(string(e.Type)) {
		return card.Event{}, false
	}
	one := event{ID: e.ID, Type: string(e.Type), Created: e.Created}
	if err := json.Unmarshal(e.Data.Raw, &one.Data.Object); err != nil {
		return card.Event{}, false
	}
	return one.read(), true
}
