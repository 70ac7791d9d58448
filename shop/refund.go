package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/money"
)

// RefundAsked is the state of a refund that is stored and has no answer yet. The
// other states are those of the payment service.
const RefundAsked client.PaidState = "asked"

// A Refund is a part of a parcel's charge that is paid back, by this shop or by
// another program of its caller.
type Refund struct {
	Position  int64  // among the refunds of the order; the idempotency key has it
	ID        string // empty until it is known
	PaymentID string // what is paid back
	Ours      bool   // this shop asked for it
	State     client.PaidState
	Amount    money.Amount
	Reason    string
	At        time.Time
}

// Words returns the name of the refund's state on the packing bench.
func (f Refund) Words() string {
	switch f.State {
	case RefundAsked:
		return "Asked for"
	case client.PaidPending:
		return "Bank has not answered"
	case client.PaidSucceeded:
		return "Refunded"
	case client.PaidFailed, client.PaidCancelled:
		return "Not refunded"
	}
	return string(f.State)
}

// outcome says what has become of the refund, for the log.
func (f Refund) outcome() string {
	by := ""
	if !f.Ours {
		by = " by another program"
	}
	return fmt.Sprintf("The refund of %s%s %s", dollars(f.Amount), by, paidWords(f.State))
}

// open reports whether the refund's state may still change.
func (f Refund) open() bool { return f.State == RefundAsked || f.State == client.PaidPending }

// failed reports whether nothing was paid back, and nothing will be.
func (f Refund) failed() bool { return f.State == client.PaidFailed || f.State == client.PaidCancelled }

// key is the idempotency key of a refund's call, and its reference.
func (f Refund) key(id OrderID) string { return fmt.Sprintf("%s-refund-%d", id, f.Position) }

func refundsOf(ctx context.Context, q querier, id OrderID) ([]Refund, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT position, refund_id, payment_id, ours, state, amount, reason, at
		FROM refunds
		WHERE order_id = ?
		ORDER BY position`, id)
	if err != nil {
		return nil, fmt.Errorf("reading the refunds of order %s: %w", id, err)
	}
	defer rows.Close()
	var all []Refund
	for rows.Next() {
		var f Refund
		var amount, at int64
		if err := rows.Scan(&f.Position, &f.ID, &f.PaymentID, &f.Ours, &f.State, &amount, &f.Reason, &at); err != nil {
			return nil, fmt.Errorf("reading the refunds of order %s: %w", id, err)
		}
		f.Amount, f.At = money.Micros(amount), fromMicros(at)
		all = append(all, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the refunds of order %s: %w", id, err)
	}
	return all, nil
}

// writeRefund inserts a refund, or updates its id and state.
func writeRefund(ctx context.Context, tx *sql.Tx, id OrderID, f Refund) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO refunds (order_id, position, refund_id, payment_id, ours, state, amount, reason, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (order_id, position) DO UPDATE SET refund_id = excluded.refund_id, state = excluded.state`,
		id, f.Position, f.ID, f.PaymentID, f.Ours, f.State, f.Amount.Micro, f.Reason, micros(f.At))
	if err != nil {
		return fmt.Errorf("writing a refund of order %s: %w", id, err)
	}
	return nil
}

// nextRefund returns the position of an order's next refund.
func nextRefund(all []Refund) int64 { return int64(len(all)) + 1 }

// refundable is how much of a payment can be paid back.
func refundable(p Part, refunds []Refund) money.Amount {
	left := p.Amount
	for _, f := range refunds {
		if f.PaymentID == p.PaymentID && !f.failed() {
			left = left.Sub(f.Amount)
		}
	}
	return left
}

// askRefund stores a refund of a payment of an order. The refund at a position is
// stored only once, even if the packer presses the button twice.
func (s *Shop) askRefund(ctx context.Context, id OrderID, f Refund) (complaint string, err error) {
	err = inTx(ctx, s.db, func(tx *sql.Tx) error {
		o, err := orderByID(ctx, tx, id)
		if err != nil {
			return err
		}
		all, err := refundsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		paid := slices.IndexFunc(o.payments(), func(p Part) bool { return p.PaymentID == f.PaymentID })
		switch {
		case f.Position < nextRefund(all) && all[f.Position-1].Ours && all[f.Position-1].Amount == f.Amount:
			return nil // the button was pressed twice
		case f.Position != nextRefund(all):
			complaint = "another program has refunded this order meanwhile. Look at what is left, and try again."
			return nil
		case paid < 0:
			complaint = "the card was not charged for this parcel."
			return nil
		}
		if left := refundable(o.payments()[paid], all); f.Amount.Cmp(left) > 0 {
			complaint = dollars(f.Amount) + " is more than the " + dollars(left) + " that is left of the charge."
			return nil
		}
		f.Ours, f.State, f.At = true, RefundAsked, s.now()
		if err := writeRefund(ctx, tx, id, f); err != nil {
			return err
		}
		what := "The shop refunds " + dollars(f.Amount)
		if f.Reason != "" {
			what += ": " + f.Reason
		}
		if err := insertHappening(ctx, tx, id, Happening{At: s.now(), What: what}); err != nil {
			return err
		}
		return s.enqueue(ctx, tx, refundCharge{About{OrderID: id}}, answerAwaited)
	})
	return complaint, err
}

// refund asks for an order's open refunds, or for what has become of them. It may be called any number of times: the
// same call with the same idempotency key answers with the refund as it is now.
func (s *Shop) refund(ctx context.Context, id OrderID) error {
	all, err := refundsOf(ctx, s.db, id)
	if err != nil {
		return err
	}
	for _, f := range all {
		switch {
		case f.open() && f.Ours:
			err = errors.Join(err, s.sendRefund(ctx, id, f))
		case f.open():
			err = errors.Join(err, s.readRefund(ctx, id, f))
		}
	}
	return err
}

// readRefund finds out what has become of a refund by another program.
func (s *Shop) readRefund(ctx context.Context, id OrderID, f Refund) error {
	made, err := s.client.Refund(ctx, f.ID)
	if err != nil {
		return fmt.Errorf("reading a refund of order %s: %w", id, err)
	}
	f.State = made.State
	return s.refundStands(ctx, id, f, Happening{What: f.outcome()})
}

func (s *Shop) sendRefund(ctx context.Context, id OrderID, f Refund) error {
	made, err := s.client.CreateRefund(ctx, f.key(id), client.NewRefund{
		Payment: f.PaymentID, Amount: client.Of(f.Amount), Reference: f.key(id), Description: f.Reason,
	})
	if refusal, refused := errors.AsType[*client.Error](err); refused && !passing(err) {
		f.State = client.PaidFailed
		return s.refundStands(ctx, id, f, Happening{
			What: "The refund was refused: " + refusal.Detail, RequestID: refusal.RequestID,
		})
	}
	if err == nil && len(made) != 1 {
		err = fmt.Errorf("a refund of one payment was answered with %d", len(made))
	}
	if err != nil {
		return fmt.Errorf("refunding order %s: %w", id, err)
	}
	f.ID, f.State = made[0].ID, made[0].State
	return s.refundStands(ctx, id, f, Happening{What: f.outcome()})
}

// refundStands stores the state of a refund and an entry for the log. A refund that
// the shop does not know yet was made by another program, and gets a position.
func (s *Shop) refundStands(ctx context.Context, id OrderID, f Refund, told Happening) error {
	return inTx(ctx, s.db, func(tx *sql.Tx) error {
		all, err := refundsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(known Refund) bool {
			return f.ID != "" && known.ID == f.ID || known.Position == f.Position
		})
		switch {
		case i < 0:
			f.Position = nextRefund(all)
		case all[i].State == f.State && all[i].ID == f.ID:
			return nil
		default:
			f.Position = all[i].Position
		}
		if err := writeRefund(ctx, tx, id, f); err != nil {
			return err
		}
		told.At = s.now()
		return insertHappening(ctx, tx, id, told)
	})
}

// findRefunds stores the refunds that other programs made of an order's payments.
func (s *Shop) findRefunds(ctx context.Context, o Order) error {
	known, err := refundsOf(ctx, s.db, o.ID)
	if err != nil {
		return err
	}
	for _, paid := range o.payments() {
		for made, err := range s.client.Refunds(ctx, client.PaidFilter{Of: paid.PaymentID}) {
			if err != nil {
				return fmt.Errorf("reading the refunds of order %s: %w", o.ID, err)
			}
			f := Refund{
				ID: made.ID, PaymentID: made.Payment, State: made.State, Amount: made.Amount.Amount, Reason: made.Description,
				At: made.Created,
			}
			for _, had := range known {
				if had.Ours && had.key(o.ID) == made.Reference {
					f.Position, f.Ours = had.Position, true
				}
			}
			if err := s.refundStands(ctx, o.ID, f, Happening{What: f.outcome()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// findPayments stores the payments that another program took from an order's hold.
func (s *Shop) findPayments(ctx context.Context, o Order) error {
	for paid, err := range s.client.Payments(ctx, client.PaidFilter{Of: o.HoldID}) {
		if err != nil {
			return fmt.Errorf("reading the payments of order %s: %w", o.ID, err)
		}
		known := func(p Part) bool { return p.PaymentID == paid.ID }
		if paid.State != client.PaidSucceeded || slices.ContainsFunc(o.Parts, known) {
			continue
		}
		o, _, err = s.record(ctx, o.ID, change{
			what: "Another program charged " + dollars(paid.Amount.Amount), logged: true,
			facts: func(o *Order) {
				if !slices.ContainsFunc(o.Parts, known) {
					o.addPart(Part{
						Kind: Elsewhere, State: PartDone, Amount: paid.Amount.Amount, PaymentID: paid.ID, At: s.now(),
						Pieces: make([]int64, len(o.Lines)),
					})
				}
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
