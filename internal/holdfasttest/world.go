package holdfasttest

import (
	"cmp"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/signed"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A World is a processor with a shop and a buyer who has a card. Its clock
// moves only when a test moves it, its ids are counted and its network follows
// a script. Every operation ends with a check of the books, unless Unchecked is
// set.
type World struct {
	T         testing.TB
	DB        *store.DB
	Clock     *Clock
	Network   *Network
	IDs       *IDs
	Processor *processor.Processor
	Callers   *signed.Callers // of the doors
	Unchecked bool            // the test checks the books itself

	Owner, Buyer party.Party
	Shop         party.Caller // as it was at first; its clock may have moved since
	Key          party.AccessKey
	Card         payment.Instrument

	jsonKey party.JSONKey // of Call
}

// QuickHashing is the cost of password hashes in a world. It is the cheapest
// possible.
var QuickHashing = party.Hashing{Passes: 1, Memory: 8}

// Password is the password of every test party.
const Password = "correct horse battery"

// NewWorld makes a world on an empty store.
func NewWorld(t testing.TB, db *store.DB) *World {
	t.Helper()
	w := &World{T: t, DB: db, Clock: NewClock(), Network: &Network{}, IDs: &IDs{}}
	w.Callers = &signed.Callers{Find: db.CallerByKey, Now: w.Clock.Now}
	w.Processor = processor.New(db, processor.Config{
		Network: w.Network, Now: w.Clock.Now, IDs: w.IDs, Log: slog.New(slog.DiscardHandler),
		People: identity.Config{Hashing: QuickHashing}, CallerChanged: w.Callers.Forget,
	})
	t.Cleanup(w.Processor.Close)
	w.Owner = w.Party("Kiln & Co", "shop@example.test")
	w.Buyer = w.Party("Ann Buyer", "ann@example.test")
	var err error
	w.Shop, w.Key, err = w.Processor.CreateCaller(t.Context(), processor.NewCaller{
		Owner: w.Owner.ID, Name: "Kiln & Co", IPNURL: "http://shop.example.test/ipn", Sandbox: true,
	})
	w.must("making a caller", err)
	w.Card = w.AddCard(w.Buyer.ID)
	return w
}

// AddCard gives a party a card, which becomes its default.
func (w *World) AddCard(owner party.ID) payment.Instrument {
	w.T.Helper()
	i, err := w.Processor.AddCard(w.T.Context(), owner, card.Details{
		Number: card.NewNumber("4242424242424242"), ExpiryMonth: 12, ExpiryYear: 2031, Holder: "Ann Buyer",
	}, true)
	w.must("adding a card", err)
	return i
}

// Party makes a party.
func (w *World) Party(name, email string) party.Party {
	w.T.Helper()
	p, err := w.Processor.Identity.CreateParty(w.T.Context(), identity.NewParty{
		Name: name, Email: email, Password: Password,
	})
	w.must("making a party", err)
	return p
}

// Change changes a party as an operator can.
func (w *World) Change(id party.ID, by func(*party.Party)) {
	w.T.Helper()
	_, err := w.Processor.Identity.ChangeParty(w.T.Context(), "", id, func(p party.Party) (party.Party, error) {
		by(&p)
		return p, nil
	})
	w.must("changing a party", err)
}

// ChangeCaller changes a caller as an operator can.
func (w *World) ChangeCaller(id party.CallerID, by func(*party.Caller)) party.Caller {
	w.T.Helper()
	changed, err := w.Processor.ChangeCaller(w.T.Context(), id, func(c party.Caller) (party.Caller, error) {
		by(&c)
		return c, nil
	})
	w.must("changing a caller", err)
	return changed
}

// SetStanding suspends, closes or reactivates a party.
func (w *World) SetStanding(id party.ID, s party.Standing) {
	w.T.Helper()
	w.Change(id, func(p *party.Party) { p.Standing = s })
}

// OtherShop makes a second caller.
func (w *World) OtherShop() party.Caller {
	w.T.Helper()
	owner := w.Party("Other", "other@example.test")
	c, _, err := w.Processor.CreateCaller(w.T.Context(), processor.NewCaller{
		Owner: owner.ID, Name: "Other", Sandbox: true,
	})
	w.must("making a caller", err)
	return c
}

// USD reads an amount.
func USD(value string) money.Amount {
	a, err := money.Parse(value, money.USD)
	if err != nil {
		panic(err)
	}
	return a
}

// Authorize makes a token as the Co-Branded pages would, with the buyer's card.
func (w *World) Authorize(value string) holdfast.TokenID {
	w.T.Helper()
	return w.AuthorizeWith(w.Card, value)
}

// AuthorizeWith makes a token with one of the buyer's instruments.
func (w *World) AuthorizeWith(i payment.Instrument, value string) holdfast.TokenID {
	w.T.Helper()
	return w.Token(payment.Token{
		Instrument: i.ID, Method: i.Method, AmountType: holdfast.AmountMaximum, Amount: USD(value), Reason: "One mug",
		Expires: w.CallerNow().Add(payment.SingleUseLife),
	})
}

// Token makes a token with its limits. By default it is a single-use token with
// which the buyer pays the shop.
func (w *World) Token(t payment.Token, limits ...payment.Limit) holdfast.TokenID {
	w.T.Helper()
	t.ID, t.Caller, t.Installed = w.IDs.Token(), w.Shop.ID, w.CallerNow()
	t.Use, t.Type = cmp.Or(t.Use, payment.UsePay), cmp.Or(t.Type, holdfast.TokenSingleUse)
	t.Reference = cmp.Or(t.Reference, holdfast.CallerReference(w.IDs.Other("cart-")))
	t.FriendlyName = cmp.Or(t.FriendlyName, "One mug")
	switch t.Use {
	case payment.UsePay, payment.UseFund, payment.UseSettle:
		t.Sender = cmp.Or(t.Sender, w.Buyer.ID)
	case payment.UseReceive, payment.UseRefund, payment.UseCall:
	}
	if len(t.Recipients) == 0 {
		t.Recipient = cmp.Or(t.Recipient, w.Shop.Owner)
	}
	for i := range limits {
		limits[i].Scope, limits[i].Subject, limits[i].Slot = string(t.Caller), string(t.ID), i
		limits[i].Start, limits[i].Window, limits[i].UsedAmount = t.Installed, t.Installed, money.Micros(0)
	}
	w.install(payment.Installation{Tokens: []payment.Token{t}, Limits: limits})
	return t.ID
}

// Aggregate makes a prepaid or a credit instrument between the buyer and the
// shop. It also makes a token that spends it, and one that funds or settles it
// with the buyer's card.
func (w *World) Aggregate(
	m holdfast.PaymentMethod, limit string,
) (a payment.AggregateInstrument, spends, pays holdfast.TokenID) {
	w.T.Helper()
	a = payment.AggregateInstrument{
		ID: payment.AggregateID(w.IDs.Other("G")), Caller: w.Shop.ID, Sender: w.Buyer.ID, Recipient: w.Shop.Owner, Method: m,
		Limit: USD(limit), Installed: w.CallerNow(), Balance: money.Micros(0), Pending: money.Micros(0),
	}
	w.install(payment.Installation{Aggregate: &a})
	use := payment.UseFund
	if m == holdfast.MethodDebt {
		use = payment.UseSettle
	}
	spends = w.Token(payment.Token{Type: holdfast.TokenMultiUse, Method: m, Aggregate: a.ID})
	pays = w.Token(payment.Token{
		Use: use, Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: w.Card.Method, Aggregate: a.ID,
	})
	return a, spends, pays
}

func (w *World) install(made payment.Installation) {
	w.T.Helper()
	w.must("installing", w.DB.Update(w.T.Context(), func(tx *store.Tx) error {
		installed, err := tx.Install(made)
		if err == nil && !installed {
			err = errors.New("a reference is in use")
		}
		return err
	}))
}

// Balance is the buyer's balance as an instrument.
func (w *World) Balance() payment.Instrument { w.T.Helper(); return w.BalanceOf(w.Buyer.ID) }

// BalanceOf is a party's balance as an instrument.
func (w *World) BalanceOf(id party.ID) payment.Instrument {
	w.T.Helper()
	all := w.Instruments(id)
	i := slices.IndexFunc(all, func(i payment.Instrument) bool { return i.Method == holdfast.MethodABT })
	return all[i]
}

// Instruments returns a party's payment methods.
func (w *World) Instruments(id party.ID) (all []payment.Instrument) {
	w.T.Helper()
	w.must("reading instruments", w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Instruments(id)
		return err
	}))
	return all
}

// Deposit raises a party's balance.
func (w *World) Deposit(to party.ID, value string) {
	w.T.Helper()
	w.must("depositing", w.Processor.Deposit(w.T.Context(), w.Shop.ID, to, USD(value)))
}

// CallerNow is the time of the shop's clock.
func (w *World) CallerNow() time.Time {
	w.T.Helper()
	var c party.Caller
	w.must("reading the caller", w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		c, _, err = tx.Caller(w.Shop.ID)
		return err
	}))
	return c.Now(processor.Micro(w.Clock.Now()))
}

// Reserve sends a Reserve for a token.
func (w *World) Reserve(
	token holdfast.TokenID, value string, ref holdfast.CallerReference,
) (payment.Transaction, error) {
	w.T.Helper()
	t, err := w.Processor.Reserve(w.T.Context(), w.Shop, holdfast.ReserveRequest{
		SenderTokenID: token, TransactionAmount: USD(value), CallerReference: ref,
	})
	w.checked()
	return t, err
}

// Pay sends a Pay for a token.
func (w *World) Pay(token holdfast.TokenID, value string, ref holdfast.CallerReference) (payment.Transaction, error) {
	w.T.Helper()
	t, err := w.Processor.Pay(w.T.Context(), w.Shop, holdfast.PayRequest{
		SenderTokenID: token, TransactionAmount: USD(value), CallerReference: ref,
	})
	w.checked()
	return t, err
}

// Paid makes a card payment that must succeed.
func (w *World) Paid(value string, ref holdfast.CallerReference) payment.Transaction {
	w.T.Helper()
	t, err := w.Pay(w.Authorize(value), value, ref)
	w.must("paying", err)
	w.WantState(t.ID, payment.Success)
	return t
}

// Refund sends a Refund of value, or of all that is left of the payment if
// value is empty.
func (w *World) Refund(
	id holdfast.TransactionID, value string, ref holdfast.CallerReference,
) (payment.Transaction, error) {
	w.T.Helper()
	r := holdfast.RefundRequest{TransactionID: id, CallerReference: ref}
	if value != "" {
		r.RefundAmount = USD(value)
	}
	t, err := w.Processor.Refund(w.T.Context(), w.Shop, r)
	w.checked()
	return t, err
}

// Settle sends a Settle for value, or for all of the hold if value is empty.
func (w *World) Settle(id holdfast.TransactionID, value string) (payment.Transaction, error) {
	w.T.Helper()
	r := holdfast.SettleRequest{ReserveTransactionID: id}
	if value != "" {
		r.TransactionAmount = USD(value)
	}
	t, err := w.Processor.Settle(w.T.Context(), w.Shop, r)
	w.checked()
	return t, err
}

// Cancel cancels a hold.
func (w *World) Cancel(id holdfast.TransactionID) (payment.Transaction, error) {
	w.T.Helper()
	t, err := w.Processor.Cancel(w.T.Context(), w.Shop, holdfast.CancelRequest{TransactionID: id})
	w.checked()
	return t, err
}

// Reserved makes a hold, which must succeed.
func (w *World) Reserved(value string, ref holdfast.CallerReference) payment.Transaction {
	w.T.Helper()
	t, err := w.Reserve(w.Authorize(value), value, ref)
	w.must("reserving", err)
	w.WantState(t.ID, payment.Reserved)
	return t
}

// Transaction reads a transaction in its state at the shop's time.
func (w *World) Transaction(id holdfast.TransactionID) payment.Transaction {
	w.T.Helper()
	now := w.CallerNow()
	var t payment.Transaction
	w.must("reading a transaction", w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		var found bool
		var err error
		if t, found, err = tx.Transaction(w.Shop.ID, id); err == nil && !found {
			err = errors.New("no such transaction")
		}
		return err
	}))
	return t.AsOf(now)
}

// WantState fails the test unless a transaction is in a state.
func (w *World) WantState(id holdfast.TransactionID, want payment.State) {
	w.T.Helper()
	if t := w.Transaction(id); t.State != want {
		w.T.Fatalf("transaction %s is %s (%s), want %s", id, t.State, t.StatusMessage, want)
	}
}

// WantCode fails the test unless err is a refusal with a code.
func (w *World) WantCode(err error, want holdfast.Code) {
	w.T.Helper()
	WantCode(w.T, err, want)
}

// WantCode fails the test unless err is a refusal with a code.
func WantCode(t testing.TB, err error, want holdfast.Code) {
	t.Helper()
	if refused, ok := errors.AsType[*holdfast.Error](err); !ok || refused.Code != want {
		t.Fatalf("answer is %v, want a refusal with %s", err, want)
	}
}

func (w *World) checked() {
	w.T.Helper()
	if !w.Unchecked {
		w.CheckBooks()
	}
}

// CheckBooks fails the test if a row of the books is wrong.
func (w *World) CheckBooks() { w.T.Helper(); CheckBooks(w.T, w.DB) }

// CheckBooks fails the test if a row of the books is wrong.
func CheckBooks(t testing.TB, db *store.DB) {
	t.Helper()
	report, err := db.CheckBooks(t.Context())
	if err != nil {
		t.Fatalf("checking the books: %v", err)
	}
	for _, f := range report.Findings {
		t.Errorf("books: %s %s %s", f.Table, f.Row, f.Problem)
	}
	if len(report.Findings) > 0 {
		t.FailNow()
	}
}

func (w *World) must(doing string, err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatalf("%s: %v", doing, err)
	}
}
