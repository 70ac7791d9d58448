package processor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// mailed are the mails in the timeline of a case.
func mailed(w *holdfasttest.World, id holdfast.TransactionID) (all []string) {
	w.T.Helper()
	for _, e := range caseOf(w, id).Timeline {
		if e.Kind == processor.EntryMail {
			all = append(all, strings.TrimSpace(strings.Join([]string{e.What, e.Result, e.To, e.Message}, " ")))
		}
	}
	slices.Sort(all)
	return all
}

func wantMailed(w *holdfasttest.World, when string, id holdfast.TransactionID, want ...string) {
	w.T.Helper()
	if got := mailed(w, id); !slices.Equal(got, want) {
		w.T.Errorf("%s: the timeline has the mails %q, want %q", when, got, want)
	}
}

// eachMail does something to each mail in the store.
func eachMail(w *holdfasttest.World, do func(tx *store.Tx, m store.Mail) error) {
	w.T.Helper()
	err := w.DB.Update(w.T.Context(), func(tx *store.Tx) error {
		all, err := tx.Mails("", 100)
		for _, m := range all {
			if err := do(tx, m); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
}

// The timeline has the mails about a hold while they wait, when they have arrived and
// their text is gone, and when they were given up and are forgotten.
func TestTimelineOfMails(t *testing.T) {
	warnWorld(t, func(w *holdfasttest.World, _ *dueLetters) {
		w.Processor.Receipts = receipt
		hold, other := w.Reserved("42.50", "order-1"), w.Reserved("7.50", "order-2")
		wantMailed(w, "at first", hold.ID)
		w.Clock.Set(hold.Deadline.Add(-48 * time.Hour))
		warnNow(w, w.Processor)
		wantMailed(w, "after a warning", hold.ID, "deadline Waiting s…@example.test")
		first := part(w, hold.ID, "10.00")
		if _, err := w.Refund(first.ID, "4.00", "refund-1"); err != nil {
			t.Fatal(err)
		}
		wantMailed(w, "after a charge", hold.ID, "charged Waiting a…@example.test", "deadline Waiting s…@example.test",
			"refunded Waiting a…@example.test")
		wantMailed(w, "the other hold", other.ID, "deadline Waiting s…@example.test")

		eachMail(w, func(tx *store.Tx, m store.Mail) error {
			if m.To == w.Owner.Email {
				return tx.RemoveMail(m, w.Clock.Now())
			}
			m.LeasedUntil = time.Time{}
			return tx.GiveUpMail(m, "550 no such user")
		})
		given := []string{
			"charged GivenUp a…@example.test", "deadline Sent s…@example.test", "refunded GivenUp a…@example.test",
		}
		wantMailed(w, "when they were tried", hold.ID, given[0]+" 550 no such user", given[1], given[2]+" 550 no such user")
		w.Clock.Advance(time.Minute)
		eachMail(w, func(tx *store.Tx, _ store.Mail) error {
			_, err := tx.ForgetMails(w.Clock.Now())
			return err
		})
		wantMailed(w, "when they are forgotten", hold.ID, given...)
		if left := told(w, w.Buyer.Email); left != "" {
			t.Errorf("%s is still in the store", left)
		}

		// Another caller has the same deadline, and no such mail.
		rival := w.OtherShop()
		err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			all, err := tx.MailsAbout(rival.ID, []string{string(hold.ID), party.MailDeadlines}, []string{"M" + string(first.ID)})
			if len(all) > 0 {
				t.Errorf("another caller sees %v", all)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A mail about deadlines is in the timelines of the holds that it names only.
func TestAMailNamesItsHolds(t *testing.T) {
	warnWorld(t, func(w *holdfasttest.World, _ *dueLetters) {
		hold, over := w.Reserved("42.50", "order-1"), w.Reserved("7.50", "order-2")
		w.Clock.Set(hold.Deadline.Add(-48 * time.Hour))
		w.Processor.DueLetters = nil
		warnNow(w, w.Processor)
		wantMailed(w, "without mails", hold.ID)
		letters := &dueLetters{}
		w.Processor.DueLetters = letters.write
		w.Clock.Set(hold.Deadline.Add(-24 * time.Hour))
		if _, err := w.Settle(over.ID, "7.50"); err != nil {
			t.Fatal(err)
		}
		warnNow(w, w.Processor)
		wantMailed(w, "a hold that is open", hold.ID, "deadline Waiting s…@example.test")
		wantMailed(w, "a hold that was settled", over.ID)
	})
}

// The mail about an approval is in the timeline of its payments. Erased data is not.
func TestTimelineOfAnApproval(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Processor.Receipts = receipt
		id := visit(w, "pipelineName", "SingleUse", "callerReference", "order-1", "transactionAmount", "5")
		v, err := w.Processor.EnterVisit(t.Context(), id, w.Buyer.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Processor.ConfirmVisit(t.Context(), id, w.Buyer.ID,
			processor.Shown{Instrument: v.Instrument, Address: v.Address}); err != nil {
			t.Fatal(err)
		}
		var token holdfast.TokenID
		eachMail(w, func(tx *store.Tx, m store.Mail) error {
			token = holdfast.TokenID(m.About.Object)
			return tx.RemoveMail(m, w.Clock.Now())
		})
		paid, err := w.Pay(token, "5.00", "order-1")
		if err != nil {
			t.Fatal(err)
		}
		wantMailed(w, "after a payment", paid.ID, "approved Sent a…@example.test", "charged Waiting a…@example.test")
		var leased []store.Mail // delivered after the erasure
		eachMail(w, func(_ *store.Tx, m store.Mail) error {
			leased = append(leased, m)
			return nil
		})
		if err := w.Processor.EraseParty(t.Context(), w.Buyer.ID); err != nil {
			t.Fatal(err)
		}
		err = w.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.RemoveMail(leased[0], w.Clock.Now()) })
		if err != nil || len(leased) != 1 {
			t.Fatalf("%d mails were leased, %v", len(leased), err)
		}
		wantMailed(w, "after the erasure", paid.ID, "approved Sent", "charged Sent")
	})
}
