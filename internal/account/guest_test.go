package account_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

const gus = "gus@example.test"

// guestApproves lets a guest approve a payment of $32.00, and returns the token.
func (s *site) guestApproves() holdfast.TokenID {
	s.t.Helper()
	public, err := url.Parse("https://pay.example.test/")
	s.must(err)
	s.Processor.Receipts = account.Letters{Public: public}.Receipt
	_, err = s.Processor.ChangeCaller(s.t.Context(), s.Shop.ID, func(c party.Caller) (party.Caller, error) {
		c.Guests = true
		return c, nil
	})
	s.must(err)
	asked := params("pipelineName", "SingleUse", "callerReference", s.IDs.Other("order-"), "transactionAmount", "32",
		"reserve", "True", "paymentReason", "Two mugs")
	r, _ := payment.ReadPipeline(asked)
	v, err := s.Processor.StartVisit(s.t.Context(), s.Shop, r, asked, false)
	s.must(err)
	v, err = s.Processor.EnterAsGuest(s.t.Context(), v.ID, "203.0.113.7", "en")
	s.must(err)
	v, err = s.Processor.AddGuestCard(s.t.Context(), v.ID, v.Sender, gus, processor.NewCard{
		Number: processor.NewCardNumber("4000000000000077"), ExpiryMonth: 12, ExpiryYear: 2031, Holder: "Gus Guest",
	})
	s.must(err)
	v, err = s.Processor.ConfirmVisit(s.t.Context(), v.ID, v.Sender, processor.Shown{Instrument: v.Instrument})
	s.must(err)
	answer, err := holdfast.ParseParams(v.Answer)
	s.must(err)
	return holdfast.TokenID(answer.Get("tokenID"))
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// guestPage is the place to which the guest's last mail leads.
func (s *site) guestPage() string {
	s.t.Helper()
	var place string
	s.must(s.DB.View(s.t.Context(), func(tx *store.ReadTx) error {
		mails, err := tx.Mails("", 100)
		for _, m := range mails {
			if _, rest, found := strings.Cut(m.Text, "https://pay.example.test/account/guest?"); found && place == "" {
				place = "guest?" + strings.Fields(rest)[0]
			}
		}
		return err
	}))
	if place == "" {
		s.t.Fatal("no mail leads to a guest's page")
	}
	return place
}

func TestAGuestSeesItsPayment(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		token := s.guestApproves()
		b := s.newBrowser()
		b.get(s.guestPage())
		b.wantPage("guest")
		b.wantText("Kiln & Co", "Two mugs", "Nothing has been charged or put on hold yet.", "$32.00")
		held, err := s.Reserve(token, "32.00", "reserve-1")
		s.must(err)
		b.get(s.guestPage())
		b.wantText("Held until", webui.WordsIn("en").Moment(held.Deadline), "Visa ending in 0077", "$32.00")
		b.wantNoText("Nothing has been charged", "Gus", gus)
		_, err = s.Settle(held.ID, "30.00")
		s.must(err)
		_, err = s.Refund(held.ID, "12.00", "refund-1")
		s.must(err)
		b.get(s.guestPage())
		b.wantText("$30.00", "$12.00", "Refunded", string(held.ID))
		b.wantNoText("Gus", gus, "Sign out")
		if got := b.at.header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
			t.Errorf("Cache-Control is %q", got)
		}
		if got := b.at.header.Get("Referrer-Policy"); got != "same-origin" && got != "no-referrer" {
			t.Errorf("Referrer-Policy is %q", got)
		}
		if strings.Contains(s.log.String(), strings.TrimPrefix(s.guestPage(), "guest?")) {
			t.Errorf("the log has the link:\n%s", s.log)
		}
		for _, place := range []string{"history", "", "methods", "profile"} {
			b.get(place)
			b.wantPage("sign-in")
		}
	})
}

func TestLinksThatShowNoGuest(t *testing.T) {
	s := newSite(t)
	s.guestApproves()
	place := s.guestPage()
	s.Clock.Advance(time.Second) // the mails of one moment have no order
	s.guestApproves()
	other := s.guestPage()
	b := s.newBrowser()
	cut := strings.LastIndexByte(place, '.')
	for name, forged := range map[string]string{
		"no link": "guest", "an empty link": "guest?link=", "half a link": place[:cut], "another MAC": place + "A",
		"the MAC of another guest": place[:cut] + other[strings.LastIndexByte(other, '.'):],
		"an account's id":          "guest?link=" + string(s.Buyer.ID) + place[cut:],
		"a long link":              "guest?link=" + strings.Repeat("P", 5000),
		"the letter's page":        strings.Replace(place, "guest?", "guest/account?", 1),
	} {
		b.get(forged)
		b.wantStatus(name, http.StatusGone)
		b.wantText("This link no longer works")
		b.wantNoText("$32.00", gus)
	}
	for _, action := range []string{"guest/ask", "guest/account", "guest/passkey"} {
		b.postTo(action, "link", "forged", "new-password", holdfasttest.Password)
		b.wantStatus(action, http.StatusGone)
	}
	s.Clock.Advance(2 * 365 * 24 * time.Hour)
	b.get(place)
	b.wantStatus("an old link", http.StatusGone)
}

func TestAGuestMakesAnAccount(t *testing.T) {
	s := newSite(t)
	_, err := s.Reserve(s.guestApproves(), "32.00", "reserve-1")
	s.must(err)
	place, b := s.guestPage(), s.newBrowser()
	b.get(place)
	b.send("guest/ask", "")
	b.wantText("Check your e-mail")
	b.wantNoText(gus)
	letter := "guest/account?link=" + s.post.Last(gus, party.NoticeGuestClaim).Link
	s.newBrowser().get(letter) // by a program that follows links
	b.get(letter)
	b.wantPage("guest/account")
	b.wantText(gus)
	b.send("guest/account", "", "new-password", "short")
	b.wantStatus("a short password", http.StatusUnprocessableEntity)
	b.wantText("Please choose a password of at least 8 characters.")
	b.send("guest/account", "", "new-password", holdfasttest.Password)
	b.wantPage("")
	b.wantText("Your account is ready.", gus, "Kiln & Co", "$32.00")
	b.get("profile")
	b.wantText("Verified")
	b.wantNoText("Gus Guest")
	b.get("methods")
	b.wantNoText("Visa")
	b.get("")
	b.wantText("Add your name")
	b.postTo("profile/business")
	b.wantPage("profile/name")
	b.send("profile/name", "", "name", "Gus the owner")
	b.get("")
	b.wantNoText("Add your name")
	for _, over := range []string{place, letter} {
		b.get(over)
		b.wantStatus("the link "+over, http.StatusGone)
	}
	again := s.newBrowser()
	again.signIn(gus, holdfasttest.Password)
	again.wantPage("")
}

// The page gives the same answer whether the address has an account or not.
func TestAGuestWhoseAddressHasAnAccount(t *testing.T) {
	s := newSite(t)
	s.guestApproves()
	place, b := s.guestPage(), s.newBrowser()
	b.get(place)
	b.send("guest/ask", "")
	free := b.at
	letter := "guest/account?link=" + s.post.Last(gus, party.NoticeGuestClaim).Link
	s.Party("Gus the first", gus)
	b.get(place)
	b.send("guest/ask", "")
	if b.at.status != free.status || b.at.body != free.body {
		t.Errorf("with an account, the answer is %d:\n%s\nwithout, it is %d:\n%s", b.at.status, b.at.body, free.status,
			free.body)
	}
	s.post.Last(gus, party.NoticeGuestHasAccount)
	b.get(letter)
	b.send("guest/account", "", "new-password", "another password")
	b.wantStatus("an earlier letter", http.StatusConflict)
	b.wantText("There is already an account with this e-mail address.")
	if b.cookie() != "" {
		t.Error("the browser has a session")
	}
	b.signIn(gus, holdfasttest.Password)
	b.wantPage("")
	b.get("history")
	b.wantNoText("$32.00")
	b.get(place)
	b.wantText("$32.00")
}

func TestAGuestMakesAnAccountWithAPasskey(t *testing.T) {
	s := newSite(t)
	s.guestApproves()
	b := s.atLocalhost()
	b.header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0")
	b.get(s.guestPage())
	b.send("guest/ask", "")
	secret := s.post.Last(gus, party.NoticeGuestClaim).Link
	b.get("guest/account?link=" + secret)
	b.wantText("Use a passkey instead")
	b.postTo("guest/passkey/ask", "link", "forged")
	if _, refused := b.asked(); refused == "" || b.at.status != http.StatusGone {
		t.Errorf("a forged link may make a passkey: status %d", b.at.status)
	}
	b.postTo("guest/passkey/ask", "link", secret)
	question, refused := b.asked()
	if refused != "" {
		t.Fatalf("refused: %s", refused)
	}
	b.postTo("guest/passkey", "link", secret, "answer", "nonsense")
	b.wantStatus("nonsense", http.StatusUnprocessableEntity)
	b.postTo("guest/passkey", "link", secret, "answer", string(b.device().Make(question)))
	b.wantPage("")
	b.get("security")
	b.wantText("Firefox Linux")
}

func TestMailsToGuestsInEachLanguage(t *testing.T) {
	for _, about := range []payment.ReceiptAbout{
		payment.ReceiptApproved, payment.ReceiptCharged, payment.ReceiptReleased, payment.ReceiptRefunded,
	} {
		texts := map[string]bool{}
		for _, words := range webui.AllWords() {
			r := receiptOf(about)
			r.Language, r.Guest = words.Tag(), "P1.abc.MAC"
			_, text := letters(t).Receipt(r)
			if !strings.Contains(text, "https://pay.example.test/account/guest?link=P1.abc.MAC\n") ||
				strings.Contains(text, "/account/\n") || strings.Contains(text, "/authorisations") ||
				strings.Contains(text, "/history") || strings.Contains(text, "PRIZE") || strings.Contains(text, "<no value>") {
				t.Errorf("%s in %s:\n%s", about, words.Tag(), text)
			}
			texts[text] = true
		}
		if len(texts) < 3 {
			t.Errorf("%s: the mails are %v", about, texts)
		}
	}
	for about, says := range map[party.NoticeAbout][]string{
		party.NoticeGuestClaim: {"https://pay.example.test/account/guest/account?link=SECRET"},
		party.NoticeGuestHasAccount: {
			"https://pay.example.test/account/sign-in", "https://pay.example.test/account/guest?link=P1.abc.MAC",
		},
	} {
		subjects := map[string]bool{}
		for _, words := range webui.AllWords() {
			n := party.Notice{About: about, Language: words.Tag(), Guest: "P1.abc.MAC"}
			if about == party.NoticeGuestClaim {
				n.Link = "SECRET"
			}
			subject, text := letters(t).Write(n)
			for _, part := range says {
				if !strings.Contains(text, part+"\n") {
					t.Errorf("%s in %s does not say %q:\n%s", about, words.Tag(), part, text)
				}
			}
			subjects[subject] = true
		}
		if len(subjects) < 3 {
			t.Errorf("%s: subjects are %v", about, subjects)
		}
	}
}
