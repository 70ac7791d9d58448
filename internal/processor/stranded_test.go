package processor_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func TestAPrepaidBalanceIsFundedOnlyWhileItCanBeSpent(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		p := newPurse(w, holdfast.MethodPrepaid, 0)
		if err := p.cancel(p.spends); err != nil {
			t.Fatal(err)
		}
		_, err := p.fund("20.00")
		w.WantCode(err, holdfast.TokenNotActiveSender)
		p.wants("0.00", "0.00")
	})
}

func TestATokenThatSpendsStaysWhileMoneyIsOnItsWay(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		p := newPurse(w, holdfast.MethodPrepaid, 0)
		p.unanswered()
		p.must(p.fund("20.00"))
		w.WantCode(p.cancel(p.spends), holdfast.TokenAccessDenied)
		if err := p.cancel(p.pays); err != nil { // no more funding
			t.Fatal(err)
		}
		later(w)
		p.wants("20.00", "0.00")
		w.WantCode(p.cancel(p.spends), holdfast.TokenAccessDenied)
		spent := p.must(p.spend("20.00"))
		if err := p.cancel(p.spends); err != nil {
			t.Fatal(err)
		}
		// Money that is refunded afterwards goes to where the buyer can use it.
		back := p.must(w.Refund(spent.ID, "5.00", "refund"))
		if back.Method != holdfast.MethodABT || back.Aggregate != "" {
			t.Errorf("refunded by %s to instrument %q", back.Method, back.Aggregate)
		}
		p.wants("0.00", "5.00")
	})
}

func TestARefundOntoALiveInstrumentStaysThere(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		p := newPurse(w, holdfast.MethodPrepaid, time.Hour)
		p.must(p.fund("20.00"))
		spent := p.must(p.spend("20.00"))
		p.must(w.Refund(spent.ID, "5.00", "refund-1"))
		p.wants("5.00", "0.00")
		w.Clock.Advance(time.Hour)
		p.must(w.Refund(spent.ID, "4.00", "refund-2")) // too late for the instrument
		p.wants("5.00", "4.00")
		p.sweep()
		p.wants("0.00", "9.00")
	})
}

// At the expiry of a prepaid instrument, the rest goes back with its part of
// the fee, and the caller is notified.
func TestAPrepaidBalanceGoesBackAtItsExpiry(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		p := newPurse(w, holdfast.MethodPrepaid, time.Hour)
		first, second := p.must(p.fund("20.00")), p.must(p.fund("10.00"))
		p.must(p.spend("12.00"))
		w.Clock.Advance(time.Hour - time.Microsecond)
		p.sweep()
		p.wants("18.00", "0.00")
		w.Clock.Advance(time.Microsecond)
		_, err := p.spend("1.00") // with or without a sweep
		w.WantCode(err, holdfast.IncompatibleTokens)
		p.sweep()
		p.wants("0.00", "18.00")
		want(w, balance(w, ledger.Owed(string(w.Owner.ID))), "0.00")
		want(w, balance(w, ledger.Fees), "0.53") // 0.88 and 0.59, less 8/20 of the first and the second
		for id, back := range map[holdfast.TransactionID]string{first.ID: "8.00", second.ID: "10.00"} {
			if got := w.Transaction(id).Refunded; got != holdfasttest.USD(back) {
				t.Errorf("for %s %v went back, want %s", id, got, back)
			}
		}
		p.sweep() // it goes back only once
		p.wants("0.00", "18.00")
		wantReturns(w, 2)
	})
}

// wantReturns counts the returns that the caller was notified of.
func wantReturns(w *holdfasttest.World, want int) {
	w.T.Helper()
	told := 0
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		page := processor.ActivityPage{
			Activity: payment.Activity{
				Filter: payment.ActivityFilter{End: w.CallerNow().Add(time.Hour), BatchMax: 50}, Account: w.Buyer.ID, Own: true,
			},
			Sandbox: true, Real: w.Clock.Now(),
		}
		if err := page.Read(tx); err != nil {
			return err
		}
		for _, t := range page.Rows {
			if t.Kind != payment.KindRefund || t.Aggregate == "" {
				continue
			}
			n, err := tx.Notifications(w.Shop.ID, string(t.ID))
			if err != nil {
				return err
			}
			told += len(n)
		}
		return nil
	})
	if err != nil || told != want {
		w.T.Errorf("the caller was told of %d returns, want %d (%v)", told, want, err)
	}
}

// A balance that the recipient cannot pay back stays with the buyer. It can be
// spent, and goes back once the recipient has the money.
func TestABalanceThatCannotGoBackCanBeSpent(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		p := newPurse(w, holdfast.MethodPrepaid, time.Hour)
		p.must(p.fund("20.00"))
		out := w.Token(payment.Token{
			Sender: w.Owner.ID, Recipient: w.Buyer.ID, Instrument: w.BalanceOf(w.Owner.ID).ID, Method: holdfast.MethodABT,
		})
		p.must(w.Pay(out, "15.00", "out"))
		w.Clock.Advance(2 * time.Hour)
		p.sweep()
		p.wants("20.00", "14.76")
		p.must(p.spend("3.00"))
		_, err := p.fund("1.00")
		w.WantCode(err, holdfast.IncompatibleTokens)
		w.Deposit(w.Owner.ID, "50.00")
		_, err = p.spend("1.00")
		w.WantCode(err, holdfast.IncompatibleTokens)
		p.sweep()
		p.wants("0.00", "31.76")
	})
}

// Balances that cannot go back do not delay others.
func TestBalancesTakeTurnsInGoingBack(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Processor.KeepOverShort(2)
		short := [...]purse{
			newPurse(w, holdfast.MethodPrepaid, time.Hour), newPurse(w, holdfast.MethodPrepaid, time.Hour),
			newPurse(w, holdfast.MethodPrepaid, time.Hour),
		}
		for _, p := range short {
			p.must(p.fund("20.00"))
		}
		out := w.Token(payment.Token{
			Sender: w.Owner.ID, Recipient: w.Buyer.ID, Instrument: w.BalanceOf(w.Owner.ID).ID, Method: holdfast.MethodABT,
		})
		p := short[0]
		p.must(w.Pay(out, "57.36", "out")) // the whole balance
		other := *w
		other.Shop = w.OtherShop()
		p = newPurse(&other, holdfast.MethodPrepaid, 2*time.Hour)
		p.must(p.fund("5.00"))
		w.Clock.Advance(3 * time.Hour)
		for range 2 {
			p.sweep()
		}
		want(w, p.onIt(), "0.00")
		for _, p := range short {
			want(w, p.onIt(), "20.00")
		}
	})
}

// onIt returns the instrument's balance as it is stored.
func (p purse) onIt() (on string) {
	p.T.Helper()
	p.update(func(tx *store.Tx) error {
		a, _, err := tx.Aggregate(p.ID)
		on = a.Balance.Decimal()
		return err
	})
	return on
}

func TestMoneyThatArrivesTooLateGoesBack(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		p := newPurse(w, holdfast.MethodPrepaid, time.Minute)
		p.unanswered()
		p.must(p.fund("20.00"))
		w.Clock.Advance(time.Minute)
		p.sweep()
		later(w)
		p.wants("20.00", "0.00")
		p.sweep()
		p.wants("0.00", "20.00")
	})
}

// Putting the clock back does not revive an instrument.
func TestAnExpiredInstrumentStaysExpired(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		p := newPurse(w, holdfast.MethodPrepaid, time.Hour)
		p.must(p.fund("20.00"))
		if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, time.Hour); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Processor.ResetClock(t.Context(), w.Shop.ID); err != nil {
			t.Fatal(err)
		}
		_, err := p.fund("1.00")
		w.WantCode(err, holdfast.IncompatibleTokens)
		p.sweep()
		p.wants("0.00", "20.00")
	})
}

func TestASenderEndsAPrepaidInstrument(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		p := newPurse(w, holdfast.MethodPrepaid, 0)
		p.must(p.fund("20.00"))
		if _, err := w.Processor.EndInstrument(t.Context(), w.Owner.ID, p.spends); err == nil {
			t.Error("ended by somebody else")
		}
		if a := p.end(); a.Busy() {
			t.Errorf("%v are still on it", a.Balance)
		}
		p.wants("0.00", "20.00")
		for _, id := range []holdfast.TokenID{p.spends, p.pays} {
			if !tokenOf(w, id).Cancelled {
				t.Errorf("%s is not cancelled", id)
			}
		}
		_, err := p.fund("20.00")
		w.WantCode(err, holdfast.TokenNotActiveSender)
	})
}

func TestASenderEndsAPrepaidInstrumentWhileItIsFunded(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		p := newPurse(w, holdfast.MethodPrepaid, 0)
		p.must(p.fund("10.00"))
		p.unanswered()
		p.must(p.fund("20.00"))
		if a := p.end(); a.Balance.Positive() || a.Pending != holdfasttest.USD("20.00") {
			t.Errorf("%v are on it, %v under way", a.Balance, a.Pending)
		}
		p.wants("0.00", "10.00")
		_, err := p.fund("1.00")
		w.WantCode(err, holdfast.TokenNotActiveSender)
		later(w)
		p.sweep()
		p.wants("0.00", "30.00")
	})
}

func TestADebtCanStillBeSettled(t *testing.T) {
	most := payment.Limit{Kind: payment.LimitAmount, Value: holdfasttest.USD("30.00").Micro}
	once := payment.Limit{Kind: payment.LimitCount, Value: 1}
	tests := map[string]struct {
		life   time.Duration
		limits []payment.Limit
		tell   func(p purse)
	}{
		"no more is owed than the settlement token allows": {limits: []payment.Limit{most}, tell: func(p purse) {
			_, err := p.spend("30.01")
			p.WantCode(err, holdfast.TokenUsageError)
			p.must(p.spend("20.00"))
			_, err = p.spend("10.01")
			p.WantCode(err, holdfast.TokenUsageError)
			p.must(p.settle("15.00"))
			_, err = p.spend("10.01")
			p.WantCode(err, holdfast.TokenUsageError)
			p.must(p.spend("10.00"))
			p.must(p.settle("15.00"))
			_, err = p.spend("0.01")
			p.WantCode(err, holdfast.TokenUsageError)
		}},
		"a settlement under way counts once": {limits: []payment.Limit{most}, tell: func(p purse) {
			p.must(p.spend("20.00"))
			p.Network.Next(holdfasttest.Reply{Step: payment.StepCharge, Decline: holdfast.CodeTransactionDenied})
			p.must(p.settle("20.00"))
			p.wants("20.00", "0.00")
			p.unanswered()
			p.must(p.settle("20.00"))
			_, err := p.spend("10.01")
			p.WantCode(err, holdfast.TokenUsageError)
			p.must(p.spend("10.00"))
			later(p.World)
			p.wants("10.00", "0.00")
		}},
		"the last settlement settles all": {limits: []payment.Limit{once}, tell: func(p purse) {
			p.must(p.spend("20.00"))
			_, err := p.settle("19.99")
			p.WantCode(err, holdfast.TokenUsageError)
			p.must(p.settle("20.00"))
		}},
		"nothing without a token that settles": {tell: func(p purse) {
			if err := p.cancel(p.pays); err != nil {
				p.T.Fatal(err)
			}
			_, err := p.spend("1.00")
			p.WantCode(err, holdfast.TokenNotActiveSender)
		}},
		"the token that settles stays while it is owed and settled": {tell: func(p purse) {
			p.must(p.spend("20.00"))
			p.WantCode(p.cancel(p.pays), holdfast.TokenAccessDenied)
			p.unanswered()
			p.must(p.settle("20.00"))
			p.WantCode(p.cancel(p.pays), holdfast.TokenAccessDenied)
			if err := p.cancel(p.spends); err != nil {
				p.T.Fatal(err)
			}
			later(p.World)
			if err := p.cancel(p.pays); err != nil {
				p.T.Fatal(err)
			}
		}},
		"after its time": {life: time.Hour, tell: func(p purse) {
			p.must(p.spend("20.00"))
			p.Clock.Advance(2 * time.Hour)
			p.sweep()
			_, err := p.spend("1.00")
			p.WantCode(err, holdfast.IncompatibleTokens)
			p.must(p.settle("15.00"))
			_, err = p.settle("5.01")
			p.WantCode(err, holdfast.SettleAmountGreaterThanDebt)
			p.must(p.settle("5.00"))
			_, err = p.settle("1.00")
			p.WantCode(err, holdfast.IncompatibleTokens)
		}},
		"after its time, with another card": {life: time.Hour, limits: []payment.Limit{most}, tell: func(p purse) {
			p.must(p.spend("20.00"))
			p.Clock.Advance(2 * time.Hour)
			edited, err := edit(p.World, p.Processor, p.pays, otherCard(p.World).ID)
			if err != nil || edited == "" {
				p.T.Fatalf("edited to %q, %v", edited, err)
			}
			_, err = p.settle("20.00")
			p.WantCode(err, holdfast.TokenNotActiveSender)
			p.pays = edited
			p.must(p.settle("20.00"))
		}},
		"after its sender has ended it": {tell: func(p purse) {
			p.must(p.spend("20.00"))
			if a := p.end(); a.Balance != holdfasttest.USD("20.00") {
				p.T.Errorf("%v are owed", a.Balance)
			}
			_, err := p.spend("1.00")
			p.WantCode(err, holdfast.TokenNotActiveSender)
			p.must(p.settle("20.00"))
		}},
		"with a card that is there": {tell: func(p purse) {
			remove := func() error {
				return p.Processor.RemoveInstrument(p.T.Context(), p.Buyer.ID, p.Card.ID)
			}
			p.must(p.spend("20.00"))
			wantErr(p.World, "while it is owed", remove(), processor.ErrInstrumentNeeded)
			p.must(p.settle("20.00"))
			if err := remove(); err != nil {
				p.T.Fatal(err)
			}
			_, err := p.spend("1.00")
			p.WantCode(err, holdfast.InvalidPaymentInstrument)
		}},
		"with a card that has not expired": {tell: func(p purse) {
			p.Clock.Set(time.Date(2032, time.January, 1, 0, 0, 0, 0, time.UTC))
			_, err := p.spend("1.00")
			p.WantCode(err, holdfast.InactiveInstrument)
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) { test.tell(newPurse(w, holdfast.MethodDebt, test.life, test.limits...)) })
		})
	}
}

func tokenOf(w *holdfasttest.World, id holdfast.TokenID) (t payment.Token) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		t, _, err = tx.Token(id)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return t
}
