package stripe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

const message = `{"id":"evt_1","object":"event","type":"refund.failed","created":1796000000,"livemode":false,
 "api_version":"2099-01-01.future","a_new_field":{"x":[1]},"data":{"object":{"id":"re_1","object":"refund",
 "payment_intent":"pi_1","metadata":{"holdfast_key":"R1/Return"},"amount":"a new kind of amount"}}}`

func (s *stand) hear(signature, body string) (card.Event, error) {
	e, err := s.client.Hear(map[string][]string{"Stripe-Signature": {signature}}, []byte(body), s.clock.Now())
	s.texts = append(s.texts, fmt.Sprint(e, err))
	return e, err
}

func TestS18Messages(t *testing.T) {
	s := newStand(t)
	now := s.clock.Now()
	sign := func(secret string, at time.Time) string { return stripefake.Signature(secret, []byte(message), at) }
	want := card.Event{
		ID: "evt_1", Type: "refund.failed", Object: "re_1", Parent: "pi_1", Key: "R1/Return",
		Created: time.Unix(1796000000, 0).UTC(),
	}
	good := sign("whsec_first", now)
	_, sum, _ := strings.Cut(good, "v1=")
	stamp := fmt.Sprintf("t=%d", now.Unix())
	for name, signature := range map[string]string{
		"first secret":    good,
		"second secret":   sign("whsec_second", now),
		"old but in time": sign("whsec_first", now.Add(-300*time.Second)),
		"two sums":        stamp + ",v1=" + strings.Repeat("00", 32) + ",v1=" + sum,
		"with others":     stamp + ",v0=" + strings.Repeat("11", 32) + ", v1=" + sum + ",v2=zz",
	} {
		if got, err := s.hear(signature, message); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, signature := range map[string]string{
		"none":                "",
		"wrong secret":        sign("whsec_third", now),
		"empty secret":        sign("", now),
		"too old":             sign("whsec_first", now.Add(-301*time.Second)),
		"from the future":     sign("whsec_first", now.Add(301*time.Second)),
		"no time":             "v1=" + sum,
		"time not signed":     fmt.Sprintf("t=%d,v1=%s", now.Unix()+1, sum),
		"two times":           stamp + "," + stamp + ",v1=" + sum,
		"no v1":               stamp + ",v0=" + sum,
		"not hex":             stamp + ",v1=" + strings.Repeat("zz", 32),
		"short":               stamp + ",v1=" + sum[:62],
		"time that is no one": "t=now,v1=" + sum,
	} {
		_, err := s.hear(signature, message)
		refused, ok := errors.AsType[*card.MessageError](err)
		if !ok || refused.Foreign || refused.Reason == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range message {
		changed := []byte(message)
		changed[i] ^= 1
		if _, err := s.hear(good, string(changed)); err == nil {
			t.Fatalf("byte %d can be changed", i)
		}
	}
	long := strings.Repeat(" ", 300<<10)
	if _, err := s.hear(stripefake.Signature("whsec_first", []byte(long), now), long); err == nil {
		t.Error("a message of 300 KiB is read")
	}
}

func TestS19MessagesOfOthers(t *testing.T) {
	s := newStand(t)
	for _, test := range []struct {
		change  [2]string
		foreign bool
	}{
		{[2]string{`"livemode":false`, `"livemode":true`}, true},
		{[2]string{`"livemode":false`, `"livemode":false,"account":"acct_other"`}, true},
		{[2]string{`"object":"event"`, `"object":"v2.core.event"`}, false},
		{[2]string{`"id":"evt_1"`, `"id":"evt 1"`}, false},
		{[2]string{`"type":"refund.failed"`, `"type":""`}, false},
		{[2]string{`{"id":"evt_1"`, `<html>{"id":"evt_1"`}, false},
	} {
		body := strings.Replace(message, test.change[0], test.change[1], 1)
		_, err := s.hear(stripefake.Signature("whsec_first", []byte(body), s.clock.Now()), body)
		refused, ok := errors.AsType[*card.MessageError](err)
		if !ok || refused.Foreign != test.foreign {
			t.Errorf("%s: %v", test.change[1], err)
		}
	}
}

// Hostile parts of a signed message are dropped.
func TestMessagesWithStrangeParts(t *testing.T) {
	s := newStand(t)
	for _, object := range []string{
		`{"id":"../../x","payment_intent":{"id":"pi_1?x"},"metadata":{"holdfast_key":"a b"}}`,
		`{"id":7,"payment_intent":[],"metadata":[]}`,
		`null`,
	} {
		body := `{"id":"evt_1","object":"event","type":"refund.failed","livemode":false,"data":{"object":` + object + `}}`
		got, err := s.hear(stripefake.Signature("whsec_first", []byte(body), s.clock.Now()), body)
		if got.Object != "" || got.Parent != "" || got.Key != "" {
			t.Errorf("%s: %+v, %v", object, got, err)
		}
	}
}

func FuzzHear(f *testing.F) {
	client := stripe.New(stripe.Config{
		Account: payment.NetworkAccount{ID: "N1", Mode: payment.NetworkTest},
		Secrets: secrets{key: stripefake.TestKey, events: []string{"whsec_first"}}, Now: holdfasttest.NewClock().Now,
	})
	f.Add("t=1,v1=00", []byte(message))
	f.Fuzz(func(t *testing.T, signature string, body []byte) {
		now := time.Unix(1796000000, 0)
		if e, err := client.Hear(map[string][]string{"Stripe-Signature": {signature}}, body, now); err == nil {
			t.Errorf("a message that nobody has signed is event %s", e.ID)
		}
		good := stripefake.Signature("whsec_first", body, now)
		if e, err := client.Hear(map[string][]string{"Stripe-Signature": {good}}, body, now); err == nil && e.ID == "" {
			t.Error("an event without an id")
		}
	})
}

// look reads all events since the beginning and looks at the last one of a type.
func (s *stand) look(kind string) card.Finding {
	s.t.Helper()
	events, err := s.client.Events(context.Background(), s.clock.Now().Add(-29*24*time.Hour))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range slices.Backward(events) {
		if e.Type != kind {
			continue
		}
		found, err := s.client.Look(context.Background(), e)
		if err != nil {
			s.t.Fatal(err)
		}
		// An event that says less, as one of a later version may, leads to the same.
		e.Parent, e.Key = "", ""
		again, err := s.client.Look(context.Background(), e)
		if err != nil || fmt.Sprint(again.Payment) != fmt.Sprint(found.Payment) {
			s.t.Errorf("%s without its parent: %+v, %v", kind, again, err)
		}
		return found
	}
	s.t.Fatalf("there is no event %s in %d events", kind, len(events))
	return card.Finding{}
}

func TestLookAtPayments(t *testing.T) {
	s := newStand(t)
	c := s.card("visa")
	id := s.held(c, 4250)
	found := s.look("payment_intent.amount_capturable_updated").Payment
	if found == nil || found.Reference != id || found.Key != "T1/Authorize" || found.Held != 42_500_000 || found.Ended {
		t.Fatalf("a hold is %+v", found)
	}
	q := s.about(payment.StepCapture, c, 4000, id)
	s.settle(q)
	found = s.look("payment_intent.succeeded").Payment
	if found.Held != 0 || found.Captured != 40_000_000 || len(found.Refunds) != 1 || !found.Refunds[0].Rest {
		t.Fatalf("a capture of less is %+v", found)
	}
	if _, err := s.fake.Refund(id, 250); err != nil { // in the dashboard, and as much as the rest
		t.Fatal(err)
	}
	s.settle(s.about(payment.StepReturn, c, 1000, id))
	found = s.look("charge.refunded").Payment
	var ours, rests, others int
	for _, r := range found.Refunds {
		switch {
		case r.Key == "T1/Return" && r.Micro == 10_000_000 && r.Paid && !r.Rest && !r.Failed:
			ours++
		case r.Rest && r.Key == "":
			rests++
		case r.Key == "" && r.Micro == 2_500_000:
			others++
		}
	}
	if ours != 1 || rests != 1 || others != 1 {
		t.Errorf("refunds are %+v", found.Refunds)
	}
	refund := ""
	for _, r := range found.Refunds {
		if r.Key != "" {
			refund = r.Reference
		}
	}
	s.clock.Advance(time.Minute)
	if err := s.fake.FailRefund(refund, "lost_or_stolen_card"); err != nil {
		t.Fatal(err)
	}
	found = s.look("refund.failed").Payment
	for _, r := range found.Refunds {
		if r.Failed != (r.Reference == refund) {
			t.Errorf("a refund is %+v, but %s has failed", r, refund)
		}
	}
}

func TestLookAtLapsedHold(t *testing.T) {
	s := newStand(t)
	id := s.held(s.card("visa"), 4250)
	s.clock.Advance(5 * 24 * time.Hour)
	for _, kind := range []string{"payment_intent.canceled", "charge.expired"} {
		found := s.look(kind).Payment
		if found == nil || found.Reference != id || !found.Ended || found.Held != 0 || found.Captured != 0 {
			t.Errorf("%s: %+v", kind, found)
		}
		for _, r := range found.Refunds {
			if !r.Rest {
				t.Errorf("a lapsed hold has the refund %+v", r)
			}
		}
	}
}

func TestLookAtDisputes(t *testing.T) {
	s := newStand(t)
	charged, _ := s.settle(s.question(payment.StepCharge, s.card("visa"), 4250))
	id, err := s.fake.Dispute(charged.Authorization, "fraudulent", false)
	if err != nil {
		t.Fatal(err)
	}
	found := s.look("charge.dispute.created").Payment
	if found == nil || len(found.Disputes) != 1 {
		t.Fatalf("found %+v", found)
	}
	d := found.Disputes[0]
	if d.Reference != id || d.Reason != "fraudulent" || d.Micro != 42_500_000 || d.Inquiry || d.Won || d.Lost || d.Due.IsZero() {
		t.Errorf("the dispute is %+v", d)
	}
	if err := s.fake.CloseDispute(id, true); err != nil {
		t.Fatal(err)
	}
	if d := s.look("charge.dispute.closed").Payment.Disputes[0]; !d.Won || d.Lost {
		t.Errorf("the dispute is %+v", d)
	}
	if s.look("charge.dispute.funds_reinstated").Payment.Reference != charged.Authorization {
		t.Error("the money that came back is of another payment")
	}
	if err := s.fake.Warn(charged.Authorization); err != nil {
		t.Fatal(err)
	}
	events, err := s.client.Events(context.Background(), s.clock.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(events, func(e card.Event) bool { return e.Type == "radar.early_fraud_warning.created" })
	warned, err := s.client.Look(context.Background(), events[i])
	if err != nil || warned.Payment == nil || !warned.Payment.Warned {
		t.Errorf("a warning finds %+v, %v", warned, err)
	}
}

func TestLookAtPagesCardsAndPayouts(t *testing.T) {
	s := newStand(t)
	page := s.open(s.collection(s.customer(), false))
	if _, err := s.fake.Submit(page.ID, stripefake.Typed{Number: "4242424242424242"}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"checkout.session.completed", "setup_intent.succeeded"} {
		found := s.look(kind)
		if found.PageID != page.ID || found.Page == nil || found.Page.State != card.PageComplete || found.Page.Key != "visit/V1/1" {
			t.Errorf("%s: %+v", kind, found)
		}
	}
	ref := s.collected(page.ID).Card.Ref
	if err := s.fake.UpdateCard(ref, 1, 2035); err != nil {
		t.Fatal(err)
	}
	if found := s.look("payment_method.automatically_updated"); found.Removed != "" {
		t.Errorf("a card with a new date was removed: %+v", found)
	}
	if err := s.fake.Detach(ref); err != nil {
		t.Fatal(err)
	}
	if found := s.look("payment_method.detached"); found.Removed != ref {
		t.Errorf("a removed card is %+v", found)
	}
	s.settle(s.question(payment.StepCharge, s.card("visa"), 4250))
	payout := s.fake.Payout(false)
	if found := s.look("payout.reconciliation_completed"); found.Payout != payout {
		t.Errorf("a payout is %+v", found)
	}
}

func TestS23UnknownEvents(t *testing.T) {
	s := newStand(t)
	for _, e := range []card.Event{
		{ID: "evt_1", Type: "a_new_thing.happened", Object: "new_1"},
		{ID: "evt_2", Type: "payment_intent.succeeded", Object: "pi_unheard"},
		{ID: "evt_3", Type: "charge.refunded", Object: "ch_unheard"},
		{ID: "evt_4", Type: "checkout.session.completed", Object: "cs_test_unheard"},
		{ID: "evt_5", Type: "setup_intent.succeeded", Object: "seti_unheard"},
		{ID: "evt_6", Type: "payout.paid", Object: "po_unheard"},
		{ID: "evt_7", Type: "review.opened", Object: "prv_unheard"},
		{ID: "evt_8", Type: "charge.refunded"},
	} {
		found, err := s.client.Look(context.Background(), e)
		if err != nil || found != (card.Finding{}) {
			t.Errorf("%s: %+v, %v", e.Type, found, err)
		}
	}
}

// All events are read, also if there are more than Stripe lists at once, the
// oldest first.
func TestS20EventsArePolled(t *testing.T) {
	s := newStand(t)
	c := s.card("visa")
	begin := s.clock.Now()
	const payments = 130
	for i := range payments {
		q := s.question(payment.StepCharge, c, 100)
		q.Transaction = holdfast.TransactionID(fmt.Sprintf("T%d", i))
		s.settle(q)
		s.clock.Advance(17 * time.Minute)
	}
	events, err := s.client.Events(context.Background(), begin)
	if err != nil {
		t.Fatal(err)
	}
	succeeded, last := map[string]bool{}, begin.Add(-time.Second)
	for _, e := range events {
		if e.Created.Before(last) {
			t.Fatalf("event %s is older than the one before", e.ID)
		}
		last = e.Created
		if e.Type == "payment_intent.succeeded" {
			succeeded[e.Object] = true
		}
	}
	if len(succeeded) != payments {
		t.Errorf("read %d payments, want %d", len(succeeded), payments)
	}
	later, err := s.client.Events(context.Background(), last)
	if err != nil || len(later) == 0 || later[0].Created.Before(last.Truncate(time.Second)) {
		t.Errorf("since the last one: %d events, %v", len(later), err)
	}
}

// Readings overlap by minutes. In a busy shop, the overlap alone has very many
// events, and each reading must get further all the same.
func TestManyEventsInAFewMinutes(t *testing.T) {
	s := newStand(t)
	c := s.card("visa")
	begin := s.clock.Now()
	s.fake.Set(func(settings *stripefake.Settings) { settings.Validate = nil }) // other tests send the same
	const payments = 350
	for i := range payments {
		q := s.question(payment.StepAuthorize, c, 100)
		q.Transaction = holdfast.TransactionID(fmt.Sprintf("T%d", i))
		held, _ := s.settle(q)
		q.Step, q.Authorization = payment.StepCapture, held.Authorization
		s.settle(q)
		s.clock.Advance(500 * time.Millisecond)
	}
	events, err := s.client.Events(context.Background(), begin)
	if err != nil {
		t.Fatal(err)
	}
	succeeded := map[string]bool{}
	for _, e := range events {
		if e.Type == "payment_intent.succeeded" {
			succeeded[e.Object] = true
		}
	}
	if len(events) <= 1000 || len(succeeded) != payments {
		t.Errorf("%d events of %d payments", len(events), len(succeeded))
	}
}
