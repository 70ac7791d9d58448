package stripe_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// collection is a page of the first visit. It holds $42.50 if hold is set.
func (s *stand) collection(customer string, hold bool) card.Collection {
	c := card.Collection{
		Key: "visit/V1/1", Account: "N1", Visit: "V1", Caller: "C1", Customer: customer,
		Done: "https://pay.example/back?visit=V1&page={PAGE}", Back: "https://pay.example/choose?visit=V1",
		Language: "de-CH", Until: s.clock.Now().Add(time.Hour), Title: "Books & more",
	}
	if hold {
		c.Hold = &card.PageHold{Attempt: payment.Attempt{
			Caller: "C1", Transaction: "H1", Step: payment.StepAuthorize, Amount: money.Cents(4250), Descriptor: "HF*BOOKS",
		}}
	}
	return c
}

func (s *stand) customer() string {
	s.t.Helper()
	customer, err := s.client.Customer(context.Background(), card.Holder{
		Account: "N1", Party: "P1", Name: "Ann Buyer", Email: "ann@example.com",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return customer
}

func (s *stand) open(c card.Collection) card.Page {
	s.t.Helper()
	page, err := s.client.Open(context.Background(), c)
	if err != nil {
		s.t.Fatal(err)
	}
	return page
}

func (s *stand) collected(page string) card.Collected {
	s.t.Helper()
	got, err := s.client.Collected(context.Background(), page)
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

func TestCustomerIsMadeOnce(t *testing.T) {
	s := newStand(t)
	if a, b := s.customer(), s.customer(); a != b || !strings.HasPrefix(a, "cus_") {
		t.Errorf("customers %s and %s", a, b)
	}
	guest, err := s.client.Customer(context.Background(), card.Holder{Account: "N1", Party: "P2"})
	if err != nil || guest == s.customer() {
		t.Errorf("a guest is customer %s, %v", guest, err)
	}
}

// A customer that was deleted in the dashboard is not used again, also if its key is
// still known.
func TestCustomerIsDeleted(t *testing.T) {
	s := newStand(t)
	seen := map[string]bool{}
	for range 4 {
		customer := s.customer()
		if seen[customer] {
			t.Fatalf("customer %s is used again", customer)
		}
		seen[customer] = true
		s.delete("/v1/customers/" + customer)
		for _, hold := range []bool{false, true} {
			c := s.collection(customer, hold)
			c.Key = fmt.Sprintf("visit/%s/%v", customer, hold)
			_, err := s.client.Open(context.Background(), c)
			if !errors.Is(err, card.ErrCustomerGone) {
				t.Errorf("a page for a deleted customer: %v", err)
			}
		}
	}
	s.open(s.collection(s.customer(), false))
}

func TestV1PageKeepsACard(t *testing.T) {
	s := newStand(t)
	customer := s.customer()
	page := s.open(s.collection(customer, false))
	if again := s.open(s.collection(customer, false)); again.ID != page.ID {
		t.Errorf("the same page is %s and %s", page.ID, again.ID)
	}
	if !page.Until.Equal(s.clock.Now().Add(time.Hour)) || !strings.HasPrefix(page.URL, s.fake.URL()) {
		t.Errorf("the page is %+v", page)
	}
	got := s.collected(page.ID)
	if got.State != card.PageOpen || got.Visit != "V1" || got.Key != "visit/V1/1" || got.URL != page.URL {
		t.Errorf("an open page is %+v", got)
	}
	next, err := s.fake.Submit(page.ID, stripefake.Typed{Number: "378282246310005", Expiry: "11/31", SecurityCode: "1234"})
	if err != nil || next != "https://pay.example/back?visit=V1&page="+page.ID {
		t.Fatalf("the browser goes to %s, %v", next, err)
	}
	got = s.collected(page.ID)
	want := card.Kept{
		Brand: "American Express", Last4: "0005", Ref: got.Card.Ref, Customer: customer, ExpiryMonth: 11, ExpiryYear: 2031,
		Funding: "credit", Country: "US", Fingerprint: got.Card.Fingerprint,
	}
	if got.State != card.PageComplete || got.Card != want || !strings.HasPrefix(want.Ref, "pm_") || want.Fingerprint == "" {
		t.Errorf("collected %+v", got)
	}
	if got.Name != "Ann Buyer" || got.Email != "ann@example.com" || got.Held != nil || got.Reason != "" {
		t.Errorf("collected %+v", got)
	}
	if locale := s.fake.Object(page.ID)["locale"]; locale != "de" {
		t.Errorf("the page is in %s", locale)
	}
	// The card can be charged without the buyer.
	q := s.question(payment.StepAuthorize, payment.StoredCard{Account: "N1", Ref: want.Ref, Customer: customer}, 100)
	answer, _ := s.settle(q)
	s.wantApproved(answer)
}

// A page holds an amount. The Reserve of the transaction adopts the hold.
func TestV7PageHoldsAnAmount(t *testing.T) {
	for _, customer := range []bool{true, false} {
		s := newStand(t)
		id := ""
		if customer {
			id = s.customer()
		}
		page := s.open(s.collection(id, true))
		typed := stripefake.Typed{
			Name: "Gus Guest", Email: "gus@example.com", Number: "4000000000000002", Expiry: "1/30", SecurityCode: "123",
		}
		if _, err := s.fake.Submit(page.ID, typed); err == nil {
			t.Fatal("a card that declines is taken")
		}
		if got := s.collected(page.ID); got.State != card.PageOpen {
			t.Fatalf("after a decline the page is %+v", got)
		}
		typed.Number = "4242424242424242"
		if _, err := s.fake.Submit(page.ID, typed); err != nil {
			t.Fatal(err)
		}
		got := s.collected(page.ID)
		if got.State != card.PageComplete || got.Held == nil || !got.Held.Approved() || got.Card.Brand != "Visa" {
			t.Fatalf("collected %+v, held %+v", got, got.Held)
		}
		if !customer && (got.Name != "Gus Guest" || got.Email != "gus@example.com") {
			t.Errorf("the guest is %q %q", got.Name, got.Email)
		}
		if want := s.clock.Now().Add(7 * 24 * time.Hour); !got.Held.Details.HoldUntil.Equal(want) {
			t.Errorf("held until %v", got.Held.Details.HoldUntil)
		}
		s.wantHeld(4250)

		q := s.question(payment.StepAuthorize, payment.StoredCard{
			Account: "N1", Ref: got.Card.Ref, Customer: got.Card.Customer,
		}, 4000)
		q.Reference = got.Held.Details.Reference
		answer, _ := s.settle(q)
		s.wantApproved(answer)
		s.wantHeld(4250)
		q.Amount = money.Cents(4300)
		if _, doubt := s.ask(&q); doubt == nil || !doubt.Alarm {
			t.Errorf("a hold of less is taken: %+v", doubt)
		}
		q = s.about(payment.StepCapture, q.Card, 3900, answer.Authorization)
		answer, _ = s.settle(q)
		s.wantApproved(answer)
		if s.fake.Captured() != 3900 {
			t.Errorf("captured %d", s.fake.Captured())
		}
	}
}

// A Pay takes what the page holds.
func TestPayTakesThePagesHold(t *testing.T) {
	everyWay(t, func(_ *testing.T, s *stand) {
		page := s.open(s.collection(s.customer(), true))
		if _, err := s.fake.Submit(page.ID, stripefake.Typed{Number: "4242424242424242"}); err != nil {
			s.t.Fatal(err)
		}
		got := s.collected(page.ID)
		q := s.question(payment.StepCharge, payment.StoredCard{Account: "N1", Ref: got.Card.Ref}, 4000)
		q.Reference = got.Held.Details.Reference
		s.fake.Next("POST", capturePath, stripefake.LoseReply)
		answer, _ := s.settle(q)
		s.wantApproved(answer)
		if s.fake.Captured() != 4000 || len(s.fake.Objects("payment_intent")) != 1 {
			s.t.Errorf("captured %d", s.fake.Captured())
		}
		s.wantHeld()
	})
}

func TestV2ClosedPage(t *testing.T) {
	s := newStand(t)
	page := s.open(s.collection(s.customer(), true))
	for range 2 {
		if err := s.client.Close(context.Background(), page.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.collected(page.ID); got.State != card.PageExpired || got.Visit != "V1" {
		t.Errorf("a closed page is %+v", got)
	}
	if _, err := s.fake.Submit(page.ID, stripefake.Typed{Number: "4242424242424242"}); err == nil {
		t.Error("a closed page can be finished")
	}
	finished := s.collection(s.customer(), true)
	finished.Key = "visit/V1/2"
	page = s.open(finished)
	if _, err := s.fake.Submit(page.ID, stripefake.Typed{Number: "4242424242424242"}); err != nil {
		t.Fatal(err)
	}
	if err := s.client.Close(context.Background(), page.ID); err != nil {
		t.Fatal(err)
	}
	if got := s.collected(page.ID); got.State != card.PageComplete {
		t.Errorf("a finished page that was closed is %+v", got)
	}
}

func TestV6PagesThatAreNotOurs(t *testing.T) {
	s := newStand(t)
	theirs := s.post("/v1/checkout/sessions", "mode=setup&currency=usd&success_url=https://x.example/")["id"].(string)
	for _, id := range []string{
		"", "cs_", "cs_test_unheard", theirs, "pi_1", "cs_test/../../customers", "cs_test_1?expand[]=x", "cs_" + strings.Repeat("a", 300),
	} {
		_, err := s.client.Collected(context.Background(), id)
		if _, foreign := errors.AsType[*card.ForeignError](err); !foreign {
			t.Errorf("%q: %v", id, err)
		}
		s.texts = append(s.texts, fmt.Sprint(err))
	}
	if err := s.client.Close(context.Background(), "cs_test_unheard"); err == nil {
		t.Error("a page that does not exist is closed")
	}
}

// Stripe's pages live for half an hour at least and a day at most.
func TestPageLife(t *testing.T) {
	for wanted, want := range map[time.Duration]time.Duration{
		time.Minute: 31 * time.Minute, 2 * time.Hour: 2 * time.Hour, 48 * time.Hour: 24*time.Hour - time.Minute,
	} {
		s := newStand(t)
		c := s.collection(s.customer(), false)
		c.Until = s.clock.Now().Add(wanted)
		if page := s.open(c); !page.Until.Equal(s.clock.Now().Add(want)) {
			t.Errorf("asked for %v, the page lives for %v", wanted, page.Until.Sub(s.clock.Now()))
		}
	}
}
