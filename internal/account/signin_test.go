package account_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The first steps with a new account, on both databases.
func TestSigningUpAndIn(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		b := s.newBrowser()
		b.get("")
		b.wantPage("sign-in")
		b.signUp()
		b.wantPage("")
		b.wantText("Verify your e-mail address", "You have no holds.", "Add a payment method", nora)
		b.send("sign-out", "")
		b.wantPage("sign-in")
		b.get("methods")
		b.wantPage("sign-in")
		b.send("sign-in", "", "email", "  NORA@example.test ", "password", holdfasttest.Password)
		b.wantPage("methods") // the page that was requested first
		b.get("sign-in")
		b.wantPage("") // already signed in
	})
}

// The answer to a wrong sign-in does not reveal whether the account exists.
func TestOneAnswerForEveryWrongSignIn(t *testing.T) {
	s := newSite(t)
	answer := func(email string) string {
		b := s.newBrowser()
		b.signIn(email, "not the password")
		b.wantStatus(email, http.StatusUnprocessableEntity)
		b.wantText("The e-mail address or the password is not correct.")
		b.wantNoText("not the password")
		return strings.ReplaceAll(b.at.body, email, "EMAIL")
	}
	if known, unknown := answer(s.Buyer.Email), answer("nobody@example.test"); known != unknown {
		t.Errorf("for an existing account:\n%s\nfor an unknown one:\n%s", known, unknown)
	}
}

func TestGuessesAreSlowed(t *testing.T) {
	t.Run("by account", func(t *testing.T) {
		s := newSite(t)
		b := s.newBrowser()
		for range party.AccountGuesses.Free {
			b.signIn(s.Buyer.Email, "wrong")
		}
		b.signIn(s.Buyer.Email, holdfasttest.Password)
		b.wantStatus("the right password after too many wrong ones", http.StatusTooManyRequests)
		if got := b.at.header.Get("Retry-After"); got != "30" {
			t.Errorf("Retry-After is %q", got)
		}
		s.Clock.Advance(31 * time.Second)
		b.signIn(s.Buyer.Email, holdfasttest.Password)
		b.wantPage("")
	})
	t.Run("by address", func(t *testing.T) {
		s := newSite(t)
		b := s.newBrowser()
		for i := range party.AddressGuesses.Free {
			b.postTo("sign-in", "email", fmt.Sprintf("guess%d@example.test", i), "password", "wrong")
			b.wantStatus("a guess", http.StatusUnprocessableEntity)
		}
		b.signIn(s.Buyer.Email, holdfasttest.Password)
		b.wantStatus("somebody else from the same address", http.StatusTooManyRequests)
		b.postTo("sign-up", "name", "Nora", "email", nora, "password", holdfasttest.Password)
		b.wantStatus("signing up from there", http.StatusTooManyRequests)
	})
	t.Run("of one's own password", func(t *testing.T) {
		s := newSite(t)
		b := s.ann()
		for range party.AccountGuesses.Free {
			b.postTo("security/password", "password", "wrong", "new-password", "another good one")
			b.wantStatus("a guess", http.StatusUnprocessableEntity)
			b.wantText("The password is not correct.")
		}
		b.postTo("security/password", "password", holdfasttest.Password, "new-password", "another good one")
		b.wantStatus("the right one after that", http.StatusTooManyRequests)
		s.ann() // the owner can still sign in
	})
}

// While strangers guess the password, the owner can sign in from a browser that
// she has used before, even after its session has ended.
func TestAKnownBrowserIsNotLockedOut(t *testing.T) {
	s := newSite(t)
	b, stranger := s.ann(), s.newBrowser()
	b.send("sign-out", "")
	for range party.AccountGuesses.Free {
		stranger.postTo("sign-in", "email", s.Buyer.Email, "password", "a guess")
	}
	stranger.signIn(s.Buyer.Email, holdfasttest.Password)
	stranger.wantStatus("a browser that is not known", http.StatusTooManyRequests)
	b.signIn(s.Buyer.Email, holdfasttest.Password)
	b.wantPage("")

	b.send("sign-out", "")
	stranger.postTo("forgotten", "email", s.Buyer.Email)
	stranger.get("reset?link=" + s.post.Last(s.Buyer.Email, party.NoticeReset).Link)
	stranger.send("reset", "", "new-password", "another good one")
	for range party.AccountGuesses.Free {
		s.newBrowser().postTo("sign-in", "email", s.Buyer.Email, "password", "a guess")
	}
	stranger.signIn(s.Buyer.Email, "another good one")
	stranger.wantPage("") // the browser in which the mailed link was opened
	b.signIn(s.Buyer.Email, "another good one")
	b.wantStatus("where the old password was known", http.StatusTooManyRequests)
}

func TestSigningUpSaysWhatIsWrong(t *testing.T) {
	s := newSite(t)
	for name, row := range map[string]struct {
		typed []string
		says  string
	}{
		"no name": {
			[]string{"name", " ", "email", nora, "password", holdfasttest.Password},
			"Please enter your name.",
		},
		"a line break": {
			[]string{"name", "Nora\nBcc: all", "email", nora, "password", holdfasttest.Password},
			"Please use visible characters only",
		},
		"a long name": {[]string{
			"name", strings.Repeat("n", party.NameMax+1), "email", nora, "password", holdfasttest.Password,
		}, "This is too long."},
		"a turned name": {
			[]string{"name", "\u202eaoN", "email", nora, "password", holdfasttest.Password},
			"Please use visible characters only",
		},
		"a card number": {
			[]string{"name", "4242 4242 4242 4242", "email", nora, "password", holdfasttest.Password},
			"This looks like a card number.",
		},
		"no address": {
			[]string{"name", "Nora", "email", "nora", "password", holdfasttest.Password},
			"Please enter an e-mail address",
		},
		"a header": {[]string{
			"name", "Nora", "email", "nora@example.test\r\nBcc: a@b.c", "password", holdfasttest.Password,
		}, "Please enter an e-mail address"},
		"short password": {
			[]string{"name", "Nora", "email", nora, "password", "1234567"},
			"Please choose a password of at least 8 characters.",
		},
		"long password": {
			[]string{"name", "Nora", "email", nora, "password", strings.Repeat("p", party.PasswordMax+1)},
			"This password is too long.",
		},
		"a taken address": {
			[]string{"name", "Nora", "email", "ANN@example.test", "password", holdfasttest.Password},
			"There is already an account with this e-mail address.",
		},
		"nothing": {nil, "Please check 3 fields:"},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.newBrowser()
			b.postTo("sign-up", row.typed...)
			b.wantStatus(name, http.StatusUnprocessableEntity)
			b.wantText(row.says)
			if b.cookie() != "" {
				t.Error("somebody is signed in")
			}
		})
	}
}

// Signing in gives the session a new token, so an attacker cannot know it in
// advance.
func TestSigningInRenewsTheSession(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser()
	planted := &http.Cookie{Name: "holdfast", Value: "planted-by-somebody-else", Path: "/"}
	b.get("sign-in")
	b.client.Jar.SetCookies(b.at.url, []*http.Cookie{planted})
	b.signIn(s.Buyer.Email, holdfasttest.Password)
	first := b.cookie()
	if first == "" || first == planted.Value {
		t.Fatalf("the session's token is %q", first)
	}
	b.get("security")
	if b.cookie() != first {
		t.Error("the session's token changes without signing in")
	}
	b.send("sign-out", "")
	b.signIn(s.Buyer.Email, holdfasttest.Password)
	if second := b.cookie(); second == "" || second == first {
		t.Errorf("after another sign-in the session's token is %q, before it was %q", second, first)
	}
	thief := s.newBrowser()
	thief.client.Jar.SetCookies(b.at.url, []*http.Cookie{{Name: "holdfast", Value: first, Path: "/"}})
	thief.get("")
	thief.wantPage("sign-in")
}

func TestTheSessionCookie(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	b.postTo("sign-in", "email", s.Buyer.Email, "password", holdfasttest.Password)
	set := b.at.header.Values("Set-Cookie")
	if len(set) != 2 {
		t.Fatalf("cookies are %q, want two", set)
	}
	for i, parts := range [][]string{
		{"holdfast-known=", "Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=15552000"},
		{"holdfast=", "Path=/", "HttpOnly", "SameSite=Lax"},
	} {
		for _, part := range parts {
			if !strings.Contains(set[i], part) {
				t.Errorf("the cookie %q lacks %s", set[i], part)
			}
		}
	}
	if strings.Contains(set[0], string(s.Buyer.ID)) {
		t.Errorf("the cookie %q names the user", set[0])
	}
}

// The sign-in page leads only to pages of this server.
func TestSigningInLeadsNowhereElse(t *testing.T) {
	s := newSite(t)
	for _, to := range []string{
		"//evil.example", "https://evil.example/", "../cobranded-ui/", "methods/../../x", "sign-out", "security/password",
		"\\evil", "verify?link=x", "",
	} {
		b := s.newBrowser()
		b.postTo("sign-in", "email", s.Buyer.Email, "password", holdfasttest.Password, "to", to)
		b.wantPage("")
	}
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	s := newSite(t)
	phone := s.newBrowser()
	phone.header.Set("User-Agent",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1")
	phone.signIn(s.Buyer.Email, holdfasttest.Password)
	odd := s.newBrowser()
	odd.header.Set("User-Agent", "<script>alert(1)</script>")
	odd.signIn(s.Buyer.Email, holdfasttest.Password)
	b := s.newBrowser()
	b.header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0")
	b.signIn(s.Buyer.Email, holdfasttest.Password)
	b.get("security")
	b.wantText("This browser", "Firefox on Linux", "Safari on iOS", "Unknown browser", "127.0.0.x",
		"Sign out everywhere else")
	b.wantNoText("alert(1)")

	b.send("security/session/end", "S0001")
	b.wantPage("security")
	b.wantNoText("Safari on iOS")
	phone.get("")
	phone.wantPage("sign-in")
	phone.wantText("You were signed out from another browser, or your password was changed.")

	b.send("security/session/others", "")
	b.wantNoText("Unknown browser", "Sign out everywhere else")
	odd.get("")
	odd.wantPage("sign-in")
	b.get("")
	b.wantPage("")
}

func TestSessionsEndByThemselves(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	for range 3 {
		s.Clock.Advance(party.SessionIdle - time.Minute)
		b.get("")
		b.wantPage("")
	}
	s.Clock.Advance(party.SessionIdle + party.SeenEvery)
	b.get("")
	b.wantPage("sign-in")
	b.wantText("You were signed out after 30 minutes.")
	b.send("sign-in", "", "email", s.Buyer.Email, "password", "wrong")
	b.wantNoText("You were signed out")

	b = s.ann()
	for range 60 {
		s.Clock.Advance(25 * time.Minute)
		b.get("profile")
	}
	b.wantPage("sign-in") // after a day, even if the session was used all the time
	b.wantText("You were signed out after 24 hours.")
}

// The sign-in page does not mention a session that the user ended, or never
// had.
func TestWhoIsNotToldOfAnEndedSession(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser()
	b.get("methods")
	b.wantPage("sign-in")
	b.wantNoText("You were signed out")
	b = s.ann()
	b.send("sign-out", "")
	b.wantPage("sign-in")
	b.wantNoText("You were signed out")
}

func TestChangingThePasswordEndsOtherSessions(t *testing.T) {
	s := newSite(t)
	other, b := s.ann(), s.ann()
	b.get("security/password")
	b.send("security/password", "", "password", holdfasttest.Password, "new-password", "short")
	b.wantStatus("a short password", http.StatusUnprocessableEntity)
	b.send("security/password", "", "password", holdfasttest.Password, "new-password", holdfasttest.Password)
	b.wantStatus("the present password", http.StatusUnprocessableEntity)
	b.wantText("This is your current password.")
	b.send("security/password", "", "password", holdfasttest.Password, "new-password", "another\u202egood one")
	b.wantText("characters that not every device types the same way")
	b.send("security/password", "", "password", holdfasttest.Password, "new-password", "another good one")
	b.wantPage("security")
	b.wantText("Your password was changed.")
	other.get("")
	other.wantPage("sign-in")
	s.post.Last(s.Buyer.Email, party.NoticePasswordChanged)
	other.signIn(s.Buyer.Email, holdfasttest.Password)
	other.wantStatus("the old password", http.StatusUnprocessableEntity)
	other.signIn(s.Buyer.Email, "another good one")
	other.wantPage("")
}

// A server that sends no mail asks nobody to verify an address, and offers
// nothing that needs a letter.
func TestWithoutMail(t *testing.T) {
	s := newSite(t)
	s.Processor.Identity.Letters = nil
	b := s.newBrowser()
	b.get("sign-in")
	b.wantNoText("Forgot your password?")
	b.get("forgotten")
	b.wantText("This server sends no e-mail.")
	b.postTo("forgotten", "email", s.Buyer.Email)
	b.wantStatus("asking for a letter", http.StatusNotFound)
	b.signUp()
	b.wantPage("")
	b.wantNoText("Verify your e-mail address")
	b.get("profile")
	b.wantText("Verified")
	b.get("profile/email")
	b.wantText("This server sends no e-mail")
	b.postTo("profile/email", "email", "other@example.test", "password", holdfasttest.Password)
	b.wantStatus("changing the address", http.StatusNotFound)
	b.postTo("verify/send")
	b.wantStatus("asking for a code", http.StatusOK)
}

// The sign-in page has one primary button. Signing up and resetting the
// password are links.
func TestTheSignInPageHasOneButton(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser()
	b.get("sign-in")
	if n := strings.Count(b.at.body, `class="primary"`); n != 1 {
		t.Errorf("there are %d primary buttons", n)
	}
	if strings.Contains(b.at.body, `<a class="secondary"`) {
		t.Error("a link looks like a button")
	}
	if len(links(b.at.body, "sign-up")) != 1 || len(links(b.at.body, "forgotten")) != 1 {
		t.Error("there is no link to sign up or to reset the password")
	}
}

// While another program has the SQLite file locked, a page answers with 503
// once the store has waited long enough. Afterwards the form works.
func TestAPageOfALockedStore(t *testing.T) {
	path := holdfasttest.Addresses(t)["SQLite"](t)
	// A real server waits for ten seconds.
	db, err := store.Open(t.Context(), store.Config{Address: path, LockWait: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := newSiteOn(t, db)
	b := s.newBrowser()
	letGo := holdfasttest.Lock(t, path)
	b.signIn(s.Buyer.Email, holdfasttest.Password)
	b.wantStatus("signing in to a locked store", http.StatusServiceUnavailable)
	if !strings.Contains(s.log.String(), "another process has locked the database") {
		t.Errorf("the log does not say why: %s", s.log)
	}
	letGo()
	b.signIn(s.Buyer.Email, holdfasttest.Password)
	b.wantPage("")
}

// A party that is signed in in many browsers sees those that it used last.
func TestManySessions(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		for n := range 60 {
			seen := s.Clock.Now().Add(-time.Duration(n+1) * time.Second)
			at := party.SignedIn{
				Party: s.Buyer.ID, ID: party.SignedInID(fmt.Sprintf("S%02d", n)), Begun: seen, LastSeen: seen,
				Device: party.Device{Browser: fmt.Sprintf("Browser%02d", n)},
			}
			if err := tx.InsertSignedIn(at, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.get("security")
	b.wantText("Showing the 50 browsers used most recently.", "This browser", "Browser48", "Sign out")
	b.wantNoText("Browser49")
}
