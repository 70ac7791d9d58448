package cobranded_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func (s *networkSite) wantLooked(what string, want ...string) {
	s.t.Helper()
	if got := s.network.Looked(); !slices.Equal(got, want) {
		s.t.Errorf("%s: the network was asked %q, want %q", what, got, want)
	}
}

// A browser causes few questions to the network, however often it opens a page.
// Only the first one when the buyer comes back has the priority of callers.
func TestABrowserCausesFewQuestions(t *testing.T) {
	s := withSavedCard(t, onSQLite(t))
	s.network.Next(holdfasttest.HoldReply{Bank: true})
	s.network.Looked()
	s.submit()
	const hold = "H0002/Authorize"
	s.wantLooked("the hold, and the way to the bank", hold, hold)
	back := s.server.URL + "/cobranded-ui/actions/bank?visit=V0002&hold=H0002"
	many := func(address, page string) {
		t.Helper()
		for range 30 {
			s.get(address)
			s.wantPage(page)
		}
	}
	many(back+"&first=1", "bank")
	s.wantLooked("the same page again")
	buyer := s.browser
	s.newBrowser()
	many(back, "sign-in")
	many(s.server.URL+"/cobranded-ui/actions/back?visit=V0002&page=cs_1", "sign-in")
	s.wantLooked("without a session")
	s.browser = buyer
	many(back, "bank")
	s.wantLooked("back from the bank", hold)
	s.Clock.Advance(2 * time.Second)
	many(back, "bank")
	s.wantLooked("later", hold+" in background")
	s.Clock.Advance(2 * time.Second)
	many(back+"&first=1", "bank")
	s.wantLooked("as if before the bank", hold+" in background")
}

func TestABrowserCausesFewLooksAtAPage(t *testing.T) {
	s := newNetworkSite(t, onSQLite(t))
	s.get(s.link(order()))
	s.press("guest")
	s.submit()
	page := s.network.Finish(t, s.left(), good, "Gus Guest", "gus@example.test")
	guest := s.browser
	s.newBrowser()
	for range 30 {
		s.get(page)
		s.wantPage("sign-in")
	}
	s.wantLooked("without the guest's cookie")
	s.browser = guest
	s.network.Down(true)
	for range 30 {
		s.get(page)
		s.wantText("Your bank has not answered yet.")
	}
	s.wantLooked("the network is down", "cs_1")
	s.network.Down(false)
	s.Clock.Advance(2 * time.Second)
	for range 30 {
		s.get(page)
		s.wantBack(holdfast.ReturnSuccessCC)
	}
	s.wantLooked("the network is back", "cs_1 in background")
}

// Browsers that look at the same moment share one question.
func TestLooksAtTheSameMoment(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		s.get(s.link(order()))
		s.signIn()
		s.submit()
		var looking sync.WaitGroup
		for range 20 {
			looking.Go(func() {
				if _, err := s.Processor.FinishVisitPage(t.Context(), "V0001", s.Buyer.ID, "cs_1"); err != nil {
					t.Error(err)
				}
			})
		}
		looking.Wait()
		s.wantLooked("an open page", "cs_1")
		for _, other := range []party.ID{"", s.Owner.ID} {
			_, err := s.Processor.FinishVisitPage(t.Context(), "V0001", other, "cs_1")
			if !errors.Is(err, processor.ErrNotSender) {
				t.Errorf("party %q: %v", other, err)
			}
		}
	})
}
