package identity_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// signInFrom returns the answer to a sign-in from a network address.
func signInFrom(w *holdfasttest.World, from, email, password string) error {
	_, err := w.Processor.Identity.SignIn(w.T.Context(), identity.SignIn{Email: email, Password: password, From: from})
	return err
}

func wantBlocked(w *holdfasttest.World, what string, err error) {
	w.T.Helper()
	if _, blocked := errors.AsType[*identity.GuessesError](err); !blocked {
		w.T.Errorf("%s: %v, want a *GuessesError", what, err)
	}
}

// An attacker with an account of their own cannot sign in there so that guesses
// at other accounts are forgiven.
func TestOneRightSignInForgivesNoOtherGuesses(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		for n := range party.AddressGuesses.Free - 1 {
			wantErr(w, "a guess", signIn(w, fmt.Sprintf("victim-%d@example.test", n), "a guess"), identity.ErrWrongPassword)
		}
		if err := signIn(w, w.Buyer.Email, holdfasttest.Password); err != nil {
			t.Fatalf("the guesser's own account: %v", err)
		}
		wantErr(w, "one guess more", signIn(w, "victim-30@example.test", "a guess"), identity.ErrWrongPassword)
		wantBlocked(w, "the address, for a stranger's account", signIn(w, "victim-31@example.test", "a guess"))
		wantBlocked(w, "the address, for the guesser's own account", signIn(w, w.Buyer.Email, holdfasttest.Password))
		if err := signInFrom(w, "203.0.113.9", w.Buyer.Email, holdfasttest.Password); err != nil {
			t.Errorf("from another address: %v", err)
		}
	})
}

// Guesses at one account from many network addresses are slowed down, and even
// more in the long run.
func TestGuessesAtAnAccountInTheLongRun(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		tried := 0
		for n := range 120 { // during an hour
			if errors.Is(signInFrom(w, fmt.Sprintf("192.0.2.%d", n), w.Buyer.Email, "a guess"), identity.ErrWrongPassword) {
				tried++
			}
			w.Clock.Advance(30 * time.Second)
		}
		if most := party.AccountGuessesLong.Free + 4; tried > most {
			t.Errorf("%d guesses in an hour, want at most %d", tried, most)
		}
	})
}

// While strangers guess at Ann's password without end, Ann can sign in: on a
// device that she has signed in on before, by a passkey and by a mailed link.
func TestStrangersDoNotLockTheOwnerOut(t *testing.T) {
	const stranger = "203.0.113.66"
	guess := func(w *holdfasttest.World) {
		for range party.AccountGuesses.Free {
			_ = signInFrom(w, stranger, w.Buyer.Email, "a guess")
		}
		wantBlocked(w, "from a browser that is not known", signIn(w, w.Buyer.Email, holdfasttest.Password))
	}
	knownIn := func(w *holdfasttest.World, proof, password string) error {
		_, err := w.Processor.Identity.SignIn(t.Context(), identity.SignIn{
			Email: w.Buyer.Email, Password: password, From: stranger, Known: proof,
		})
		return err
	}
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		a := device(t)
		k := addPasskey(w, w.Buyer.ID, a)
		at := signedIn(w, w.Buyer.ID)
		known := reread(w, w.Buyer.ID).KnownDevice("a-browser", w.Clock.Now())

		guess(w)
		if err := knownIn(w, known, holdfasttest.Password); err != nil {
			t.Errorf("a known browser: %v", err)
		}
		if _, err := signInByPasskey(w, a); err != nil {
			t.Errorf("a passkey: %v", err)
		}
		if err := w.Processor.Identity.RemovePasskey(t.Context(), at, own, k.ID); err != nil {
			t.Errorf("removing a passkey, signed in: %v", err)
		}
		if err := changePassword(w, at, holdfasttest.Password, another); err != nil {
			t.Errorf("changing the password, signed in: %v", err)
		}
		wantBlocked(w, "a browser that was known before the password changed", knownIn(w, known, another))

		forgotten(w, w.Buyer.Email)
		account, err := w.Processor.Identity.ResetPassword(t.Context(), post.Last(w.Buyer.Email, party.NoticeReset).Link,
			"yet another password")
		if err != nil {
			t.Fatal(err)
		}
		guess(w) // before she enters the new one
		if err := knownIn(w, account.KnownDevice("where-the-link-was", w.Clock.Now()), "yet another password"); err != nil {
			t.Errorf("the new password, where the link was followed: %v", err)
		}
	})
}

// Guesses in a known browser are bounded, too.
func TestGuessesOnAKnownDeviceAreBounded(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		known := reread(w, w.Buyer.ID).KnownDevice("a-browser", w.Clock.Now())
		try := func(email, password string) error {
			_, err := w.Processor.Identity.SignIn(t.Context(), identity.SignIn{
				Email: email, Password: password, From: here, Known: known,
			})
			return err
		}
		for range party.AccountGuesses.Free {
			wantErr(w, "a guess", try(w.Buyer.Email, "a guess"), identity.ErrWrongPassword)
		}
		wantBlocked(w, "one more", try(w.Buyer.Email, holdfasttest.Password))
		if err := signIn(w, w.Buyer.Email, holdfasttest.Password); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
		for range party.AccountGuesses.Free {
			wantErr(w, "a guess at another account", try(w.Owner.Email, "a guess"), identity.ErrWrongPassword)
		}
		wantBlocked(w, "another account, where the browser is not known", try(w.Owner.Email, holdfasttest.Password))
	})
}

// Many people sign up from one network address. Letters that lead to a verified
// address do not count, and the others are forgotten with time.
func TestSigningUpBehindOneAddress(t *testing.T) {
	sign := func(w *holdfasttest.World, n int) (party.Party, error) {
		return w.Processor.Identity.SignUp(t.Context(), identity.NewParty{
			Name: "Somebody", Email: fmt.Sprintf("somebody-%d@example.test", n), Password: holdfasttest.Password,
		}, here)
	}
	t.Run("verified", func(t *testing.T) {
		story(t, func(w *holdfasttest.World) {
			post := w.Mailing()
			for n := range party.AddressLetters.Free + 5 {
				account, err := sign(w, n)
				if err != nil {
					t.Fatalf("sign-up %d: %v", n+1, err)
				}
				if n%2 == 0 {
					err = proveByLink(w, account.ID, post.Last(account.Email, party.NoticeVerify).Link)
				} else {
					err = w.Processor.Identity.ProveByCode(t.Context(), account.ID, party.ProvesEmail,
						post.Last(account.Email, party.NoticeVerify).Code)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	})
	t.Run("not verified", func(t *testing.T) {
		story(t, func(w *holdfasttest.World) {
			w.Mailing()
			for n := range party.AddressLetters.Free {
				if _, err := sign(w, n); err != nil {
					t.Fatalf("sign-up %d: %v", n+1, err)
				}
			}
			_, err := sign(w, 1000)
			blocked, ok := errors.AsType[*identity.GuessesError](err)
			if !ok || blocked.Wait > time.Minute {
				t.Fatalf("one more: %v, want a wait of a minute at most", err)
			}
			for n := range 5 {
				w.Clock.Advance(time.Minute)
				if _, err := sign(w, 1001+n); err != nil {
					t.Errorf("a minute later: %v", err)
				}
			}
		})
	})
}

// A passkey can remove a passkey of the same party, and of no other party.
func TestAPasskeyRemovesAPasskey(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		mine, foreign := device(t), device(t)
		k := addPasskey(w, w.Buyer.ID, mine)
		addPasskey(w, w.Owner.ID, foreign)
		remove := func(answer []byte) error {
			return w.Processor.Identity.RemovePasskeyByPasskey(t.Context(), relyingParty, w.Buyer.ID, answer, here, k.ID)
		}
		wantErr(w, "another party's passkey", remove(foreign.Sign(askPasskey(w))), identity.ErrPasskey)
		answer := mine.Sign(askPasskey(w))
		w.Clock.Advance(party.PasskeyPatience)
		wantErr(w, "an old answer", remove(answer), identity.ErrPasskey)
		wantErr(w, "no answer", remove([]byte("{}")), identity.ErrPasskey)
		if len(passkeys(w)) != 1 {
			t.Fatal("it was removed nevertheless")
		}
		if err := remove(mine.Sign(askPasskey(w))); err != nil {
			t.Fatal(err)
		}
		post.Last(w.Buyer.Email, party.NoticePasskeyRemoved)
		if len(passkeys(w)) != 0 {
			t.Error("it was not removed")
		}
	})
}
