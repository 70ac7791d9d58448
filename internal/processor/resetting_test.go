package processor_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const another = "another good password"

// signIn returns the answer to a sign-in with a password.
func signIn(w *holdfasttest.World, email, password string) error {
	_, err := w.Processor.SignIn(w.T.Context(), processor.SignIn{Email: email, Password: password, From: here})
	return err
}

// signedIn begins a session.
func signedIn(w *holdfasttest.World, partyID party.ID) party.SignedIn {
	w.T.Helper()
	s, err := w.Processor.BeginSignedIn(w.T.Context(), reread(w, partyID), party.Device{
		Browser: "Firefox", System: "Linux", Network: "198.51.100.x",
	})
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
		wantErr(w, "no link", reset(w, "", another), processor.ErrLinkOver)
		wantErr(w, "the link as a proof", proveByLink(w, w.Buyer.ID, first), processor.ErrLinkOver)
		w.WantCode(reset(w, first, "short"), holdfast.InvalidParams)
		for _, link := range []string{first, second} {
			if account, err := w.Processor.ForgottenBy(t.Context(), link); err != nil || account.ID != w.Buyer.ID {
				t.Errorf("the link is of %v, %v", account.ID, err)
			}
		}
		if err := reset(w, first, another); err != nil {
			t.Fatal(err)
		}
		wantErr(w, "the link, again", reset(w, first, "yet another password"), processor.ErrLinkOver)
		wantErr(w, "the other link, when the password is set", reset(w, second, "yet another password"),
			processor.ErrLinkOver)
		wantErr(w, "the old password", signIn(w, w.Buyer.Email, holdfasttest.Password), processor.ErrWrongPassword)
		if err := signIn(w, w.Buyer.Email, another); err != nil {
			t.Errorf("the new password: %v", err)
		}
		want(w, sessions(w, w.Buyer.ID), "")
		post.Last(w.Buyer.Email, party.NoticePasswordChanged)
		if i := instruments(w, w.Buyer.ID); len(i) != 2 {
			t.Errorf("a verified owner is left with %v", i)
		}
	})
}

// forgotten requests the letter for a forgotten password.
func forgotten(w *holdfasttest.World, email string) {
	w.T.Helper()
	if err := w.Processor.Forgotten(w.T.Context(), email, here, ""); err != nil {
		w.T.Fatal(err)
	}
}

func reset(w *holdfasttest.World, link, password string) error {
	_, err := w.Processor.ResetPassword(w.T.Context(), link, password)
	return err
}

// A letter leads back to an existing visit, and carries no text that a stranger
// has sent.
func TestALetterLeadsOnlyToAnExistingVisit(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		begun := visit(w, "pipelineName", "SingleUse", "callerReference", "order-1", "transactionAmount", "5")
		for asked, want := range map[payment.VisitID]payment.VisitID{
			begun: begun, "": "", "BUY-NOW-AT-spam.example.test": "",
		} {
			if err := w.Processor.Forgotten(t.Context(), w.Buyer.Email, here, asked); err != nil {
				t.Fatal(err)
			}
			if letter := post.Last(w.Buyer.Email, party.NoticeReset); letter.Visit != string(want) {
				t.Errorf("asked for with visit %q, the letter is %+v", asked, letter)
			}
		}
	})
}

func TestAResetLinkIsValidForAnHour(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		if err := w.Processor.Forgotten(t.Context(), w.Buyer.Email, here, ""); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Hour)
		_, err := w.Processor.ResetPassword(t.Context(), post.Last(w.Buyer.Email, party.NoticeReset).Link, another)
		wantErr(w, "after an hour", err, processor.ErrLinkOver)
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
		card := addCard(w, nora.ID)
		if _, err := w.Processor.AddAddress(t.Context(), nora.ID,
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

		if err := w.Processor.Forgotten(t.Context(), nora.Email, here, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Processor.ResetPassword(t.Context(), post.Last(nora.Email, party.NoticeReset).Link,
			another); err != nil {
			t.Fatal(err)
		}
		if got := reread(w, nora.ID); !got.EmailVerified || got.Newcomer() {
			t.Errorf("not verified: %+v", got)
		}
		want(w, sessions(w, nora.ID), "")
		if i := instruments(w, nora.ID); len(i) != 1 || i[0].Method != holdfast.MethodABT {
			t.Errorf("payment methods are %v", i)
		}
		_, err := signInByPasskey(w, device)
		wantErr(w, "by the passkey", err, processor.ErrPasskey)
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

// While the owner of an address takes an account over, a stranger's browser
// adds a card and a token on another server. The reset has not seen them when
// it begins. It runs again and removes them. That cannot happen on SQLite.
func TestTakingOverMissesNothingThatCommitsMeanwhile(t *testing.T) {
	at := holdfasttest.PostgresAddress(t)
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
	other := processor.New(holdfasttest.Open(t, at), processor.Config{
		Network: w.Network, Now: w.Clock.Now, IDs: w.IDs,
		Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(other.Close)
	post := w.Mailing()
	nora := signUp(w)
	used := addCard(w, nora.ID)
	bound := store.Bound(t.Context(), signedIn(w, nora.ID))
	begun := visit(w, "pipelineName", "SingleUse", "callerReference", "order-1", "transactionAmount", "5")
	if _, err := w.Processor.EnterVisit(t.Context(), begun, nora.ID); err != nil {
		t.Fatal(err)
	}
	forgotten(w, nora.Email)
	link := post.Last(nora.Email, party.NoticeReset).Link

	// The old password is refused just before the transaction of a reset begins.
	calls, before := 0, 0
	w.Processor.Now = func() time.Time { before++; return w.Clock.Now() }
	wantErr(w, "the old password", reset(w, link, holdfasttest.Password), party.ErrPasswordSame)
	var token holdfast.TokenID
	w.Processor.Now = func() time.Time {
		if calls++; calls != before+1 {
			return w.Clock.Now()
		}
		v, err := other.ConfirmVisit(bound, begun, nora.ID, processor.Shown{Instrument: used.ID})
		answer, parsing := holdfast.ParseParams(v.Answer)
		token = holdfast.TokenID(answer.Get("tokenID"))
		_, adding := other.AddCard(bound, nora.ID, card.Details{
			Number: card.NewNumber("5555555555554444"), ExpiryMonth: 12, ExpiryYear: 2031, Holder: "Eve",
		}, false)
		if err := errors.Join(err, parsing, adding); err != nil {
			t.Error(err)
		}
		return w.Clock.Now()
	}
	if err := reset(w, link, another); err != nil {
		t.Fatal(err)
	}
	_, err := w.Pay(token, "5.00", "order-1")
	w.WantCode(err, holdfast.TokenNotActiveSender)
	for _, i := range instruments(w, nora.ID) {
		if i.Method != holdfast.MethodABT {
			t.Errorf("the card %s is left", i.ID)
		}
	}
}

// instruments returns a party's payment methods.
func instruments(w *holdfasttest.World, partyID party.ID) (all []payment.Instrument) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Instruments(partyID)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return all
}

// changePassword changes the password in a session.
func changePassword(w *holdfasttest.World, at party.SignedIn, present, password string) error {
	_, err := w.Processor.ChangePassword(w.T.Context(), at, processor.OwnPassword{Password: present, From: here}, password)
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
		wantErr(w, "with a wrong password", change("wrong", another), processor.ErrWrongPassword)
		w.WantCode(change(holdfasttest.Password, "short"), holdfast.InvalidParams)
		if len(post.To(w.Buyer.Email)) > 0 {
			t.Error("the owner got a letter about a change that did not happen")
		}
		if err := w.Processor.Forgotten(t.Context(), w.Buyer.Email, here, ""); err != nil {
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
		w.WantCode(w.Processor.EndSignedIn(t.Context(), w.Buyer.ID, elsewhere.ID), holdfast.InvalidParams)
	})
}

// An operator does not know the old password, and ends all sessions.
func TestAPasswordIsGiven(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		signedIn(w, w.Buyer.ID)
		w.WantCode(w.Processor.GivePassword(t.Context(), w.Buyer.ID, "short"), holdfast.InvalidParams)
		if err := w.Processor.GivePassword(t.Context(), w.Buyer.ID, another); err != nil {
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
			wantErr(w, "a guess", changePassword(w, at, "wrong", another), processor.ErrWrongPassword)
		}
		own := processor.OwnPassword{Password: holdfasttest.Password, From: here}
		_, adding := w.Processor.BeginPasskey(t.Context(), relyingParty, w.Buyer.ID, own)
		for what, err := range map[string]error{
			"the password":        changePassword(w, at, holdfasttest.Password, another),
			"the address":         w.Processor.ChangeEmail(t.Context(), w.Buyer.ID, own, "new@example.test"),
			"a passkey":           adding,
			"a passkey's removal": w.Processor.RemovePasskey(t.Context(), w.Buyer.ID, own, "K0001"),
		} {
			if _, blocked := errors.AsType[*processor.GuessesError](err); !blocked {
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
		if err := w.Processor.See(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		want(w, sessions(w, w.Buyer.ID), string(first.ID+" "+second.ID))
		w.WantCode(w.Processor.EndSignedIn(t.Context(), w.Owner.ID, first.ID), holdfast.InvalidParams)
		if err := w.Processor.EndSignedIn(t.Context(), w.Buyer.ID, first.ID); err != nil {
			t.Fatal(err)
		}
		third := signedIn(w, w.Buyer.ID)
		if err := w.Processor.EndSignedInElsewhere(t.Context(), third); err != nil {
			t.Fatal(err)
		}
		want(w, sessions(w, w.Buyer.ID), string(third.ID))
		w.Clock.Advance(party.SessionLifeMax + time.Microsecond)
		fourth := signedIn(w, w.Buyer.ID) // removes expired sessions
		want(w, sessions(w, w.Buyer.ID), string(fourth.ID))
	})
}
