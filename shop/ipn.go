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
)

// notified takes in a verified notification. It may come twice, late, or
// before the answer that it is about; the table of steps sorts that out. An
// error has it delivered again.
func (s *Shop) notified(ctx context.Context, n holdfast.Notification) error {
	if n.Type != notificationOfTransaction || n.TransactionID == "" {
		s.log.InfoContext(ctx, "notification of no transaction", "type", n.Type)
		return nil
	}
	if n.Operation == operationRefund {
		return s.refundNotified(ctx, holdfast.TransactionID(n.Params.Get("parentTransactionId")))
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
	if o.TransactionID != "" && o.TransactionID != n.TransactionID {
		s.log.WarnContext(ctx, "notification of another transaction", "order", o.ID, "transaction", n.TransactionID)
		return nil
	}
	st := standing{id: n.TransactionID, status: n.Status, code: n.StatusCode, message: n.StatusMessage, stale: true}
	c := change{what: fmt.Sprintf("Notification: %s %s", n.Operation, st.words())}
	if st.event() == Charged && n.Amount.Given() && o.Charge.Given() && n.Amount != o.Charge {
		c.event = ChargedElsewhere
	}
	_, err = s.learn(ctx, o.ID, st, c)
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
