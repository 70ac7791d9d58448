package processor_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A party that has not proved its address gets nothing of the person who has the address,
// and its erasure removes nothing of that person.
func TestPersonalDataOfAStrangersAddress(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		now := w.Clock.Now()
		stranger := party.Party{
			ID: "PSTRANGER", Name: "Stranger", Email: w.Buyer.Email, Guest: true, Standing: party.Active,
			VerifyBy: now, Created: now,
		}
		members := holdfasttest.Members{World: w}
		member := members.Add(party.RoleOwner, w.Shop.ID)
		mails := []party.Mail{
			{ID: "M1", To: w.Buyer.Email, Party: w.Buyer.ID, Text: "a mail to the buyer"},
			{ID: "M2", To: strings.ToUpper(w.Buyer.Email), Text: "an invitation of the buyer"},
			{ID: "M3", To: w.Buyer.Email, Party: stranger.ID, Text: "a mail to the stranger"},
			{ID: "M4", To: member.Email, Party: member.ID, Text: w.Buyer.Email + " asks for an approval"},
			{ID: "M5", To: "jo" + w.Buyer.Email, Text: "a mail to jo" + w.Buyer.Email},
		}
		if err := db.Update(t.Context(), func(tx *store.Tx) error {
			for _, m := range mails {
				m.Created = now
				if err := tx.InsertMail(m); err != nil {
					return err
				}
			}
			if err := tx.SetInvitation(party.Invitation{
				Membership: party.Membership{Role: party.RoleFinance}, Link: party.LinkHash{9}, Email: w.Buyer.Email,
				InvitedBy: w.Owner.ID, Created: now,
			}, now); err != nil {
				return err
			}
			_, err := tx.InsertParty(stranger)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		wantExport := func(of party.Party, invited bool, texts ...string) {
			t.Helper()
			var to bytes.Buffer
			if err := w.Processor.ExportParty(t.Context(), of.ID, &to); err != nil {
				t.Fatal(err)
			}
			for _, m := range mails {
				if has := strings.Contains(to.String(), `"`+m.Text+`"`); has != slices.Contains(texts, m.Text) {
					t.Errorf("the export of %s has %q: %t", of.Name, m.Text, has)
				}
			}
			if has := strings.Contains(to.String(), string(party.RoleFinance)); has != invited {
				t.Errorf("the export of %s has the invitation: %t", of.Name, has)
			}
		}
		wantExport(stranger, false, mails[2].Text)
		wantExport(w.Buyer, true, mails[0].Text, mails[1].Text)
		wantLeft := func(after string, invitations int, want ...string) {
			t.Helper()
			var left []string
			for _, m := range mailsOf(w) {
				left = append(left, m.ID)
			}
			if slices.Sort(left); !slices.Equal(left, want) {
				t.Errorf("after the erasure of %s, the mails are %v, want %v", after, left, want)
			}
			if err := db.View(t.Context(), func(tx *store.ReadTx) error {
				found, err := tx.InvitationsTo(w.Buyer)
				if len(found) != invitations {
					t.Errorf("after the erasure of %s, %d invitations are left", after, len(found))
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Processor.EraseParty(t.Context(), stranger.ID); err != nil {
			t.Fatal(err)
		}
		wantLeft("the stranger", 1, "M1", "M2", "M4", "M5")
		if err := w.Processor.EraseParty(t.Context(), w.Buyer.ID); err != nil {
			t.Fatal(err)
		}
		wantLeft("the buyer", 0, "M4", "M5")
	})
}

// An export has every mail that is kept, also more than fit on one page.
func TestAnExportHasManyMails(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		now := w.Clock.Now()
		const count = 1001
		want := make([]string, count)
		if err := db.Update(t.Context(), func(tx *store.Tx) error {
			for i := range want {
				want[i] = fmt.Sprintf("mail %04d", i)
				err := tx.InsertMail(party.Mail{
					ID: want[i], To: w.Buyer.Email, Party: w.Buyer.ID, Text: want[i],
					Created: now.Add(time.Duration(i/300) * time.Second), // many at one time
				})
				if err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var to bytes.Buffer
		if err := w.Processor.ExportParty(t.Context(), w.Buyer.ID, &to); err != nil {
			t.Fatal(err)
		}
		var export struct{ Mails []struct{ Text string } }
		if err := json.Unmarshal(to.Bytes(), &export); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range export.Mails {
			got = append(got, m.Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("the export has %d mails, want %d in their order", len(got), count)
		}
	})
}
