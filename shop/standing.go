package shop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// holdLifeMax is how long a hold lasts if the server does not send its deadline
// (docs/api/actions/Reserve.md; FPS API Reference, Reserve).
const holdLifeMax = 7 * 24 * time.Hour

// A standing is the state of an order's transaction at the payment service.
type standing struct {
	id      holdfast.TransactionID
	status  holdfast.TransactionStatus
	code    holdfast.StatusCode
	message string
	answer  holdfast.Answer
}

func standingOfResult(r holdfast.TransactionResult) standing {
	return standing{id: r.TransactionID, status: r.Status, answer: r.Answer}
}

func standingOfState(t holdfast.TransactionState) standing {
	return standing{id: t.TransactionID, status: t.Status, code: t.StatusCode, message: t.StatusMessage, answer: t.Answer}
}

// event returns the event that a standing is for the order.
func (st standing) event() Event {
	switch st.status {
	case holdfast.StatusReserved:
		return HoldPlaced
	case holdfast.StatusPending:
		return HoldPending
	case holdfast.StatusSuccess:
		return Charged
	case holdfast.StatusFailure:
		return HoldFailed
	case holdfast.StatusCancelled:
		if st.code == holdfast.CodeExpired {
			return HoldLapsed
		}
		return HoldCancelled
	}
	return ""
}

// learn stores a standing of an order, together with the change c.
func (s *Shop) learn(ctx context.Context, id OrderID, st standing, c change) (Order, error) {
	s.hear(st.answer)
	if c.event == "" {
		c.event = st.event()
	}
	if c.requestID == "" {
		c.requestID = st.answer.RequestID
	}
	before := c.move
	c.facts = func(o *Order) {
		if o.TransactionID == "" {
			o.TransactionID = st.id
		}
		o.TransactionStatus = st.status
		switch {
		case !st.answer.Deadline.IsZero():
			o.Deadline = st.answer.Deadline
		case o.Deadline.IsZero() && (st.status == holdfast.StatusReserved || st.status == holdfast.StatusPending):
			o.Deadline = s.serverNow().Add(holdLifeMax)
		}
	}
	c.move = func(o *Order) {
		if before != nil {
			before(o)
		}
		if o.Note == "" {
			o.Note = noteFor(*o, st)
		}
	}
	o, _, err := s.record(ctx, id, c)
	return o, err
}

// ask asks the payment service for the status of an order's transaction and
// stores the answer.
func (s *Shop) ask(ctx context.Context, o Order) (Order, error) {
	state, err := s.client.GetTransactionStatus(ctx, o.TransactionID)
	if err != nil {
		return o, fmt.Errorf("asking for the status of order %s: %w", o.ID, err)
	}
	if state.TransactionID != o.TransactionID || state.CallerReference != o.ID.Reference() {
		return o, fmt.Errorf("asking for the status of order %s: the answer is about %s of %q", o.ID, state.TransactionID,
			state.CallerReference)
	}
	st := standingOfState(state)
	return s.learn(ctx, o.ID, st, change{what: "GetTransactionStatus answered " + st.words()})
}

func (st standing) words() string {
	switch {
	case st.code == "" || string(st.code) == string(st.status):
		return string(st.status)
	default:
		return fmt.Sprintf("%s (%s)", st.status, st.code)
	}
}

// hear stores how far the payment service's clock is ahead. Deadlines are by
// its clock, which can be moved in a sandbox.
func (s *Shop) hear(a holdfast.Answer) {
	if !a.ServerTime.IsZero() {
		s.ahead.Store(int64(a.ServerTime.Sub(s.now())))
	}
}

// serverNow returns the time of the payment service's clock, according to its
// last answer.
func (s *Shop) serverNow() time.Time { return s.now().Add(s.serverAhead()) }

func (s *Shop) serverAhead() time.Duration { return time.Duration(s.ahead.Load()) }

// holdExpiredAt reports whether the order's hold has expired at a time of the
// payment service's clock. It expires at its deadline, whatever the last answer
// was.
func (o Order) holdExpiredAt(t time.Time) bool {
	return !o.Deadline.IsZero() && !t.Before(o.Deadline)
}

// passing reports whether an error is temporary: the request was not answered,
// or could not be handled now. The shop then sends the same request again, with
// the same reference. Refused keys count as temporary, because the order can
// continue when the operator has corrected them.
func passing(err error) bool {
	refusal, refused := errors.AsType[*holdfast.Error](err)
	if !refused {
		return true
	}
	switch refusal.Code {
	case holdfast.InternalError, holdfast.ServiceUnavailable, holdfast.ConcurrentModification, holdfast.RequestExpired:
		return true
	default:
		return refusal.Status >= http.StatusInternalServerError || refusal.Status == http.StatusForbidden ||
			refusal.Status == http.StatusUnauthorized
	}
}
