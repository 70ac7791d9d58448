package shop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
)

// holdLifeMax is the longest time that a hold lasts.
const holdLifeMax = 7 * 24 * time.Hour

// errForeign says that the payment service answered about another order's hold.
var errForeign = errors.New("the hold is not that of the order")

// lookAtCheckout finds out whether the buyer has approved. It asks the payment
// service, because anybody can write the address to which buyers return.
func (s *Shop) lookAtCheckout(ctx context.Context, o Order) error {
	if o.CheckoutID == "" {
		return nil
	}
	checkout, err := s.client.Checkout(ctx, o.CheckoutID)
	if err != nil {
		return fmt.Errorf("reading the checkout of order %s: %w", o.ID, err)
	}
	var c change
	switch {
	case checkout.State == "approved":
		c = change{
			event: BuyerApproved, what: "The buyer approved the payment", facts: func(o *Order) { o.approved(checkout) },
			only: func(o Order) bool { return o.Token == "" }, // an approval counts once, even if it was not used
		}
	case checkout.State == "cancelled" && holdfast.ReturnStatus(checkout.Status) != holdfast.ReturnAbandoned:
		c = change{
			event: BuyerTurnedAway, what: "The payment pages sent the buyer back: " + checkout.Message,
			note: turnedAwayWords(holdfast.ReturnStatus(checkout.Status)),
		}
	case checkout.State == "cancelled":
		c = change{event: BuyerLeft, what: "The buyer came back without paying"}
	case checkout.State == "expired":
		c = change{
			event: BuyerLeft, what: "The buyer did not approve the payment in time",
			note: "You did not pay within three hours. Nothing was charged.",
		}
	default:
		return nil // the buyer is still there
	}
	if _, _, err = s.record(ctx, o.ID, c); err != nil {
		return err
	}
	return s.placeHold(ctx, o.ID)
}

// approved stores what the buyer has approved. A second look changes nothing.
func (o *Order) approved(c client.Checkout) {
	if o.Token != "" {
		return
	}
	o.Token, o.Email = c.Token, c.BuyerEmail
	if c.ShipTo != nil {
		o.Address = *c.ShipTo
	}
}

// placeHold asks for the hold. It may be called any number of times: the call is
// built only from the order, so it is the same each time, and the payment service
// makes only one hold.
func (s *Shop) placeHold(ctx context.Context, id OrderID) error {
	o, err := orderByID(ctx, s.db, id)
	if err != nil || o.State != Reserving {
		return err
	}
	hold, err := s.client.CreateHold(ctx, string(o.ID)+"-hold", client.NewHold{
		Token: o.Token, Amount: client.Of(o.Totals.Total), Reference: string(o.ID),
		Description: fmt.Sprintf("Order %d", o.Number), BuyerDescription: s.paymentReason(o),
	})
	if passing(err) {
		return s.unanswered(ctx, o, "The request for the hold", err)
	}
	if refusal, refused := errors.AsType[*client.Error](err); refused {
		_, _, err := s.record(ctx, id, change{
			event: HoldFailed, what: "The hold was refused: " + refusal.Detail, requestID: refusal.RequestID,
			note: failureWords(string(refusal.Code)),
		})
		return err
	}
	_, err = s.learn(ctx, o, hold, change{what: holdWords(hold), logged: true})
	return err
}

// ask reads an order's hold and stores what it says.
func (s *Shop) ask(ctx context.Context, o Order) (Order, error) {
	hold, err := s.client.Hold(ctx, o.HoldID)
	if err != nil {
		return o, fmt.Errorf("reading the hold of order %s: %w", o.ID, err)
	}
	return s.learn(ctx, o, hold, change{what: holdWords(hold)})
}

// learn stores what the payment service answered about an order's hold, together
// with the change c. Without an event in c, the hold's state is the event, if nothing
// has happened to the order since it was read as o. While a part is under way, the
// hold's state says nothing about it: only the answer to the part's own call does.
func (s *Shop) learn(ctx context.Context, o Order, hold client.Hold, c change) (Order, error) {
	if !o.owns(hold) {
		return o, fmt.Errorf("reading hold %s of order %s: %w", hold.ID, o.ID, errForeign)
	}
	s.hear(hold)
	if _, asking := o.asked(); c.event == "" && !asking {
		c.event, c.only = o.eventOf(hold), o.unchanged
	}
	first := c.facts
	c.facts = func(o *Order) {
		o.HoldID, o.HoldState = hold.ID, hold.State
		if !hold.Deadline.IsZero() {
			o.Deadline = hold.Deadline
		}
		if first != nil {
			first(o)
		}
	}
	then := c.move
	c.move = func(o *Order) {
		if then != nil {
			then(o)
		}
		if o.Note == "" {
			o.Note = noteFor(*o, hold.Code)
		}
	}
	o, _, err := s.record(ctx, o.ID, c)
	if err != nil {
		return o, err
	}
	if o.State == NeedsAttention && o.chargedElsewhere(hold) {
		err = s.findPayments(ctx, o)
	}
	if err == nil && hold.Refunded.Given() && hold.Refunded.Amount != o.Refunded {
		err = s.findRefunds(ctx, o)
	}
	if err != nil {
		return o, err
	}
	return orderByID(ctx, s.db, o.ID)
}

// owns reports whether a hold is the one that the shop asked for.
func (o Order) owns(h client.Hold) bool {
	return h.Reference == string(o.ID) && h.Token == o.Token && h.Amount.Amount == o.Totals.Total &&
		(o.HoldID == "" || h.ID == o.HoldID)
}

// chargedElsewhere reports whether more was charged than the order knows of.
func (o Order) chargedElsewhere(h client.Hold) bool {
	return h.Settled.Given() && h.Settled.Cmp(o.Charged()) > 0
}

// eventOf returns the event that the state of a hold is for its order. Parts that
// the shop asks for have their own events, from the answers about them.
func (o Order) eventOf(h client.Hold) Event {
	if _, asking := o.asked(); !asking && o.chargedElsewhere(h) {
		return ChargedElsewhere
	}
	switch h.State {
	case client.HoldHeld:
		return HoldPlaced
	case client.HoldPending:
		return HoldPending
	case client.HoldFailed:
		return HoldFailed
	case client.HoldReleased:
		return HoldReleased
	case client.HoldExpired, client.HoldSettled: // settled: something was charged, and the rest is gone
		return HoldLapsed
	case client.HoldSettling:
	}
	return ""
}

// settle asks for the charge of the parcel that ships now.
func (s *Shop) settle(ctx context.Context, id OrderID) error {
	o, err := orderByID(ctx, s.db, id)
	p, asking := o.asked()
	if err != nil || !asking || o.State != Shipping {
		return err
	}
	if why := o.stopped(); why != "" {
		sent, err := s.arrived(ctx, o, p)
		if err != nil {
			return s.unanswered(ctx, o, "The request for the payments", err)
		}
		if !sent {
			return s.withhold(ctx, o, p, why)
		}
	}
	settled, err := s.client.SettleHold(ctx, p.key(id), o.HoldID, client.SettleHold{
		Amount: client.Of(p.Amount), Final: p.Last, Reference: p.key(id),
	})
	if err == nil && len(settled.Payments) != 1 {
		err = fmt.Errorf("a parcel was charged with %d payments", len(settled.Payments))
	}
	if err != nil {
		return s.notDone(ctx, o, p, "The charge", err)
	}
	paid := settled.Payments[0]
	c := change{
		what: fmt.Sprintf("The charge of %s %s", dollars(p.Amount), paidWords(paid.State)), logged: true, only: stillAsked(p),
	}
	switch paid.State {
	case client.PaidPending:
		c = change{} // an event tells the outcome
	case client.PaidSucceeded:
		c.event = LastCharged
		if count(o.rest()) > count(p.Pieces) && !p.Last {
			c.event = ParcelCharged
		}
		c.note = chargedWords(o, p)
		p.State = PartDone
		if o.with(p).chargedElsewhere(settled.Hold) {
			c.event, c.note = ChargedElsewhere, ""
		}
	case client.PaidFailed, client.PaidCancelled:
		p.State = PartRefused
		if c.event = o.with(p).eventOf(settled.Hold); c.event == HoldPlaced {
			c.event, c.note = ParcelRefused, declinedWords(o, paid.Message)
		}
		if _, ok := o.State.After(c.event); !ok {
			return s.inDoubt(ctx, o, "The charge failed. Another call", settled.Hold)
		}
	}
	p.PaymentID = paid.ID
	c.facts = func(o *Order) { o.conclude(p) }
	_, err = s.learn(ctx, o, settled.Hold, c)
	return err
}

// arrived reports whether the payment service has the call for a parcel. Its answer
// may have been lost.
func (s *Shop) arrived(ctx context.Context, o Order, p Part) (bool, error) {
	for _, err := range s.client.Payments(ctx, client.PaidFilter{Of: o.HoldID, Reference: p.key(o.ID)}) {
		if err != nil {
			return false, fmt.Errorf("reading the payments of order %s: %w", o.ID, err)
		}
		return true, nil
	}
	return false, nil
}

// withhold gives a parcel up that must not ship any more and was not charged.
func (s *Shop) withhold(ctx context.Context, o Order, p Part, why string) error {
	p.State = PartRefused
	o, moved, err := s.record(ctx, o.ID, change{
		event: ParcelRefused, what: "The parcel was not charged: " + why, note: notCharged + why, only: stillAsked(p),
		facts: func(o *Order) { o.conclude(p) },
	})
	if err == nil && moved {
		_, err = s.ask(ctx, o)
	}
	return err
}

// release gives the price of the pieces back that the shop withdraws now.
func (s *Shop) release(ctx context.Context, id OrderID) error {
	o, err := orderByID(ctx, s.db, id)
	p, asking := o.asked()
	if err != nil || !asking || o.State != Releasing {
		return err
	}
	request := client.ReleaseHold{Amount: client.Of(p.Amount), Reason: o.Reason}
	if p.Last {
		request.Amount = client.Amount{} // all that is held, which ends the hold
	}
	hold, err := s.client.ReleaseHold(ctx, p.key(id), o.HoldID, request)
	if err != nil {
		return s.notDone(ctx, o, p, "The release", err)
	}
	c := change{
		what: fmt.Sprintf("%s was released", dollars(p.Amount)), logged: true, only: stillAsked(p), event: PiecesReleased,
	}
	switch {
	case p.Last && o.Charged().Positive():
		c.event = RestReleased
	case p.Last:
		c.event = HoldReleased
	}
	p.State = PartDone
	if o.with(p).chargedElsewhere(hold) {
		c.event = ChargedElsewhere
	}
	c.facts = func(o *Order) { o.conclude(p) }
	_, err = s.learn(ctx, o, hold, c)
	return err
}

// stillAsked accepts an order whose part has no outcome yet. An answer that comes
// late must not move the order a second time.
func stillAsked(p Part) func(Order) bool {
	return func(o Order) bool {
		now, asking := o.asked()
		return asking && now.Number == p.Number
	}
}

// conclude stores the outcome of a part that has none yet.
func (o *Order) conclude(p Part) {
	if o.Parts[p.Number-1].State == PartAsked {
		o.setPart(p)
	}
}

// with returns the order as it is when the part p is concluded.
func (o Order) with(p Part) Order {
	o.conclude(p)
	return o
}

// notDone handles a call for a part that failed. A refusal does not tell where the
// money is, but the hold does.
func (s *Shop) notDone(ctx context.Context, o Order, p Part, call string, err error) error {
	refusal, refused := errors.AsType[*client.Error](err)
	if passing(err) || !refused {
		return s.unanswered(ctx, o, call, err)
	}
	hold, err := s.client.Hold(ctx, o.HoldID)
	if err != nil {
		return s.unanswered(ctx, o, call+" was refused ("+string(refusal.Code)+"). The request for the hold", err)
	}
	p.State = PartRefused
	c := change{
		what: call + " was refused: " + refusal.Detail, requestID: refusal.RequestID, logged: true, only: stillAsked(p),
		facts: func(o *Order) { o.conclude(p) },
	}
	if c.event = o.with(p).eventOf(hold); c.event == HoldPlaced {
		c.event, c.note = ParcelRefused, refusedWords(refusal, o, hold)
		if p.Kind == Withdrawal {
			c.event, c.note = ReleaseRefused, notReleasedWords(refusal, o)
		}
	}
	if _, ok := o.State.After(c.event); !ok {
		return s.inDoubt(ctx, o, call+" was refused ("+string(refusal.Code)+"). Another call", hold)
	}
	_, err = s.learn(ctx, o, hold, c)
	return err
}

// inDoubt handles a part that was refused while the hold's state says nothing yet:
// another program's charge has no answer of the bank. The part stays asked, so that
// its job looks again.
func (s *Shop) inDoubt(ctx context.Context, o Order, call string, hold client.Hold) error {
	return s.unanswered(ctx, o, call, fmt.Errorf("hold %s is %s", hold.ID, hold.State))
}

// dropApproval cancels an approval that the shop does not use, so that the buyer's
// money is not held for it.
func (s *Shop) dropApproval(ctx context.Context, id OrderID) error {
	o, err := orderByID(ctx, s.db, id)
	if err != nil || o.Token == "" || o.State != Abandoned && o.State != SoldOut {
		return err
	}
	if _, err := s.client.CancelToken(ctx, o.Token); passing(err) {
		return fmt.Errorf("cancelling the approval of order %s: %w", id, err)
	}
	return nil // done, or it is over already
}

// unanswered records on the order that a call has no answer yet. It returns the
// cause to the job, which makes the same call again. As that happens every minute,
// only the first time goes into the order's log.
func (s *Shop) unanswered(ctx context.Context, o Order, call string, cause error) error {
	// ctx may have expired while asking, but the result must be stored.
	ctx = context.WithoutCancel(ctx)
	note := noteUnansweredFor(cause)
	c := change{
		what: call + " has no answer yet", logged: o.Note != note,
		facts: func(o *Order) { o.Note = note },
	}
	if _, _, err := s.record(ctx, o.ID, c); err != nil {
		return errors.Join(cause, err)
	}
	return fmt.Errorf("order %s: %w", o.ID, cause)
}

// passing reports whether an error is temporary: the outcome of the call is
// unknown, or the payment service could not handle it now. The shop then makes the
// same call again, with the same idempotency key. A refused key counts as temporary,
// because the order can continue when the operator has corrected it.
func passing(err error) bool {
	if err == nil {
		return false
	}
	refusal, refused := errors.AsType[*client.Error](err)
	if !refused {
		return true
	}
	switch refusal.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return true
	}
	return refusal.Status >= http.StatusInternalServerError || refusal.Code == codeConcurrentChange
}

// Codes of refusals that this shop has words for.
const (
	codeConcurrentChange client.Code = "concurrent_change"
	codeAmountAboveHold  client.Code = "amount_above_hold"
	codeHoldState        client.Code = "hold_state"
	codeSettlesOnce      client.Code = "network_settles_once"
	codeAccountState     client.Code = "account_state"
)

// hear stores how far the payment service's clock is ahead. Deadlines are by its
// clock, which can be moved in a sandbox.
func (s *Shop) hear(h client.Hold) {
	if !h.Deadline.IsZero() {
		serverNow := h.Deadline.Add(-time.Duration(h.SecondsLeft) * time.Second)
		s.ahead.Store(int64(serverNow.Sub(s.now())))
	}
}

// serverNow returns the time of the payment service's clock, according to its
// last answer, to the second.
func (s *Shop) serverNow() time.Time { return s.now().Add(s.serverAhead()) }

func (s *Shop) serverAhead() time.Duration { return time.Duration(s.ahead.Load()) }

// holdExpiredAt reports whether the order's hold has expired at a time of the
// payment service's clock. It expires at its deadline, whatever the last answer
// was.
func (o Order) holdExpiredAt(t time.Time) bool {
	return !o.Deadline.IsZero() && !t.Before(o.Deadline)
}
