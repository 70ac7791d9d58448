package shop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// errWaiting says that the payment service has accepted a request and has no
// outcome yet. The job asks again later.
var errWaiting = errors.New("the payment service is still waiting for the card network")

// redirectAwaitedMax is how long the payment service keeps the token of a buyer
// who authorised and never came back (docs/api/pipelines/SingleUse.md; FPS
// Basic Quick Start, "Handling Transactions That Do Not Return").
const redirectAwaitedMax = 3 * time.Hour

// authorised stores a token for an order. The order's new state and the job for
// its Reserve are committed together. If the order already has a token, nothing
// changes.
func (s *Shop) authorised(
	ctx context.Context, id OrderID, token holdfast.TokenID, address holdfast.Address, c change,
) error {
	c.event = BuyerAuthorised
	c.facts = func(o *Order) {
		if o.Address == (holdfast.Address{}) {
			o.Address = address
		}
	}
	c.move = func(o *Order) { o.TokenID = token }
	_, _, err := s.record(ctx, id, c)
	return err
}

// reserve asks for the hold. It may be called any number of times: the request
// is built only from the order, so it is the same each time, and the payment
// service makes only one hold.
func (s *Shop) reserve(ctx context.Context, id OrderID) error {
	o, err := orderByID(ctx, s.db, id)
	if err != nil || o.State != Reserving {
		return err
	}
	result, err := s.client.Reserve(ctx, holdfast.ReserveRequest{
		SenderTokenID:     o.TokenID,
		TransactionAmount: o.Totals.Total,
		CallerReference:   o.ID.Reference(),
		CallerDescription: fmt.Sprintf("Order %d", o.Number),
		SenderDescription: s.paymentReason(o),
	})
	if err != nil {
		refusal, refused := errors.AsType[*holdfast.Error](err)
		if passing(err) || !refused {
			return s.unanswered(ctx, o, "Reserve", err)
		}
		_, _, err := s.record(ctx, id, change{
			event: HoldFailed, what: "Reserve was refused: " + inShort(refusal),
			requestID: refusal.RequestID, note: failureWords(refusal.Code),
		})
		return err
	}
	st := standingOfResult(result)
	what := "Reserve answered " + st.words()
	if st.status == holdfast.StatusFailure {
		st = s.reasonOf(ctx, st)
	}
	_, err = s.learn(ctx, id, st, change{what: what, logged: true})
	return err
}

// reasonOf asks why a transaction failed, because the answer to Reserve does
// not say it. Without an answer the reason stays unknown.
func (s *Shop) reasonOf(ctx context.Context, st standing) standing {
	state, err := s.client.GetTransactionStatus(ctx, st.id)
	if err != nil {
		s.log.WarnContext(ctx, "asking why a transaction failed", "transaction", st.id, "err", err)
		return st
	}
	st.code, st.message = state.StatusCode, state.StatusMessage
	return st
}

// ship records that a parcel ships and is charged. Call it only after the
// payment service has said that the transaction is Reserved.
func (s *Shop) ship(ctx context.Context, id OrderID, parcel parcel) (moved bool, err error) {
	_, moved, err = s.record(ctx, id, change{
		event: PackerShips, what: parcel.words(),
		move: func(o *Order) { o.Charge, o.Lines = parcel.Charge, parcel.Lines },
	})
	return moved, err
}

// settle asks for the charge. After a lost answer it sends the same request
// again, which never charges twice.
func (s *Shop) settle(ctx context.Context, id OrderID) error {
	o, err := orderByID(ctx, s.db, id)
	if err != nil || o.State != Shipping {
		return err
	}
	result, err := s.client.Settle(ctx, holdfast.SettleRequest{
		ReserveTransactionID: o.TransactionID, TransactionAmount: o.Charge,
	})
	if err != nil {
		return s.notDone(ctx, o, "Settle", err, chargeRefused)
	}
	st := standingOfResult(result)
	o, err = s.learn(ctx, id, st, change{what: "Settle answered " + st.words(), logged: true})
	if err == nil && o.State == Shipping {
		return errWaiting
	}
	return err
}

// chargeRefused returns the change for a refused Settle. It depends on the
// transaction's status.
func chargeRefused(refusal *holdfast.Error, asked Order, stands Event) change {
	switch stands {
	case HoldPlaced:
		return change{
			event: ChargeRefused, note: settleWords(refusal, asked),
			move: (*Order).unship,
		}
	case Charged:
		return change{event: ChargedElsewhere}
	default:
		return change{} // the transaction's status decides
	}
}

// cancel asks the payment service to give up the hold.
func (s *Shop) cancel(ctx context.Context, id OrderID) error {
	o, err := orderByID(ctx, s.db, id)
	if err != nil || o.State != Cancelling {
		return err
	}
	result, err := s.client.Cancel(ctx, holdfast.CancelRequest{TransactionID: o.TransactionID, Description: o.Reason})
	if err != nil {
		return s.notDone(ctx, o, "Cancel", err, cancelRefused)
	}
	st := standingOfResult(result)
	o, err = s.learn(ctx, id, st, change{what: "Cancel answered " + st.words(), logged: true})
	if err == nil && o.State == Cancelling {
		return errWaiting
	}
	return err
}

// cancelRefused returns the change for a refused Cancel. It depends on the
// transaction's status.
func cancelRefused(refusal *holdfast.Error, asked Order, stands Event) change {
	if stands != HoldPlaced {
		return change{} // the transaction's status decides
	}
	return change{
		event: CancelRefused,
		note: "Not cancelled: the payment service refused with " + string(refusal.Code) +
			". The money is still held. Ship the order or try again; otherwise the hold expires on " + when(asked.Deadline) +
			".",
	}
}

// notDone handles a Settle or Cancel that failed. The refusal does not tell
// where the money is, but the transaction's status does. A refusal may come
// late, when the order was already sent back to the packer and Settle or Cancel
// was asked again. Then it says nothing about the new request and is ignored.
func (s *Shop) notDone(
	ctx context.Context, asked Order, action string, err error, means func(*holdfast.Error, Order, Event) change,
) error {
	refusal, refused := errors.AsType[*holdfast.Error](err)
	if passing(err) || !refused {
		return s.unanswered(ctx, asked, action, err)
	}
	state, err := s.client.GetTransactionStatus(ctx, asked.TransactionID)
	if err != nil {
		return s.unanswered(ctx, asked, action+" was refused ("+string(refusal.Code)+"), and then GetTransactionStatus", err)
	}
	st := standingOfState(state)
	if st.event() == HoldPending {
		return errWaiting
	}
	c := means(refusal, asked, st.event())
	c.what = action + " was refused: " + inShort(refusal) + " The transaction is " + st.words()
	c.requestID = refusal.RequestID
	if c.event != "" {
		c.only = func(o Order) bool { return o.Charge == asked.Charge && o.Changed.Equal(asked.Changed) }
	}
	_, err = s.learn(ctx, asked.ID, st, c)
	return err
}

// unanswered records on the order that a request has no answer yet. It returns
// the cause to the job, which sends the same request again. As that happens
// every minute, only the first time goes into the order's log.
func (s *Shop) unanswered(ctx context.Context, asked Order, action string, cause error) error {
	// ctx may have expired while asking, but the result must be stored.
	ctx = context.WithoutCancel(ctx)
	note := noteUnansweredFor(cause)
	c := change{
		what: action + " has no answer yet", logged: asked.Note != note,
		facts: func(o *Order) { o.Note = note },
	}
	if refusal, ok := errors.AsType[*holdfast.Error](cause); ok {
		c.what, c.requestID = action+" got no final answer: "+inShort(refusal), refusal.RequestID
	}
	if _, _, err := s.record(ctx, asked.ID, c); err != nil {
		return errors.Join(cause, err)
	}
	return fmt.Errorf("order %s: %w", asked.ID, cause)
}

// recover looks for the token of a buyer who went to the payment pages and has
// not come back. The redirect may have been lost.
func (s *Shop) recover(ctx context.Context, id OrderID) error {
	o, err := orderByID(ctx, s.db, id)
	if err != nil || o.State != AwaitingAuthorisation {
		return err
	}
	token, err := s.client.GetTokenByCaller(ctx, holdfast.GetTokenByCallerRequest{CallerReference: o.ID.Reference()})
	refusal, refused := errors.AsType[*holdfast.Error](err)
	switch {
	case err == nil && token.CallerReference != o.ID.Reference():
		return fmt.Errorf("looking for the token of order %s: the answer is about %q", id, token.CallerReference)
	case err == nil && token.Status == holdfast.TokenActive:
		s.hear(token.Answer)
		return s.authorised(ctx, id, token.TokenID, holdfast.Address{}, change{
			what:      "GetTokenByCaller found an authorisation; the buyer's return was lost",
			requestID: token.RequestID,
		})
	case err == nil:
		_, _, err := s.record(ctx, id, change{
			event: BuyerLeft, what: "GetTokenByCaller found a token that is not active", requestID: token.RequestID,
			note: "The authorisation was withdrawn. Nothing was charged.",
		})
		return err
	case refused && refusal.Code == holdfast.InvalidCallerReference:
		if s.now().Before(o.Created.Add(redirectAwaitedMax)) {
			return errWaiting
		}
		_, _, err := s.record(ctx, id, change{
			event: BuyerLeft, what: "GetTokenByCaller found no authorisation within three hours", requestID: refusal.RequestID,
			note: "No authorisation came within three hours. Nothing was charged.",
		})
		return err
	}
	return fmt.Errorf("looking for the token of order %s: %w", id, err)
}

// inShort returns a refusal as one line for the log.
func inShort(refusal *holdfast.Error) string {
	return fmt.Sprintf("%s, %s.", refusal.Code, trimFullStop(refusal.Message))
}
