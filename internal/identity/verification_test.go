package identity_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const here = "198.51.100.7" // a network address

// signUp signs up a new party, whose e-mail address must be verified.
func signUp(w *holdfasttest.World) party.Party {
	w.T.Helper()
	p, err := w.Processor.Identity.SignUp(w.T.Context(),
		identity.NewParty{Name: "Nora New", Email: "nora@example.test", Password: holdfasttest.Password, Language: "de"},
		here)
	if err != nil {
		w.T.Fatal(err)
	}
	return p
}

// reread reads a party as it is stored.
func reread(w *holdfasttest.World, id party.ID) (p party.Party) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		p, _, err = tx.Party(id)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return p
}

// proveByLink follows a letter's link.
func proveByLink(w *holdfasttest.World, partyID party.ID, link string) error {
	_, err := w.Processor.Identity.ProveByLink(w.T.Context(), partyID, link)
	return err
}

func TestSigningUpIsVerifiedByMail(t *testing.T) {
	for name, prove := range map[string]func(w *holdfasttest.World, partyID party.ID, n party.Notice) error{
		"by code": func(w *holdfasttest.World, partyID party.ID, n party.Notice) error {
			return w.Processor.Identity.ProveByCode(t.Context(), partyID, party.ProvesEmail, n.Code)
		},
		"by link": func(w *holdfasttest.World, partyID party.ID, n party.Notice) error {
			return proveByLink(w, partyID, n.Link)
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				post := w.Mailing()
				nora := signUp(w)
				letter := post.Last(nora.Email, party.NoticeVerify)
				if letter.Language != "de" || len(letter.Code) != party.CodeDigits || len(letter.Link) != 32 {
					t.Errorf("the letter is %+v", letter)
				}
				if got := reread(w, nora.ID); got.EmailVerified || !got.VerifyBy.Equal(w.Clock.Now().Add(24*time.Hour)) {
					t.Errorf("before: verified %v, by %v", got.EmailVerified, got.VerifyBy)
				}
				if err := prove(w, nora.ID, letter); err != nil {
					t.Fatal(err)
				}
				if got := reread(w, nora.ID); !got.EmailVerified || got.Newcomer() {
					t.Errorf("after: %+v", got)
				}
				wantErr(w, "the link, again", proveByLink(w, nora.ID, letter.Link), identity.ErrLinkOver)
				wantErr(w, "the code, again",
					w.Processor.Identity.ProveByCode(t.Context(), nora.ID, party.ProvesEmail, letter.Code),
					identity.ErrCodeOver)
			})
		})
	}
}

func TestWithoutMailEverybodyIsVerified(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		if got := reread(w, signUp(w).ID); !got.EmailVerified || got.Newcomer() {
			t.Errorf("signed up as %+v", got)
		}
		wantErr(w, "forgotten", w.Processor.Identity.Forgotten(t.Context(), w.Buyer.Email, here, ""), identity.ErrNoMail)
	})
}

func TestSecretsOfLettersExpire(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		nora := signUp(w)
		first := post.Last(nora.Email, party.NoticeVerify)
		w.Clock.Advance(30 * time.Minute)
		wantErr(w, "an old code", w.Processor.Identity.ProveByCode(t.Context(), nora.ID, party.ProvesEmail, first.Code),
			identity.ErrCodeOver)
		if err := w.Processor.Identity.SendVerification(t.Context(), nora.ID, here); err != nil {
			t.Fatal(err)
		}
		second := post.Last(nora.Email, party.NoticeVerify)
		wantErr(w, "the first letter's link", proveByLink(w, nora.ID, first.Link), identity.ErrLinkOver)
		wantErr(w, "somebody else's link", proveByLink(w, w.Buyer.ID, second.Link), identity.ErrLinkOver)
		w.Clock.Advance(24 * time.Hour)
		wantErr(w, "an old link", proveByLink(w, nora.ID, second.Link), identity.ErrLinkOver)
		if reread(w, nora.ID).EmailVerified {
			t.Error("the address is verified")
		}
	})
}

// However many letters are requested, ten codes can be tried in all. After that
// only the link works.
func TestCodesCannotBeGuessed(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		nora := signUp(w)
		guess := func(code string) error {
			return w.Processor.Identity.ProveByCode(t.Context(), nora.ID, party.ProvesEmail, code)
		}
		for range 9 {
			wantErr(w, "a wrong code", guess("wrong"), identity.ErrWrongCode)
		}
		w.Clock.Advance(time.Hour)
		if err := w.Processor.Identity.SendVerification(t.Context(), nora.ID, here); err != nil {
			t.Fatal(err)
		}
		wantErr(w, "a wrong code for the second letter", guess("wrong"), identity.ErrWrongCode)
		wantErr(w, "the right code, too late", guess(post.Last(nora.Email, party.NoticeVerify).Code), identity.ErrCodeOver)
		w.Clock.Advance(time.Hour)
		if err := w.Processor.Identity.SendVerification(t.Context(), nora.ID, here); err != nil {
			t.Fatal(err)
		}
		third := post.Last(nora.Email, party.NoticeVerify)
		if third.Code != "" {
			t.Error("the third letter has a code, which would be refused")
		}
		if err := proveByLink(w, nora.ID, third.Link); err != nil {
			t.Errorf("the link: %v", err)
		}
	})
}

func TestLettersAreThrottled(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		asked := func(email, from string) bool {
			err := w.Processor.Identity.Forgotten(t.Context(), email, from, "")
			if _, blocked := errors.AsType[*identity.GuessesError](err); !blocked && err != nil {
				t.Fatal(err)
			}
			return err == nil
		}
		for _, email := range []string{w.Buyer.Email, "nobody@example.test"} {
			sent := 0
			for range 10 {
				if asked(email, here) {
					sent++
				}
			}
			if sent != party.AccountLetters.Free {
				t.Errorf("%d letters to %s, want %d", sent, email, party.AccountLetters.Free)
			}
		}
		if got := len(post.To(w.Buyer.Email)); got != party.AccountLetters.Free {
			t.Errorf("%d letters were written", got)
		}
		if len(post.To("nobody@example.test")) > 0 {
			t.Error("an address without an account got a letter")
		}
		if asked(w.Buyer.Email, "203.0.113.9") {
			t.Error("a request from another network address sent a letter")
		}
	})
}

// The letter of a sign-up counts, and is not forgiven with the guess. Otherwise
// one network address could make the server write to any number of strangers.
func TestSigningUpCountsAsALetter(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		signUp(w)
		for n := range party.AddressLetters.Free - 1 {
			if err := w.Processor.Identity.Forgotten(t.Context(), fmt.Sprintf("stranger-%d@example.test", n), here,
				""); err != nil {
				t.Fatal(err)
			}
		}
		one := identity.NewParty{Name: "One", Email: "one-too-many@example.test", Password: holdfasttest.Password}
		_, err := w.Processor.Identity.SignUp(t.Context(), one, here)
		if _, blocked := errors.AsType[*identity.GuessesError](err); !blocked || len(post.To(one.Email)) > 0 {
			t.Errorf("one more: %v, and letters %+v", err, post.To(one.Email))
		}
		w.Processor.Identity.Letters = nil
		if _, err := w.Processor.Identity.SignUp(t.Context(), one, here); err != nil {
			t.Errorf("where no letter is sent: %v", err)
		}
	})
}

func TestAnAddressIsChangedOnceTheNewOneIsProved(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		own := identity.OwnPassword{Password: holdfasttest.Password, From: here}
		change := func(o identity.OwnPassword, email string) error {
			return w.Processor.Identity.ChangeEmail(t.Context(), party.SignedIn{Party: w.Buyer.ID}, o, email)
		}
		w.WantCode(change(own, "not an address"), holdfast.InvalidParams)
		wantErr(w, "a wrong password", change(identity.OwnPassword{Password: "wrong", From: here}, "new@example.test"),
			identity.ErrWrongPassword)
		wantErr(w, "an address that is taken", change(own, w.Owner.Email), identity.ErrEmailTaken)
		if err := change(own, "new@example.test"); err != nil {
			t.Fatal(err)
		}
		if got := reread(w, w.Buyer.ID).Email; got != w.Buyer.Email {
			t.Fatalf("the address is %s already", got)
		}
		if err := w.Processor.Identity.Forgotten(t.Context(), w.Buyer.Email, here, ""); err != nil {
			t.Fatal(err)
		}
		reset := post.Last(w.Buyer.Email, party.NoticeReset)
		letter := post.Last("new@example.test", party.NoticeNewEmail)
		if err := w.Processor.Identity.ProveByCode(t.Context(), w.Buyer.ID, party.ProvesNewEmail, letter.Code); err != nil {
			t.Fatal(err)
		}
		if got := reread(w, w.Buyer.ID); got.Email != "new@example.test" || !got.EmailVerified {
			t.Errorf("afterwards: %+v", got)
		}
		if told := post.Last(w.Buyer.Email, party.NoticeEmailChanged); told.NewEmail != "new@example.test" {
			t.Errorf("the old address was told %+v", told)
		}
		_, err := w.Processor.Identity.ResetPassword(t.Context(), reset.Link, "another password")
		wantErr(w, "a link sent to the old address", err, identity.ErrLinkOver)
	})
}

// Two parties want the same address at the same time: the first that verifies
// it gets it.
func TestAnAddressTakenMeanwhile(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		own := identity.OwnPassword{Password: holdfasttest.Password, From: here}
		for _, partyID := range []party.ID{w.Buyer.ID, w.Owner.ID} {
			if err := w.Processor.Identity.ChangeEmail(t.Context(), party.SignedIn{Party: partyID}, own, "new@example.test"); err != nil {
				t.Fatal(err)
			}
		}
		letters := post.To("new@example.test")
		if err := proveByLink(w, w.Owner.ID, letters[1].Link); err != nil {
			t.Fatal(err)
		}
		wantLogged(w, "party.change_email", w.Owner.ID, party.Facts{})
		wantErr(w, "the second", proveByLink(w, w.Buyer.ID, letters[0].Link), identity.ErrEmailTaken)
		if got := reread(w, w.Buyer.ID).Email; got != w.Buyer.Email {
			t.Errorf("the second one's address is %s", got)
		}
	})
}
