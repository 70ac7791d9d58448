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

// notified handles a verified notification. A notification may arrive twice,
// late, or before the answer to the request. It is only a hint: if it fits a
// request of this shop, the shop asks the payment service for the transaction's
// status. After an error, the notification is delivered again.
func (s *Shop) notified(ctx context.Context, n holdfast.Notification) error {
	if n.Type != notificationOfTransaction || n.TransactionID == "" {
		s.log.InfoContext(ctx, "ignoring a notification that is not about a transaction", "type", n.Type)
		return nil
	}
	if n.Operation == operationRefund {
		return s.refundNotified(ctx, n.ParentTransactionID)
	}
	o, err := s.orderOf(ctx, n)
	if errors.Is(err, errNoOrder) {
		// An order is stored before its buyer is sent to pay. So this notification is
		// about an order of another program with the same keys.
		s.log.InfoContext(ctx, "ignoring a notification of an unknown order", "transaction", n.TransactionID)
		return nil
	}
	if err != nil {
		s.log.WarnContext(ctx, "handling a notification", "transaction", n.TransactionID, "err", err)
		return err
	}
	if other := otherThanAsked(o, n); other != "" {
		s.log.WarnContext(ctx, "ignoring a notification that does not fit the order", "order", o.ID, "transaction",
			n.TransactionID, "other",
			other)
		return nil
	}
	return s.look(ctx, o)
}

// otherThanAsked names the value of a notification that differs from this
// shop's request, or returns "". A different amount of a Settle does not count,
// because another program may have settled it.
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

// look finds out the status of an order's transaction. It trusts only the
// answers to this shop's own requests.
func (s *Shop) look(ctx context.Context, o Order) (err error) {
	switch o.State {
	case Reserving:
		// The answer to Reserve is missing. The same request again is answered with
		// the transaction that the first one made.
		err = s.reserve(ctx, o.ID)
	case Shipping:
		// The same Settle again shows whether the transaction was settled for this
		// amount. GetTransactionStatus does not tell the amount.
		err = s.settle(ctx, o.ID)
	case Pending, ToShip, Cancelling:
		_, err = s.ask(ctx, o)
	case AwaitingAuthorisation, Abandoned, NotAuthorised, PaymentFailed, Shipped, Cancelled, Lapsed, NeedsAttention:
	}
	if errors.Is(err, errWaiting) {
		return nil // a job continues to ask
	}
	return err
}

// orderOf finds the order of a notification by its transaction. If there is no
// answer to Reserve yet, it finds the order by the CallerReference.
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
		return Order{}, fmt.Errorf("order %s did not ask for transaction %s", o.ID, n.TransactionID)
	}
	return o, nil
}
