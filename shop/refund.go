package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A RefundStatus is the status of a refund.
type RefundStatus string

// All statuses. The database's CHECK has the same list.
const (
	RefundAsked   RefundStatus = "Asked"   // stored, not answered yet
	RefundPending RefundStatus = "Pending" // the card network has not answered yet
	RefundSuccess RefundStatus = "Success"
	RefundFailure RefundStatus = "Failure" // refused, or failed at the card network
)

// Words returns the name of the status on the packing bench.
func (s RefundStatus) Words() string {
	switch s {
	case RefundAsked:
		return "Asked for"
	case RefundPending:
		return "Bank has not answered"
	case RefundSuccess:
		return "Refunded"
	case RefundFailure:
		return "Not refunded"
	}
	return string(s)
}

// A Refund is a part of an order's charge that is paid back, by this shop or by
// another program with the shop's keys.
type Refund struct {
	Position      int64
	Reference     holdfast.CallerReference // empty if another program made it
	TransactionID holdfast.TransactionID   // empty until it is known
	Status        RefundStatus
	Amount        money.Amount
	Reason        string
	At            time.Time
}

// Ours reports whether this shop asked for the refund.
func (f Refund) Ours() bool { return f.Reference != "" }

// open reports whether the refund's status may still change.
func (f Refund) open() bool { return f.Status == RefundAsked || f.Status == RefundPending }

// refundsSeenMax is the largest number of refunds that one look asks for. The
// next look continues with the others.
const refundsSeenMax = 20

// refundReference returns the CallerReference of an order's n-th refund. A
// repeated request has the same reference.
func refundReference(id OrderID, n int64) holdfast.CallerReference {
	return holdfast.CallerReference(fmt.Sprintf("%s-refund-%d", id, n))
}

func refundsOf(ctx context.Context, q querier, id OrderID) ([]Refund, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT position, reference, transaction_id, status, amount, reason, at
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
		if err := rows.Scan(&f.Position, &f.Reference, &f.TransactionID, &f.Status, &amount, &f.Reason, &at); err != nil {
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

// nextRefund returns the position of an order's next refund.
func nextRefund(all []Refund) int64 {
	if len(all) == 0 {
		return 1
	}
	return all[len(all)-1].Position + 1
}

// writeRefund inserts a refund, or updates its transaction and status.
func writeRefund(ctx context.Context, tx *sql.Tx, id OrderID, f Refund) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO refunds (order_id, position, reference, transaction_id, status, amount, reason, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (order_id, position) DO UPDATE SET transaction_id = excluded.transaction_id, status = excluded.status`,
		id, f.Position, f.Reference, f.TransactionID, f.Status, f.Amount.Micro, f.Reason, micros(f.At))
	if err != nil {
		return fmt.Errorf("writing a refund of order %s: %w", id, err)
	}
	return nil
}

// left returns the part of an order's charge that can still be paid back.
func (o Order) left() money.Amount {
	if !o.Charge.Given() {
		return money.Cents(0)
	}
	return o.Charge.Sub(o.Refunded)
}

// charged reports whether the card was charged, by this shop or by another
// program.
func (o Order) charged() bool {
	return o.State == Shipped || o.State == NeedsAttention && o.TransactionStatus == holdfast.StatusSuccess
}

// Charged reports whether the card was charged and the amount is known.
func (o Order) Charged() bool { return o.charged() && o.Charge.Given() }

// chargeFailed reports whether the card was declined when the packer shipped.
func (o Order) chargeFailed() bool {
	return o.State == NeedsAttention && o.TransactionStatus == holdfast.StatusFailure
}

// askRefund stores a refund of a part of an order's charge. The n-th refund is
// stored only once, even if the packer presses the button twice.
func (s *Shop) askRefund(
	ctx context.Context, id OrderID, n int64, amount money.Amount, reason string,
) (complaint string, err error) {
	err = inTx(ctx, s.db, func(tx *sql.Tx) error {
		o, err := orderByID(ctx, tx, id)
		if err != nil {
			return err
		}
		all, err := refundsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(f Refund) bool { return f.Position == n })
		switch {
		case i >= 0 && all[i].Ours() && all[i].Amount == amount:
			return nil // the button was pressed twice
		case n != nextRefund(all):
			complaint = "Not refunded: another program has refunded this order meanwhile. Look at what is left, and try again."
			return nil
		case !o.charged():
			complaint = "Not refunded: the card was not charged for this order."
			return nil
		case amount.Cmp(o.left()) > 0:
			complaint = "Not refunded: " + dollars(amount) + " is more than the " + dollars(o.left()) +
				" that is left of the charge."
			return nil
		}
		f := Refund{
			Position: n, Reference: refundReference(id, n), Status: RefundAsked, Amount: amount, Reason: reason, At: s.now(),
		}
		if err := writeRefund(ctx, tx, id, f); err != nil {
			return err
		}
		what := "The shop refunds " + dollars(amount)
		if reason != "" {
			what += ": " + reason
		}
		if err := insertHappening(ctx, tx, id, Happening{At: s.now(), What: what}); err != nil {
			return err
		}
		return s.enqueue(ctx, tx, refundCharge{About{OrderID: id}}, answerAwaited)
	})
	return complaint, err
}

// refund sends an order's open refunds, or asks for their status. It may be
// called any number of times, because each refund has its own reference.
func (s *Shop) refund(ctx context.Context, id OrderID) error {
	o, err := orderByID(ctx, s.db, id)
	if err != nil {
		return err
	}
	all, err := refundsOf(ctx, s.db, id)
	if err != nil {
		return err
	}
	for _, f := range all {
		if f.open() {
			err = errors.Join(err, s.advance(ctx, o, f))
		}
	}
	return err
}

// advance sends one refund, or asks for its status if it was sent.
func (s *Shop) advance(ctx context.Context, o Order, f Refund) error {
	if f.Status == RefundPending {
		state, err := s.client.GetTransactionStatus(ctx, f.TransactionID)
		if err != nil {
			return fmt.Errorf("asking for the status of a refund of order %s: %w", o.ID, err)
		}
		return s.refundStands(ctx, o.ID, f, state.TransactionID, state.Status, Happening{
			What: "The refund of " + dollars(f.Amount) + " is " + standingOfState(state).words(), RequestID: state.RequestID,
		})
	}
	result, err := s.client.Refund(ctx, holdfast.RefundRequest{
		TransactionID: o.TransactionID, RefundAmount: f.Amount, CallerReference: f.Reference, CallerDescription: f.Reason,
	})
	if refusal, refused := errors.AsType[*holdfast.Error](err); refused && !passing(err) {
		return s.refundStands(ctx, o.ID, f, "", holdfast.StatusFailure, Happening{
			What: "Refund was refused: " + inShort(refusal), RequestID: refusal.RequestID,
		})
	}
	if err != nil {
		return fmt.Errorf("refunding order %s: %w", o.ID, err)
	}
	return s.refundStands(ctx, o.ID, f, result.TransactionID, result.Status, Happening{
		What: "Refund answered " + standingOfResult(result).words(), RequestID: result.RequestID,
	})
}

// refundStands stores the status of a refund and an entry for the log. It
// returns errWaiting while the refund is pending. A refund with a final status
// does not change again, because two answers may arrive in either order.
func (s *Shop) refundStands(
	ctx context.Context, id OrderID, f Refund, transaction holdfast.TransactionID, status holdfast.TransactionStatus,
	told Happening,
) error {
	err := inTx(ctx, s.db, func(tx *sql.Tx) error {
		all, err := refundsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(had Refund) bool { return had.Position == f.Position })
		if i < 0 || !all[i].open() {
			return nil
		}
		f = all[i]
		before := f
		f.Status = refundStatusOf(status)
		if transaction != "" {
			f.TransactionID = transaction
		}
		if f == before {
			return nil
		}
		if err := writeRefund(ctx, tx, id, f); err != nil {
			return err
		}
		told.At = s.now()
		return insertHappening(ctx, tx, id, told)
	})
	if err == nil && f.Status == RefundPending {
		return errWaiting
	}
	return err
}

func refundStatusOf(status holdfast.TransactionStatus) RefundStatus {
	switch status {
	case holdfast.StatusSuccess:
		return RefundSuccess
	case holdfast.StatusFailure, holdfast.StatusCancelled:
		return RefundFailure
	case holdfast.StatusPending, holdfast.StatusReserved:
	}
	return RefundPending
}

// lookForRefunds asks the payment service for the charge and the refunds of an
// order, including those by other programs with the shop's keys.
func (s *Shop) lookForRefunds(ctx context.Context, id OrderID) error {
	o, err := orderByID(ctx, s.db, id)
	if err != nil || !o.charged() {
		return err
	}
	detail, err := s.client.GetTransaction(ctx, o.TransactionID)
	if err != nil {
		return fmt.Errorf("asking for the refunds of order %s: %w", id, err)
	}
	s.hear(detail.Answer)
	if err := s.learnCharge(ctx, o, detail); err != nil {
		return err
	}
	known, err := refundsOf(ctx, s.db, id)
	if err != nil {
		return err
	}
	asked := 0
	for _, related := range detail.Related {
		over := func(f Refund) bool { return f.TransactionID == related.TransactionID && !f.open() }
		if related.Relation != holdfast.RelationRefund || slices.ContainsFunc(known, over) || asked == refundsSeenMax {
			continue
		}
		asked++
		made, err := s.client.GetTransaction(ctx, related.TransactionID)
		if err != nil {
			return fmt.Errorf("asking for a refund of order %s: %w", id, err)
		}
		if err := s.learnRefund(ctx, id, made); err != nil {
			return err
		}
	}
	return nil
}

// learnCharge stores the amount that another program charged for an order.
func (s *Shop) learnCharge(ctx context.Context, o Order, detail holdfast.TransactionDetail) error {
	amount := detail.TransactionAmount
	if o.State != NeedsAttention || detail.Status != holdfast.StatusSuccess || !amount.Given() || amount == o.Charge ||
		amount.Cmp(o.Totals.Total) > 0 {
		return nil
	}
	_, _, err := s.record(ctx, o.ID, change{
		what: "GetTransaction says that " + dollars(amount) + " was charged", logged: true, requestID: detail.RequestID,
		facts: func(o *Order) { o.Charge = amount },
	})
	return err
}

// learnRefund stores a refund that the payment service reports. This shop's own
// refunds are found by their reference; any other refund is new.
func (s *Shop) learnRefund(ctx context.Context, id OrderID, made holdfast.TransactionDetail) error {
	if !made.TransactionAmount.Positive() {
		return fmt.Errorf("refund %s of order %s has no amount", made.TransactionID, id)
	}
	return inTx(ctx, s.db, func(tx *sql.Tx) error {
		all, err := refundsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(f Refund) bool {
			return f.TransactionID == made.TransactionID || f.Ours() && f.Reference == made.CallerReference
		})
		f := Refund{
			Position: nextRefund(all), Amount: made.TransactionAmount, Reason: made.CallerDescription, At: made.DateReceived,
		}
		what := "Refunded by another program: " + dollars(f.Amount)
		if i >= 0 {
			f, what = all[i], "The refund of "+dollars(all[i].Amount)
		}
		before := f.Status
		f.TransactionID = made.TransactionID
		if f.Status = refundStatusOf(made.Status); f.Status == before {
			return nil
		}
		if err := writeRefund(ctx, tx, id, f); err != nil {
			return err
		}
		if err := insertHappening(ctx, tx, id,
			Happening{At: s.now(), What: what + ", " + string(made.Status), RequestID: made.RequestID}); err != nil {
			return err
		}
		if f.Status == RefundPending {
			return s.enqueue(ctx, tx, refundCharge{About{OrderID: id}}, outcomeLookEvery)
		}
		return nil
	})
}

// refundNotified handles the notification of a refund. It asks the payment
// service for the order's refunds and uses nothing else from the notification.
func (s *Shop) refundNotified(ctx context.Context, parent holdfast.TransactionID) error {
	o, err := orderByTransaction(ctx, s.db, parent)
	if errors.Is(err, errNoOrder) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.lookForRefunds(ctx, o.ID)
}
