package payment_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// noMoney is a transaction in which nothing has moved yet.
func noMoney(t payment.Transaction) payment.Transaction {
	zero := money.Micros(0)
	t.Settled, t.Taken, t.Taking, t.Lowered = zero, zero, zero, zero
	t.Fee, t.Commission, t.Refunded, t.FeeReturned, t.CommissionReturned = zero, zero, zero, zero, zero
	return t
}

var eventStart = time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)

// A change tells of its transaction by its kind and its step.
func TestWhatAChangeTells(t *testing.T) {
	for _, row := range []struct {
		kind payment.Kind
		verb payment.Verb
		to   payment.State
		want payment.EventType
	}{
		{payment.KindReserve, payment.VerbReserve, payment.Pending, payment.EventHoldPending},
		{payment.KindReserve, payment.VerbApprove, payment.Reserved, payment.EventHoldHeld},
		{payment.KindReserve, payment.VerbDecline, payment.Failure, payment.EventHoldDeclined},
		{payment.KindReserve, payment.VerbSettle, payment.Settling, payment.EventHoldSettling},
		{payment.KindReserve, payment.VerbCapture, payment.Success, payment.EventHoldSettled},
		{payment.KindReserve, payment.VerbCaptureDecline, payment.Failure, payment.EventHoldSettleFailed},
		{payment.KindReserve, payment.VerbCancel, payment.Cancelled, payment.EventHoldReleased},
		{payment.KindReserve, payment.VerbExpire, payment.Cancelled, payment.EventHoldExpired},
		{payment.KindReserve, payment.VerbLower, payment.Reserved, payment.EventHoldLowered},
		{payment.KindReserve, payment.VerbClose, payment.Success, payment.EventHoldSettled},
		{payment.KindPart, payment.VerbSettle, payment.Settling, payment.EventPaymentPending},
		{payment.KindPart, payment.VerbCapture, payment.Success, payment.EventPaymentSucceeded},
		{payment.KindPart, payment.VerbCaptureDecline, payment.Failure, payment.EventPaymentFailed},
		{payment.KindPay, payment.VerbPay, payment.Pending, payment.EventPaymentPending},
		{payment.KindPay, payment.VerbCharge, payment.Success, payment.EventPaymentSucceeded},
		{payment.KindPay, payment.VerbTransfer, payment.Success, payment.EventPaymentSucceeded},
		{payment.KindPay, payment.VerbDecline, payment.Failure, payment.EventPaymentFailed},
		{payment.KindPay, payment.VerbTimeOut, payment.Failure, payment.EventPaymentFailed},
		{payment.KindPay, payment.VerbCancel, payment.Cancelled, payment.EventPaymentCancelled},
		{payment.KindPay, payment.VerbLateCharge, payment.Failure, ""}, // money that goes back at once
		{payment.KindFundPrepaid, payment.VerbCharge, payment.Success, payment.EventPaymentSucceeded},
		{payment.KindSettleDebt, payment.VerbCharge, payment.Success, payment.EventPaymentSucceeded},
		{payment.KindRefund, payment.VerbRefund, payment.Pending, payment.EventRefundPending},
		{payment.KindRefund, payment.VerbReturn, payment.Success, payment.EventRefundSucceeded},
		{payment.KindRefund, payment.VerbTransfer, payment.Success, payment.EventRefundSucceeded},
		{payment.KindRefund, payment.VerbDecline, payment.Failure, payment.EventRefundFailed},
		{payment.KindOutsideRefund, payment.VerbTransfer, payment.Success, payment.EventRefundSucceeded},
		{payment.KindCommission, payment.VerbTransfer, payment.Success, ""},
		{payment.KindDeposit, payment.VerbTransfer, payment.Success, ""},
		{payment.KindReserve, "", payment.Reserved, ""}, // only a question or an answer
	} {
		c := payment.Change{
			After: noMoney(payment.Transaction{
				ID: "T1", Caller: "C1", Kind: row.kind, State: row.to, Amount: money.Cents(1250),
			}),
			Verb: row.verb, At: eventStart,
		}
		e, ok := c.Event()
		if e.Type != row.want || ok != (row.want != "") {
			t.Errorf("%s of a %s to %s tells %q", row.verb, row.kind, row.to, e.Type)
		}
		if ok && (e.ObjectID != "T1" || e.Caller != "C1" || !e.At.Equal(eventStart)) {
			t.Errorf("%s is about %s of %s at %v", e.Type, e.ObjectID, e.Caller, e.At)
		}
	}
}

// Every step that a hold, a payment or a refund can take to another state has an
// event, so that a receiver of events is never behind.
func TestEveryStepTells(t *testing.T) {
	for _, kind := range []payment.Kind{payment.KindReserve, payment.KindPay, payment.KindRefund} {
		for _, from := range payment.States {
			for _, verb := range payment.Verbs {
				to, ok := from.After(verb)
				if !ok || !kind.May(verb) || to == from {
					continue
				}
				c := payment.Change{
					After: noMoney(payment.Transaction{ID: "T1", Kind: kind, State: to, Amount: money.Cents(1)}), Verb: verb,
				}
				e, ok := c.Event()
				if !ok || !slices.Contains(payment.EventTypes, e.Type) {
					t.Errorf("%s of a %s from %s to %s tells %q", verb, kind, from, to, e.Type)
				}
			}
		}
	}
}

// The data of an event is the object, in words and amounts of the JSON API.
func TestEventData(t *testing.T) {
	hold := noMoney(payment.Transaction{
		ID: "T1", Caller: "C1", Kind: payment.KindReserve, Reference: "order-1", Token: "K1", State: payment.Success,
		StatusCode: holdfast.CodeSuccess, StatusMessage: "paid", Amount: money.Cents(2000),
		Deadline: eventStart.Add(time.Hour), Steps: 4,
	})
	hold.Settled, hold.Fee, hold.Refunded = money.Cents(1250), money.Micros(336_500), money.Cents(250)
	lapsed := hold
	lapsed.State, lapsed.StatusCode, lapsed.StatusMessage = payment.Cancelled, holdfast.CodeExpired, ""
	lapsed.Settled, lapsed.Refunded, lapsed.Fee = money.Micros(0), money.Micros(0), money.Micros(0)
	held := lapsed
	held.State, held.StatusCode = payment.Reserved, holdfast.CodeSuccess
	refund := payment.Transaction{
		ID: "T2", Kind: payment.KindRefund, Parent: "T1", Reference: "back-1", State: payment.Success, Amount: money.Cents(250),
		Fee: money.Micros(-100_000), StatusCode: holdfast.CodeSuccess,
	}
	token := payment.Token{
		ID: "K1", Type: holdfast.TokenSingleUse, Use: payment.UsePay, Reference: "cart-1", Amount: money.Cents(2000),
		AmountType: holdfast.AmountMaximum, Installed: eventStart, Expires: eventStart.Add(3 * time.Hour), UsedBy: "T1",
	}
	for _, row := range []struct{ name, got, want string }{
		{"a settled hold", hold.EventData(), `{"id":"T1","state":"settled","amount":{"amount":"20.00","currency":"USD"},` +
			`"open":{"amount":"0.00","currency":"USD"},"settled":{"amount":"12.50","currency":"USD"},` +
			`"released":{"amount":"7.50","currency":"USD"},"refunded":{"amount":"2.50","currency":"USD"},` +
			`"fee":{"amount":"0.3365","currency":"USD"},"reference":"order-1","token":"K1","code":"Success","message":"paid"}`},
		{"a hold", held.EventData(), `{"id":"T1","state":"held","amount":{"amount":"20.00","currency":"USD"},` +
			`"open":{"amount":"20.00","currency":"USD"},"settled":{"amount":"0.00","currency":"USD"},` +
			`"released":{"amount":"0.00","currency":"USD"},"refunded":{"amount":"0.00","currency":"USD"},` +
			`"fee":{"amount":"0.00","currency":"USD"},"reference":"order-1","token":"K1",` +
			`"deadline":"2026-11-30T11:00:00.000Z","code":"Success"}`},
		{"an expired hold", lapsed.EventData(), `{"id":"T1","state":"expired","amount":{"amount":"20.00","currency":"USD"},` +
			`"open":{"amount":"0.00","currency":"USD"},"settled":{"amount":"0.00","currency":"USD"},` +
			`"released":{"amount":"20.00","currency":"USD"},"refunded":{"amount":"0.00","currency":"USD"},` +
			`"fee":{"amount":"0.00","currency":"USD"},"reference":"order-1","token":"K1","code":"Expired"}`},
		{"a refund", refund.EventData(), `{"id":"T2","state":"succeeded","amount":{"amount":"2.50","currency":"USD"},` +
			`"fee":{"amount":"0.10","currency":"USD"},"reference":"back-1","payment":"T1","code":"Success"}`},
		{"a token", token.Event(payment.EventTokenUsed, eventStart).Data, `{"id":"K1","state":"used","type":"single_use",` +
			`"use":"pay","reference":"cart-1","amount":{"amount":"20.00","currency":"USD"},"amount_type":"maximum",` +
			`"starts":"2026-11-30T10:00:00.000Z","expires":"2026-11-30T13:00:00.000Z","used_by":"T1"}`},
	} {
		if diff := cmp.Diff(row.want, row.got); diff != "" {
			t.Errorf("%s: %s", row.name, diff)
		}
	}
}

func anEvent() payment.Event {
	return payment.Event{
		Caller: "C1", Type: payment.EventHoldHeld, ObjectID: "T1", Seq: 2, At: eventStart, Created: eventStart, Position: 17,
		Data: `{"id":"T1"}`,
	}
}

// An event's id says where the event is. It changes with everything that does not
// change afterwards, so after a backup was restored, another event has another id.
func TestEventID(t *testing.T) {
	e := anEvent().Named()
	if object, seq, ok := e.ID.Place(); object != "T1" || seq != 2 || !ok {
		t.Errorf("%s is at %s, %d, %v", e.ID, object, seq, ok)
	}
	ids := map[payment.EventID]bool{e.ID: true}
	for name, change := range map[string]func(*payment.Event){
		"caller": func(e *payment.Event) { e.Caller = "C2" }, "object": func(e *payment.Event) { e.ObjectID = "T2" },
		"number": func(e *payment.Event) { e.Seq++ }, "type": func(e *payment.Event) { e.Type = payment.EventHoldExpired },
		"time": func(e *payment.Event) { e.Created = e.Created.Add(time.Microsecond) },
		"data": func(e *payment.Event) { e.Data = `{"id":"T1","state":"held"}` },
	} {
		other := anEvent()
		change(&other)
		if id := other.Named().ID; ids[id] {
			t.Errorf("with another %s, an event still has the id %s", name, id)
		} else {
			ids[id] = true
		}
	}
	placed := anEvent()
	placed.Position, placed.Placed = 18, eventStart
	if placed.Named().ID != e.ID {
		t.Error("an event gets another id when it gets its position")
	}
	for _, bad := range []payment.EventID{"", "evt_", "evt_T1", "evt_T1_X", "evt_T1_0_ABCDEFGH", "evt_T1_-1_A", "T1_2_A"} {
		if object, seq, ok := bad.Place(); ok {
			t.Errorf("%q is at %s, %d", bad, object, seq)
		}
	}
	want := `{"id":"` + string(e.ID) + `","type":"hold.held","timestamp":"2026-11-30T10:00:00.000Z","object":"hold",` +
		`"object_id":"T1","sequence":2,"data":{"id":"T1"}}`
	if diff := cmp.Diff(want, string(e.JSON())); diff != "" {
		t.Error(diff)
	}
}

// A cursor belongs to one caller.
func TestEventCursor(t *testing.T) {
	e := anEvent().Named()
	c := e.Cursor()
	if at, err := c.Position("C1"); at != 17 || err != nil {
		t.Errorf("the cursor is at %d, %v", at, err)
	}
	if at, err := payment.EventCursor("").Position("C1"); at != 0 || err != nil {
		t.Errorf("the beginning is at %d, %v", at, err)
	}
	if at, err := c.Position("C2"); !errors.Is(err, payment.ErrCursor) {
		t.Errorf("another caller's cursor is at %d, %v", at, err)
	}
	for _, bad := range []string{
		"17", "evt_T1_2", string(c) + "A", string(c[1:]), strings.Repeat("A", 10_000), "..", "MTcuLg", "\x00",
	} {
		if at, err := payment.EventCursor(bad).Position("C1"); !errors.Is(err, payment.ErrCursor) {
			t.Errorf("the cursor %.20q is at %d, %v", bad, at, err)
		}
	}
}

// Objects of types are those that are documented.
func TestEventObjects(t *testing.T) {
	known := []payment.EventObject{
		payment.ObjectHold, payment.ObjectPayment, payment.ObjectRefund, payment.ObjectToken, payment.ObjectCheckout,
		payment.ObjectEndpoint, payment.ObjectDispute,
	}
	for _, kind := range payment.EventTypes {
		if !slices.Contains(known, kind.Object()) {
			t.Errorf("%s is about a %q", kind, kind.Object())
		}
	}
}
