package payment

import (
	"strings"
	"time"
	"unicode"

	"github.com/holdfast-pay/holdfast/money"
)

// An EventAmount is an amount in an event.
type EventAmount struct {
	Amount   string         `json:"amount"` // exact, such as "12.50"
	Currency money.Currency `json:"currency"`
}

func eventAmount(a money.Amount) EventAmount {
	if !a.Given() {
		a = money.Micros(0)
	}
	return EventAmount{a.Decimal(), a.Currency}
}

func maybeEventAmount(a money.Amount) *EventAmount {
	if !a.Given() {
		return nil
	}
	e := eventAmount(a)
	return &e
}

// eventTime is a time in an event, or empty.
func eventTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return stamp(t)
}

// A TransactionData is a payment or a refund in an event.
type TransactionData struct {
	ID        string      `json:"id"`
	State     string      `json:"state"`
	Amount    EventAmount `json:"amount"`
	Fee       EventAmount `json:"fee"`
	Reference string      `json:"reference,omitempty"`
	Token     string      `json:"token,omitempty"`
	// Refunded is the total of a payment's refunds that have not failed.
	Refunded *EventAmount `json:"refunded,omitempty"`
	// Payment is what a refund gives back, and Hold the hold that a part draws from.
	Payment string `json:"payment,omitempty"`
	Hold    string `json:"hold,omitempty"`
	Code    string `json:"code,omitempty"` // why it is in this state
	Message string `json:"message,omitempty"`
}

// data is the transaction in an event, with its state in the words of the JSON API.
func (t *Transaction) data() TransactionData {
	fee := t.FeeCharged()
	if fee.Micro < 0 {
		fee = money.Micros(0).Sub(fee) // of a refund: what is given back
	}
	return TransactionData{
		ID: string(t.ID), State: t.paidState(), Amount: eventAmount(t.Amount), Reference: string(t.Reference),
		Token: string(t.Token), Fee: eventAmount(fee), Code: string(t.StatusCode), Message: t.StatusMessage,
	}
}

// paidState is the state of a payment or a refund in the words of the JSON API.
func (t *Transaction) paidState() string {
	switch t.State {
	case Success:
		return "succeeded"
	case Failure:
		return "failed"
	case Cancelled:
		return "cancelled"
	case None, Pending, Reserved, Settling:
	}
	return "pending"
}

// EventData is a transaction as an event tells of it: JSON. A Reserve is a hold
// that was never raised, renewed or settled in parts.
func (t *Transaction) EventData() string {
	switch {
	case t.Hold():
		return Hold{Members: []Transaction{*t}}.EventData()
	case t.Refunds():
		return encoded(t.refundData())
	}
	d := t.data()
	d.Refunded = maybeEventAmount(t.Refunded)
	if t.Kind == KindPart {
		d.Hold = string(t.Parent)
	}
	return encoded(d)
}

func (t *Transaction) refundData() TransactionData {
	d := t.data()
	d.Payment = string(t.Parent)
	return d
}

// A HoldData is a hold in an event.
type HoldData struct {
	ID        string      `json:"id"`
	State     HoldState   `json:"state"`
	Amount    EventAmount `json:"amount"`
	Open      EventAmount `json:"open"`
	Settled   EventAmount `json:"settled"`
	Released  EventAmount `json:"released"`
	Refunded  EventAmount `json:"refunded"`
	Fee       EventAmount `json:"fee"`
	Reference string      `json:"reference,omitempty"`
	Token     string      `json:"token,omitempty"`
	Deadline  string      `json:"deadline,omitempty"`
	Payment   string      `json:"payment,omitempty"` // that settled a part, or failed to
	Code      string      `json:"code,omitempty"`    // why it is in this state
	Message   string      `json:"message,omitempty"`
}

// EventData is the hold as an event tells of it: JSON.
func (h Hold) EventData() string { return encoded(h.data()) }

func (h Hold) data() HoldData {
	root := h.Root()
	return HoldData{
		ID: string(root.ID), State: h.State(), Amount: eventAmount(h.Amount()), Open: eventAmount(h.Open()),
		Settled: eventAmount(h.Settled()), Released: eventAmount(h.Released()), Refunded: eventAmount(h.Refunded()),
		Fee: eventAmount(h.feeCharged()), Reference: string(root.Reference), Token: string(root.Token),
		Deadline: eventTime(h.Deadline()), Code: string(root.StatusCode), Message: root.StatusMessage,
	}
}

// feeCharged is the operator's fee for what was settled. The fee of a member with
// parts is that of its parts.
func (h Hold) feeCharged() money.Amount {
	of := sum(h.Parts, Transaction.FeeCharged)
	for _, m := range h.Members {
		if !m.Parted() {
			of = of.Add(m.FeeCharged())
		}
	}
	return of
}

// Event is what the change tells the caller of its transaction. ok is false if it tells nothing. The event has no
// number yet.
func (c *Change) Event() (e Event, ok bool) {
	t := &c.After
	kind := c.eventType()
	if kind == "" {
		return Event{}, false
	}
	return Event{Caller: t.Caller, Type: kind, ObjectID: string(t.ID), At: c.At, Data: t.EventData()}, true
}

// eventType is the type of the change's event, or empty.
func (c *Change) eventType() EventType {
	if !c.Effective() {
		return ""
	}
	switch c.After.Kind {
	case KindReserve:
		return c.holdEvent()
	case KindPart, KindPay, KindFundPrepaid, KindSettleDebt:
		return paidEvent(c.After.State, EventPaymentPending, EventPaymentSucceeded, EventPaymentFailed, EventPaymentCancelled)
	case KindRefund, KindOutsideRefund:
		return paidEvent(c.After.State, EventRefundPending, EventRefundSucceeded, EventRefundFailed, "")
	case KindWriteOffDebt, KindCommission, KindDeposit, KindDispute, KindDisputeReturn, KindRefundReversal:
	}
	return ""
}

// UnderWay is the event of a transaction that the card network was asked about, as
// it is. ok is false if the answer tells nothing. The event has no number yet.
func (t *Transaction) UnderWay(at time.Time) (e Event, ok bool) {
	var kind EventType
	switch {
	case t.Kind == KindReserve && t.State == Pending && !t.joint():
		kind = EventHoldPending
	case t.Kind == KindReserve && t.State == Settling && !t.joint():
		kind = EventHoldSettling
	case t.State != Pending && t.State != Settling:
	case t.Kind == KindRefund:
		kind = EventRefundPending
	case t.Kind == KindPay, t.Kind == KindFundPrepaid, t.Kind == KindSettleDebt, t.Kind == KindPart:
		kind = EventPaymentPending
	}
	return Event{Caller: t.Caller, Type: kind, ObjectID: string(t.ID), At: at, Data: t.EventData()}, kind != ""
}

func paidEvent(s State, pending, succeeded, failed, cancelled EventType) EventType {
	switch s {
	case Pending, Settling:
		return pending
	case Success:
		return succeeded
	case Failure:
		return failed
	case Cancelled:
		return cancelled
	case None, Reserved:
	}
	return ""
}

// holdEvent is the event of a step of a hold, unless it has several members or
// parts.
func (c *Change) holdEvent() EventType {
	if c.Joint() {
		return ""
	}
	switch c.Verb {
	case VerbReserve:
		return EventHoldPending
	case VerbApprove:
		return EventHoldHeld
	case VerbDecline:
		return EventHoldDeclined
	case VerbSettle:
		return EventHoldSettling
	case VerbLower:
		return EventHoldLowered
	case VerbCapture, VerbClose:
		return EventHoldSettled
	case VerbCaptureDecline:
		return EventHoldSettleFailed
	case VerbCancel:
		return EventHoldReleased
	case VerbExpire:
		return EventHoldExpired
	case VerbPay, VerbTransfer, VerbRefund, VerbCharge, VerbReturn, VerbTimeOut, VerbLateCharge, VerbLateReturn:
	}
	return ""
}

// Event is the event of a payment or a hold whose total of refunds changes. It has
// no number yet.
func (c *OriginalChange) Event(at time.Time) Event {
	t, kind := &c.After, EventPaymentRefunded
	if t.Hold() {
		kind = EventHoldRefunded
	}
	return Event{Caller: t.Caller, Type: kind, ObjectID: string(t.ID), At: at, Data: t.EventData()}
}

// Reversed is the event of a refund whose money has come back after its success.
func (t *Transaction) Reversed(at time.Time) Event {
	d := t.refundData()
	d.State, d.Fee = "failed", eventAmount(money.Micros(0))
	return Event{Caller: t.Caller, Type: EventRefundFailed, ObjectID: string(t.ID), At: at, Data: encoded(d)}
}

// apiWord is a word of the engine as the JSON API writes it: "single_use" for
// "SingleUse". A token that settles a debt has a word that cannot be taken for the
// settle of a hold.
func apiWord[E ~string](word E) string {
	if TokenUse(word) == UseSettle {
		return "settle_debt"
	}
	var b strings.Builder
	for i, c := range string(word) {
		if i > 0 && unicode.IsUpper(c) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// A TokenData is a token in an event.
type TokenData struct {
	ID        string       `json:"id"`
	State     string       `json:"state"`
	Type      string       `json:"type"`
	Use       string       `json:"use"`
	Reference string       `json:"reference,omitempty"`
	Amount    *EventAmount `json:"amount,omitempty"` // that is allowed for one payment
	Bound     string       `json:"amount_type,omitempty"`
	Starts    string       `json:"starts"`
	Expires   string       `json:"expires,omitempty"`
	UsedBy    string       `json:"used_by,omitempty"`
	Replaces  string       `json:"replaces,omitempty"`
}

// data is the token in an event at a time of its caller.
func (t Token) data(at time.Time) TokenData {
	state := "active"
	switch {
	case t.Cancelled:
		state = "cancelled"
	case t.UsedBy != "":
		state = "used"
	case t.expired(at):
		state = "expired"
	}
	return TokenData{
		ID: string(t.ID), State: state, Type: apiWord(t.Type), Use: apiWord(t.Use), Reference: string(t.Reference),
		Amount: maybeEventAmount(t.Amount), Bound: apiWord(t.AmountType), Starts: eventTime(t.Begins()),
		Expires: eventTime(t.Expires), UsedBy: string(t.UsedBy), Replaces: string(t.OldToken),
	}
}

// Event is an event of the token. It has no number yet.
func (t Token) Event(kind EventType, at time.Time) Event {
	return Event{Caller: t.Caller, Type: kind, ObjectID: string(t.ID), At: at, Data: encoded(t.data(at))}
}
