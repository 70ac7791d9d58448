package stripe_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/stripe"
)

// Ring asks for no money, and makes an event about a payment that is nobody's.
func TestRing(t *testing.T) {
	s := newStand(t)
	id, err := s.client.Ring(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if status := s.fake.Object(id)["status"]; status != "canceled" {
		t.Errorf("the payment is %v", status)
	}
	s.wantHeld()
	s.wantTried(0)
	events, err := s.client.Events(t.Context(), s.clock.Now().Add(-1))
	if err != nil || len(events) != 1 || events[0].Object != id || events[0].Key != "" {
		t.Fatalf("the events are %+v, %v", events, err)
	}
	found, err := s.client.Look(t.Context(), events[0])
	if err != nil || found.Payment != nil && found.Payment.Key != "" {
		t.Errorf("the payment is taken for ours: %+v, %v", found, err)
	}
}

// Knock is taken, and not kept: it is of the other mode. Nobody else can make it.
func TestKnock(t *testing.T) {
	s := newStand(t)
	header, body, ok := s.client.Knock(s.clock.Now())
	if !ok {
		t.Fatal("there is no message")
	}
	_, err := s.client.Hear(header, body, s.clock.Now())
	if refused, is := errors.AsType[*card.MessageError](err); !is || !refused.Foreign {
		t.Errorf("the message is heard with %v", err)
	}
	_, err = s.client.Hear(http.Header{"Stripe-Signature": header["Stripe-Signature"]}, append(body, ' '), s.clock.Now())
	if refused, is := errors.AsType[*card.MessageError](err); !is || refused.Foreign {
		t.Errorf("a changed message is heard with %v", err)
	}
	config := s.config
	config.Secrets = secrets{key: "rk_test_stripefake"}
	if _, _, ok := stripe.New(config).Knock(s.clock.Now()); ok {
		t.Error("an account without a secret has a message")
	}
	if strings.Contains(string(body), "whsec_") {
		t.Error("the secret is in the message")
	}
}
