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
	requestID string // of the payment service's refusal
	logged    bool   // log it even if the state does not change
	note      string // the order's new note, if the state changes

	only  func(Order) bool // ignore the event for other orders; nil accepts all
	facts func(*Order)     // always applied
	move  func(*Order)     // applied if the state changes
}

// record stores a change: the order's state, its log, the stock and the job that the
// new state needs, in one transaction. If the event has no step from the order's
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
	before := *o
	next, moved := before.State.After(c.event)
	if c.only != nil && !c.only(before) {
		moved = false
	}
	if moved && next == Reserving {
		if c, err = s.takePieces(ctx, tx, before, c); err != nil {
			return false, err
		}
		next, moved = before.State.After(c.event)
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
	if err := updateOrder(ctx, tx, *o, before.State); err != nil {
		return false, err
	}
	if err := restock(ctx, tx, before, *o); err != nil {
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
	if before.State == Reserving && o.State.Open() {
		if err := takeFromCart(ctx, tx, o.Cart, o.Lines); err != nil {
			return false, err
		}
	}
	return true, s.enqueueFor(ctx, tx, *o)
}

// takePieces takes the pieces of an order whose buyer has approved out of the stock.
// If another order has taken the same cart, or the pieces, the approval is not used.
func (s *Shop) takePieces(ctx context.Context, tx *sql.Tx, o Order, c change) (change, error) {
	unused := change{logged: true, facts: c.facts}
	other, found, err := liveOrderOf(ctx, tx, o.Cart)
	switch {
	case err != nil:
		return c, err
	case found:
		unused.event = BuyerLeft
		unused.what = fmt.Sprintf("%s, but order %d had already taken the same cart; not used", c.what, other.Number)
		unused.note = fmt.Sprintf("The same cart was paid for as order %d. Nothing was charged for this one.", other.Number)
	default:
		short, err := takeFromStock(ctx, tx, o.Lines)
		if err != nil || len(short) == 0 {
			return c, err
		}
		unused.event = PiecesGone
		unused.what = c.what + ", but these are sold out: " + named(short)
		unused.note = "While you were paying, somebody else bought the last of these: " + named(short) +
			". Nothing was charged. You can order what is left."
	}
	return unused, s.enqueue(ctx, tx, dropApproval{About{OrderID: o.ID}}, 0)
}
