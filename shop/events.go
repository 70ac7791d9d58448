package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/client/inbox"
)

// The payment service tells of everything that happens later: a bank that answers, a
// hold that expires, a refund or a dispute. The shop reads these events from the
// feed, which needs no public address. A shop with webhooks hands the events to the
// same inbox.

const (
	feedName     = "payment service"
	feedPause    = time.Second
	feedPauseMax = time.Minute // after errors
)

// follow reads the events until ctx ends.
func (s *Shop) follow(ctx context.Context) {
	pause := feedPause
	for {
		more, err := s.readEvents(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.WarnContext(ctx, "reading the events of the payment service", "err", err)
			pause = min(2*pause, feedPauseMax)
		default:
			pause = feedPause
		}
		if !more && !wait(ctx, pause) {
			return
		}
	}
}

// wait waits, and reports false if ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// readEvents reads one page of the feed and acts on it. One transaction holds the
// events, what they change here, and the cursor for the next page. So each event
// counts exactly once, however often the shop crashes. It reports whether there are
// more events.
func (s *Shop) readEvents(ctx context.Context) (more bool, err error) {
	var after string
	err = inTx(ctx, s.db, func(tx *sql.Tx) error {
		after, err = s.inbox.After(ctx, tx, feedName)
		return err
	})
	if err != nil {
		return false, err
	}
	page, err := s.client.Events(ctx, after, client.EventFilter{})
	if client.IsCode(err, "cursor_lost") {
		// The payment service was restored from a backup. The inbox knows the events
		// that it had before.
		s.log.ErrorContext(ctx, "the payment service was restored from a backup; reading all its events again")
		page, err = client.EventPage{More: true}, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading events: %w", err)
	}
	err = inTx(ctx, s.db, func(tx *sql.Tx) error {
		for _, e := range page.Data {
			if err := s.take(ctx, tx, e); err != nil {
				return err
			}
		}
		return s.inbox.Advance(ctx, tx, feedName, page.Next)
	})
	return page.More, err
}

// take records an event and acts on the events that are ready.
func (s *Shop) take(ctx context.Context, tx *sql.Tx, e client.Event) error {
	ready, err := s.inbox.Take(ctx, tx, e)
	if replaced, ok := errors.AsType[*inbox.ReplacedError](err); ok {
		s.log.ErrorContext(ctx, "an event has taken the place of another one; an operator must compare the object",
			"object", replaced.ObjectID, "err", err)
		ready, err = []client.Event{e}, nil
	}
	if err != nil {
		return err
	}
	for _, e := range ready {
		if err := s.act(ctx, tx, e); err != nil {
			return fmt.Errorf("acting on event %s: %w", e.ID, err)
		}
	}
	return nil
}

// about are the fields of an event by which its order is found.
type about struct {
	Reference string `json:"reference"`
	Hold      string `json:"hold"`
	Payment   string `json:"payment"`
	State     string `json:"state"`
}

// act acts on one event. It stores a dispute, because the event has all that there is
// to know. For all others it enqueues a look at the object, which may have changed
// since. Orders of other programs of the same caller are ignored.
func (s *Shop) act(ctx context.Context, tx *sql.Tx, e client.Event) error {
	kind, _, _ := strings.Cut(e.Type, ".")
	if kind == "token" || kind == "endpoint" {
		return nil
	}
	var a about
	if err := e.Into(&a); err != nil {
		return err
	}
	o, err := orderOf(ctx, tx, kind, a)
	if errors.Is(err, errNoOrder) {
		return nil
	}
	if err != nil {
		return err
	}
	if kind == "dispute" {
		return s.disputed(ctx, tx, o, e.ObjectID, a.State)
	}
	return s.enqueue(ctx, tx, look{About{OrderID: o.ID}}, 0)
}

// orderOf finds the order that an event is about. An order is stored, with its
// reference, before anything is asked for it. So an event is never too early.
func orderOf(ctx context.Context, q querier, kind string, a about) (o Order, err error) {
	switch kind {
	case "hold", "checkout":
		return orderByID(ctx, q, OrderID(a.Reference))
	case "payment":
		return orderByHold(ctx, q, a.Hold)
	case "refund", "dispute":
		if a.Hold != "" {
			return orderByHold(ctx, q, a.Hold)
		}
		return orderByPayment(ctx, q, a.Payment)
	}
	return Order{}, errNoOrder
}

// disputed stores the state of a dispute. While one is open or lost, nothing more
// ships to this buyer.
func (s *Shop) disputed(ctx context.Context, tx *sql.Tx, o Order, id, state string) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO disputes (dispute_id, order_id, state) VALUES (?, ?, ?)
		ON CONFLICT (dispute_id) DO UPDATE SET state = excluded.state`, id, o.ID, state)
	if err != nil {
		return fmt.Errorf("writing a dispute of order %s: %w", o.ID, err)
	}
	what := map[string]string{
		"warned":  "The buyer's bank warns of fraud. A refund now usually avoids a dispute.",
		"inquiry": "The buyer asks the bank about the charge. No money has moved.",
		"closed":  "The bank has closed the inquiry. No money has moved.",
		"open":    "The buyer disputes the charge at the bank. Do not ship.",
		"won":     "The dispute is decided for this shop.",
		"lost":    "The dispute is lost: the bank has paid the buyer back. Do not ship.",
	}[state]
	if what == "" {
		what = "The dispute is " + state
	}
	return insertHappening(ctx, tx, o.ID, Happening{At: s.now(), What: what})
}

// look finds out what has become of an order at the payment service. It trusts only
// the answers to this shop's own calls.
func (s *Shop) look(ctx context.Context, id OrderID) error {
	o, err := orderByID(ctx, s.db, id)
	if err != nil {
		return err
	}
	switch o.State {
	case AwaitingApproval, Abandoned:
		return s.lookAtCheckout(ctx, o)
	case Reserving:
		return s.placeHold(ctx, id)
	case Shipping:
		err = s.settle(ctx, id)
	case Releasing:
		err = s.release(ctx, id)
	case Pending, ToShip, Shipped, Lapsed, Cancelled, ChargeFailed, NeedsAttention:
		_, err = s.ask(ctx, o)
	case TurnedAway, SoldOut, PaymentFailed:
	}
	if err != nil {
		return err
	}
	return s.refund(ctx, id) // the open refunds, if there are any
}
