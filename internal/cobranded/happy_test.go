package cobranded_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func TestBuyerWithADefaultCard(t *testing.T) { holdfasttest.Databases(t, buyerWithADefaultCard) }

func buyerWithADefaultCard(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	s.get(s.link(order()))
	s.wantPage("sign-in")
	s.wantText("Kiln & Co")
	s.wantText("$42.50")
	s.signIn()
	s.wantPage("confirm")
	for _, text := range []string{"Visa ending in 4242", "Two mugs", "$36.00", "Shipping", "Nothing is charged yet."} {
		s.wantText(text)
	}
	s.submit()
	back := s.wantBack(holdfast.ReturnSuccessCC)
	token := s.token(back.TokenID)
	want := payment.Token{
		ID: back.TokenID, Caller: s.Shop.ID, Use: payment.UsePay, Type: holdfast.TokenSingleUse,
		Reference: "order-4711", FriendlyName: "Two mugs", Reason: "Two mugs",
		Sender: s.Buyer.ID, Recipient: s.Owner.ID, Instrument: s.Card.ID, Method: holdfast.MethodCC,
		AmountType: holdfast.AmountMaximum, Amount: usd("42.50"), Installed: s.CallerNow(),
		Expires: s.CallerNow().Add(3 * time.Hour),
	}
	if diff := cmp.Diff(want, token); diff != "" {
		t.Errorf("token (-want +got):\n%s", diff)
	}
	if back.Expiry != "12/2031" || back.CallerReference != "order-4711" {
		t.Errorf("expiry %q and callerReference %q", back.Expiry, back.CallerReference)
	}
}

func TestReturnGivesTheRequestBack(t *testing.T) {
	s := newSite(t)
	link := s.link(order())
	s.get(link)
	s.signIn()
	s.submit()
	s.wantBack(holdfast.ReturnSuccessCC)
	_, query, _ := strings.Cut(link, "?")
	sent, err := holdfast.ParseParams(query)
	if err != nil {
		t.Fatal(err)
	}
	got, err := holdfast.ParseParams(s.at.back.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range sent {
		value, ok := got.Lookup(p.Name)
		if strings.HasPrefix(p.Name, "signature") {
			if value == p.Value && p.Name != "signatureVersion" {
				t.Errorf("%s is the request's own", p.Name)
			}
			continue
		}
		if !ok || value != p.Value {
			t.Errorf("%s came back as %q, want %q", p.Name, value, p.Value)
		}
	}
	if name, twice := got.Duplicate(); twice {
		t.Errorf("%s is twice in %s", name, s.at.back)
	}
	if got.Get("order") != "4711" {
		t.Error("the return URL's own query is lost")
	}
	if strings.ContainsAny(got.Get("signature"), " \r\n") {
		t.Error("the signature is broken into lines")
	}
}

func TestBareReturn(t *testing.T) {
	s := newSite(t)
	s.change(func(c party.Caller) party.Caller { c.BareReturn = true; return c })
	s.get(s.link(order()))
	s.signIn()
	s.submit()
	s.wantBack(holdfast.ReturnSuccessCC)
	got, err := holdfast.ParseParams(s.at.back.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range got {
		names = append(names, p.Name)
	}
	want := []string{
		"order", "signature", "expiry", "signatureVersion", "signatureMethod", "certificateUrl", "tokenID", "status",
		"callerReference", "callerId",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("parameters in order (-want +got):\n%s", diff)
	}
}

func TestReturnURLOfItsOwn(t *testing.T) {
	for _, row := range []struct {
		name, url, prefix string
		suffix            string
	}{
		{"no path", "http://shop.example.test", "http://shop.example.test/?signature=", ""},
		{"port", "http://shop.example.test:8080/back", "http://shop.example.test:8080/back?signature=", ""},
		{"fragment", "https://shop.example.test/back?a=1#top", "https://shop.example.test/back?a=1&signature=", "#top"},
		{
			"name of the request", "http://shop.example.test/back?version=7&callerReference=order-4711",
			"http://shop.example.test/back?version=7&callerReference=order-4711&signature=", "",
		},
		{
			"blank and quote", `http://shop.example.test/back?q=a b"c`, "http://shop.example.test/back?q=a%20b%22c&signature=",
			"",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			s.get(s.signed(params(
				"pipelineName", "SingleUse", "returnURL", row.url, "callerReference", "order-4711",
				"transactionAmount", "5", "version", "2009-01-09",
			)))
			s.signIn()
			s.submit()
			s.wantBack(holdfast.ReturnSuccessCC)
			address := s.at.header.Get("Location")
			if !strings.HasPrefix(address, row.prefix) || !strings.HasSuffix(address, row.suffix) {
				t.Errorf("return URL is %s", address)
			}
			got, err := holdfast.ParseParams(s.at.back.RawQuery)
			if err != nil {
				t.Fatal(err)
			}
			if name, twice := got.Duplicate(); twice && name != "a" {
				t.Errorf("%s is twice in %s", name, address)
			}
		})
	}
}

func TestNewBuyerAddsACard(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	s.get(s.server.URL + "/cobranded-ui/actions/sign-up?visit=" + s.at.url.Query().Get("visit"))
	s.submit("name", "Bea New", "email", "bea@example.test", "password", "a few plain words")
	s.wantPage("card")
	s.submit("number", "4242 4242 4242 4242", "expiry", "08/31", "code", "123", "holder", "Bea New")
	s.wantPage("confirm")
	s.submit()
	s.wantBack(holdfast.ReturnSuccessCC)

	next := order()
	next.CallerReference = "order-4712"
	s.get(s.link(next))
	s.wantPage("confirm") // the session is active, and the card is now the default
}

func TestCardRefused(t *testing.T) {
	for _, row := range []struct{ name, number, expiry, code, field string }{
		{"typing error", "4242 4242 4242 4243", "08/31", "123", "number"},
		{"a real card's number", "4539 1488 0343 6467", "08/31", "123", "number"},
		{"expired", "4242424242424242", "01/20", "123", "expiry"},
		{"unreadable expiry", "4242424242424242", "soon", "123", "expiry"},
		{"wrong security code", "4000000000000127", "08/31", "987", "code"},
		{"short security code", "4242424242424242", "08/31", "12", "code"},
		{"no number", "", "08/31", "123", "number"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			s.get(s.link(order()))
			s.signIn()
			s.get(s.server.URL + "/cobranded-ui/actions/card?visit=" + s.at.url.Query().Get("visit"))
			s.submit("number", row.number, "expiry", row.expiry, "code", row.code, "holder", "Ann Q. Buyer")
			s.wantPage("card")
			if s.at.status != http.StatusUnprocessableEntity {
				t.Errorf("status is %d", s.at.status)
			}
			s.wantText(`id="` + row.field + `-error"`)
			fields := s.at.forms()[0].Fields
			if fields.Get("number") != "" || fields.Get("code") != "" {
				t.Error("the number or the security code came back")
			}
			if fields.Get("holder") != "Ann Q. Buyer" {
				t.Error("the holder's name is lost")
			}
			for _, text := range []string{row.number, strings.ReplaceAll(row.number, " ", "")} {
				if text != "" && (strings.Contains(s.at.body, text) && text != "4242 4242 4242 4242" ||
					strings.Contains(s.log.String(), text)) {
					t.Errorf("the number is on the page or in the log")
				}
			}
		})
	}
}

func TestShippingAddress(t *testing.T) { holdfasttest.Databases(t, shippingAddress) }

func shippingAddress(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	r := order()
	r.CollectShippingAddress = true
	s.get(s.link(r))
	s.signIn()
	s.wantPage("address")
	s.submit("addressLine1", "", "city", "Springfield")
	if s.at.status != http.StatusUnprocessableEntity {
		t.Fatalf("status is %d for an incomplete address", s.at.status)
	}
	s.wantText("Please enter the street and number.")
	s.submit("addressName", "Ann Buyer", "addressLine1", "1 Main St", "city", "Springfield", "state", "IL", "zip", "62701",
		"country", "US")
	s.wantPage("confirm")
	s.wantText("1 Main St")
	s.submit()
	back := s.wantBack(holdfast.ReturnSuccessCC)
	want := holdfast.Address{
		Name: "Ann Buyer", Line1: "1 Main St", City: "Springfield", State: "IL", Zip: "62701", Country: "US",
	}
	if diff := cmp.Diff(want, back.Address); diff != "" {
		t.Errorf("address (-want +got):\n%s", diff)
	}

	r.CallerReference = "order-4712"
	s.get(s.link(r))
	s.wantPage("address") // it has to be confirmed each time
	s.submit()
	s.wantPage("confirm")
	s.wantText("1 Main St")
}

// If an account has as many cards or addresses as it can hold, the sender can
// still choose one of them.
func TestThereIsAnEndToCardsAndAddresses(t *testing.T) {
	s := newSite(t)
	address := holdfast.Address{Name: "Ann Buyer", Line1: "1 Main St", City: "Springfield", Zip: "62701", Country: "US"}
	card := processor.NewCard{
		Number: processor.NewCardNumber("4242424242424242"), SecurityCode: processor.NewCardNumber("123"), ExpiryMonth: 12,
		ExpiryYear: 2031, Holder: "Ann Buyer",
	}
	for _, add := range []func() error{
		func() error { _, err := s.Processor.Identity.AddAddress(t.Context(), s.Buyer.ID, address); return err },
		func() error { _, err := s.Processor.AddCard(t.Context(), s.Buyer.ID, card, true); return err },
	} {
		var err error
		for n := 0; err == nil && n < 1000; n++ {
			err = add()
		}
		s.WantCode(err, holdfast.InvalidParams)
	}
	r := order()
	r.CollectShippingAddress = true
	s.get(s.link(r))
	s.signIn()
	for _, row := range []struct {
		page, says string
		typed      []string
	}{
		{"card", "reached its limit of payment methods", []string{
			"number", "4242424242424242", "expiry", "0831", "code", "123",
		}},
		{"address", "reached its limit of addresses", []string{
			"addressLine1", "1 Main St", "city", "Springfield", "zip", "62701", "country", "US",
		}},
	} {
		s.get(s.server.URL + "/cobranded-ui/actions/" + row.page + "?new=1&visit=" + s.visit())
		s.submit(row.typed...)
		s.wantPage(row.page)
		s.wantText(row.says)
		if s.at.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: status is %d", row.page, s.at.status)
		}
	}
	s.visitPage("address")
	s.submit()
	s.wantPage("confirm")
}

// The address on the confirm page may be removed in another window.
func TestShippingAddressRemovedMeanwhile(t *testing.T) {
	s := newSite(t)
	r := order()
	r.CollectShippingAddress = true
	s.get(s.link(r))
	s.signIn()
	s.submit("addressName", "Ann Buyer", "addressLine1", "1 Main St", "city", "Springfield", "zip", "62701", "country",
		"US")
	s.wantPage("confirm")
	var kept []party.Address
	if err := s.DB.View(t.Context(), func(tx *store.ReadTx) (err error) {
		kept, err = tx.Addresses(s.Buyer.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Processor.Identity.RemoveAddress(t.Context(), s.Buyer.ID, kept[0].ID); err != nil {
		t.Fatal(err)
	}
	shown := s.at
	s.visitPage("confirm")
	s.wantPage("address")
	s.at = shown
	s.submit()
	s.wantPage("address")
	s.submit("addressName", "Ann Buyer", "addressLine1", "2 Elm St", "city", "Springfield", "zip", "62701", "country",
		"US")
	s.wantPage("confirm")
	s.submit()
	if back := s.wantBack(holdfast.ReturnSuccessCC); back.Address.Line1 != "2 Elm St" {
		t.Errorf("the shop sends to %+v", back.Address)
	}
}

func TestBalanceAndBank(t *testing.T) { holdfasttest.Databases(t, balanceAndBank) }

func balanceAndBank(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	s.Deposit(s.Buyer.ID, "100")
	r := order()
	r.Reserve, r.PaymentMethods = false, []holdfast.PaymentMethod{holdfast.MethodABT, holdfast.MethodACH}
	s.get(s.link(r))
	s.signIn()
	s.wantPage("payment") // the default card is not among the methods
	s.submit()
	s.wantPage("confirm")
	s.wantText("Account balance")
	s.submit()
	if back := s.wantBack(holdfast.ReturnSuccessABT); back.Expiry != "" {
		t.Errorf("a balance expires %s", back.Expiry)
	}

	r.CallerReference = "order-4712"
	s.get(s.link(r))
	s.press("bank")
	s.wantPage("confirm")
	s.submit()
	s.wantBack(holdfast.ReturnSuccessACH)
}

func TestStartByPOST(t *testing.T) {
	for _, verb := range []string{http.MethodPost, http.MethodGet} {
		t.Run("signed "+verb, func(t *testing.T) {
			s := newSite(t)
			p := s.signature(verb, s.pages.Hosts[0], params(
				"CallerKey", s.Key.ID, "SignatureVersion", "2", "signatureMethod", "HmacSHA1", "pipelineName", "SingleUse",
				"returnUrl", shopURL, "callerReference", "order-4711", "CallerReference", "order-4711",
				"TransactionAmount", "42.5", "unheardOf", "yes; * ~ é",
			))
			s.post(s.server.URL+holdfast.CoBrandedPath, p)
			s.wantPage("sign-in")
			s.signIn()
			s.submit()
			if back := s.wantBack(holdfast.ReturnSuccessCC); back.Params.Get("unheardOf") != "yes; * ~ é" {
				t.Errorf("unknown parameters come back as %v", back.Params)
			}
		})
	}
}

func TestSignedHosts(t *testing.T) {
	s := newSite(t)
	own := s.pages.Hosts[0]
	name, port, _ := strings.Cut(own, ":")
	for i, host := range []string{
		own, name, "authorize.payments.amazon.com", "authorize.payments-sandbox.amazon.com",
		"authorize.payments-sandbox.amazon.com:" + port,
	} {
		p := s.signature(http.MethodGet, host, params(
			"callerKey", s.Key.ID, "signatureVersion", "2", "signatureMethod", "HmacSHA256", "pipelineName", "SingleUse",
			"returnURL", shopURL, "callerReference", "order-"+string(rune('a'+i)), "transactionAmount", "42.5",
		))
		if s.get(s.server.URL + holdfast.CoBrandedPath + "?" + p.Encode()); s.at.status != http.StatusOK {
			t.Errorf("a link signed for %s is refused with %d", host, s.at.status)
		}
	}
	p := s.signature(http.MethodGet, "other.example.test", params(
		"callerKey", s.Key.ID, "signatureVersion", "2", "signatureMethod", "HmacSHA256", "pipelineName", "SingleUse",
		"returnURL", shopURL, "callerReference", "x", "transactionAmount", "42.5",
	))
	s.get(s.server.URL + holdfast.CoBrandedPath + "?" + p.Encode())
	s.wantInvalid("Invalid Signature")
}

func TestTheCallerIsToldTheAddressItAsksFor(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		p := params("callerReference", "mail-1", "pipelineName", "SingleUse", "returnURL", shopURL,
			"transactionAmount", "12.50", "paymentMethod", "CC", "collectEmailAddress", "True")
		s.get(s.signed(p))
		s.signIn()
		if !strings.Contains(s.at.body, s.Buyer.Email) || !strings.Contains(s.at.body, "your e-mail address") {
			t.Error("the confirm page does not say that the shop gets the address")
		}
		s.submit()
		if got := s.wantBack(holdfast.ReturnSuccessCC).Params.Get("buyerEmailAddress"); got != s.Buyer.Email {
			t.Errorf("the shop gets %q", got)
		}
	})
}

// A parameter of the returnURL that has the reference's name keeps its value.
func TestAReturnURLMayNameAReferenceOfItsOwn(t *testing.T) {
	s := newSite(t)
	own := shopURL + "&callerReference=mine"
	p := params("callerReference", "own-1", "pipelineName", "SingleUse", "returnURL", own, "transactionAmount", "12.50",
		"paymentMethod", "CC")
	s.get(s.signed(p))
	s.signIn()
	s.submit()
	if got := s.wantBack(holdfast.ReturnSuccessCC).Params.Get("callerReference"); got != "mine" {
		t.Errorf("the shop reads %q", got)
	}
}
