package cobranded

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// everyPage returns the pages in one language, each with everything that it can
// have. Where it makes a difference, a page is also there with as little as
// possible.
func everyPage(w webui.Words) []layoutOf {
	hidden := holdfast.Params{{Name: "visit", Value: "V1"}}
	f := frame{
		Seller: "Kiln & Co", LogoURL: "https://img.example.test/a.png", Back: "Kiln", Reason: account.Reason("<b>Mug</b>"),
		Lines: []account.Term{{Label: "Discount", Value: "−$1.50"}},
		Asked: agreement{
			Asks: "asks you", Amount: money.Cents(4250), Terms: []account.Term{{Label: "From", Value: "today"}},
			Heading: "Review", Calm: "Nothing is charged.", Note: "You allow it.", Agree: "Approve", PayWords: "Pay with",
		},
		Hidden: hidden, Sender: "ann@example.test",
	}
	full, bare := f, frame{Seller: "Kiln & Co", Asked: agreement{Heading: "Review"}, Hidden: hidden}
	full.Full = true
	wrong := func(form webui.Form) webui.Form {
		form.Action, form.Hidden, form.Problem = "/do", hidden, "No."
		for i := range form.Fields {
			form.Fields[i].Error = "No."
		}
		return form
	}
	address := wrong(account.AddressForm(w, "Ann"))
	passkey := webui.PasskeyForm{
		Action: "/passkey", Passkey: webui.Passkey{Ask: "/ask", Label: "Passkey", Working: "W", Failed: "F"},
	}
	choices := []choice{{Value: "1", Title: "One", Detail: "first", Checked: true}, {Value: "2", Title: "Two"}}
	return []layoutOf{
		{"sign-in", signInPage{Frame: bare, Heading: "Sign in", Form: wrong(account.SignInForm(w)), SignUp: "/up"}},
		{"sign-in", signInPage{
			Frame: bare, Heading: "Sign in", Ended: "You were signed out.", Form: account.SignInForm(w), Forgotten: "/forgotten",
			Passkey: &passkey,
		}},
		{"verify", verifyPage{Frame: bare, Email: "ann@example.test", Form: wrong(account.CodeForm(w)), Send: "/send"}},
		{"sign-up", signUpPage{Frame: bare, Form: wrong(account.SignUpForm(w)), SignIn: "/in"}},
		{"payment", paymentPage{
			Frame: f, Action: "/do", Problem: "No.", Choices: choices, AddCard: "/card", AddBank: "/bank",
		}},
		{"payment", paymentPage{Frame: bare, Action: "/do"}},
		{"card", cardPage{Frame: f, Form: wrong(account.CardForm(w, "Ann")), Back: "/back", Test: true}},
		{"address", addressPage{
			Frame: f, Heading: "Where", Action: "/do", Choices: choices, Other: "/other", Problem: "No.",
		}},
		{"address", addressPage{Frame: f, Heading: "Where", Form: &address, Other: "/other"}},
		{"confirm", confirmPage{
			Frame: full, Action: "/do", Hidden: hidden, Instrument: account.InstrumentView{
				Title: "Visa", Detail: "x",
			},
			Address: []string{"Ann"}, Change: "/c", ChangeShip: "/s", Email: "ann@example.test",
			Breakdown: "It does not add up.", Consent: "The card is kept.", Script: "Switch it on.", EmailLabel: "There",
		}},
		{"network-card", networkCardPage{
			Frame: f, Problem: "No.", Network: "Stripe", Text: "Next", Consent: "The card is kept.", Action: "/do", Back: "/back",
		}},
		{"network-card", networkCardPage{Frame: bare, Network: "Stripe", Action: "/do"}},
		{"onward", onwardPage{Heading: "On", Text: "x", Link: "Go", Onward: "https://bank.example.test/", Other: "/other"}},
		{"onward", onwardPage{Heading: "On", Onward: "https://bank.example.test/"}},
		{"waiting", waitingPage{Heading: "Wait", Text: "x", Again: "/again"}},
		{"confirm", confirmPage{Frame: bare, Action: "/do", Hidden: hidden}},
		{"message", messagePage{Heading: "No", Text: []string{"x"}, Detail: "d", Hints: []string{"h"}, Signed: "GET\nx"}},
		{"message", messagePage{Heading: "No", Signed: "ax", SignedV1: true}},
		{"message", pageNotFound.page(w)},
		{"message", pageNoVisit.page(w)},
		{"message", pageForeign.page(w)},
		{"return", returnPage{Site: "Kiln & Co", Onward: "http://shop.example.test/", Approved: true}},
		{"return", returnPage{Site: "Kiln & Co", Onward: "http://shop.example.test/"}},
		{"message", pageTooMuch.page(w)},
		{"message", pageBadForm.page(w)},
		{"message", pageFailed.page(w)},
		{"message", pageInvalid.page(w)},
	}
}

// A layoutOf is a page with its content.
type layoutOf struct {
	page    string
	content any
}

// Every page is rendered with its own type in every language. A misspelt field
// or an incomplete message fails here and not in a sender's browser.
func TestEveryPageRenders(t *testing.T) {
	rendered := make(map[string]bool)
	for _, words := range webui.AllWords() {
		for _, row := range everyPage(words) {
			w := httptest.NewRecorder()
			steps := []webui.Step{{Label: "A", Done: true}, {Label: "B", Current: true}}
			layout := webui.Layout{
				Words: words, Title: "T", Sandbox: true, Steps: steps, Scripts: []string{"once.js", "card.js"},
				Content: row.content,
			}
			if err := pages.Render(w, http.StatusOK, row.page, layout); err != nil {
				t.Errorf("%s: %v", row.page, err)
				continue
			}
			rendered[row.page] = true
			holdfasttest.CheckPage(t, row.page, w.Body.String())
		}
	}
	for _, name := range pages.Names() {
		if !rendered[name] {
			t.Errorf("page %s is not rendered by this test", name)
		}
	}
}
