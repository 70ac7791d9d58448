package identity_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// If somebody signs up with a stranger's address, the stranger gets one letter,
// and no other letter about that account.
func TestAnUnverifiedAddressGetsNoMoreLetters(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		nora := signUp(w)
		at, own := signedIn(w, nora.ID), identity.OwnPassword{Password: holdfasttest.Password, From: here}
		if _, err := w.Processor.Identity.ChangePassword(t.Context(), at, own, another); err != nil {
			t.Fatal(err)
		}
		if err := w.Processor.Identity.GivePassword(t.Context(), nora.ID, holdfasttest.Password); err != nil {
			t.Fatal(err)
		}
		k := addPasskey(w, nora.ID, device(t))
		if err := w.Processor.Identity.RemovePasskey(t.Context(), at, own, k.ID); err != nil {
			t.Fatal(err)
		}
		if err := w.Processor.Identity.ChangeEmail(t.Context(), party.SignedIn{Party: nora.ID}, own, "buy-now@spam.example.test"); err != nil {
			t.Fatal(err)
		}
		link := post.Last("buy-now@spam.example.test", party.NoticeNewEmail).Link
		if err := proveByLink(w, nora.ID, link); err != nil {
			t.Fatal(err)
		}
		if letters := post.To(nora.Email); len(letters) != 1 || letters[0].About != party.NoticeVerify {
			t.Errorf("the address was sent %+v, want only the verification letter", letters)
		}
	})
}
