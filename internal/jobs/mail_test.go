package jobs_test

import (
	"context"
	"log/slog"
	"net"
	netmail "net/mail"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/mail"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A mail server that accepts a connection and does not answer delays its mail,
// but neither money nor notifications. The mail is put back when our server
// stops.
func TestMailsHoldUpNothing(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w, r, in := newRunner(t, db)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		at, ok := listener.Addr().(*net.TCPAddr)
		if !ok {
			t.Fatal("no TCP")
		}
		r.Mail = &mail.Sender{
			Store: db, Now: w.Clock.Now, Log: slog.New(slog.DiscardHandler),
			Relay: &mail.Relay{
				Host: "127.0.0.1", Port: at.Port, From: netmail.Address{Address: "pay@example.com"}, Now: w.Clock.Now,
				Timeout: time.Hour,
			},
		}
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			return tx.InsertMail(party.Mail{ID: "M1", To: "ann@example.com", Subject: "Hi", Text: "Hi", Created: w.Clock.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
		heard := make(chan int, 10)
		in.heard = func(n int) { heard <- n }
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.Run(ctx)
		}()
		silent, err := listener.Accept() // the mail is under way
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		w.Reserved("9.00", "order-1")
		w.Clock.Advance(time.Minute) // a notice comes seconds after its change
		<-heard
		cancel()
		<-ended
		err = db.View(t.Context(), func(tx *store.ReadTx) error {
			mails, err := tx.Mails(store.MailWaiting, 10)
			if err == nil && (len(mails) != 1 || mails[0].Tries != 0 || !mails[0].LeasedUntil.IsZero()) {
				t.Errorf("left: %+v", mails)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
