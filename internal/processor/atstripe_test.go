package processor_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// N11: a hold that the merchant starts lasts four days and eighteen hours on a
// Visa card. The deadline is an hour before, and the hold then lapses by itself.
func TestN11TheDeadlineAtStripe(t *testing.T) {
	atStripe(t, func(w striped) {
		w.Processor.Wait = time.Minute
		r := w.Reserved("42.50", "order-1")
		until := w.fake.Holds()[0].Until
		if !r.Deadline.Equal(until.Add(-time.Hour)) || until.Sub(w.Clock.Now()) >= payment.ReserveLifeMax {
			t.Errorf("the deadline is %v, and the hold ends at %v", r.Deadline, until)
		}
		requests := len(w.fake.Requests())
		w.Clock.Set(r.Deadline)
		sweep(w.World)
		if _, err := w.Processor.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Clock.Set(until.Add(time.Minute))
		later(w.World)
		if n := len(w.fake.Requests()); n != requests {
			t.Errorf("Stripe was asked %d times for a hold that lapses by itself", n-requests)
		}
		w.Clock.Advance(time.Hour)
		later(w.World)
		if open := w.Transaction(r.ID).Asking; open != "" {
			t.Errorf("%s is open", open)
		}
		w.WantState(r.ID, payment.Cancelled)
	})
}

// N17: while Stripe refuses the key, nothing is declined. There is one alarm, and
// all is decided afterwards.
func TestN17TheKeyIsRefusedForTenMinutes(t *testing.T) {
	atStripe(t, func(w striped) {
		var log bytes.Buffer
		w.Processor.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
		w.Processor.Wait = time.Minute
		reserved := w.Reserved("10.00", "order-0")
		w.fake.Script(stripefake.Script{Path: "/v1/*", Do: stripefake.WrongKey, Times: -1})
		w.fake.Script(stripefake.Script{Path: "/v1/*/*", Do: stripefake.WrongKey, Times: -1})
		w.fake.Script(stripefake.Script{Path: "/v1/*/*/*", Do: stripefake.WrongKey, Times: -1})
		w.Processor.Wait = -1
		var ids []holdfast.TransactionID
		for range 3 {
			r, err := w.Reserve(w.Authorize("42.50"), "42.50", holdfast.CallerReference(w.IDs.Other("order-")))
			w.must(err)
			ids = append(ids, r.ID)
		}
		if s, err := w.Settle(reserved.ID, ""); err != nil || s.State != payment.Settling {
			t.Fatalf("settle: %+v, %v", s, err)
		}
		for range 10 {
			later(w.World)
		}
		for _, id := range ids {
			w.WantState(id, payment.Pending)
		}
		w.WantState(reserved.ID, payment.Settling)
		w.fake.Unscript()
		for range 20 {
			later(w.World)
		}
		for _, id := range ids {
			w.WantState(id, payment.Reserved)
		}
		w.WantState(reserved.ID, payment.Success)
		w.Processor.Close()
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d alarms:\n%s", n, log.String())
		}
	})
}

// N22, N23: a card of the sandbox or of another account is refused before Stripe is
// asked, and a caller of the sandbox cannot use a card of an account.
func TestN23CardsOfAnotherAccount(t *testing.T) {
	story(t, func(world *holdfasttest.World) {
		ofTheSandbox := world.Card
		sandboxShop := world.OtherShop()
		fake, b := world.AtStripe("http://holdfast.example.test/networks/N1/events"), world
		requests := len(fake.Requests())
		_, err := b.Reserve(b.AuthorizeWith(ofTheSandbox, "42.50"), "42.50", "order-1")
		b.WantCode(err, holdfast.InvalidPaymentInstrument)
		_, err = b.Pay(b.AuthorizeWith(ofTheSandbox, "42.50"), "42.50", "order-2")
		b.WantCode(err, holdfast.InvalidPaymentInstrument)
		token := payment.Token{
			ID: "K-sandbox", Caller: sandboxShop.ID, Use: payment.UsePay, Type: holdfast.TokenSingleUse, Sender: b.Buyer.ID,
			Recipient: sandboxShop.Owner, Instrument: b.Card.ID, Method: b.Card.Method, AmountType: holdfast.AmountMaximum,
			Amount: holdfasttest.USD("42.50"), Reference: "cart", Installed: b.Clock.Now(),
			Expires: b.Clock.Now().Add(time.Hour),
		}
		err = b.DB.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Install(payment.Installation{Tokens: []payment.Token{token}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Processor.Reserve(t.Context(), sandboxShop, holdfast.ReserveRequest{
			SenderTokenID: token.ID, TransactionAmount: holdfasttest.USD("42.50"), CallerReference: "order-3",
		})
		b.WantCode(err, holdfast.InvalidPaymentInstrument)
		if n := len(fake.Requests()); n != requests {
			t.Errorf("Stripe was asked %d times", n-requests)
		}
	})
}

// S25, doubt 18: a restored store may have seen later events than the backup that
// the operator names, and it reads them again. A hold that nobody knows is
// released.
func TestS25AfterRestoreEventsAreReadAgain(t *testing.T) {
	atStripe(t, func(s striped) {
		since := s.Clock.Now()
		_, err := s.Processor.Network.Ask(t.Context(), card.Question{Attempt: payment.Attempt{
			Caller: s.Shop.ID, Transaction: "1LOST00000000000000000000000000001", Step: payment.StepAuthorize,
			Amount: holdfasttest.USD("20.00"), Card: s.Card.Stored(), Since: since, Asked: 1,
		}})
		s.must(err)
		s.must(s.DB.Update(t.Context(), func(tx *store.Tx) error {
			return tx.SetEventsSeen(holdfasttest.AccountID, since.Add(24*time.Hour))
		}))
		s.Clock.Advance(25 * time.Hour)
		s.poll()
		if s.fake.Held() != 2000 {
			t.Fatal("the event was read without AfterRestore")
		}
		for _, unknown := range []bool{true, false} { // twice does no harm
			n, err := s.Processor.AfterRestore(t.Context(), since)
			if s.must(err); (n > 0) != unknown {
				t.Errorf("%d events were unknown", n)
			}
		}
		s.work()
		if s.fake.Held() != 0 {
			t.Error("the hold is still there")
		}
	})
}
