package shop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// errWaiting says that the payment service has taken a request and not yet
// come to its outcome: look again later.
var errWaiting = errors.New("the payment service is still waiting for the card network")

// redirectAwaitedMax is how long the payment service keeps the token of a
// buyer who authorised and never came back (Basic Quick Start, "Handling
// Transactions That Do Not Return").
const redirectAwaitedMax = 3 * time.Hour

// authorised keeps a token that pays for an order. The order's new state and
// the job that sees Reserve through are one commit; a token for an order that
// has one already changes nothing.
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
// is made from the order alone, so it is the same each time, and the payment
// service answers it as it did the first time.
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

// reasonOf asks why a transaction failed, which the answer to Reserve does not
// say. Without an answer the reason stays unknown.
func (s *Shop) reasonOf(ctx context.Context, st standing) standing {
	state, err := s.client.GetTransactionStatus(ctx, st.id)
	if err != nil {
		s.log.WarnContext(ctx, "asking why a transaction failed", "transaction", st.id, "err", err)
		return st
	}
	st.code, st.message = state.StatusCode, state.StatusMessage
	return st
}

// ship decides to charge for a parcel and hand it over. Only an order
// that the payment service has just called Reserved may come here.
func (s *Shop) ship(ctx context.Context, id OrderID, parcel parcel) (moved bool, err error) {
	_, moved, err = s.record(ctx, id, change{
		event: PackerShips, what: parcel.words(),
		move: func(o *Order) { o.Charge, o.Lines = parcel.Charge, parcel.Lines },
	})
	return moved, err
}

// settle asks for the charge. An answer that was lost is asked for again with
// the same request, which charges once whatever happens.
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

// chargeRefused is what a refused Settle means, by how the transaction stands.
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
		return change{} // how it stands says all
	}
}

// cancel asks to give the hold up.
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

// cancelRefused is what a refused Cancel means, by how the transaction stands.
func cancelRefused(refusal *holdfast.Error, asked Order, stands Event) change {
	if stands != HoldPlaced {
		return change{} // how it stands says all
	}
	return change{
		event: CancelRefused,
		note: "Not cancelled: the payment service refused with " + string(refusal.Code) +
			". The hold stands; ship, or try again. If nobody does either, it lapses by itself on " + when(asked.Deadline) + ".",
	}
}

// notDone finds out what a Settle or Cancel without success means. A refusal
// alone does not tell where the money is; the transaction's status does. The
// refusal may come late, when the order has been back on the bench and the same
// was asked anew, and then it says nothing of what is asked now.
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

// unanswered keeps that a request has no answer yet, for people to see, and
// returns why, for the job that will send the same request again. That goes on
// every minute, so the order's log has it once.
func (s *Shop) unanswered(ctx context.Context, asked Order, action string, cause error) error {
	// The time for asking may be used up; there is always time to write.
	ctx = context.WithoutCancel(ctx)
	note := noteUnansweredFor(cause)
	c := change{
		what: action + " has no answer yet", logged: asked.Note != note,
		facts: func(o *Order) { o.Note = note },
	}
	if refusal, ok := errors.AsType[*holdfast.Error](cause); ok {
		c.what, c.requestID = action+" was not dealt with: "+inShort(refusal), refusal.RequestID
	}
	if _, _, err := s.record(ctx, asked.ID, c); err != nil {
		return errors.Join(cause, err)
	}
	return fmt.Errorf("order %s: %w", asked.ID, cause)
}

// recover looks for the token of a buyer who went to authorise and has not
// come back: the redirect may have been lost on the way.
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
			what:      "GetTokenByCaller found an authorisation; the buyer's way back was lost",
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

// inShort is a refusal on one line of the log.
func inShort(refusal *holdfast.Error) string {
	return fmt.Sprintf("%s, %s.", refusal.Code, trimFullStop(refusal.Message))
}
