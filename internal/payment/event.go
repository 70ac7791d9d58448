package payment

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// An EventID names an event of the JSON API, such as "evt_1MIT4PX…_2_K7Q2MPLD". It has the object, the event's
// number and a check of its content. So after a backup was restored, an event that takes the place of a lost one
// has another id.
type EventID string

// An EventObject is the kind of object that an event is about.
type EventObject string

// The kinds of objects.
const (
	ObjectHold     EventObject = "hold"
	ObjectPayment  EventObject = "payment"
	ObjectRefund   EventObject = "refund"
	ObjectToken    EventObject = "token"
	ObjectCheckout EventObject = "checkout"
	ObjectDispute  EventObject = "dispute"
	ObjectEndpoint EventObject = "endpoint"
)

// An EventType says what has happened to an object. It begins with the kind of the object and a dot.
type EventType string

// The types of events.
const (
	EventHoldPending      EventType = "hold.pending"
	EventHoldHeld         EventType = "hold.held"
	EventHoldDeclined     EventType = "hold.declined"
	EventHoldSettling     EventType = "hold.settling"
	EventHoldPartSettled  EventType = "hold.part_settled"
	EventHoldPartFailed   EventType = "hold.part_failed"
	EventHoldSettled      EventType = "hold.settled"
	EventHoldSettleFailed EventType = "hold.settle_failed"
	EventHoldLowered      EventType = "hold.lowered"
	EventHoldRaised       EventType = "hold.raised"
	EventHoldRaiseFailed  EventType = "hold.raise_failed"
	EventHoldRenewed      EventType = "hold.renewed"
	EventHoldRenewFailed  EventType = "hold.renew_failed"
	EventHoldReleased     EventType = "hold.released"
	EventHoldExpired      EventType = "hold.expired"
	EventHoldRefunded     EventType = "hold.refunded"
	EventHoldDeadlineNear EventType = "hold.deadline_near"

	EventPaymentPending   EventType = "payment.pending"
	EventPaymentSucceeded EventType = "payment.succeeded"
	EventPaymentFailed    EventType = "payment.failed"
	EventPaymentCancelled EventType = "payment.cancelled"
	EventPaymentRefunded  EventType = "payment.refunded"

	EventRefundPending   EventType = "refund.pending"
	EventRefundSucceeded EventType = "refund.succeeded"
	EventRefundFailed    EventType = "refund.failed"

	EventTokenCreated   EventType = "token.created"
	EventTokenUsed      EventType = "token.used"
	EventTokenCancelled EventType = "token.cancelled"

	EventCheckoutCreated   EventType = "checkout.created"
	EventCheckoutCompleted EventType = "checkout.completed"
	EventCheckoutCancelled EventType = "checkout.cancelled"
	EventCheckoutExpired   EventType = "checkout.expired"

	EventDisputeWarned        EventType = "dispute.warned"
	EventDisputeInquiry       EventType = "dispute.inquiry"
	EventDisputeInquiryClosed EventType = "dispute.inquiry_closed"
	EventDisputeOpened        EventType = "dispute.opened"
	EventDisputeWon           EventType = "dispute.won"
	EventDisputeLost          EventType = "dispute.lost"

	EventEndpointTest EventType = "endpoint.test"
)

// EventTypes lists every type.
var EventTypes = []EventType{
	EventHoldPending, EventHoldHeld, EventHoldDeclined, EventHoldSettling, EventHoldPartSettled, EventHoldPartFailed,
	EventHoldSettled, EventHoldSettleFailed, EventHoldLowered, EventHoldRaised, EventHoldRaiseFailed, EventHoldRenewed,
	EventHoldRenewFailed, EventHoldReleased, EventHoldExpired, EventHoldRefunded, EventHoldDeadlineNear,
	EventPaymentPending, EventPaymentSucceeded, EventPaymentFailed, EventPaymentCancelled, EventPaymentRefunded,
	EventRefundPending, EventRefundSucceeded, EventRefundFailed,
	EventTokenCreated, EventTokenUsed, EventTokenCancelled,
	EventCheckoutCreated, EventCheckoutCompleted, EventCheckoutCancelled, EventCheckoutExpired,
	EventDisputeWarned, EventDisputeInquiry, EventDisputeInquiryClosed,
	EventDisputeOpened, EventDisputeWon, EventDisputeLost,
	EventEndpointTest,
}

// Object is the kind of object that events of the type are about.
func (t EventType) Object() EventObject {
	object, _, _ := strings.Cut(string(t), ".")
	return EventObject(object)
}

// An Event of the JSON API is one change of an object. It is written in the commit of the change. Later it gets its
// position in the feed. Nothing else of it ever changes.
type Event struct {
	ID       EventID
	Caller   party.CallerID
	Type     EventType
	ObjectID string
	// Seq numbers the events of an object, from 1 and without gaps, in the order in which they happened.
	Seq      int
	At       time.Time // of the change, in the caller's time
	Created  time.Time // real time
	Position int64     // in the feed of all callers; 0 until it is placed
	Placed   time.Time // real time; zero until it is placed
	Data     string    // the object after the change, as JSON
}

// Object is the kind of object that the event is about.
func (e Event) Object() EventObject { return e.Type.Object() }

const (
	eventIDPrefix = "evt_"
	eventTagBytes = 5
)

// Named returns the event with its id.
func (e Event) Named() Event {
	e.ID = EventID(fmt.Sprintf("%s%s_%d_%s", eventIDPrefix, e.ObjectID, e.Seq,
		tagOf(string(e.Caller), e.ObjectID, strconv.Itoa(e.Seq), strconv.FormatInt(e.Created.UnixMicro(), 10),
			string(e.Type), e.Data)))
	return e
}

// Place returns the object and the number in an event's id. ok is false if it is no such id.
func (id EventID) Place() (object string, seq int, ok bool) {
	rest, ok := strings.CutPrefix(string(id), eventIDPrefix)
	i := strings.LastIndexByte(rest, '_')
	if !ok || i < 0 {
		return "", 0, false
	}
	rest = rest[:i]
	if i = strings.LastIndexByte(rest, '_'); i < 0 {
		return "", 0, false
	}
	seq, err := strconv.Atoi(rest[i+1:])
	return rest[:i], seq, err == nil && seq > 0
}

// tagOf is a short hash of some texts.
func tagOf(texts ...string) string {
	h := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:eventTagBytes])
}

// An EventMessage is an event as callers get it, from the feed and by webhook.
type EventMessage struct {
	ID       EventID         `json:"id"`
	Type     EventType       `json:"type"`
	At       string          `json:"timestamp"` // RFC 3339, in the caller's time
	Object   EventObject     `json:"object"`
	ObjectID string          `json:"object_id"`
	Seq      int             `json:"sequence"`
	Data     json.RawMessage `json:"data"`
}

// Message is the event as callers get it.
func (e Event) Message() EventMessage {
	return EventMessage{
		ID: e.ID, Type: e.Type, At: stamp(e.At), Object: e.Object(), ObjectID: e.ObjectID, Seq: e.Seq,
		Data: json.RawMessage(e.Data),
	}
}

// JSON is the event's message, encoded. It is the same whenever the event is sent.
func (e Event) JSON() []byte { return []byte(encoded(e.Message())) }

// encoded is a value of this package as JSON.
func encoded(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and numbers can always be encoded
	}
	return string(text)
}
