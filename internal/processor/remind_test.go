package processor_test

import (
	"slices"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A person can have the mail about a deadline sent at any time. The caller's own
// warnings still come.
func TestRemindOfHold(t *testing.T) {
	warnWorld(t, func(w *holdfasttest.World, _ *dueLetters) {
		hold := w.Reserved("42.50", "order-1")
		remind := func() error {
			_, err := w.Processor.RemindOfHold(t.Context(), w.Shop, hold.ID)
			return err
		}
		// The hold has exactly the time left at which the caller is warned.
		w.Clock.Set(hold.Deadline.Add(-24 * time.Hour))
		for range 2 {
			if err := remind(); err != nil {
				t.Fatal(err)
			}
		}
		warnNow(w, w.Processor)
		var before []time.Duration
		err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			all, err := tx.WarningsOf(w.Shop.ID, hold.ID)
			for _, one := range all {
				before = append(before, one.Before)
			}
			return err
		})
		const day = 24 * time.Hour
		if want := []time.Duration{2 * day, day, day - time.Microsecond}; err != nil || !slices.Equal(before, want) {
			t.Errorf("the warnings are %v, %v, want %v", before, err, want)
		}
		if got := len(mails(w)); got != 1 {
			t.Errorf("there are %d mails, want 1", got)
		}
		w.Clock.Advance(time.Hour)
		if err := remind(); err != nil {
			t.Fatal(err)
		}
		warnNow(w, w.Processor)
		if got := len(mails(w)); got != 2 {
			t.Errorf("after a second reminder there are %d mails, want 2", got)
		}

		change := func(by func(*party.Caller)) {
			t.Helper()
			_, err := w.Processor.ChangeCaller(t.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
				by(&c)
				return c, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		change(func(c *party.Caller) { c.WarningMails = false })
		w.WantCode(remind(), holdfast.InvalidAccountStateCaller)
		change(func(c *party.Caller) { c.WarningMails = true })
		w.Change(w.Owner.ID, func(p *party.Party) { p.EmailVerified = false })
		w.WantCode(remind(), holdfast.UnverifiedEmailAddressCaller)
		w.Change(w.Owner.ID, func(p *party.Party) { p.EmailVerified = true })
		w.Clock.Set(hold.Deadline)
		w.WantCode(remind(), holdfast.InvalidTransactionState)
		_, err = w.Processor.RemindOfHold(t.Context(), w.OtherShop(), hold.ID)
		w.WantCode(err, holdfast.InvalidTransactionID)
	})
}

// A person needs no key, and the same call acts once.
func TestACallOfAPerson(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		hold := w.Reserved("42.50", "order-1")
		call := func(request any) *processor.Call {
			c, err := processor.ByPerson("form-1", "holds release", request)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		r := processor.ReleaseHold{Hold: hold.ID, Amount: holdfasttest.USD("10.00")}
		for range 2 {
			if _, err := w.Processor.ReleaseHold(t.Context(), w.Shop, call(r), r); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.Transaction(hold.ID); got.Open() != holdfasttest.USD("32.50") || got.State != payment.Reserved {
			t.Errorf("%v is open, want 32.50", got.Open())
		}
		r.Amount = holdfasttest.USD("11.00")
		if _, err := w.Processor.ReleaseHold(t.Context(), w.Shop, call(r), r); err == nil {
			t.Error("another request with the same idempotency key was carried out")
		}
	})
}
