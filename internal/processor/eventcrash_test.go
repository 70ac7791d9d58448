package processor_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A server that ends in the middle of its work leaves the events to others when
// its leases are over.
func TestEventsSurviveACrash(t *testing.T) {
	atStripe(t, func(s striped) {
		hold := s.Reserved("42.50", "order-1")
		s.must(s.fake.Lapse(s.intent(hold.ID)))
		s.deliver()
		s.Clock.Advance(2 * time.Second)
		s.must(s.DB.Background(t.Context(), func(tx *store.Tx) error { // a server claims them and is killed
			claimed, err := tx.ClaimNetworkEvents(s.Clock.Now(), s.Clock.Now().Add(10*time.Minute), 100)
			if err == nil && len(claimed) == 0 {
				t.Error("there are no events to claim")
			}
			return err
		}))
		s.work()
		s.WantState(hold.ID, payment.Reserved)
		s.Clock.Advance(10 * time.Minute)
		s.work()
		s.WantState(hold.ID, payment.Cancelled)
	})
}

// Two servers work off the same events, polled and delivered. Each thing is booked
// once.
func TestTwoServersHearTheSame(t *testing.T) {
	atStripe(t, func(s striped) {
		other := processor.New(s.DB, s.Processor.Config)
		defer other.Close()
		sold := s.settled("40.00")
		for _, cents := range []int64{100, 200, 300} {
			_, err := s.fake.Refund(s.intent(sold.ID), cents)
			s.must(err)
		}
		_, err := s.fake.Dispute(s.intent(sold.ID), "fraudulent", false)
		s.must(err)
		s.deliver()
		s.Clock.Advance(2 * time.Second)
		for range 5 {
			var both sync.WaitGroup
			for _, p := range []*processor.Processor{s.Processor, other} {
				both.Go(func() {
					if _, err := p.WorkEvents(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			s.Clock.Advance(time.Minute)
		}
		s.CheckBooks()
		s.wantBalance("-6.00") // the fake's disputes are about the whole payment
		if n := len(s.childrenOf(sold.ID)); n != 4 {
			t.Errorf("the books have %v", s.children(sold.ID))
		}
	})
}

// A status that nobody knows, and further fields, are tolerated.
func TestS23WhatNobodyKnows(t *testing.T) {
	atStripe(t, func(s striped) {
		sold := s.settled("")
		s.fake.Set(func(settings *stripefake.Settings) { settings.Alter = invented })
		dispute, err := s.fake.Dispute(s.intent(sold.ID), "fraudulent", false)
		s.must(err)
		s.heard()
		s.WantState(sold.ID, payment.Success)
		s.wantLetters(payment.AboutDispute) // money has moved, whatever the status is called
		s.fake.Set(func(settings *stripefake.Settings) { settings.Alter = nil })
		s.must(s.fake.CloseDispute(dispute, true))
		s.heard()
		s.wantBalance("42.50")
	})
}

// invented gives disputes a status that does not exist.
func invented(_ *http.Request, answer map[string]any) {
	list, _ := answer["data"].([]any)
	for _, one := range append(list, answer) {
		if o, ok := one.(map[string]any); ok && o["object"] == "dispute" {
			o["status"], o["invented"] = "being_pondered", true
		}
	}
}
