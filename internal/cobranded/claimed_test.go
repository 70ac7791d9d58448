package cobranded_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// strange is the address that a guest types by mistake. It belongs to a stranger.
const strange = "stranger@example.test"

// claims makes the stranger's account of the guest that typed the address.
func (s *site) claims(box *holdfasttest.Postbox) (account party.Party) {
	s.t.Helper()
	var mails []store.Mail
	err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		mails, err = tx.Mails("", 10)
		return err
	})
	if err != nil || len(mails) != 1 {
		s.t.Fatalf("the mails are %+v, %v", mails, err)
	}
	if err := s.Processor.AskClaim(s.t.Context(), mails[0].Text, "203.0.113.7"); err != nil {
		s.t.Fatal(err)
	}
	secret := box.Last(strange, party.NoticeGuestClaim).Link
	if account, err = s.Processor.Claim(s.t.Context(), secret, holdfasttest.Password); err != nil {
		s.t.Fatal(err)
	}
	return account
}

// linksInMails makes receipts that are only the guest's link.
func (s *site) linksInMails() *holdfasttest.Postbox {
	box := s.Mailing()
	s.Processor.Receipts = func(r payment.Receipt) (subject, text string) { return string(r.About), r.Guest }
	return box
}

// signInStranger opens a link in a new browser and signs the stranger in.
func (s *site) signInStranger(link string) {
	s.t.Helper()
	s.newBrowser()
	s.get(link)
	s.send(s.formFor("sign-in"), "email", strange, "password", holdfasttest.Password)
}

// wantNoGuestCard checks that the account of a guest can use the guest's card nowhere.
func (s *site) wantNoGuestCard(token payment.Token) {
	s.t.Helper()
	single := order()
	single.CallerReference = "order-stranger"
	for _, link := range []string{
		s.link(single),
		s.asked(payment.PipelineMultiUse, "callerReference", "multi-stranger", "globalAmountLimit", "100",
			"amountType", "Maximum", "transactionAmount", "50", "paymentMethod", "CC"),
		s.asked(payment.PipelineRecurring, "callerReference", "recurring-stranger", "transactionAmount", "5",
			"recurringPeriod", "1 Month", "paymentMethod", "CC"),
	} {
		s.signInStranger(link)
		s.wantNoText("ending in")
		visit := s.visit()
		if got := s.visitNamed(visit); got.Sender != token.Sender || got.Instrument == token.Instrument {
			s.t.Errorf("the stranger's visit is %+v", got)
		}
		s.page("payment", visit)
		s.wantNoText("ending in")
		s.post(s.action("payment"), params("visit", visit, "instrument", string(token.Instrument)))
		if got := s.visitNamed(visit); s.at.back != nil || got.Instrument == token.Instrument {
			s.t.Errorf("the stranger has chosen the guest's card: %+v, back %v", got, s.at.back)
		}
		s.post(s.action("confirm"), params("visit", visit, "instrument", string(token.Instrument)))
		if got := s.visitNamed(visit); got.Over() {
			s.t.Errorf("the stranger's visit ends with %s", got.Answer)
		}
	}
}

// paysAll uses a guest's token, after the guest got an account.
func (s *site) paysAll(token holdfast.TokenID) {
	s.t.Helper()
	held, err := s.Reserve(token, "42.50", "guest-1")
	if err != nil || held.State != payment.Reserved {
		s.t.Fatalf("reserving: %+v, %v", held, err)
	}
	if taken, err := s.Settle(held.ID, "42.50"); err != nil || taken.State != payment.Success {
		s.t.Fatalf("settling: %+v, %v", taken, err)
	}
	if back, err := s.Refund(held.ID, "2.50", "refund-1"); err != nil || back.State != payment.Success {
		s.t.Errorf("refunding: %+v, %v", back, err)
	}
}

// pageModes are what the network's page does with a guest's card.
var pageModes = map[string]bool{"kept on a customer": false, "held on the page": true}

// The owner of an address that a guest has mistyped gets an account, but not the
// guest's card. The guest's payment goes on.
func TestAnAccountHasNoCardOfItsGuest(t *testing.T) {
	for name, onPage := range pageModes {
		t.Run(name, func(t *testing.T) {
			holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
				s := newNetworkSite(t, db, func(c *party.Caller) { c.HoldOnPage = onPage })
				box := s.linksInMails()
				s.get(s.link(order()))
				s.press("guest")
				s.submit()
				s.get(s.network.Finish(t, s.left(), good, "Gus", strange))
				if !onPage {
					s.submit()
				}
				token := s.token(s.wantBack(holdfast.ReturnSuccessCC).TokenID)
				account := s.claims(box)
				if account.ID != token.Sender || account.Name != "" {
					t.Errorf("the account is %+v", account)
				}
				if err := db.View(t.Context(), func(tx *store.ReadTx) error {
					customer, err := tx.NetworkCustomer(account.ID, s.Shop.Network)
					if customer != "" {
						t.Errorf("the account has the guest's customer %s", customer)
					}
					return err
				}); err != nil {
					t.Fatal(err)
				}
				s.wantNoGuestCard(token)
				s.givesTheSameCard(token, onPage)
			})
		})
	}
}

// givesTheSameCard gives the guest's card once more, in the account. That makes
// another instrument, which belongs to the account.
func (s *networkSite) givesTheSameCard(token payment.Token, onPage bool) {
	s.t.Helper()
	r := order()
	r.CallerReference = "order-same"
	s.signInStranger(s.link(r))
	s.submit()
	s.get(s.network.Finish(s.t, s.left(), good, "Sue", strange))
	if !onPage {
		s.submit()
	}
	second := s.token(s.wantBack(holdfast.ReturnSuccessCC).TokenID)
	if second.Instrument == token.Instrument || second.Sender != token.Sender {
		s.t.Errorf("the second token is %+v, the guest's %+v", second, token)
	}
}

// The same with the real client, for the whole payment.
func TestAGuestsPaymentGoesOnInAnAccount(t *testing.T) {
	for name, onPage := range pageModes {
		t.Run(name, func(t *testing.T) {
			s := newStripeSite(t, onSQLite(t))
			s.change(func(c party.Caller) party.Caller { c.HoldOnPage = onPage; return c })
			box := s.linksInMails()
			s.get(s.link(order()))
			s.press("guest")
			s.submit()
			s.pays(stripefake.Typed{Name: "Gus Guest", Email: strange, Number: good})
			if !onPage {
				s.submit()
			}
			token := s.token(s.wantBack(holdfast.ReturnSuccessCC).TokenID)
			s.claims(box)
			s.wantNoGuestCard(token)
			s.paysAll(token.ID)
		})
	}
}

// The same with a card that is typed in the sandbox. The guest's shipping address
// is not the account's either.
func TestAnAccountHasNoTypedCardOfItsGuest(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		s.takesGuests()
		box := s.linksInMails()
		r := order()
		r.CollectShippingAddress = true
		s.get(s.link(r))
		s.press("guest")
		s.guestCard(strange)
		s.submit("addressName", "Gus Guest", "addressLine1", "1 Main St", "city", "Ames", "state", "IA", "zip", "50010",
			"country", "US", "phone", "5155550100")
		s.submit()
		token := s.token(s.wantBack(holdfast.ReturnSuccessCC).TokenID)
		account := s.claims(box)
		var addresses []party.Address
		if err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
			addresses, err = tx.Addresses(account.ID)
			return err
		}); err != nil || len(addresses) != 0 || account.Name != "" {
			t.Errorf("the account is %+v with the addresses %+v, %v", account, addresses, err)
		}
		s.wantNoGuestCard(token)
		r.CallerReference = "order-address"
		s.signInStranger(s.link(r))
		if s.wantNoText("1 Main St"); strings.Contains(s.at.body, "5155550100") || strings.Contains(s.at.body, "Gus") {
			t.Errorf("the stranger sees what the guest typed:\n%s", s.at.body)
		}
		s.paysAll(token.ID)
	})
}

// A guest pays on one of two pages. The account that comes from it does not get the
// card of the other page, which is finished afterwards.
func TestAGuestsPageThatIsFinishedInTheAccount(t *testing.T) {
	for name, onPage := range pageModes {
		t.Run(name, func(t *testing.T) {
			s := newNetworkSite(t, onSQLite(t), func(c *party.Caller) { c.HoldOnPage = onPage })
			box := s.linksInMails()
			s.get(s.link(order()))
			s.press("guest")
			first := s.at
			s.submit()
			left := s.left()
			s.at = first
			s.submit()
			s.get(s.network.Finish(t, s.left(), good, "Gus", strange))
			if !onPage {
				s.submit()
			}
			token := s.token(s.wantBack(holdfast.ReturnSuccessCC).TokenID)
			s.claims(box)
			s.network.Finish(t, left, "4000056655665556", "Gus", strange)
			if _, err := s.Processor.FinishPage(t.Context(), s.Shop.Network,
				left[strings.LastIndexByte(left, '/')+1:]); err != nil {
				t.Fatal(err)
			}
			var cards []payment.Instrument
			if err := s.DB.View(t.Context(), func(tx *store.ReadTx) (err error) {
				cards, err = tx.Instruments(token.Sender)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			for _, i := range payment.Lasting(cards) {
				if i.Method == holdfast.MethodCC {
					t.Errorf("the account has the guest's card %+v", i)
				}
			}
			if len(cards) != 3 { // with the balance
				t.Errorf("stored are %+v", cards)
			}
		})
	}
}

// Buyers type card numbers into the field for the name.
func TestCardNumbersAsNames(t *testing.T) {
	const number = "4242 4242 4242 4242"
	for name, row := range map[string]struct {
		typed, email, holder, guest string
	}{
		"a number":                {number, "gus@example.test", "", "gus@example.test"},
		"a number with controls":  {"4242\x004242\n4242\t4242", "gus@example.test", "", "gus@example.test"},
		"a number as the address": {"", "4242424242424242@example.test", "", ""},
		"a long name":             {strings.Repeat("x", 300), "", strings.Repeat("x", 128), strings.Repeat("x", 128)},
		"control characters":      {"Gus\x00\x1b[31m", "", "Gus [31m", "Gus [31m"},
	} {
		for mode, onPage := range pageModes {
			t.Run(name+", "+mode, func(t *testing.T) {
				s := newNetworkSite(t, onSQLite(t), func(c *party.Caller) { c.HoldOnPage = onPage })
				s.get(s.link(order()))
				s.press("guest")
				visit := s.visit()
				s.submit()
				s.get(s.network.Finish(t, s.left(), good, row.typed, row.email))
				guest := s.guestOf(visit)
				if got := s.cardHolder(guest.ID); got != row.holder || guest.Name != row.guest {
					t.Errorf("the holder is %q, the guest %+v", got, guest)
				}
				r := order()
				r.CallerReference = "order-2"
				s.newBrowser()
				s.get(s.link(r))
				s.signIn()
				s.submit()
				s.get(s.network.Finish(t, s.left(), "4000056655665556", row.typed, row.email))
				want := row.holder
				if want == "" {
					want = s.Buyer.Name
				}
				if got := s.cardHolder(s.Buyer.ID); got != want {
					t.Errorf("the holder of the account's card is %q, want %q", got, want)
				}
			})
		}
	}
}

// cardHolder is the holder of a party's newest card.
func (s *site) cardHolder(owner party.ID) (holder string) {
	s.t.Helper()
	err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) error {
		all, err := tx.Instruments(owner)
		for _, i := range all {
			if i.Method == holdfast.MethodCC && i.Account != "" {
				holder = i.Holder
			}
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return holder
}
