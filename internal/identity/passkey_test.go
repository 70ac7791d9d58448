package identity_test

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

var relyingParty = identity.RelyingParty{Host: "pay.example.test", Origin: "https://pay.example.test"}

func device(t *testing.T) *holdfasttest.Authenticator {
	return &holdfasttest.Authenticator{T: t, Host: relyingParty.Host, Origin: relyingParty.Origin}
}

func beginPasskey(w *holdfasttest.World, partyID party.ID) []byte {
	w.T.Helper()
	question, err := w.Processor.Identity.BeginPasskey(w.T.Context(), relyingParty, party.SignedIn{Party: partyID},
		identity.OwnPassword{
			Password: holdfasttest.Password, From: here,
		})
	if err != nil {
		w.T.Fatal(err)
	}
	return question
}

func addPasskey(w *holdfasttest.World, partyID party.ID, a *holdfasttest.Authenticator) party.Passkey {
	w.T.Helper()
	k, err := w.Processor.Identity.AddPasskey(w.T.Context(), relyingParty, partyID, "Laptop",
		a.Make(beginPasskey(w, partyID)))
	if err != nil {
		w.T.Fatal(err)
	}
	return k
}

func askPasskey(w *holdfasttest.World) []byte {
	w.T.Helper()
	question, err := w.Processor.Identity.AskPasskey(w.T.Context(), relyingParty, here)
	if err != nil {
		w.T.Fatal(err)
	}
	return question
}

func signInByPasskey(w *holdfasttest.World, a *holdfasttest.Authenticator) (party.Party, error) {
	w.T.Helper()
	return w.Processor.Identity.SignInByPasskey(w.T.Context(), relyingParty, a.Sign(askPasskey(w)), identity.SignIn{
		From: here, Language: "es",
	})
}

// wantLogged fails the test unless the audit log has one entry of an action on a party.
func wantLogged(w *holdfasttest.World, action party.AuditAction, id party.ID, after party.Facts) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		all, err := tx.AuditEntries(store.AuditQuery{Action: action, Object: string(id), Limit: 10})
		if err == nil && (len(all) != 1 || !maps.Equal(all[0].After, after)) {
			w.T.Errorf("the entries of %s are %+v", action, all)
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
}

func TestAPasskeySignsIn(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		a := device(t)
		k := addPasskey(w, w.Buyer.ID, a)
		post.Last(w.Buyer.Email, party.NoticePasskeyAdded)
		for range 2 {
			a.Count++
			if account, err := signInByPasskey(w, a); err != nil || account.ID != w.Buyer.ID {
				t.Fatalf("signed in as %v, %v", account.ID, err)
			}
		}
		if got := reread(w, w.Buyer.ID).Language; got != "es" {
			t.Errorf("the language is %q", got)
		}
		err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			all, err := tx.Passkeys(w.Buyer.ID)
			if err == nil && (len(all) != 1 || all[0].LastUsed.IsZero() || all[0].Name != "Laptop") {
				t.Errorf("passkeys are %+v", all)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		own := identity.OwnPassword{Password: holdfasttest.Password, From: here}
		w.WantCode(w.Processor.Identity.RemovePasskey(t.Context(), party.SignedIn{Party: w.Owner.ID}, own, k.ID),
			holdfast.InvalidParams)
		wantErr(w, "removing it without the password",
			w.Processor.Identity.RemovePasskey(t.Context(), party.SignedIn{Party: w.Buyer.ID}, identity.OwnPassword{From: here},
				k.ID),
			identity.ErrWrongPassword)
		if err := w.Processor.Identity.RemovePasskey(t.Context(), party.SignedIn{Party: w.Buyer.ID}, own, k.ID); err != nil {
			t.Fatal(err)
		}
		post.Last(w.Buyer.Email, party.NoticePasskeyRemoved)
		for _, action := range []party.AuditAction{"passkey.add", "passkey.remove"} {
			wantLogged(w, action, w.Buyer.ID, party.Facts{"passkey": string(k.ID)})
		}
		a.Count++
		_, err = signInByPasskey(w, a)
		wantErr(w, "a removed passkey", err, identity.ErrPasskey)
	})
}

// Devices that synchronise their passkeys have no signature counter.
func TestAPasskeyWithoutCounter(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		a := device(t)
		addPasskey(w, w.Buyer.ID, a)
		for range 2 {
			if _, err := signInByPasskey(w, a); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestPasskeysThatAreRefused(t *testing.T) {
	elsewhere := identity.RelyingParty{Host: "evil.example.test", Origin: "https://evil.example.test"}
	answerTo := func(w *holdfasttest.World, answer []byte) error {
		_, err := w.Processor.Identity.SignInByPasskey(t.Context(), relyingParty, answer, identity.SignIn{From: here})
		return err
	}
	for name, sign := range map[string]func(w *holdfasttest.World, a *holdfasttest.Authenticator) error{
		"answered twice": func(w *holdfasttest.World, a *holdfasttest.Authenticator) error {
			answer := a.Sign(askPasskey(w))
			if err := answerTo(w, answer); err != nil {
				t.Fatal(err)
			}
			return answerTo(w, answer)
		},
		"answered too late": func(w *holdfasttest.World, a *holdfasttest.Authenticator) error {
			question := askPasskey(w)
			w.Clock.Advance(party.PasskeyPatience)
			return answerTo(w, a.Sign(question))
		},
		"never asked": func(w *holdfasttest.World, a *holdfasttest.Authenticator) error {
			return answerTo(w, a.Sign([]byte(`{"challenge":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`)))
		},
		"another page's": func(w *holdfasttest.World, a *holdfasttest.Authenticator) error {
			a.Origin = elsewhere.Origin
			return answerTo(w, a.Sign(askPasskey(w)))
		},
		"another host's": func(w *holdfasttest.World, a *holdfasttest.Authenticator) error {
			a.Host = elsewhere.Host
			return answerTo(w, a.Sign(askPasskey(w)))
		},
		"without user verification": func(w *holdfasttest.World, a *holdfasttest.Authenticator) error {
			a.Lazy = true
			return answerTo(w, a.Sign(askPasskey(w)))
		},
		"counted backwards": func(w *holdfasttest.World, a *holdfasttest.Authenticator) error {
			a.Count = 5
			if err := answerTo(w, a.Sign(askPasskey(w))); err != nil {
				t.Fatal(err)
			}
			return answerTo(w, a.Sign(askPasskey(w)))
		},
		"an answer to a question about adding one": func(w *holdfasttest.World, a *holdfasttest.Authenticator) error {
			return answerTo(w, a.Sign(beginPasskey(w, w.Buyer.ID)))
		},
		"tampered with": func(w *holdfasttest.World, a *holdfasttest.Authenticator) error {
			answer := a.Sign(askPasskey(w))
			return answerTo(w, bytes.Replace(answer, []byte(`"signature":"`), []byte(`"signature":"AA`), 1))
		},
		"no answer at all": func(w *holdfasttest.World, _ *holdfasttest.Authenticator) error {
			return answerTo(w, []byte("{}"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				a := device(t)
				addPasskey(w, w.Buyer.ID, a)
				wantErr(w, name, sign(w, a), identity.ErrPasskey)
			})
		})
	}
}

func TestPasskeysThatAreNotAdded(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		_, err := w.Processor.Identity.BeginPasskey(t.Context(), relyingParty, party.SignedIn{Party: w.Buyer.ID},
			identity.OwnPassword{
				Password: "wrong", From: here,
			})
		wantErr(w, "with a wrong password", err, identity.ErrWrongPassword)
		add := func(partyID party.ID, name string, answer []byte) error {
			_, err := w.Processor.Identity.AddPasskey(t.Context(), relyingParty, partyID, name, answer)
			return err
		}
		a := device(t)
		question := beginPasskey(w, w.Buyer.ID)
		answer := a.Make(question)
		w.WantCode(add(w.Buyer.ID, "", answer), holdfast.InvalidParams)
		w.WantCode(add(w.Buyer.ID, strings.Repeat("x", party.PasskeyNameMax+1), answer), holdfast.InvalidParams)
		wantErr(w, "by somebody else", add(w.Owner.ID, "Laptop", answer), identity.ErrPasskey)
		if err := add(w.Buyer.ID, "Laptop", answer); err != nil {
			t.Fatal(err)
		}
		wantErr(w, "twice", add(w.Buyer.ID, "Laptop", answer), identity.ErrPasskey)
		wantErr(w, "no answer at all", add(w.Buyer.ID, "Laptop", []byte("[]")), identity.ErrPasskey)
		lazy := device(t)
		lazy.Lazy = true
		wantErr(w, "without user verification", add(w.Buyer.ID, "Phone", lazy.Make(beginPasskey(w, w.Buyer.ID))),
			identity.ErrPasskey)
		for n := range party.PasskeysMax - 1 {
			if n%3 == 0 {
				w.Clock.Advance(time.Hour)
			}
			addPasskey(w, w.Buyer.ID, device(t))
		}
		_, err = w.Processor.Identity.BeginPasskey(t.Context(), relyingParty, party.SignedIn{Party: w.Buyer.ID},
			identity.OwnPassword{
				Password: holdfasttest.Password, From: here,
			})
		w.WantCode(err, holdfast.InvalidParams)
	})
}

func TestQuestionsToPasskeysAreThrottled(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		for range party.AddressGuesses.Free {
			askPasskey(w)
		}
		_, err := w.Processor.Identity.AskPasskey(t.Context(), relyingParty, here)
		if _, blocked := errors.AsType[*identity.GuessesError](err); !blocked {
			t.Errorf("one more: %v", err)
		}
	})
}
