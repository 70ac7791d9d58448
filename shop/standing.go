package shop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// holdLifeMax is how long a hold lasts when the server does not say (API
// Reference, Reserve).
const holdLifeMax = 7 * 24 * time.Hour

// A standing is what the payment service says of an order's transaction.
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

// event is what a standing means for the order.
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

// learn keeps what the payment service says of an order.
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

// ask asks the payment service how an order's transaction stands and keeps
// the answer.
func (s *Shop) ask(ctx context.Context, o Order) (Order, error) {
	state, err := s.client.GetTransactionStatus(ctx, o.TransactionID)
	if err != nil {
		return o, fmt.Errorf("asking how order %s stands: %w", o.ID, err)
	}
	if state.TransactionID != o.TransactionID || state.CallerReference != o.ID.Reference() {
		return o, fmt.Errorf("asking how order %s stands: the answer is about %s of %q", o.ID, state.TransactionID,
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

// hear notes the time of the payment service: deadlines are by its clock,
// which in a sandbox can be moved.
func (s *Shop) hear(a holdfast.Answer) {
	if !a.ServerTime.IsZero() {
		s.ahead.Store(int64(a.ServerTime.Sub(s.now())))
	}
}

// serverNow is the time by the payment service's clock, as last heard.
func (s *Shop) serverNow() time.Time { return s.now().Add(s.serverAhead()) }

func (s *Shop) serverAhead() time.Duration { return time.Duration(s.ahead.Load()) }

// lapsedAt reports whether the order's hold is over at the given time of the
// payment service, which is so at its deadline whatever was last heard.
func (o Order) lapsedAt(t time.Time) bool {
	return !o.Deadline.IsZero() && !t.Before(o.Deadline)
}

// passing reports whether an error says nothing about the request itself: it
// was not answered, or could not be dealt with now. The same request is then
// sent again, under the same reference. Refused keys are such an error, since
// once they are mended the order can go on.
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
