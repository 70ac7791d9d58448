package processor_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// Mailboxes that differ in a letter which Unicode folds to k are two people's: each
// has an account of its own, and a letter to one is no way into the other's.
func TestMailboxesThatLookAlike(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		post := w.Mailing()
		kim := w.Party("Kim", "kim@example.test")
		kelvin, err := w.Processor.SignUp(t.Context(),
			processor.NewParty{Name: "Other", Email: "\u212aim@example.test", Password: another}, here)
		if err != nil {
			t.Fatal(err)
		}
		for email, password := range map[string]string{"KIM@Example.test": holdfasttest.Password, kelvin.Email: another} {
			if err := signIn(w, email, password); err != nil {
				t.Errorf("%s: %v", email, err)
			}
		}
		wantErr(w, "the other's password", signIn(w, kim.Email, another), processor.ErrWrongPassword)
		forgotten(w, kelvin.Email)
		if who, err := w.Processor.ForgottenBy(t.Context(), post.Last(kelvin.Email, party.NoticeReset).Link); err != nil ||
			who.ID != kelvin.ID {
			t.Errorf("the link is of %v, %v", who.Email, err)
		}
	})
}
