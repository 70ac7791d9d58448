package cobranded

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// Every page against its own type: a misspelt field fails here and not before a
// sender.
func TestEveryPageRenders(t *testing.T) {
	hidden := holdfast.Params{{Name: "visit", Value: "V1"}}
	f := frame{
		Seller: "Kiln & Co", LogoURL: "https://img.example.test/a.png", Website: "Kiln", Reason: inline("<b>Mug</b>"),
		Lines: []payment.BreakdownLine{{Label: "Discount", Amount: money.Cents(150), Discount: true}},
		Asked: agreement{
			Asks: "asks you to authorise", Amount: money.Cents(4250), Terms: []term{{"From", "today"}},
			Heading: "Review", Stress: "Nothing is charged.", Note: "You allow it.", Agree: "Authorise", PayWords: "Pay with",
		},
		Full: true, Hidden: hidden, Sender: "ann@example.test",
	}
	form := webui.Form{Action: "/do", Hidden: hidden, Problem: "No.", Submit: "Go", Fields: []webui.Field{{Name: "a", Label: "A", Error: "No."}, {Name: "b", Label: "B", Optional: true}}}
	choices := []choice{{Value: "1", Title: "One", Detail: "first", Checked: true}, {Value: "2", Title: "Two"}}
	bare := frame{Seller: "Kiln & Co", Asked: agreement{Heading: "Review"}, Hidden: hidden}
	rendered := make(map[string]bool)
	for _, row := range []struct {
		page    string
		content any
	}{
		{"sign-in", signInPage{Frame: bare, Heading: "Sign in", Form: form, SignUp: "/up"}},
		{"sign-up", signUpPage{Frame: bare, Form: form, SignIn: "/in"}},
		{"payment", paymentPage{Frame: f, Action: "/do", Problem: "No.", Choices: choices, AddCard: "/card", AddBank: "/bank"}},
		{"payment", paymentPage{Frame: bare, Action: "/do"}},
		{"card", cardPage{Frame: f, Form: form, Back: "/back", Test: true}},
		{"address", addressPage{Frame: f, Action: "/do", Choices: choices, Other: "/other", Problem: "No."}},
		{"address", addressPage{Frame: f, Form: &form, Other: "/other"}},
		{"confirm", confirmPage{Frame: f, Action: "/do", Hidden: hidden, Instrument: instrumentView{Title: "Visa", Detail: "x"}, Address: []string{"Ann"}, Change: "/c", ChangeShip: "/s"}},
		{"confirm", confirmPage{Frame: bare, Action: "/do", Hidden: hidden}},
		{"message", messagePage{Heading: "No", Text: []string{"x"}, Detail: "d", Hints: []string{"h"}, Signed: "GET\nx"}},
		{"message", pageFailed},
	} {
		w := httptest.NewRecorder()
		steps := []webui.Step{{Label: "A", Done: true}, {Label: "B", Current: true}}
		if err := pages.Render(w, http.StatusOK, row.page, webui.Layout{Title: "T", Sandbox: true, Steps: steps, Content: row.content}); err != nil {
			t.Errorf("%s: %v", row.page, err)
			continue
		}
		rendered[row.page] = true
		checkMarkup(t, row.page, w.Body.String())
	}
	for _, name := range pages.Names() {
		if !rendered[name] {
			t.Errorf("page %s is not rendered by this test", name)
		}
	}
}

var (
	idPattern    = regexp.MustCompile(` id="([^"]+)"`)
	forPattern   = regexp.MustCompile(` for="([^"]+)"`)
	inputPattern = regexp.MustCompile(`<input [^>]*>`)
)

// checkMarkup looks for what screen readers need.
func checkMarkup(t *testing.T, page, body string) {
	t.Helper()
	if n := strings.Count(body, "<h1"); n != 1 {
		t.Errorf("%s has %d h1", page, n)
	}
	for _, part := range []string{`<html lang="en-US">`, `<main id="main"`, "<header", "<footer", `name="viewport"`} {
		if !strings.Contains(body, part) {
			t.Errorf("%s lacks %s", page, part)
		}
	}
	if open, closed := strings.Count(body, "<form"), strings.Count(body, "</form>"); open != closed {
		t.Errorf("%s opens %d forms and closes %d", page, open, closed)
	}
	ids := make(map[string]bool)
	for _, id := range idPattern.FindAllStringSubmatch(body, -1) {
		if ids[id[1]] {
			t.Errorf("%s has the id %s twice", page, id[1])
		}
		ids[id[1]] = true
	}
	labelled := make(map[string]bool)
	for _, label := range forPattern.FindAllStringSubmatch(body, -1) {
		labelled[label[1]] = true
		if !ids[label[1]] {
			t.Errorf("%s has a label for %s, which is not there", page, label[1])
		}
	}
	for _, input := range inputPattern.FindAllString(body, -1) {
		id := idPattern.FindStringSubmatch(input)
		if !strings.Contains(input, `type="hidden"`) && (id == nil || !labelled[id[1]]) {
			t.Errorf("%s has no label for %s", page, input)
		}
	}
}

func TestInline(t *testing.T) {
	for reason, want := range map[string]template.HTML{
		"Two mugs":                         "Two mugs",
		"a < b & c > d":                    "a &lt; b &amp; c &gt; d",
		"<b>bold</b>":                      "<b>bold</b>",
		"<B>bold</B>":                      "<b>bold</b>",
		"<b>never closed":                  "<b>never closed</b>",
		"<ul><li>one<li>two":               "<ul><li>one<li>two</li></li></ul>",
		"one<br>two<br/>three<br />":       "one<br>two<br>three<br>",
		"<b><i>crossed</b></i>":            "<b><i>crossed</i></b>",
		"</ul></b>closed":                  "closed",
		"<b onclick=\"x()\">x</b>":         "&lt;b onclick=&#34;x()&#34;&gt;x",
		"<script>x</script>":               "&lt;script&gt;x&lt;/script&gt;",
		"<strong>s</strong><strike>t<em>u": "<strong>s</strong><strike>t<em>u</em></strike>",
		"<":                                "&lt;",
		"<<b>x":                            "&lt;<b>x</b>",
		"<b<i>x":                           "&lt;b<i>x</i>",
		"<a href=javascript:x>y</a>":       "&lt;a href=javascript:x&gt;y&lt;/a&gt;",
		"&lt;b&gt;":                        "&amp;lt;b&amp;gt;",
	} {
		if got := inline(reason); got != want {
			t.Errorf("%s is shown as %s, want %s", reason, got, want)
		}
	}
}

func TestParseExpiry(t *testing.T) {
	for _, row := range []struct {
		typed       string
		month, year int
		ok          bool
	}{
		{"08/31", 8, 2031, true},
		{"8/31", 8, 2031, true},
		{" 12 / 2031 ", 12, 2031, true},
		{"0831", 8, 2031, true},
		{"082031", 8, 2031, true},
		{"13/31", 0, 0, false},
		{"00/31", 0, 0, false},
		{"08/1", 0, 0, false},
		{"08/031", 0, 0, false},
		{"2031-08", 8, 2031, true},
		{"2031-8", 8, 2031, true},
		{"08-31", 8, 2031, true},
		{"08.2031", 8, 2031, true},
		{"08 31", 8, 2031, true},
		{"2031-13", 0, 0, false},
		{"2031-2031", 0, 0, false},
		{"2031", 0, 0, false},
		{"８/31", 0, 0, false},
		{"", 0, 0, false},
		{"/", 0, 0, false},
		{"+8/31", 0, 0, false},
		{"08/31/1", 0, 0, false},
	} {
		month, year, ok := parseExpiry(row.typed)
		if ok != row.ok || ok && (month != row.month || year != row.year) {
			t.Errorf("%q is read as %d/%d, %v", row.typed, month, year, ok)
		}
	}
}
