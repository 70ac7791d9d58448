package jobs_test

import (
	"errors"
	"log/slog"
	netmail "net/mail"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/mail"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A store that was restored from a backup has notices, mails and questions that
// were waiting, and a hold whose deadline has passed. Nothing of it happens, and
// no money moves, before an operator has resumed the store. Then all of it does.
func TestARestoredStoreDoesNothing(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w, r, in := newRunner(t, db)
		r.Mail = &mail.Sender{
			Store: db, Now: w.Clock.Now, Log: slog.New(slog.DiscardHandler),
			Relay: &mail.Relay{ // nobody listens there, so a try is seen as a failure
				Host: "127.0.0.1", Port: 1, From: netmail.Address{Address: "pay@example.com"}, Now: w.Clock.Now,
			},
		}
		held := w.Reserved("9.00", "order-1")
		asked := make(chan struct{}, 10)
		w.Processor.Network = announced{w.Network, asked}
		w.Processor.Wait = -1
		w.Network.Next(holdfasttest.Reply{Deaf: true})
		doubtful, err := w.Reserve(w.Authorize("5.00"), "5.00", "order-2")
		if err != nil {
			t.Fatal(err)
		}
		<-asked
		taken := w.Clock.Now()
		w.Clock.Advance(8 * 24 * time.Hour) // past the deadlines
		token := w.Authorize("4.00")
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			return tx.InsertMail(party.Mail{ID: "M1", To: "ann@example.com", Subject: "Hi", Text: "Hi", Created: w.Clock.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.MarkRestored(t.Context(), taken, w.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := r.RunOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(time.Minute)
		}
		if _, err := w.Reserve(token, "4.00", "order-3"); !errors.Is(err, store.ErrPaused) || !store.IsUnavailable(err) {
			t.Errorf("a Reserve is answered with %v", err)
		}
		if got := len(w.Network.Asked()); got != 2 || len(in.arrived()) != 0 || triesOf(t, db, "M1") != 0 {
			t.Errorf("the network was asked %d questions, want 2; the shop heard %v; the mail was tried %d times", got,
				in.arrived(), triesOf(t, db, "M1"))
		}
		waits, err := db.Undelivered(t.Context())
		want := store.Undelivered{
			Notices: store.Undone{Rows: 2}, Mails: store.Undone{Rows: 1}, Questions: store.Undone{Rows: 1},
		}
		for _, u := range []*store.Undone{&waits.Notices, &waits.Mails, &waits.Questions} {
			u.Oldest = time.Time{}
		}
		if diff := cmp.Diff(want, waits); err != nil || diff != "" {
			t.Errorf("what waits (%v, -want +got):\n%s", err, diff)
		}

		if err := db.Resume(t.Context(), nil, w.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if err := r.RunOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(time.Minute)
		}
		w.WantState(held.ID, payment.Cancelled)
		w.WantState(doubtful.ID, payment.Cancelled)
		if triesOf(t, db, "M1") == 0 || len(in.arrived()) == 0 {
			t.Errorf("after the resume, the shop heard %v and the mail was tried %d times", in.arrived(), triesOf(t, db, "M1"))
		}
		w.Processor.Close()
		w.CheckBooks()
	})
}

// triesOf is how often a mail was tried.
func triesOf(t *testing.T, db *store.DB, id string) int {
	t.Helper()
	var m store.Mail
	err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
		m, _, err = tx.Mail(id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m.Tries
}

// An operator drops what has waited for long, and the rest is delivered.
func TestDropUndelivered(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w, r, in := newRunner(t, db)
		w.StartEvents()
		_, _, err := w.Processor.CreateEndpoint(t.Context(), w.Shop, processor.NewEndpoint{
			URL: "https://shop.example.test/hook", Types: []string{"hold.held"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, order := range []holdfast.CallerReference{"order-1", "order-2"} {
			w.Reserved("9.00", order)
			id := "M" + string(order)
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				return tx.InsertMail(party.Mail{ID: id, To: "ann@example.com", Subject: "Hi", Text: "Hi", Created: w.Clock.Now()})
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Processor.PlaceEvents(t.Context()); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				w.Clock.Advance(2 * time.Hour)
			}
		}
		if err := db.MarkRestored(t.Context(), w.Clock.Now(), w.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		dropped, err := db.DropUndelivered(t.Context(), w.Clock.Now().Add(-time.Hour), w.Clock.Now())
		one := store.Undone{Rows: 1}
		if diff := cmp.Diff(store.Undelivered{Notices: one, Webhooks: one, Mails: one}, dropped); err != nil || diff != "" {
			t.Errorf("dropped (%v, -want +got):\n%s", err, diff)
		}
		left, err := db.Undelivered(t.Context())
		if err != nil || left.Notices.Rows != 1 || left.Webhooks.Rows != 1 || left.Mails.Rows != 1 {
			t.Errorf("what still waits: %+v (%v)", left, err)
		}
		if err := db.Resume(t.Context(), nil, w.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Minute)
		if err := r.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := in.arrived(); len(got) != 1 {
			t.Errorf("the shop heard %v, want the newer notice", got)
		}
	})
}
