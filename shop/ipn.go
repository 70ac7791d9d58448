package shop

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-pay/holdfast"
)

const (
	notificationOfTransaction = "TransactionStatus"
	operationRefund           = "REFUND"
	operationReserve          = "RESERVE"
	operationSettle           = "SETTLE"
)

// notified takes in a verified notification. It may come twice, late, or before
// the answer that it is about. It is only a hint: once it fits what this shop has
// asked for, the payment service is asked how the transaction stands. An error
// has it delivered again.
func (s *Shop) notified(ctx context.Context, n holdfast.Notification) error {
	if n.Type != notificationOfTransaction || n.TransactionID == "" {
		s.log.InfoContext(ctx, "notification of no transaction", "type", n.Type)
		return nil
	}
	if n.Operation == operationRefund {
		return s.refundNotified(ctx, n.ParentTransactionID)
	}
	o, err := s.orderOf(ctx, n)
	if errors.Is(err, errNoOrder) {
		// An order is written before its buyer is sent to pay: this is about
		// somebody else's, made with the same keys.
		s.log.InfoContext(ctx, "notification of no order here", "transaction", n.TransactionID)
		return nil
	}
	if err != nil {
		s.log.WarnContext(ctx, "notification not taken in yet", "transaction", n.TransactionID, "err", err)
		return err
	}
	if other := otherThanAsked(o, n); other != "" {
		s.log.WarnContext(ctx, "notification of something else", "order", o.ID, "transaction", n.TransactionID, "other",
			other)
		return nil
	}
	return s.look(ctx, o)
}

// otherThanAsked names what a notification has that differs from what this shop
// asked for. Of a Settle another amount is no such thing: it may be true that
// another program charged it.
func otherThanAsked(o Order, n holdfast.Notification) string {
	switch {
	case o.TransactionID != "" && n.TransactionID != o.TransactionID:
		return "transaction"
	case n.CallerReference != o.ID.Reference():
		return "reference"
	case n.Operation == operationReserve && n.Amount != o.Totals.Total:
		return "amount"
	case n.Operation != operationReserve && n.Operation != operationSettle:
		return "operation"
	}
	return ""
}

// look finds out how an order's transaction stands, and believes nothing but the
// answers to this shop's own requests.
func (s *Shop) look(ctx context.Context, o Order) (err error) {
	switch o.State {
	case Reserving:
		// The answer to Reserve is missing. The same request, with the order's own
		// token and amount, is answered with the transaction that it made.
		err = s.reserve(ctx, o.ID)
	case Shipping:
		// The same Settle again tells for which amount it was settled, which the
		// transaction's status does not.
		err = s.settle(ctx, o.ID)
	case Pending, ToShip, Cancelling:
		_, err = s.ask(ctx, o)
	case AwaitingAuthorisation, Abandoned, NotAuthorised, PaymentFailed, Shipped, Cancelled, Lapsed, NeedsAttention:
	}
	if errors.Is(err, errWaiting) {
		return nil // a job goes on asking
	}
	return err
}

// orderOf finds the order of a notification: by its transaction, or by the
// CallerReference while the answer to Reserve is still on its way.
func (s *Shop) orderOf(ctx context.Context, n holdfast.Notification) (Order, error) {
	o, err := orderByTransaction(ctx, s.db, n.TransactionID)
	if !errors.Is(err, errNoOrder) {
		return o, err
	}
	o, err = orderByID(ctx, s.db, OrderID(n.CallerReference))
	if err != nil {
		return Order{}, fmt.Errorf("order of transaction %s: %w", n.TransactionID, err)
	}
	if o.TokenID == "" {
		return Order{}, fmt.Errorf("order %s has not asked for transaction %s", o.ID, n.TransactionID)
	}
	return o, nil
}
