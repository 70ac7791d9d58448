package identity_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// Two mailboxes whose names differ in a letter that Unicode folds to k belong
// to two people. Each has an account, and a letter to one does not open the
// other's account.
func TestMailboxesThatLookAlike(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		kim := w.Party("Kim", "kim@example.test")
		kelvin, err := w.Processor.Identity.SignUp(t.Context(),
			identity.NewParty{Name: "Other", Email: "\u212aim@example.test", Password: another}, here)
		if err != nil {
			t.Fatal(err)
		}
		for email, password := range map[string]string{"KIM@Example.test": holdfasttest.Password, kelvin.Email: another} {
			if err := signIn(w, email, password); err != nil {
				t.Errorf("%s: %v", email, err)
			}
		}
		wantErr(w, "the other's password", signIn(w, kim.Email, another), identity.ErrWrongPassword)
		forgotten(w, kelvin.Email)
		if account, err := w.Processor.Identity.ForgottenBy(t.Context(),
			post.Last(kelvin.Email, party.NoticeReset).Link); err != nil ||
			account.ID != kelvin.ID {
			t.Errorf("the link is of %v, %v", account.Email, err)
		}
	})
}
