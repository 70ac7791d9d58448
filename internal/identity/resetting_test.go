package identity_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const another = "another good password"

// signIn returns the answer to a sign-in with a password.
func signIn(w *holdfasttest.World, email, password string) error {
	_, err := w.Processor.Identity.SignIn(w.T.Context(), identity.SignIn{Email: email, Password: password, From: here})
	return err
}

// signedIn begins a session.
func signedIn(w *holdfasttest.World, partyID party.ID) party.SignedIn {
	w.T.Helper()
	s, err := w.Processor.Identity.BeginSignedIn(w.T.Context(), reread(w, partyID), party.Device{
		Browser: "Firefox", System: "Linux", Network: "198.51.100.x",
	}, identity.ByPassword)
	if err != nil {
		w.T.Fatal(err)
	}
	return s
}

// sessions returns the ids of a party's sessions.
func sessions(w *holdfasttest.World, partyID party.ID) string {
	w.T.Helper()
	var all []party.SignedIn
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.SignedInAll(partyID)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	var ids []string
	for _, s := range all {
		ids = append(ids, string(s.ID))
	}
	return strings.Join(ids, " ")
}

func TestAForgottenPasswordIsReset(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		signedIn(w, w.Buyer.ID)
		for range 2 {
			forgotten(w, "ANN@example.test")
		}
		letters := post.To(w.Buyer.Email)
		first, second := letters[0].Link, letters[1].Link
		wantErr(w, "no link", reset(w, "", another), identity.ErrLinkOver)
		wantErr(w, "the link as a proof", proveByLink(w, w.Buyer.ID, first), identity.ErrLinkOver)
		w.WantCode(reset(w, first, "short"), holdfast.InvalidParams)
		for _, link := range []string{first, second} {
			if account, err := w.Processor.Identity.ForgottenBy(t.Context(), link); err != nil || account.ID != w.Buyer.ID {
				t.Errorf("the link is of %v, %v", account.ID, err)
			}
		}
		if err := reset(w, first, another); err != nil {
			t.Fatal(err)
		}
		wantErr(w, "the link, again", reset(w, first, "yet another password"), identity.ErrLinkOver)
		wantErr(w, "the other link, when the password is set", reset(w, second, "yet another password"),
			identity.ErrLinkOver)
		wantErr(w, "the old password", signIn(w, w.Buyer.Email, holdfasttest.Password), identity.ErrWrongPassword)
		if err := signIn(w, w.Buyer.Email, another); err != nil {
			t.Errorf("the new password: %v", err)
		}
		want(w, sessions(w, w.Buyer.ID), "")
		post.Last(w.Buyer.Email, party.NoticePasswordChanged)
		if i := w.Instruments(w.Buyer.ID); len(i) != 2 {
			t.Errorf("a verified owner is left with %v", i)
		}
	})
}

// forgotten requests the letter for a forgotten password.
func forgotten(w *holdfasttest.World, email string) {
	w.T.Helper()
	if err := w.Processor.Identity.Forgotten(w.T.Context(), email, here, ""); err != nil {
		w.T.Fatal(err)
	}
}

func reset(w *holdfasttest.World, link, password string) error {
	_, err := w.Processor.Identity.ResetPassword(w.T.Context(), link, password)
	return err
}

func TestAResetLinkIsValidForAnHour(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		if err := w.Processor.Identity.Forgotten(t.Context(), w.Buyer.Email, here, ""); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Hour)
		_, err := w.Processor.Identity.ResetPassword(t.Context(), post.Last(w.Buyer.Email, party.NoticeReset).Link, another)
		wantErr(w, "after an hour", err, identity.ErrLinkOver)
	})
}

// Somebody signed up with an address that is not theirs, and left things in the
// account for later use. When the owner of the address takes the account over,
// nothing of it is left.
func TestResettingTakesAnAccountOver(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		nora := signUp(w)
		device := &holdfasttest.Authenticator{T: t, Host: relyingParty.Host, Origin: relyingParty.Origin}
		addPasskey(w, nora.ID, device)
		card := w.AddCard(nora.ID)
		if _, err := w.Processor.Identity.AddAddress(t.Context(), nora.ID,
			holdfast.Address{Name: "Eve", Line1: "1", City: "Ames", Zip: "50010", Country: "US"}); err != nil {
			t.Fatal(err)
		}
		w.Deposit(nora.ID, "50.00")
		balance := w.BalanceOf(nora.ID)
		fromCard := w.Token(payment.Token{
			Type: holdfast.TokenMultiUse, Sender: nora.ID, Instrument: card.ID, Method: holdfast.MethodCC,
		})
		fromBalance := w.Token(payment.Token{
			Type: holdfast.TokenMultiUse, Sender: nora.ID, Instrument: balance.ID, Method: holdfast.MethodABT,
		})
		signedIn(w, nora.ID)

		if err := w.Processor.Identity.Forgotten(t.Context(), nora.Email, here, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Processor.Identity.ResetPassword(t.Context(), post.Last(nora.Email, party.NoticeReset).Link,
			another); err != nil {
			t.Fatal(err)
		}
		if got := reread(w, nora.ID); !got.EmailVerified || got.Newcomer() {
			t.Errorf("not verified: %+v", got)
		}
		want(w, sessions(w, nora.ID), "")
		if i := w.Instruments(nora.ID); len(i) != 1 || i[0].Method != holdfast.MethodABT {
			t.Errorf("payment methods are %v", i)
		}
		_, err := signInByPasskey(w, device)
		wantErr(w, "by the passkey", err, identity.ErrPasskey)
		for _, token := range []holdfast.TokenID{fromCard, fromBalance} {
			_, err := w.Pay(token, "5.00", holdfast.CallerReference(token))
			w.WantCode(err, holdfast.TokenNotActiveSender)
		}
		err = w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			if all, err := tx.Addresses(nora.ID); err != nil || len(all) > 0 {
				t.Errorf("addresses are %v, %v", all, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// changePassword changes the password in a session.
func changePassword(w *holdfasttest.World, at party.SignedIn, present, password string) error {
	_, err := w.Processor.Identity.ChangePassword(w.T.Context(), at, identity.OwnPassword{Password: present, From: here},
		password)
	return err
}

func TestAPasswordIsChanged(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		elsewhere, at := signedIn(w, w.Buyer.ID), signedIn(w, w.Buyer.ID)
		others := signedIn(w, w.Owner.ID)
		change := func(present, password string) error {
			return changePassword(w, at, present, password)
		}
		wantErr(w, "with a wrong password", change("wrong", another), identity.ErrWrongPassword)
		w.WantCode(change(holdfasttest.Password, "short"), holdfast.InvalidParams)
		if len(post.To(w.Buyer.Email)) > 0 {
			t.Error("the owner got a letter about a change that did not happen")
		}
		if err := w.Processor.Identity.Forgotten(t.Context(), w.Buyer.Email, here, ""); err != nil {
			t.Fatal(err)
		}
		link := post.Last(w.Buyer.Email, party.NoticeReset).Link
		if err := change(holdfasttest.Password, another); err != nil {
			t.Fatal(err)
		}
		want(w, sessions(w, w.Buyer.ID), string(at.ID))
		want(w, sessions(w, w.Owner.ID), string(others.ID))
		post.Last(w.Buyer.Email, party.NoticePasswordChanged)
		if err := signIn(w, w.Buyer.Email, another); err != nil {
			t.Error(err)
		}
		if err := reset(w, link, "yet another password"); err != nil {
			t.Errorf("a link from before: %v", err) // somebody else may have changed the password
		}
		w.WantCode(w.Processor.Identity.EndSignedIn(t.Context(), w.Buyer.ID, elsewhere.ID), holdfast.InvalidParams)
	})
}

// An operator does not know the old password, and ends all sessions.
func TestAPasswordIsGiven(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		signedIn(w, w.Buyer.ID)
		w.WantCode(w.Processor.Identity.GivePassword(t.Context(), w.Buyer.ID, "short"), holdfast.InvalidParams)
		if err := w.Processor.Identity.GivePassword(t.Context(), w.Buyer.ID, another); err != nil {
			t.Fatal(err)
		}
		want(w, sessions(w, w.Buyer.ID), "")
		post.Last(w.Buyer.Email, party.NoticePasswordChanged)
		if err := signIn(w, w.Buyer.Email, another); err != nil {
			t.Error(err)
		}
	})
}

// Guesses in a browser that was left signed in are bounded, and do not block
// the owner's sign-in.
func TestOwnPasswordsCannotBeGuessed(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Mailing()
		at := signedIn(w, w.Buyer.ID)
		for range party.AccountGuesses.Free {
			wantErr(w, "a guess", changePassword(w, at, "wrong", another), identity.ErrWrongPassword)
		}
		own := identity.OwnPassword{Password: holdfasttest.Password, From: here}
		_, adding := w.Processor.Identity.BeginPasskey(t.Context(), relyingParty, at, own)
		for what, err := range map[string]error{
			"the password":        changePassword(w, at, holdfasttest.Password, another),
			"the address":         w.Processor.Identity.ChangeEmail(t.Context(), party.SignedIn{Party: w.Buyer.ID}, own, "new@example.test"),
			"a passkey":           adding,
			"a passkey's removal": w.Processor.Identity.RemovePasskey(t.Context(), at, own, "K0001"),
		} {
			if _, blocked := errors.AsType[*identity.GuessesError](err); !blocked {
				t.Errorf("%s after too many guesses: %v", what, err)
			}
		}
		if err := signIn(w, w.Buyer.Email, holdfasttest.Password); err != nil {
			t.Errorf("the sign-in: %v", err)
		}
	})
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		first := signedIn(w, w.Buyer.ID)
		w.Clock.Advance(time.Second)
		second := signedIn(w, w.Buyer.ID)
		want(w, sessions(w, w.Buyer.ID), string(second.ID+" "+first.ID))
		w.Clock.Advance(party.SeenEvery)
		if err := w.Processor.Identity.See(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		want(w, sessions(w, w.Buyer.ID), string(first.ID+" "+second.ID))
		w.WantCode(w.Processor.Identity.EndSignedIn(t.Context(), w.Owner.ID, first.ID), holdfast.InvalidParams)
		if err := w.Processor.Identity.EndSignedIn(t.Context(), w.Buyer.ID, first.ID); err != nil {
			t.Fatal(err)
		}
		third := signedIn(w, w.Buyer.ID)
		if err := w.Processor.Identity.EndSignedInElsewhere(t.Context(), third); err != nil {
			t.Fatal(err)
		}
		want(w, sessions(w, w.Buyer.ID), string(third.ID))
		w.Clock.Advance(party.SessionLifeMax + time.Microsecond)
		fourth := signedIn(w, w.Buyer.ID) // removes expired sessions
		want(w, sessions(w, w.Buyer.ID), string(fourth.ID))
	})
}
