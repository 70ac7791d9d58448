package processor_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A card stays as long as a transaction with it has not ended. A hold ends by
// its caller's clock.
func TestAnInstrumentIsRemovedWhenNothingNeedsIt(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		remove := func(id payment.InstrumentID) error {
			return w.Processor.RemoveInstrument(t.Context(), w.Buyer.ID, id)
		}
		r := w.Reserved("42.50", "order-1")
		wantErr(w, "while it is held on", remove(w.Card.ID), processor.ErrInstrumentNeeded)
		w.WantCode(remove(w.Balance().ID), holdfast.InvalidParams)
		w.WantCode(remove("I9999"), holdfast.InvalidPaymentInstrument)
		w.WantCode(w.Processor.RemoveInstrument(t.Context(), w.Owner.ID, w.Card.ID), holdfast.InvalidPaymentInstrument)
		if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, 7*24*time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := remove(w.Card.ID); err != nil {
			t.Fatalf("after the hold expired: %v", err)
		}
		w.WantCode(remove(w.Card.ID), holdfast.InvalidPaymentInstrument)
		_, err := w.Pay(w.Authorize("5.00"), "5.00", "order-2")
		w.WantCode(err, holdfast.InvalidPaymentInstrument)
		w.WantState(r.ID, payment.Cancelled)
	})
}

func TestTheDefaultInstrument(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		second := w.AddCard(w.Buyer.ID)
		if err := w.Processor.ChooseDefaultInstrument(t.Context(), w.Buyer.ID, w.Card.ID); err != nil {
			t.Fatal(err)
		}
		w.WantCode(w.Processor.ChooseDefaultInstrument(t.Context(), w.Owner.ID, second.ID), holdfast.InvalidPaymentInstrument)
		if all := w.Instruments(w.Buyer.ID); !all[0].Default || all[0].ID != w.Card.ID || all[1].Default {
			t.Errorf("payment methods are %+v", all)
		}
	})
}

// A sender can cancel a token by the same rule as a caller, and the caller is
// notified.
func TestASenderCancelsItsToken(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		cancel := func(partyID party.ID, id holdfast.TokenID) error {
			return w.Processor.CancelOwnToken(t.Context(), partyID, id)
		}
		token := w.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: holdfast.MethodCC})
		w.WantCode(cancel(w.Owner.ID, token), holdfast.InvalidTokenID)
		w.WantCode(cancel(w.Buyer.ID, "K0"), holdfast.InvalidTokenID)
		if err := cancel(w.Buyer.ID, token); err != nil {
			t.Fatal(err)
		}
		_, err := w.Pay(token, "5.00", "order-1")
		w.WantCode(err, holdfast.TokenNotActiveSender)
		err = w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			told, err := tx.Notifications(w.Shop.ID, string(token))
			if err == nil && (len(told) != 1 || told[0].About != store.AboutToken) {
				t.Errorf("the caller was told %+v", told)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.WantCode(cancel(w.Buyer.ID, token), holdfast.TokenNotActive)
		used := w.Authorize("5.00")
		if _, err := w.Pay(used, "5.00", "order-2"); err != nil {
			t.Fatal(err)
		}
		w.WantCode(cancel(w.Buyer.ID, used), holdfast.TokenNotActive)
		received := w.Token(payment.Token{Use: payment.UseReceive, Type: holdfast.TokenUnrestricted, Recipient: w.Buyer.ID})
		if err := cancel(w.Buyer.ID, received); err != nil {
			t.Errorf("a recipient's: %v", err)
		}
	})
}

// The list of tokens shows a party's own, in pages, and knows by their callers'
// clocks which are still valid.
func TestTokensOfAParty(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		var want []holdfast.TokenID
		for range 7 {
			want = append([]holdfast.TokenID{w.Authorize("5.00")}, want...)
		}
		received := w.Token(payment.Token{Use: payment.UseReceive, Type: holdfast.TokenUnrestricted, Recipient: w.Buyer.ID})
		want = append([]holdfast.TokenID{received}, want...)
		// A token of another sender.
		w.Token(payment.Token{Sender: w.Owner.ID, Recipient: w.Buyer.ID, Instrument: w.Card.ID, Method: holdfast.MethodCC})
		read := func(current bool) (got []holdfast.TokenID) {
			t.Helper()
			some := store.PartyTokens{Party: w.Buyer.ID, Current: current, Real: w.Clock.Now()}
			for after := new(store.TokenPlace); after != nil; {
				err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
					page, next, err := tx.TokensOf(some, *after, 3)
					for _, k := range page {
						got = append(got, k.ID)
					}
					after = next
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			return got
		}
		same(t, read(true), want)
		if err := w.Processor.CancelOwnToken(t.Context(), w.Buyer.ID, want[2]); err != nil {
			t.Fatal(err)
		}
		same(t, read(true), append(append([]holdfast.TokenID{}, want[:2]...), want[3:]...))
		if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, payment.SingleUseLife); err != nil {
			t.Fatal(err)
		}
		same(t, read(true), []holdfast.TokenID{received})
		same(t, read(false), want)
	})
}

func TestATokenIsFoundByItsHandleByItsHolderAlone(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		id := w.Authorize("5.00")
		w.Authorize("5.00") // at the same moment
		err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			token, _, err := tx.Token(id)
			if err != nil {
				return err
			}
			if got, found, err := tx.TokenOf(w.Buyer.ID, token.Handle()); err != nil || !found || got.ID != id {
				t.Errorf("its holder finds %s, %v, %v", got.ID, found, err)
			}
			if _, found, err := tx.TokenOf(w.Owner.ID, token.Handle()); err != nil || found {
				t.Errorf("somebody else finds it: %v, %v", found, err)
			}
			_, found, err := tx.TokenOf(w.Buyer.ID, "nonsense")
			if found {
				t.Error("nonsense is a handle")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func same(t *testing.T, got, want []holdfast.TokenID) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

// A party's activity shows what it paid, what it was paid, and deposits into
// its balance, each in its state by its caller's clock.
func TestActivityOfAParty(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Deposit(w.Buyer.ID, "100.00")
		held := w.Reserved("42.50", "order-1")
		paid := w.Paid("10.00", "order-2")
		if _, err := w.Refund(paid.ID, "4.00", "refund-1"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, 7*24*time.Hour); err != nil {
			t.Fatal(err)
		}
		page := processor.ActivityPage{
			Activity: payment.Activity{
				Filter:  payment.ActivityFilter{End: w.CallerNow().Add(time.Hour), BatchMax: 20},
				Account: w.Buyer.ID, Own: true,
			},
			Sandbox: true, Real: w.Clock.Now(),
		}
		if err := w.DB.View(t.Context(), page.Read); err != nil {
			t.Fatal(err)
		}
		states := map[payment.Kind]payment.State{}
		for _, row := range page.Rows {
			states[row.Kind] = row.State
			if row.ID == held.ID && row.State != payment.Cancelled {
				t.Errorf("the hold is %s after its deadline", row.State)
			}
		}
		for _, kind := range []payment.Kind{payment.KindDeposit, payment.KindReserve, payment.KindPay, payment.KindRefund} {
			if states[kind] == "" {
				t.Errorf("no %s among %v", kind, states)
			}
		}
		if len(page.Rows) != 4 || page.Balance != holdfasttest.USD("100.00") || page.Parties[w.Owner.ID] != w.Owner.Name {
			t.Errorf("%d rows, a balance of %v and the names %v", len(page.Rows), page.Balance, page.Parties)
		}
	})
}

func TestAPartyIsItsOwnBusinessInTheSandboxOnly(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		if after, err := w.Processor.BecomeBusiness(t.Context(), w.Buyer.ID); err != nil || !after.Business {
			t.Errorf("%+v, %v", after, err)
		}
		w.Processor.Live = true
		_, err := w.Processor.BecomeBusiness(t.Context(), w.Buyer.ID)
		w.WantCode(err, holdfast.AccessFailure)
		if after, err := w.Processor.Identity.Rename(t.Context(), w.Buyer.ID, "Anna"); err != nil || after.Name != "Anna" {
			t.Errorf("%+v, %v", after, err)
		}
		_, err = w.Processor.Identity.Rename(t.Context(), w.Buyer.ID, "A\nB")
		w.WantCode(err, holdfast.InvalidParams)
	})
}
