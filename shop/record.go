package shop

import (
	"context"
	"database/sql"
	"fmt"
)

// A change is a change to an order that is to be stored.
type change struct {
	event     Event  // empty if only facts change
	what      string // for the order's log
	requestID string // of the payment service's answer
	logged    bool   // log it even if the state does not change
	note      string // the order's new note, if the state changes

	only  func(Order) bool // ignore the event for other orders; nil accepts all
	facts func(*Order)     // always applied
	move  func(*Order)     // applied if the state changes
}

// record stores a change: the order's state, its log and the jobs that the new
// state needs, in one transaction. If the event has no step from the order's
// state, the state does not change and moved is false.
func (s *Shop) record(ctx context.Context, id OrderID, c change) (o Order, moved bool, err error) {
	err = inTx(ctx, s.db, func(tx *sql.Tx) error {
		if o, err = orderByID(ctx, tx, id); err != nil {
			return err
		}
		moved, err = s.recordIn(ctx, tx, &o, c)
		return err
	})
	return o, moved, err
}

func (s *Shop) recordIn(ctx context.Context, tx *sql.Tx, o *Order, c change) (moved bool, err error) {
	from := o.State
	next, moved := from.After(c.event)
	if moved && next == Reserving {
		if other, found, err := liveOrderOf(ctx, tx, o.Cart); err != nil {
			return false, err
		} else if found {
			c = c.tooLate(other)
			next, moved = from.After(c.event)
		}
	}
	if c.only != nil && !c.only(*o) {
		moved = false
	}
	if c.facts != nil {
		c.facts(o)
	}
	if moved {
		o.State, o.Changed, o.Note = next, s.now(), c.note
		if c.move != nil {
			c.move(o)
		}
	}
	if err := updateOrder(ctx, tx, *o, from); err != nil {
		return false, err
	}
	if moved || c.logged {
		err := insertHappening(ctx, tx, o.ID, Happening{At: s.now(), What: c.what, RequestID: c.requestID})
		if err != nil {
			return false, err
		}
	}
	if !moved {
		return false, nil
	}
	if from == Reserving && o.State.Open() {
		if err := takeFromCart(ctx, tx, o.Cart, o.Lines); err != nil {
			return false, err
		}
	}
	return true, s.enqueueFor(ctx, tx, *o)
}

// tooLate returns the change for an authorisation of a cart that another order
// has already taken. Its token is not used and expires by itself.
func (c change) tooLate(other Order) change {
	return change{
		event: BuyerLeft, logged: true, requestID: c.requestID, facts: c.facts,
		what: fmt.Sprintf("%s, but order %d had already taken the same cart; not used", c.what, other.Number),
		note: fmt.Sprintf("The same cart was paid for as order %d. Nothing was charged for this one.", other.Number),
	}
}
