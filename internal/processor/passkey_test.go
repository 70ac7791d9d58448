package processor_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

var relyingParty = processor.RelyingParty{Host: "pay.example.test", Origin: "https://pay.example.test"}

func device(t *testing.T) *holdfasttest.Authenticator {
	return &holdfasttest.Authenticator{T: t, Host: relyingParty.Host, Origin: relyingParty.Origin}
}

func beginPasskey(w *holdfasttest.World, partyID party.ID) []byte {
	w.T.Helper()
	question, err := w.Processor.BeginPasskey(w.T.Context(), relyingParty, partyID, processor.OwnPassword{
		Password: holdfasttest.Password, From: here,
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return question
}

func addPasskey(w *holdfasttest.World, partyID party.ID, a *holdfasttest.Authenticator) party.Passkey {
	w.T.Helper()
	k, err := w.Processor.AddPasskey(w.T.Context(), relyingParty, partyID, "Laptop", a.Make(beginPasskey(w, partyID)))
	if err != nil {
		w.T.Fatal(err)
	}
	return k
}

func askPasskey(w *holdfasttest.World) []byte {
	w.T.Helper()
	question, err := w.Processor.AskPasskey(w.T.Context(), relyingParty, here)
	if err != nil {
		w.T.Fatal(err)
	}
	return question
}

func signInByPasskey(w *holdfasttest.World, a *holdfasttest.Authenticator) (party.Party, error) {
	w.T.Helper()
	return w.Processor.SignInByPasskey(w.T.Context(), relyingParty, a.Sign(askPasskey(w)), processor.SignIn{
		From: here, Language: "es",
	})
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
		own := processor.OwnPassword{Password: holdfasttest.Password, From: here}
		w.WantCode(w.Processor.RemovePasskey(t.Context(), w.Owner.ID, own, k.ID), holdfast.InvalidParams)
		wantErr(w, "removing it without the password",
			w.Processor.RemovePasskey(t.Context(), w.Buyer.ID, processor.OwnPassword{From: here}, k.ID),
			processor.ErrWrongPassword)
		if err := w.Processor.RemovePasskey(t.Context(), w.Buyer.ID, own, k.ID); err != nil {
			t.Fatal(err)
		}
		post.Last(w.Buyer.Email, party.NoticePasskeyRemoved)
		a.Count++
		_, err = signInByPasskey(w, a)
		wantErr(w, "a removed passkey", err, processor.ErrPasskey)
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
	elsewhere := processor.RelyingParty{Host: "evil.example.test", Origin: "https://evil.example.test"}
	answerTo := func(w *holdfasttest.World, answer []byte) error {
		_, err := w.Processor.SignInByPasskey(t.Context(), relyingParty, answer, processor.SignIn{From: here})
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
				wantErr(w, name, sign(w, a), processor.ErrPasskey)
			})
		})
	}
}

func TestPasskeysThatAreNotAdded(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		_, err := w.Processor.BeginPasskey(t.Context(), relyingParty, w.Buyer.ID, processor.OwnPassword{
			Password: "wrong", From: here,
		})
		wantErr(w, "with a wrong password", err, processor.ErrWrongPassword)
		add := func(partyID party.ID, name string, answer []byte) error {
			_, err := w.Processor.AddPasskey(t.Context(), relyingParty, partyID, name, answer)
			return err
		}
		a := device(t)
		question := beginPasskey(w, w.Buyer.ID)
		answer := a.Make(question)
		w.WantCode(add(w.Buyer.ID, "", answer), holdfast.InvalidParams)
		w.WantCode(add(w.Buyer.ID, strings.Repeat("x", party.PasskeyNameMax+1), answer), holdfast.InvalidParams)
		wantErr(w, "by somebody else", add(w.Owner.ID, "Laptop", answer), processor.ErrPasskey)
		if err := add(w.Buyer.ID, "Laptop", answer); err != nil {
			t.Fatal(err)
		}
		wantErr(w, "twice", add(w.Buyer.ID, "Laptop", answer), processor.ErrPasskey)
		wantErr(w, "no answer at all", add(w.Buyer.ID, "Laptop", []byte("[]")), processor.ErrPasskey)
		lazy := device(t)
		lazy.Lazy = true
		wantErr(w, "without user verification", add(w.Buyer.ID, "Phone", lazy.Make(beginPasskey(w, w.Buyer.ID))),
			processor.ErrPasskey)
		for n := range party.PasskeysMax - 1 {
			if n%3 == 0 {
				w.Clock.Advance(time.Hour)
			}
			addPasskey(w, w.Buyer.ID, device(t))
		}
		_, err = w.Processor.BeginPasskey(t.Context(), relyingParty, w.Buyer.ID, processor.OwnPassword{
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
		_, err := w.Processor.AskPasskey(t.Context(), relyingParty, here)
		if _, blocked := errors.AsType[*processor.GuessesError](err); !blocked {
			t.Errorf("one more: %v", err)
		}
	})
}
