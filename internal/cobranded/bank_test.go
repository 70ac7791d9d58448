package cobranded_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// withSavedCard makes a site whose buyer has paid once, and so has a card at the
// network. The browser is on the confirm page of the next order.
func withSavedCard(t *testing.T, db *store.DB) *networkSite {
	t.Helper()
	s := newNetworkSite(t, db)
	s.get(s.link(order()))
	s.signIn()
	s.submit()
	s.get(s.network.Finish(t, s.left(), good, "Ann", ""))
	s.wantBack(holdfast.ReturnSuccessCC)
	s.begin("order-2")
	return s
}

// begin opens the link of an order. The buyer has a saved card.
func (s *networkSite) begin(reference holdfast.CallerReference) {
	s.t.Helper()
	r := order()
	r.CallerReference = reference
	s.get(s.link(r))
	s.wantPage("confirm")
	s.wantText("Visa ending in 4242")
	s.wantNoText("Stripe keeps this card") // it is kept already
}

func TestASavedCardIsHeldAtOnce(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := withSavedCard(t, db)
		s.submit()
		id := s.wantBack(holdfast.ReturnSuccessCC).TokenID
		if held := s.network.Holds("held"); len(held) != 2 {
			t.Errorf("held are %v", held)
		}
		if token := s.token(id); token.Reference != "order-2" {
			t.Errorf("the token is %+v", token)
		}
		s.Clock.Advance(time.Hour)
		s.watch()
		if asked := s.network.Asked(); len(asked) != 1 {
			t.Errorf("asked were %v", asked)
		}
	})
}

func TestADeclinedCardCanBeReplaced(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := withSavedCard(t, db)
		s.network.Next(holdfasttest.HoldReply{Decline: true})
		s.submit()
		s.wantPage("payment")
		s.wantText("Your bank declined the card. Nothing is held on it.")
		s.submit("instrument", "new")
		s.wantPage("confirm")
		s.submit()
		s.get(s.network.Finish(t, s.left(), "5555555555554444", "Ann", ""))
		s.wantBack(holdfast.ReturnSuccessCC)
	})
}

// A visit allows only so many declines.
func TestDeclinesOfAVisitAreCounted(t *testing.T) {
	s := withSavedCard(t, onSQLite(t))
	for range 8 {
		s.network.Next(holdfasttest.HoldReply{Decline: true})
		s.submit()
		s.wantPage("payment")
		s.submit()
		s.wantPage("confirm")
	}
	s.submit()
	if s.wantText("Too many cards were tried for this payment."); s.at.status != http.StatusServiceUnavailable {
		t.Errorf("the status is %d", s.at.status)
	}
	if asked := s.network.Asked(); len(asked) != 8 {
		t.Errorf("asked were %v", asked)
	}
}

// A hold that the network would let go at once is of no use.
func TestAShortHoldIsGivenUp(t *testing.T) {
	s := withSavedCard(t, onSQLite(t))
	s.network.Next(holdfasttest.HoldReply{Short: true})
	s.submit()
	s.wantPage("payment")
	s.wantText("Nothing was held on the card.")
	s.watch()
	if released := s.network.Holds("released"); len(released) != 1 {
		t.Errorf("released are %v", released)
	}
}

// S10: the buyer confirms the payment at the bank.
func TestS10TheBuyerConfirmsAtTheBank(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := withSavedCard(t, db)
		s.network.Next(holdfasttest.HoldReply{Bank: true})
		s.submit()
		s.wantPage("bank")
		s.wantText("Your bank wants to confirm it is you")
		if !strings.Contains(s.at.body, `http-equiv="refresh" content="0; url=`+holdfasttest.PagesOrigin+`/bank/pi_2"`) {
			t.Errorf("the page does not lead to the bank:\n%s", s.at.body)
		}
		back := s.server.URL + "/cobranded-ui/actions/bank?visit=V0002&hold=H0002"
		s.get(back + "&redirect_status=succeeded&payment_intent=pi_1") // forged: the network has not confirmed it
		s.wantPage("bank")
		s.wantText("Your bank has not confirmed the payment yet.")
		s.wantNoText("http-equiv")
		if token := s.byReference("order-2"); token.ID != "" {
			t.Fatal("a forged return makes a token")
		}
		s.network.AtBank()
		s.Clock.Advance(2 * time.Second) // an answer of the network is used so long
		s.get(back + "&redirect_status=failed")
		id := s.wantBack(holdfast.ReturnSuccessCC).TokenID
		s.get(back) // twice
		if s.wantBack(holdfast.ReturnSuccessCC).TokenID != id {
			t.Error("coming back twice gives another token")
		}
		if held := s.network.Holds("held"); len(held) != 2 {
			t.Errorf("held are %v", held)
		}
	})
}

// S10: the buyer never comes back from the bank.
func TestS10TheBuyerNeverComesBackFromTheBank(t *testing.T) {
	for name, confirms := range map[string]bool{"unconfirmed": false, "confirmed": true} {
		t.Run(name, func(t *testing.T) {
			holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
				s := withSavedCard(t, db)
				s.network.Next(holdfasttest.HoldReply{Bank: true})
				s.submit()
				s.wantPage("bank")
				if confirms {
					s.network.AtBank()
				}
				s.Clock.Advance(30*time.Minute + time.Second)
				s.watch()
				token, released := s.byReference("order-2"), s.network.Holds("released")
				if confirms != (token.ID != "") || confirms != (len(released) == 0) {
					t.Errorf("the token is %q, released are %v", token.ID, released)
				}
			})
		})
	}
}

// A buyer at the bank who chooses another card has one hold in the end.
func TestAnotherCardInPlaceOfTheBank(t *testing.T) {
	s := withSavedCard(t, onSQLite(t))
	s.network.Next(holdfasttest.HoldReply{Bank: true})
	s.submit()
	s.wantPage("bank")
	s.get(s.server.URL + "/cobranded-ui/actions/payment?visit=V0002")
	s.submit("instrument", "new")
	s.submit()
	s.get(s.network.Finish(t, s.left(), "5555555555554444", "Ann", ""))
	s.wantBack(holdfast.ReturnSuccessCC)
	s.network.AtBank()
	s.watch()
	if held, released := s.network.Holds("held"), s.network.Holds("released"); len(held) != 2 || len(released) != 1 {
		t.Errorf("held are %v, released %v", held, released)
	}
}

// A hold in doubt is asked about again until it is decided, and is never placed twice.
func TestAHoldInDoubt(t *testing.T) {
	for name, reply := range map[string]holdfasttest.HoldReply{"lost": {Lost: true}, "deaf": {Deaf: true}} {
		t.Run(name, func(t *testing.T) {
			holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
				s := withSavedCard(t, db)
				s.network.Next(reply)
				s.submit()
				s.wantPage("bank")
				s.wantText("Your bank has not answered yet.")
				if s.at.header.Get("Refresh") == "" {
					t.Error("the page does not look again")
				}
				waiting := s.at.url.String()
				s.begin("order-2") // the buyer presses the button again
				s.submit()
				s.wantPage("bank")
				if s.at.url.String() != waiting {
					t.Errorf("another hold is asked for: %s", s.at.url)
				}
				s.Clock.Advance(time.Minute)
				s.watch()
				s.get(waiting)
				s.wantBack(holdfast.ReturnSuccessCC)
				if held := s.network.Holds("held"); len(held) != 2 {
					t.Errorf("held are %v", held)
				}
			})
		})
	}
}

// The buyer leaves while the hold is in doubt. It is released when it is known.
func TestTheBuyerLeavesWithAHoldInDoubt(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := withSavedCard(t, db)
		s.network.Next(holdfasttest.HoldReply{Lost: true})
		s.submit()
		s.begin("order-2")
		s.press("cancel")
		s.wantBack(holdfast.ReturnAbandoned)
		s.Clock.Advance(time.Minute)
		s.watch()
		if token := s.byReference("order-2"); token.ID != "" {
			t.Error("there is a token")
		}
		if held, released := s.network.Holds("held"), s.network.Holds("released"); len(held) != 1 || len(released) != 1 {
			t.Errorf("held are %v, released %v", held, released)
		}
	})
}

func TestTheNetworkIsDown(t *testing.T) {
	s := newNetworkSite(t, onSQLite(t))
	s.get(s.link(order()))
	s.signIn()
	s.network.Down(true)
	s.submit()
	if s.wantText("Stripe cannot be reached at the moment."); s.at.status != http.StatusServiceUnavailable {
		t.Errorf("the status is %d", s.at.status)
	}
	s.network.Down(false)
	s.submit("instrument", "new")
	s.submit()
	page := s.network.Finish(t, s.left(), good, "Ann", "")
	s.network.Down(true)
	s.get(page)
	s.wantText("Your bank has not answered yet.")
	s.network.Down(false)
	s.Clock.Advance(2 * time.Second)
	s.get(page)
	s.wantBack(holdfast.ReturnSuccessCC)
}

// A card is kept at one account, and never offered by callers of another (N23).
func TestN23CardsOfAnotherAccountAreNotOffered(t *testing.T) {
	s := withSavedCard(t, onSQLite(t))
	var card payment.Instrument
	if err := s.DB.View(t.Context(), func(tx *store.ReadTx) error {
		all, err := tx.Instruments(s.Buyer.ID)
		for _, i := range all {
			if i.Account != "" {
				card = i
			}
		}
		return err
	}); err != nil || card.ID == "" {
		t.Fatalf("the card at the network is %+v, %v", card, err)
	}
	visit := s.visit()
	s.post(s.server.URL+"/cobranded-ui/actions/payment", params("visit", visit, "instrument", string(s.Card.ID)))
	if s.at.status != http.StatusUnprocessableEntity {
		t.Errorf("the sandbox's card is answered with %d", s.at.status)
	}
	s.wantNoText(string(s.Card.ID))
	r := payment.PipelineRequest{
		Pipeline: payment.PipelineSingleUse, Methods: []holdfast.PaymentMethod{holdfast.MethodCC, holdfast.MethodABT},
	}
	if r.At("N0002").Allows(card, s.CallerNow()) || !r.At(card.Account).Allows(card, s.CallerNow()) {
		t.Error("the card of one account pays through another")
	}
}
