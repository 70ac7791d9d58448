package processor_test

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A purse is a prepaid or credit instrument of 100 dollars with its two tokens.
type purse struct {
	*holdfasttest.World
	payment.AggregateInstrument
	spends, pays holdfast.TokenID
	card         payment.InstrumentID // used in a race
}

// newPurse makes a purse with a lifetime, or without one if life is zero. The
// token that funds or settles it may have limits.
func newPurse(w *holdfasttest.World, m holdfast.PaymentMethod, life time.Duration, limits ...payment.Limit) purse {
	w.T.Helper()
	p := purse{World: w}
	p.AggregateInstrument, p.spends, p.pays = w.Aggregate(m, "100.00")
	p.update(func(tx *store.Tx) error {
		for i, l := range limits {
			l.Scope, l.Subject, l.Slot = string(w.Shop.ID), string(p.pays), i
			l.Start, l.Window, l.UsedAmount = p.Installed, p.Installed, usdMicro(0)
			if err := tx.InsertLimit(l); err != nil {
				return err
			}
		}
		if life == 0 {
			return nil
		}
		before := p.AggregateInstrument
		p.Expires = p.Installed.Add(life)
		if err := tx.ChangeAggregate(payment.AggregateChange{Before: before, After: p.AggregateInstrument}); err != nil {
			return err
		}
		for _, id := range []holdfast.TokenID{p.spends, p.pays} {
			if err := tx.ExpireToken(w.Shop.ID, id, p.Expires, w.Clock.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	return p
}

func (p purse) update(fn func(*store.Tx) error) {
	p.T.Helper()
	if err := p.DB.Update(p.T.Context(), fn); err != nil {
		p.T.Fatal(err)
	}
}

// must returns the transaction of an action that must succeed.
func (p purse) must(t payment.Transaction, err error) payment.Transaction {
	p.T.Helper()
	if err != nil {
		p.T.Fatal(err)
	}
	return t
}

func (p purse) ref(what string) holdfast.CallerReference {
	return holdfast.CallerReference(p.IDs.Other(what + "-"))
}

func (p purse) fund(value string) (payment.Transaction, error) {
	p.T.Helper()
	t, err := p.Processor.FundPrepaid(p.T.Context(), p.Shop, holdfast.FundPrepaidRequest{
		SenderTokenID: p.pays, PrepaidInstrumentID: p.ID, FundingAmount: holdfasttest.USD(value),
		CallerReference: p.ref("fund"),
	})
	p.CheckBooks()
	return t, err
}

func (p purse) spend(value string) (payment.Transaction, error) {
	p.T.Helper()
	return p.Pay(p.spends, value, p.ref("spend"))
}

func (p purse) settle(value string) (payment.Transaction, error) {
	p.T.Helper()
	t, err := p.Processor.SettleDebt(p.T.Context(), p.Shop, holdfast.SettleDebtRequest{
		SenderTokenID: p.pays, CreditInstrumentID: p.ID, SettlementAmount: holdfasttest.USD(value),
		CallerReference: p.ref("settle"),
	})
	p.CheckBooks()
	return t, err
}

func (p purse) cancel(id holdfast.TokenID) error {
	p.T.Helper()
	err := p.Processor.CancelToken(p.T.Context(), p.Shop, holdfast.CancelTokenRequest{TokenID: id})
	p.CheckBooks()
	return err
}

func (p purse) end() payment.AggregateInstrument {
	p.T.Helper()
	a, err := p.Processor.EndInstrument(p.T.Context(), p.Buyer.ID, p.spends)
	if err != nil {
		p.T.Fatal(err)
	}
	p.CheckBooks()
	return a
}

func (p purse) sweep() {
	p.T.Helper()
	sweep(p.World)
	p.CheckBooks()
}

// wants checks the amount on the instrument and the buyer's account balance.
func (p purse) wants(on, buyer string) {
	p.T.Helper()
	account := ledger.Prepaid(string(p.ID))
	if p.Method == holdfast.MethodDebt {
		account, on = ledger.Debt(string(p.ID)), micros(-holdfasttest.USD(on).Micro)
	}
	want(p.World, balance(p.World, account), on)
	want(p.World, balance(p.World, ledger.Party(string(p.Buyer.ID))), buyer)
}

// unanswered makes the network silent to the next charge.
func (p purse) unanswered() {
	impatient(p.World)
	p.Network.Next(holdfasttest.Reply{Step: payment.StepCharge, Deaf: true})
}
