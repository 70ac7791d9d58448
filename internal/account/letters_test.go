package account_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

func TestVerifyingByCode(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser()
	b.signUp()
	letter := s.post.Last(nora, party.NoticeVerify)
	b.get("verify")
	b.send("verify", "", "code", wrongCode(letter.Code))
	b.wantStatus("a wrong code", http.StatusUnprocessableEntity)
	b.wantText("This code is not correct.")
	b.send("verify", "", "code", letter.Code[:3]+" "+letter.Code[3:])
	b.wantPage("")
	b.wantText("Your e-mail address is verified.")
	b.wantNoText("You can pay without verifying until")
	b.get("verify")
	b.wantText("There is nothing more to do.")
}

// wrongCode returns a code that differs from the given one.
func wrongCode(code string) string {
	return string('0'+('9'-code[0])) + code[1:]
}

// A program that follows the links in mails verifies nothing. Users who are not
// signed in must sign in first.
func TestVerifyingByLink(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser()
	b.signUp()
	link := "verify?link=" + s.post.Last(nora, party.NoticeVerify).Link
	s.newBrowser().get(link)
	elsewhere := s.newBrowser()
	elsewhere.get(link)
	elsewhere.wantPage("sign-in")
	elsewhere.send("sign-in", "", "email", nora, "password", holdfasttest.Password)
	elsewhere.wantPage("verify")
	b.get("profile")
	b.wantText("Not verified")
	elsewhere.wantText("Yes, this is my address")
	elsewhere.send("verify", "")
	elsewhere.wantPage("")
	elsewhere.wantText("Your e-mail address is verified.")
	b.postTo("verify", "link", strings.TrimPrefix(link, "verify?link="))
	b.wantStatus("the link again", http.StatusUnprocessableEntity)
}

// While a change of address is pending, the link of the first letter still
// verifies the first address, and the page says so.
func TestTheLinkOfTheFirstLetterDuringAChange(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser()
	b.signUp()
	first := s.post.Last(nora, party.NoticeVerify).Link
	b.get("profile/email")
	b.send("profile/email", "", "email", "new@example.test", "password", holdfasttest.Password)
	b.get("verify?link=" + first)
	b.wantText("Confirm that " + nora + " is your e-mail address.")
	b.wantNoText("new@example.test")
	b.send("verify", "")
	b.wantPage("")
	b.wantText("Your e-mail address is verified.")
	b.get("profile")
	b.wantText(nora, "new@example.test", "Becomes your address once you verify it.")
	b.get("verify?link=" + s.post.Last("new@example.test", party.NoticeNewEmail).Link)
	b.wantText("new@example.test")
	b.send("verify", "")
	b.wantPage("profile")
	b.wantText("Your e-mail address was changed.")
}

func TestLinksThatProveNothing(t *testing.T) {
	for name, row := range map[string]struct {
		link func(s *site, letter party.Notice) string
		wait time.Duration
	}{
		"too old":           {func(_ *site, n party.Notice) string { return n.Link }, 24 * time.Hour},
		"made up":           {func(*site, party.Notice) string { return strings.Repeat("x", 32) }, 0},
		"overlong":          {func(*site, party.Notice) string { return strings.Repeat("x", 5000) }, 0},
		"of another letter": {func(s *site, n party.Notice) string { s.sendAgain(); return n.Link }, 0},
		"of another account": {func(s *site, _ party.Notice) string {
			other := s.newBrowser()
			other.get("sign-up")
			other.send("sign-up", "", "name", "Otto", "email", "otto@example.test", "password", holdfasttest.Password)
			return s.post.Last("otto@example.test", party.NoticeVerify).Link
		}, 0},
		"for a password": {func(s *site, _ party.Notice) string {
			s.newBrowser().postTo("forgotten", "email", nora)
			return s.post.Last(nora, party.NoticeReset).Link
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := s.newBrowser()
			b.signUp()
			link := row.link(s, s.post.To(nora)[0])
			s.Clock.Advance(row.wait)
			b = s.newBrowser()
			b.signIn(nora, holdfasttest.Password)
			b.postTo("verify", "link", link)
			b.wantStatus(name, http.StatusUnprocessableEntity)
			b.wantText("This link cannot be used")
			b.get("profile")
			b.wantText("Not verified")
		})
	}
}

// sendAgain has another letter sent to Nora.
func (s *site) sendAgain() {
	s.t.Helper()
	b := s.newBrowser()
	b.signIn(nora, holdfasttest.Password)
	b.get("verify")
	b.send("verify/send", "")
	b.wantPage("verify")
	b.wantText("We have sent you an e-mail.")
}

func TestCodesCannotBeGuessed(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser()
	b.signUp()
	letter := s.post.Last(nora, party.NoticeVerify)
	for range 10 {
		b.postTo("verify", "code", wrongCode(letter.Code))
	}
	b.postTo("verify", "code", letter.Code)
	b.wantStatus("the right code after ten wrong ones", http.StatusUnprocessableEntity)
	b.wantText("This code no longer works.")
	s.sendAgain()
	if again := s.post.Last(nora, party.NoticeVerify); again.Code != "" || again.Link == "" {
		t.Errorf("the next letter is %+v, want only a link", again)
	}
}

func TestLettersAreNotForFlooding(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser()
	b.signUp()
	for range party.AccountLetters.Free {
		b.postTo("verify/send")
		b.wantPage("verify")
	}
	b.postTo("verify/send")
	b.wantStatus("one letter too many", http.StatusTooManyRequests)
	if b.at.header.Get("Retry-After") == "" {
		t.Error("there is no Retry-After header")
	}
	for range party.AccountLetters.Free {
		b.postTo("forgotten", "email", "nobody@example.test")
		b.wantStatus("an account that there is not", http.StatusOK)
	}
	b.postTo("forgotten", "email", "nobody@example.test")
	b.wantStatus("it is no different", http.StatusTooManyRequests)
}

// Requesting a letter does not reveal which accounts exist.
func TestForgottenAnswersAllTheSame(t *testing.T) {
	s := newSite(t)
	answer := func(email string) string {
		b := s.newBrowser()
		b.get("forgotten")
		b.send("forgotten", "", "email", email)
		b.wantPage("forgotten")
		return strings.ReplaceAll(b.at.body, email, "EMAIL")
	}
	if known, unknown := answer(s.Buyer.Email), answer("nobody@example.test"); known != unknown {
		t.Errorf("for an existing account:\n%s\nfor an unknown one:\n%s", known, unknown)
	}
	if len(s.post.To("nobody@example.test")) != 0 {
		t.Error("a letter was sent to an address without an account")
	}
	b := s.newBrowser()
	b.postTo("forgotten", "email", "no address")
	b.wantStatus("no address", http.StatusUnprocessableEntity)
	b.wantText("Please enter an e-mail address")
}

func TestAForgottenPassword(t *testing.T) {
	s := newSite(t)
	signedIn, b := s.ann(), s.newBrowser()
	b.get("sign-in")
	b.wantText("Forgot your password?")
	b.postTo("forgotten", "email", s.Buyer.Email)
	link := "reset?link=" + s.post.Last(s.Buyer.Email, party.NoticeReset).Link
	b.get(link)
	b.wantPage("reset")
	b.wantText("For the account ann@example.test.")
	b.send("reset", "", "new-password", "short")
	b.wantStatus("a short password", http.StatusUnprocessableEntity)
	b.send("reset", "", "new-password", holdfasttest.Password)
	b.wantStatus("the old password", http.StatusUnprocessableEntity)
	b.wantText("This is your current password.")
	s.newBrowser().postTo("forgotten", "email", s.Buyer.Email) // strangers can do this
	b.send("reset", "", "new-password", "a new one, not guessed")
	b.wantPage("sign-in")
	b.wantText("Your new password is set.")
	if b.get(""); b.at.url.Path != "/account/sign-in" {
		t.Error("the link alone signs in")
	}
	signedIn.get("")
	signedIn.wantPage("sign-in")
	b.get(link)
	b.wantStatus("the link again", http.StatusGone)
	b.postTo("reset", "link", strings.TrimPrefix(link, "reset?link="), "new-password", "yet another one")
	b.wantStatus("its form again", http.StatusGone)
	b.signIn(s.Buyer.Email, "a new one, not guessed")
	b.wantPage("")
}

func TestLinksThatResetNothing(t *testing.T) {
	for name, row := range map[string]struct {
		link func(s *site) string
		wait time.Duration
	}{
		"too old": {func(s *site) string { return s.forgotten(s.Buyer.Email) }, time.Hour},
		"made up": {func(*site) string { return strings.Repeat("x", 32) }, 0},
		"none":    {func(*site) string { return "" }, 0},
		"that proves an address": {func(s *site) string {
			s.newBrowser().signUp()
			return s.post.Last(nora, party.NoticeVerify).Link
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			link := row.link(s)
			s.Clock.Advance(row.wait)
			b := s.newBrowser()
			b.get("reset?" + params("link", link).Encode())
			b.wantStatus(name, http.StatusGone)
			b.wantText("This link no longer works", "Send a new link")
			b.postTo("reset", "link", link, "new-password", "chosen by a stranger")
			b.wantStatus(name+", its form", http.StatusGone)
			b.signIn(s.Buyer.Email, holdfasttest.Password)
			b.wantPage("")
		})
	}
}

// forgotten requests a password reset and returns the link of its letter.
func (s *site) forgotten(email string) string {
	s.t.Helper()
	s.newBrowser().postTo("forgotten", "email", email)
	return s.post.Last(email, party.NoticeReset).Link
}

// A user who resets the password during a visit continues the visit, and no
// other.
func TestAForgottenPasswordOnTheWay(t *testing.T) {
	s := newSite(t)
	begun := s.visit()
	alone := "/account/sign-in?done=reset"
	for visit, want := range map[string]struct{ fromLetter, fromForm string }{
		begun: {"/cobranded-ui/actions/sign-in?visit=" + begun, "/cobranded-ui/actions/sign-in?visit=" +
			begun},
		"//evil.example/?a=b&c":  {alone, "/cobranded-ui/actions/sign-in?visit=" + url.QueryEscape("//evil.example/?a=b&c")},
		strings.Repeat("v", 500): {alone, alone},
	} {
		b := s.newBrowser()
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		reset := func(what, want string, through func(letter party.Notice) string) {
			t.Helper()
			b.postTo("forgotten", "email", s.Buyer.Email, "visit", visit)
			letter := s.post.Last(s.Buyer.Email, party.NoticeReset)
			b.postTo("reset", "link", letter.Link, "visit", through(letter), "new-password", "a new one, for "+letter.Link)
			if got := b.at.header.Get("Location"); b.at.status != http.StatusSeeOther || got != want {
				t.Errorf("%.30s in the %s leads to %q (%d), want %s", visit, what, got, b.at.status, want)
			}
		}
		reset("letter", want.fromLetter, func(letter party.Notice) string { return letter.Visit })
		reset("form", want.fromForm, func(party.Notice) string { return visit })
		s.Clock.Advance(time.Hour)
	}
}

// visit begins a payment to the shop.
func (s *site) visit() string {
	s.t.Helper()
	asked := params("pipelineName", "SingleUse", "callerReference", "order-1", "transactionAmount", "5")
	r, end := payment.ReadPipeline(asked)
	if end != nil {
		s.t.Fatal(end)
	}
	v, err := s.Processor.StartVisit(s.t.Context(), s.Shop, r, asked, false)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(v.ID)
}

// An account that somebody else created with a person's address is empty once
// that person takes it over.
func TestAnAddressThatWasNeverVerified(t *testing.T) {
	s := newSite(t)
	squatter := s.newBrowser()
	squatter.signUp()
	squatter.postTo("methods/bank")
	b := s.newBrowser()
	b.get("reset?link=" + s.forgotten(nora))
	b.wantText("This address was never verified")
	b.send("reset", "", "new-password", "the owner's own")
	b.signIn(nora, "the owner's own")
	b.get("methods")
	b.wantPage("methods")
	b.wantNoText("Bank debit")
	b.get("profile")
	b.wantText("Verified")
}

func TestChangingTheAddress(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	change := func(email, password string) {
		t.Helper()
		b.get("profile/email")
		b.send("profile/email", "", "email", email, "password", password)
	}
	change("new@example.test", "wrong")
	b.wantText("The password is not correct.")
	change("no address", holdfasttest.Password)
	b.wantText("Please enter an e-mail address")
	change(s.Owner.Email, holdfasttest.Password)
	b.wantText("There is already an account with this e-mail address.")
	change("new@example.test", holdfasttest.Password)
	b.wantPage("verify")
	b.wantText("new@example.test")
	b.get("profile")
	b.wantText("ann@example.test", "new@example.test", "Becomes your address once you verify it.")
	b.get("verify")
	b.send("verify", "", "code", s.post.Last("new@example.test", party.NoticeNewEmail).Code)
	b.wantPage("profile")
	b.wantText("Your e-mail address was changed.")
	b.wantNoText("ann@example.test")
	if told := s.post.Last("ann@example.test", party.NoticeEmailChanged); told.NewEmail != "new@example.test" {
		t.Errorf("the old address gets %+v", told)
	}
}

// Each letter, in each language, has a subject and a link, and no text that a
// stranger typed.
func TestLetters(t *testing.T) {
	public, err := url.Parse("https://pay.example.test/")
	if err != nil {
		t.Fatal(err)
	}
	for about, link := range map[party.NoticeAbout]string{
		party.NoticeVerify:          "https://pay.example.test/account/verify?link=S3cret",
		party.NoticeNewEmail:        "https://pay.example.test/account/verify?link=S3cret",
		party.NoticeReset:           "https://pay.example.test/account/reset?link=S3cret&visit=V1",
		party.NoticePasswordChanged: "https://pay.example.test/account/forgotten",
		party.NoticePasskeyAdded:    "https://pay.example.test/account/forgotten",
		party.NoticePasskeyRemoved:  "https://pay.example.test/account/", party.NoticeEmailChanged: "new@example.test",
		party.NoticeInvitation:    "https://pay.example.test/console/invitation?link=S3cret",
		party.NoticeFactorAdded:   "https://pay.example.test/account/forgotten",
		party.NoticeFactorRemoved: "https://pay.example.test/account/forgotten",
		party.NoticeFactorReset:   "https://pay.example.test/console/",
		party.NoticeRecoveryUsed:  "https://pay.example.test/account/forgotten",
	} {
		subjects := make(map[string]bool)
		for _, words := range webui.AllWords() {
			subject, text := account.Letters{Public: public}.Write(party.Notice{
				About: about, To: nora, Language: words.Tag(), Link: "S3cret", Code: "123456", NewEmail: "new@example.test",
				Visit: "V1", Caller: "Kiln & Co", Role: party.RoleFinance,
			})
			if subject == "" || strings.ContainsAny(subject, "\r\n") || strings.Contains(subject, "123456") {
				t.Errorf("%s in %s: the subject is %q", about, words.Tag(), subject)
			}
			if !strings.Contains(text, link) || strings.Contains(text, "<no value>") {
				t.Errorf("%s in %s:\n%s", about, words.Tag(), text)
			}
			subjects[subject] = true
		}
		if len(subjects) != 3 {
			t.Errorf("%s: subjects are %v", about, subjects)
		}
	}
}

// The letters about approvals name the member, the action, the amount and the deadline, in
// each language.
func TestLettersAboutApprovals(t *testing.T) {
	public, err := url.Parse("https://pay.example.test")
	if err != nil {
		t.Fatal(err)
	}
	asked := party.Approval{
		ID: "Q1", Caller: "C1", Object: "1ABC", Amount: holdfasttest.USD("1234.50"), AskedBy: "P1",
		AskedAt: time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC),
	}
	seen := make(map[string]bool)
	for _, words := range webui.AllWords() {
		for _, action := range []party.ApprovalAction{party.ApproveSettle, party.ApproveRefund, party.ApproveLimit} {
			for _, state := range []party.ApprovalState{
				party.ApprovalAsked, party.ApprovalApproved, party.ApprovalDeclined, party.ApprovalLapsed,
			} {
				a := asked
				a.Action, a.State = action, state
				n := party.Notice{
					About: party.NoticeApprovalAsked, Language: words.Tag(), Caller: "Kiln", Approval: a, Member: "fay@example.test",
					Reference: "order-1", Limit: holdfasttest.USD("77.00"),
				}
				switch state {
				case party.ApprovalApproved, party.ApprovalDeclined:
					n.About, n.Party = party.NoticeApprovalDecided, "P1"
				case party.ApprovalLapsed:
					n.About = party.NoticeApprovalLapsed
				case party.ApprovalAsked, party.ApprovalUnneeded:
				}
				about := "order-1, 1ABC"
				if action == party.ApproveLimit {
					about = words.Dollars(n.Limit)
				}
				subject, text := account.Letters{Public: public}.Write(n)
				for _, want := range []string{
					"fay@example.test", words.Dollars(a.Amount), "Kiln", about,
					"https://pay.example.test/console/c/C1/approvals/Q1",
				} {
					if !strings.Contains(text, want) {
						t.Errorf("%s %s in %s does not say %q:\n%s", action, state, words.Tag(), want, text)
					}
				}
				if until := words.Moment(a.Until()); strings.Contains(text, until) != (state == party.ApprovalAsked) {
					t.Errorf("%s %s in %s is about the time until %s:\n%s", action, state, words.Tag(), until, text)
				}
				if seen[subject] || seen[text] || !strings.Contains(subject, words.Dollars(a.Amount)) {
					t.Errorf("%s %s in %s: the subject is %q", action, state, words.Tag(), subject)
				}
				seen[subject], seen[text] = true, true
			}
		}
	}
}

// The letters about the removal of a limit say so, and a lapse is explained to the asker
// and to those who may approve in other words.
func TestLettersAboutLimits(t *testing.T) {
	public, err := url.Parse("https://pay.example.test")
	if err != nil {
		t.Fatal(err)
	}
	l := account.Letters{Public: public}
	seen := make(map[string]bool)
	fresh := func(what string, n party.Notice, want ...string) {
		t.Helper()
		subject, text := l.Write(n)
		if seen[text] || subject == "" || strings.ContainsAny(subject, "\r\n") || strings.Contains(text, "<no value>") {
			t.Errorf("%s in %s: %s\n%s", what, n.Language, subject, text)
		}
		seen[text] = true
		for _, w := range append(want, "Kiln") {
			if !strings.Contains(text, w) {
				t.Errorf("%s in %s does not say %q:\n%s", what, n.Language, w, text)
			}
		}
	}
	for _, words := range webui.AllWords() {
		now, before := holdfasttest.USD("50.00"), holdfasttest.USD("40.00")
		for _, state := range []party.ApprovalState{
			party.ApprovalAsked, party.ApprovalApproved, party.ApprovalDeclined, party.ApprovalLapsed,
		} {
			n := party.Notice{
				Language: words.Tag(), Caller: "Kiln", Member: "fay@example.test", Limit: now,
				About: party.NoticeApprovalLapsed, Approval: party.Approval{
					ID: "Q1", Caller: "C1", Object: "C1", Action: party.ApproveLimit, State: state, AskedBy: "P1",
				},
			}
			fresh("removal "+string(state), n, words.Dollars(now), "/console/c/C1/approvals/Q1")
			n.Party = "P1"
			fresh("removal to the asker "+string(state), n, words.Dollars(now))
		}
		fresh("raised", party.Notice{
			About: party.NoticeLimitRaised, Language: words.Tag(), Caller: "Kiln", CallerID: "C1", Member: "root",
			LimitBefore: before, Limit: now,
		}, "root", words.Dollars(before), words.Dollars(now), "https://pay.example.test/console/c/C1/settings")
		fresh("removed", party.Notice{
			About: party.NoticeLimitRaised, Language: words.Tag(), Caller: "Kiln", CallerID: "C1", Member: "root",
			LimitBefore: before,
		}, words.Dollars(before), words.T("mail-approval.none"))
	}
}
