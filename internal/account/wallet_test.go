package account_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// card returns the fields of the form for a new card.
func card(number string, more ...string) []string {
	return append([]string{"number", number, "expiry", "08/31", "code", "123", "holder", "Ann Buyer"}, more...)
}

func TestCardsAreAddedAndRemoved(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		s.Processor.Network = &sandbox.Network{Now: s.Clock.Now}
		b := s.ann()
		b.get("methods")
		b.wantText("Visa ending in 4242", "Default", "Account balance")
		b.get("methods/card")
		b.send("methods/card", "", card("5555 5555 5555 4444", "default", "yes")...)
		b.wantPage("methods")
		b.wantText("The card was added.", "Mastercard ending in 4444")
		if i := s.defaultMethod(); i.Last4 != "4444" {
			t.Errorf("the first choice is %+v", i)
		}
		b.send("methods/default", string(s.Card.ID))
		b.wantPage("methods")
		if i := s.defaultMethod(); i.ID != s.Card.ID {
			t.Errorf("the first choice is %+v", i)
		}
		b.get("methods/remove?method=" + string(s.Card.ID))
		b.wantText("Remove Visa ending in 4242?", "You can add it again at any time.")
		b.send("methods/remove", "")
		b.wantPage("methods")
		b.wantNoText("4242")
		b.get("methods/remove?method=" + string(s.Card.ID))
		b.wantStatus("what was removed", http.StatusNotFound)
	})
}

// defaultMethod returns Ann's default payment method.
func (s *site) defaultMethod() (found payment.Instrument) {
	s.t.Helper()
	for _, i := range s.methods() {
		if i.Default {
			found = i
		}
	}
	return found
}

func (s *site) methods() (all []payment.Instrument) {
	s.t.Helper()
	if err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Instruments(s.Buyer.ID)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return all
}

func TestCardsThatAreNotAdded(t *testing.T) {
	s := newSite(t)
	s.Processor.Network = &sandbox.Network{Now: s.Clock.Now}
	b := s.ann()
	for name, row := range map[string]struct {
		typed []string
		says  string
	}{
		"nothing":    {nil, "Please enter the card number."},
		"mistyped":   {card("4242 4242 4242 4241"), "This card number has a typing error."},
		"letters":    {card("4242 4242 4242 424x"), "A card number has 12 to 19 digits"},
		"not a test": {card("4929 0000 0000 6"), "This is a sandbox"},
		"month 13": {
			[]string{"number", "4242424242424242", "expiry", "13/31", "code", "123", "holder", "Ann"},
			"Please enter the month and year",
		},
		"expired": {
			[]string{"number", "4242424242424242", "expiry", "08/20", "code", "123", "holder", "Ann"},
			"This card has expired.",
		},
		"no code": {
			[]string{"number", "4242424242424242", "expiry", "08/31", "code", "", "holder", "Ann"},
			"Please enter the security code.",
		},
		"overlong": {card(strings.Repeat("4", 5000)), "Please enter the card number."},
		"a number in the holder": {[]string{
			"number", "4242424242424242", "expiry", "08/31", "code", "123", "holder", "4242 4242 4242 4242",
		}, "This looks like a card number."},
		"in the holder": {[]string{
			"number", "4242424242424242", "expiry", "08/31", "code", "123", "holder", strings.Repeat("h", 500),
		}, "This is too long."},
	} {
		b.postTo("methods/card", row.typed...)
		b.wantStatus(name, http.StatusUnprocessableEntity)
		b.wantText(row.says, "its number and security code have to be entered again")
		for _, f := range holdfasttest.Forms(b.at.body) {
			if f.Fields.Get("number")+f.Fields.Get("code") != "" {
				t.Errorf("%s: the number or the code is shown again", name)
			}
		}
	}
	if n := len(s.methods()); n != 2 {
		t.Errorf("there are %d payment methods", n)
	}
}

func TestTheSandboxBankAccount(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	b.get("methods")
	b.send("methods/bank", "")
	b.wantPage("methods")
	b.wantText("The bank account was added.", "Bank debit")
	b.wantNoText("Add the sandbox’s test bank account")
	b.postTo("methods/bank")
	b.wantPage("methods")
	if n := len(s.methods()); n != 3 {
		t.Errorf("sending the form twice makes %d payment methods", n)
	}
	s.Processor.Live = true
	b.postTo("methods/bank")
	b.wantStatus("of real money", http.StatusNotFound)
	b.postTo("profile/business")
	b.wantStatus("a business of real money", http.StatusNotFound)
}

// Where real money moves, cards are typed on the pages of card networks only.
func TestCardsAreTypedInTheSandboxOnly(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	s.Processor.Live = true
	b.get("methods")
	b.wantText("You add a card when you pay with it")
	b.wantNoText("Add a card")
	b.get("methods/card")
	b.wantPage("methods")
	had := len(s.methods())
	b.postTo("methods/card", "number", "4242424242424242", "expiry", "12/31", "code", "123", "holder", "Ann")
	b.wantStatus("a typed card", http.StatusBadRequest)
	b.wantNoText("4242")
	if n := len(s.methods()); n != had {
		t.Errorf("there are %d payment methods, were %d", n, had)
	}
}

// A card that an open payment needs cannot be removed, and the page names the
// payment.
func TestACardThatIsNeeded(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	held := s.Reserved("12.00", "order-1")
	remove := "methods/remove?method=" + string(s.Card.ID)
	b.get(remove)
	b.wantText("these payments are still open", "Kiln & Co", "$12.00", "Held until")
	b.postTo("methods/remove", "method", string(s.Card.ID))
	b.wantStatus("removing it all the same", http.StatusConflict)
	if _, err := s.Cancel(held.ID); err != nil {
		t.Fatal(err)
	}
	s.Token(payment.Token{
		Instrument: s.Card.ID, Method: holdfast.MethodCC, Type: holdfast.TokenMultiUse, AmountType: holdfast.AmountMaximum,
		Amount: holdfasttest.USD("5"),
	})
	b.get(remove)
	b.wantText("These approvals are paid with it", "Kiln & Co")
	b.send("methods/remove", "")
	b.wantPage("methods")
	s.CheckBooks()
}

func TestAddresses(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	typed := []string{
		"addressName", "Ann Buyer", "addressLine1", "1 Main St", "city", "Ames", "zip", "50010", "country", "US",
	}
	b.get("addresses")
	b.wantText("You have no addresses yet.")
	b.get("addresses/edit")
	b.send("addresses/edit", "", "addressLine1", "1 Main St")
	b.wantStatus("half an address", http.StatusUnprocessableEntity)
	b.wantText("Please enter the city.", "1 Main St")
	b.send("addresses/edit", "", typed...)
	b.wantPage("addresses")
	b.wantText("The address was saved.", "Ann Buyer", "1 Main St, Ames, 50010, United States")
	b.get("addresses/edit")
	b.send("addresses/edit", "", append(typed, "addressLine1", "<b>2</b> Side St")...)
	b.wantText("<b>2</b> Side St")
	if strings.Contains(b.at.body, "<b>2") {
		t.Error("an address is shown as HTML")
	}
	second := "A0002"
	b.get("addresses/edit?address=" + second)
	b.wantText("Change the address")
	b.send("addresses/edit", "", "addressLine1", "3 Back St")
	b.wantText("3 Back St, Ames")
	b.wantNoText("Side St")
	b.send("addresses/default", "")
	b.wantPage("addresses")
	b.send("addresses/remove", "A0003") // the changed address has a new id: payments keep the old one
	b.wantText("The address was removed.")
	b.wantNoText("Back St")
	for _, place := range []string{"addresses/edit", "addresses/default", "addresses/remove"} {
		b.postTo(place, append(typed, "address", second)...)
		b.wantStatus(place+" of one that was removed", http.StatusNotFound)
	}
}

func TestThereIsAnEndToEverything(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	address := []string{"addressName", "Ann", "addressLine1", "1 Main St", "city", "Ames", "zip", "50010", "country", "US"}
	for _, row := range []struct {
		place, says string
		typed       func(i int) []string
	}{
		{"methods/card", "reached its limit of payment methods", func(i int) []string {
			return []string{
				"number", "4242424242424242", "expiry", fmt.Sprintf("%02d/%d", i%12+1, 2030+i/12), "code", "123", "holder", "Ann",
			}
		}},
		{"addresses/edit", "reached its limit of addresses", func(int) []string { return address }},
	} {
		for i := range 200 {
			if b.postTo(row.place, row.typed(i)...).status != http.StatusOK {
				break
			}
		}
		b.wantStatus(row.place, http.StatusUnprocessableEntity)
		b.wantText(row.says)
	}
}

// Ids that belong to somebody else get the same answer as unknown ids, and
// nothing changes.
func TestWhatIsSomebodyElses(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	b.postTo("addresses/edit", "addressName", "Ann", "addressLine1", "1 Main St", "city", "Ames", "zip", "50010",
		"country", "US")
	token := s.handle(s.Authorize("5.00"))
	other := s.newBrowser()
	other.signUp()
	answers := make(map[string]bool)
	for _, row := range []struct{ place, name, id string }{
		{"methods/default", "method", string(s.Card.ID)},
		{"methods/remove", "method", string(s.Card.ID)},
		{"addresses/default", "address", "A0001"},
		{"addresses/remove", "address", "A0001"},
		{"security/session/end", "session", "S0001"},
		{"security/passkey/remove", "passkey", "K0001"},
		{"authorisations/cancel", "token", token},
	} {
		for _, id := range []string{row.id, "none", "", "' OR 1=1 --", strings.Repeat("x", 10_000)} {
			other.postTo(row.place, row.name, id)
			other.wantStatus(row.place+" "+id, http.StatusNotFound)
			answers[other.at.body] = true
		}
	}
	for _, place := range []string{"methods/remove?method=" +
		string(s.Card.ID), "addresses/edit?address=A0001", "authorisations/one?token=" + token} {
		other.get(place)
		other.wantStatus(place, http.StatusNotFound)
		answers[other.at.body] = true
	}
	if len(answers) != 1 {
		t.Errorf("there are %d answers", len(answers))
	}
	b.get("")
	b.wantPage("") // still signed in
	b.get("authorisations/one?token=" + token)
	b.wantText("Cancel this approval")
	if n := len(s.methods()); n != 2 {
		t.Errorf("Ann has %d payment methods", n)
	}
}

// A card in the list has a mark with its brand's initials. The words next to it
// name the card.
func TestAListedCardHasAMark(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	b.get("methods")
	if n := strings.Count(b.at.body, `class="card-mark"`); n != 1 {
		t.Errorf("there are %d marks for one card and a balance", n)
	}
	b.wantText(">V</text>", "Visa ending in 4242")
}
