package processor_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const another = "another good password"

// signIn returns the answer to a sign-in with a password.
func signIn(w *holdfasttest.World, email, password string) error {
	_, err := w.Processor.Identity.SignIn(w.T.Context(), identity.SignIn{Email: email, Password: password, From: here})
	return err
}

// signedIn begins a session.
func signedIn(w *holdfasttest.World, account party.Party) party.SignedIn {
	w.T.Helper()
	s, err := w.Processor.Identity.BeginSignedIn(w.T.Context(), account, party.Device{
		Browser: "Firefox", System: "Linux", Network: "198.51.100.x",
	}, identity.ByPassword)
	if err != nil {
		w.T.Fatal(err)
	}
	return s
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

// A letter leads back to an existing visit, and carries no text that a stranger
// has sent.
func TestALetterLeadsOnlyToAnExistingVisit(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		begun := visit(w, "pipelineName", "SingleUse", "callerReference", "order-1", "transactionAmount", "5")
		for asked, want := range map[payment.VisitID]payment.VisitID{
			begun: begun, "": "", "BUY-NOW-AT-spam.example.test": "",
		} {
			if err := w.Processor.Identity.Forgotten(t.Context(), w.Buyer.Email, here, string(asked)); err != nil {
				t.Fatal(err)
			}
			if letter := post.Last(w.Buyer.Email, party.NoticeReset); letter.Visit != string(want) {
				t.Errorf("asked for with visit %q, the letter is %+v", asked, letter)
			}
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
	used := w.AddCard(nora.ID)
	bound := store.Bound(t.Context(), signedIn(w, nora))
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
	for _, i := range w.Instruments(nora.ID) {
		if i.Method != holdfast.MethodABT {
			t.Errorf("the card %s is left", i.ID)
		}
	}
}
