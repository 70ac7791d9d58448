package cobranded_test

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func TestCancel(t *testing.T) { holdfasttest.Databases(t, cancelAndRestart) }

func cancelAndRestart(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	s.get(s.link(order()))
	signInPage := s.at
	s.press("cancel")
	if back := s.wantBack(holdfast.ReturnAbandoned); back.CallerReference != "order-4711" || back.TokenID != "" {
		t.Errorf("the answer is %+v", back)
	}
	first := s.at.header.Get("Location")
	s.at = signInPage
	s.signIn()
	s.wantBack(holdfast.ReturnAbandoned)
	if again := s.at.header.Get("Location"); again != first {
		t.Errorf("the second answer is %s, the first was %s", again, first)
	}

	s.get(s.link(order()))
	if back := s.wantBack(holdfast.ReturnAccountProblem); back.ErrorMessage != "User Error: The pipeline was aborted "+
		"and restarted" {
		t.Errorf("message is %q", back.ErrorMessage)
	}
}

func TestCancelOnTheLastPage(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	s.signIn()
	s.press("cancel")
	s.wantBack(holdfast.ReturnAbandoned)
}

func TestSenderHasNoMethod(t *testing.T) {
	s := newSite(t)
	r := order()
	r.Reserve, r.PaymentMethods = false, []holdfast.PaymentMethod{holdfast.MethodABT}
	s.get(s.link(r))
	s.signIn()
	s.wantPage("payment")
	s.press("decline")
	s.wantBack(holdfast.ReturnPaymentError)
}

func TestMalformedParameters(t *testing.T) {
	long := strings.Repeat("x", 2049)
	for _, row := range []struct{ name, value string }{
		{"callerReference", ""},
		{"callerReference", strings.Repeat("x", 129)},
		{"transactionAmount", ""},
		{"transactionAmount", "0"},
		{"transactionAmount", "0.00"},
		{"transactionAmount", "-1"},
		{"transactionAmount", "+1"},
		{"transactionAmount", "1.005"},
		{"transactionAmount", "1e3"},
		{"transactionAmount", "USD 1"},
		{"transactionAmount", "9999999999999"},
		{"currencyCode", "EUR"},
		{"paymentMethod", "CC,Cash"},
		{"paymentMethod", "ABT"}, // with reserve
		{"reserve", "yes"},
		{"collectShippingAddress", "1"},
		{"tax", "a lot"},
		{"discount", "-1.00"},
		{"cobrandingUrl", "http://shop.example.test/logo.png"},
		{"cobrandingUrl", "http://127.0.0.1.example.test/logo.png"},
		{"cobrandingUrl", "ftp://localhost/logo.png"},
		{"cobrandingUrl", "https://shop.example.test;script-src/logo.png"},
		{"cobrandingStyle", "poster"},
		{"paymentReason", long},
		{"city", long},
	} {
		t.Run(row.name+"="+row.value[:min(len(row.value), 20)], func(t *testing.T) {
			s := newSite(t)
			p := params("callerReference", "order-4711", "transactionAmount", "42.50", "reserve", "True",
				"pipelineName", "SingleUse", "returnURL", shopURL)
			p = append(p.Without(row.name), holdfast.Param{Name: row.name, Value: row.value})
			s.get(s.signed(p))
			back := s.wantBack(holdfast.ReturnCallerError)
			if want := "The following input(s) are not well formed: [" + row.name + "]"; back.ErrorMessage != want {
				t.Errorf("message is %q, want %q", back.ErrorMessage, want)
			}
		})
	}
}

func TestReferenceInUse(t *testing.T) { holdfasttest.Databases(t, referenceInUse) }

func referenceInUse(t *testing.T, db *store.DB) {
	const want = "The following input(s) are not well formed: [callerReference]"
	s := newSiteOn(t, db)
	s.get(s.link(order()))
	s.signIn()
	other := s.at // a second visit with the same reference is on its last page
	next := order()
	next.PaymentReason = "Three mugs"
	s.get(s.link(next))
	s.submit()
	s.wantBack(holdfast.ReturnSuccessCC)

	s.at = other
	s.submit()
	if back := s.wantBack(holdfast.ReturnCallerError); back.ErrorMessage != want || back.TokenID != "" {
		t.Errorf("confirming a used reference: %+v", back)
	}
	s.get(s.link(order()))
	if back := s.wantBack(holdfast.ReturnCallerError); back.ErrorMessage != want {
		t.Errorf("starting with a used reference: %q", back.ErrorMessage)
	}
}

func TestAccountProblems(t *testing.T) {
	t.Run("sender is recipient", func(t *testing.T) {
		s := newSite(t)
		s.get(s.link(order()))
		s.submit("email", s.Owner.Email, "password", holdfasttest.Password)
		s.wantBack(holdfast.ReturnAccountProblem)

		next := order()
		next.CallerReference = "order-4712"
		s.get(s.link(next)) // the session is active, and the page offers another account
		s.wantPage("sign-in")
		s.wantText("This account cannot be used here.")
		s.signIn()
		s.wantPage("confirm")
	})
	t.Run("sender is recipient, and makes another account", func(t *testing.T) {
		s := newSite(t)
		s.get(s.link(order()))
		s.submit("email", s.Owner.Email, "password", holdfasttest.Password)
		s.wantBack(holdfast.ReturnAccountProblem)

		next := order()
		next.CallerReference = "order-4712"
		s.get(s.link(next))
		s.visitPage("sign-up")
		s.wantPage("sign-up")
		s.submit("name", "Nora", "email", nora, "password", holdfasttest.Password)
		s.wantPage("card")
		s.visitPage("sign-up") // the visit has ended
		s.wantPage("card")
	})
	for _, role := range []string{"sender", "recipient"} {
		t.Run(role+" suspended before the last page", func(t *testing.T) {
			s := newSite(t)
			s.get(s.link(order()))
			s.signIn()
			s.SetStanding(map[string]party.ID{"sender": s.Buyer.ID, "recipient": s.Owner.ID}[role], party.Suspended)
			s.submit()
			s.wantBack(holdfast.ReturnAccountProblem)
		})
		t.Run(role+" suspended", func(t *testing.T) {
			s := newSite(t)
			s.SetStanding(map[string]party.ID{"sender": s.Buyer.ID, "recipient": s.Owner.ID}[role], party.Suspended)
			s.get(s.link(order()))
			s.signIn()
			s.wantBack(holdfast.ReturnAccountProblem)
		})
	}
}

func TestNotAMarketplace(t *testing.T) {
	s := newSite(t)
	r := order()
	r.RecipientToken = strings.Repeat("A", 64)
	s.get(s.link(r))
	s.wantBack(holdfast.ReturnNotMarketplace)
}

// broken makes every change fail from now on, as if the disk were gone.
func (s *site) broken() {
	s.t.Helper()
	dead, err := store.Open(s.t.Context(), store.Config{Address: s.t.TempDir() + "/dead.db"})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := dead.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.pages.Processor = processor.New(dead, processor.Config{
		Network: s.Network, Now: s.Clock.Now, IDs: s.IDs, Log: s.pages.Log,
	})
}

func TestSystemError(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	s.signIn()
	confirm, whole := s.at, s.pages.Processor
	s.broken()
	s.submit()
	s.wantBack(holdfast.ReturnSystemError)
	next := order()
	next.CallerReference = "order-4712"
	s.get(s.link(next))
	s.wantBack(holdfast.ReturnSystemError)

	s.pages.Processor, s.at = whole, confirm
	s.submit() // the sender may try again
	s.wantBack(holdfast.ReturnSuccessCC)
}

func TestConfirmedTwice(t *testing.T) { holdfasttest.Databases(t, confirmedTwice) }

func confirmedTwice(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	s.get(s.link(order()))
	s.signIn()
	confirm := s.at
	s.submit()
	back := s.wantBack(holdfast.ReturnSuccessCC)
	first := s.at.header.Get("Location")
	for _, again := range []func() page{
		func() page { return s.submit() },
		func() page { return s.press("cancel") },
		func() page { return s.get(confirm.url.String()) },
	} {
		s.at = confirm
		if again(); s.at.header.Get("Location") != first {
			t.Errorf("the answer is %d to %s, want %s", s.at.status, s.at.header.Get("Location"), first)
		}
	}
	if token := s.token(back.TokenID); token.Cancelled {
		t.Error("the token is cancelled")
	}

	s.newBrowser()
	if s.get(confirm.url.String()); s.at.status != http.StatusNotFound ||
		strings.Contains(s.at.body, string(back.TokenID)) {
		t.Errorf("another browser is answered with %d", s.at.status)
	}
}

func TestConfirmedIsWhatWasShown(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	s.signIn()
	stale := s.at
	s.get(s.server.URL + "/cobranded-ui/actions/card?visit=" + s.at.url.Query().Get("visit"))
	s.submit("number", "5555555555554444", "expiry", "0831", "code", "123")
	s.wantPage("confirm")
	s.at = stale
	s.submit()
	s.wantPage("confirm")
	s.wantText("Mastercard ending in 4444")
	s.submit()
	s.wantBack(holdfast.ReturnSuccessCC)
}

func TestCardExpiresByTheCallersClock(t *testing.T) {
	s := newSite(t)
	s.change(func(c party.Caller) party.Caller { c.ClockOffset = 6 * 365 * 24 * time.Hour; return c })
	s.get(s.link(order()))
	s.signIn()
	s.wantPage("card") // the default has expired, and Reserve accepts only cards
}

func TestSessionEnds(t *testing.T) { holdfasttest.Databases(t, sessionEnds) }

func sessionEnds(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	s.get(s.link(order()))
	s.signIn()
	s.wantPage("confirm")
	confirm := s.at
	s.Clock.Advance(29 * time.Minute)
	s.get(confirm.url.String())
	s.wantPage("confirm")
	s.Clock.Advance(31 * time.Minute)
	s.at = confirm
	s.submit()
	s.wantPage("sign-in")
	s.wantText("You were signed out after 30 minutes. Your payment is still open.")
	stopped := s.at
	s.signIn()
	s.wantPage("confirm")
	s.at = stopped
	s.press("cancel")
	s.wantBack(holdfast.ReturnAbandoned)
}

// A payment that begins after the session ended does not mention that session.
func TestASessionThatEndedBeforeThePayment(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	s.signIn()
	s.Clock.Advance(time.Hour)
	again := order()
	again.CallerReference = "another-order"
	s.get(s.link(again))
	s.wantPage("sign-in")
	if strings.Contains(s.at.body, "You were signed out") {
		t.Error("the page mentions the session")
	}
}

func TestAnotherSenderSignsIn(t *testing.T) {
	s := newSite(t)
	bea := s.Party("Bea", "bea@example.test")
	s.get(s.link(order()))
	s.signIn()
	s.press("sign-out")
	s.wantPage("sign-in")
	s.submit("email", bea.Email, "password", holdfasttest.Password)
	s.wantPage("card") // Ann's card is not Bea's
	visit := s.at.url.Query().Get("visit")
	s.post(s.server.URL+"/cobranded-ui/actions/payment", params("visit", visit, "instrument", string(s.Card.ID)))
	if s.at.status != http.StatusUnprocessableEntity {
		t.Errorf("another party's card is answered with %d", s.at.status)
	}
}

// All pipelines can end in the same ways.
func TestEveryPipelineEnds(t *testing.T) { holdfasttest.Databases(t, everyPipelineEnds) }

func everyPipelineEnds(t *testing.T, db *store.DB) {
	s := payingSite(t, db)
	token := s.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: s.Card.ID, Method: s.Card.Method})
	all := map[payment.Pipeline][]string{
		payment.PipelineSingleUse: {"callerReference", "SingleUse", "transactionAmount", "5"},
		payment.PipelineMultiUse:  {"callerReference", "MultiUse", "globalAmountLimit", "100"},
		payment.PipelineRecurring: {
			"callerReference", "Recurring", "transactionAmount", "5", "recurringPeriod",
			"1 Month",
		},
		payment.PipelineRecipient: {"callerReference", "Recipient", "recipientPaysFee", "False"},
		payment.PipelineSetupPrepaid: {
			"callerReferenceSender", "SetupPrepaid", "callerReferenceFunding", "fund",
			"fundingAmount", "50",
		},
		payment.PipelineSetupPostpaid: {
			"callerReferenceSender", "SetupPostpaid", "callerReferenceSettlement", "settle",
			"creditLimit", "50", "globalAmountLimit", "100",
		},
		payment.PipelineEditToken: {"callerReference", "EditToken", "tokenID", string(token)},
	}
	for pipeline, pairs := range all {
		ended := func(what string, act func()) {
			t.Helper()
			changed := slices.Clone(pairs)
			changed[1] += what
			s.newBrowser()
			s.get(s.asked(pipeline, changed...))
			act()
		}
		ended("cancelled", func() {
			s.press("cancel")
			s.wantBack(holdfast.ReturnAbandoned)
		})
		ended("cancelled", func() { s.wantBack(holdfast.ReturnAccountProblem) }) // and started again
		ended("unverified", func() {
			s.Change(s.Buyer.ID, func(p *party.Party) { p.EmailVerified = false })
			s.signIn()
			s.wantBack(holdfast.ReturnAccountProblem)
			s.Change(s.Buyer.ID, func(p *party.Party) { p.EmailVerified = true })
		})
		ended("failing", func() {
			s.signIn()
			if strings.HasSuffix(s.at.url.Path, "/payment") {
				s.submit("instrument", string(cmp.Or(s.Balance().ID, s.Card.ID)))
			}
			s.wantPage("confirm")
			confirm, whole := s.at, s.pages.Processor
			s.broken()
			s.submit()
			s.wantBack(holdfast.ReturnSystemError)
			s.pages.Processor, s.at = whole, confirm
			s.submit() // the same page may be confirmed again
			if !s.wantBackAny().Authorised() {
				t.Errorf("%s: %s", pipeline, s.at.back)
			}
			first := s.at.header.Get("Location")
			s.at = confirm
			if s.submit(); s.at.header.Get("Location") != first {
				t.Errorf("%s: a double click is answered with %s, want %s", pipeline, s.at.header.Get("Location"), first)
			}
		})
		if pipeline == payment.PipelineEditToken {
			continue // the token is edited
		}
		ended("failing", func() { s.wantBack(holdfast.ReturnCallerError) }) // the reference is already used
	}
}
