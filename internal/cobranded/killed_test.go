package cobranded_test

import (
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// killedAt runs an action that ends at a point, as a server does that is killed.
func (s *networkSite) killedAt(point string, action func()) {
	s.t.Helper()
	s.Processor.Hook = func(at string) {
		if at == point {
			panic("killed")
		}
	}
	defer func() {
		s.Processor.Hook = nil
		if recover() == nil {
			s.t.Errorf("the action did not come to the point %q", point)
		}
	}()
	action()
}

// A server that is killed while it opens a page, or places a hold, leaves nothing
// that is held twice or forgotten.
func TestKilledWhileAHoldIsPlaced(t *testing.T) {
	for _, point := range []string{processor.PointIntent, processor.PointOutcome} {
		t.Run(point, func(t *testing.T) {
			holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
				s := newNetworkSite(t, db)
				s.get(s.link(order()))
				s.signIn()
				id := payment.VisitID(s.visit())
				s.killedAt(point, func() {
					_, _, err := s.Processor.HoldCard(t.Context(), id, s.Buyer.ID, processor.Shown{
						Instrument: payment.CardOnPage,
					}, processor.PageOpening{Done: s.server.URL + "/?page={PAGE}", Back: s.server.URL})
					t.Errorf("it ends with %v", err)
				})
				s.submit() // the buyer presses the button again
				s.get(s.network.Finish(t, s.left(), good, "Ann", ""))
				s.wantBack(holdfast.ReturnSuccessCC)
				s.Clock.Advance(2 * time.Hour)
				s.watch()
				var holds []payment.PageHold
				var pages []payment.NetworkPage
				if err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
					if holds, err = tx.PageHoldsOf(id); err == nil {
						pages, err = tx.NetworkPagesOf(id)
					}
					return err
				}); err != nil || len(holds) != 2 || len(pages) != 2 {
					t.Fatalf("the holds are %+v, the pages %+v, %v", holds, pages, err)
				}
				if holds[0].State != payment.PageHoldReleased || holds[1].State != payment.PageHoldHeld ||
					pages[0].State != payment.PageExpired || pages[1].State != payment.PageComplete {
					t.Errorf("the holds are %+v, the pages %+v", holds, pages)
				}
				if held := s.network.Holds("held"); len(held) != 1 {
					t.Errorf("held are %v", held)
				}
			})
		})
	}
}

// A kept card is asked about after the restart, once.
func TestKilledBeforeAKeptCardIsHeld(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := withSavedCard(t, db)
		id, card := payment.VisitID(s.visit()), s.at.forms()[0].Fields.Get("instrument")
		s.killedAt(processor.PointIntent, func() {
			_, _, err := s.Processor.HoldInstrument(t.Context(), id, s.Buyer.ID, processor.Shown{
				Instrument: payment.InstrumentID(card),
			}, func(payment.PageHoldID) string { return s.server.URL })
			t.Errorf("it ends with %v", err)
		})
		if asked := s.network.Asked(); len(asked) != 0 {
			t.Errorf("asked were %v", asked)
		}
		s.Clock.Advance(time.Minute)
		s.watch()
		if token := s.byReference("order-2"); token.ID == "" || len(s.network.Holds("held")) != 2 {
			t.Errorf("the token is %+v, held are %v", token, s.network.Holds("held"))
		}
	})
}

// An event about the hold of a page is a reason to look at the page.
func TestAnEventAboutTheHoldFinishesThePage(t *testing.T) {
	s := newNetworkSite(t, onSQLite(t))
	s.get(s.link(order()))
	s.signIn()
	s.submit()
	s.network.Finish(t, s.left(), good, "Ann", "")
	if err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		h, _, err := tx.PageHold("H0001")
		if err != nil {
			return err
		}
		due := h
		due.NextAt = s.Clock.Now()
		return tx.ChangePageHold(h, due)
	}); err != nil {
		t.Fatal(err)
	}
	s.watch()
	if token := s.byReference("order-4711"); token.ID == "" {
		t.Error("there is no token")
	}
}

// A page is finished once, however many servers notice it at the same moment.
func TestAPageIsFinishedOnce(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		s.get(s.link(order()))
		s.signIn()
		id := payment.VisitID(s.visit())
		s.submit()
		s.network.Finish(t, s.left(), good, "Ann", "")
		var running sync.WaitGroup
		answers := make([]string, 8)
		for n := range answers {
			running.Go(func() {
				f, err := s.Processor.FinishPage(t.Context(), s.Shop.Network, "cs_1")
				if err != nil {
					t.Error(err)
				}
				answers[n] = f.Visit.Answer
			})
		}
		running.Wait()
		for _, answer := range answers {
			if answer == "" || answer != answers[0] {
				t.Errorf("the answers are %q", answers)
			}
		}
		var cards int
		if err := db.View(t.Context(), func(tx *store.ReadTx) error {
			all, err := tx.Instruments(s.Buyer.ID)
			for _, i := range all {
				if i.Account != "" {
					cards++
				}
			}
			return err
		}); err != nil || cards != 1 {
			t.Errorf("the visit %s has left %d cards, %v", id, cards, err)
		}
	})
}
