package store_test

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A till takes many payments for one shop with an address for notifications, as
// a server does: its ids are as long as a server's, and many requests are under
// way at once.
type till struct {
	t       *testing.T
	address string
	db      *store.DB
	p       *processor.Processor
	shop    party.Caller
	tokens  []holdfast.TokenID
	held    []holdfast.TransactionID
}

const (
	tillAtOnce       = 128  // requests
	tillTokensAtOnce = 1000 // in one commit, which has ten seconds
)

// tillAmount is what each payment is about.
var tillAmount = money.Cents(42_50)

// newTill makes a till with a number of tokens, and closes its store.
func newTill(t *testing.T, address string, tokens int) *till {
	t.Helper()
	l := &till{t: t, address: address}
	l.open()
	defer l.close()
	owner := l.party("Kiln & Co", "shop@example.test")
	buyer := l.party("Ann Buyer", "ann@example.test")
	var err error
	l.shop, _, err = l.p.CreateCaller(t.Context(), processor.NewCaller{
		Owner: owner.ID, Name: "Kiln & Co", IPNURL: "https://shop.example.test/ipn", Sandbox: true,
	})
	l.must(err)
	with, err := l.p.AddCard(t.Context(), buyer.ID, card.Details{
		Number: card.NewNumber("4242424242424242"), ExpiryMonth: 12, ExpiryYear: 2031, Holder: "Ann Buyer",
	}, true)
	l.must(err)
	ids := processor.RandomIDs{Now: ticking()}
	token := func(i int) payment.Token {
		return payment.Token{
			ID: ids.Token(), Caller: l.shop.ID, Use: payment.UsePay, Type: holdfast.TokenSingleUse,
			Reference: holdfast.CallerReference(fmt.Sprintf("cart-2026-%09d", i)), FriendlyName: "One mug", Reason: "One mug",
			Installed: holdfasttest.Start, Expires: holdfasttest.Start.Add(payment.SingleUseLife), Sender: buyer.ID,
			Instrument: with.ID, Method: with.Method, Recipient: owner.ID, AmountType: holdfast.AmountMaximum,
			Amount: tillAmount,
		}
	}
	for from := 0; from < tokens; from += tillTokensAtOnce {
		l.must(l.db.Update(t.Context(), func(tx *store.Tx) error {
			l.tokens = l.tokens[:from]
			for i := from; i < min(from+tillTokensAtOnce, tokens); i++ {
				k := token(i)
				if _, err := tx.InsertToken(k); err != nil {
					return err
				}
				l.tokens = append(l.tokens, k.ID)
			}
			return nil
		}))
	}
	return l
}

// ticking is a clock that goes on whenever it is looked at.
func ticking() func() time.Time {
	var ticks atomic.Int64
	return func() time.Time { return holdfasttest.Start.Add(time.Duration(ticks.Add(1)) * 20 * time.Microsecond) }
}

func (l *till) open() {
	l.t.Helper()
	var err error
	l.db, err = store.Open(l.t.Context(), store.Config{Address: l.address})
	l.must(err)
	now := ticking()
	l.p = processor.New(l.db, processor.Config{
		Network: &holdfasttest.Network{}, Now: now, IDs: processor.RandomIDs{Now: now}, Log: slog.New(slog.DiscardHandler),
		People: identity.Config{Hashing: holdfasttest.QuickHashing}, Wait: time.Hour,
	})
}

// close ends all sessions. PostgreSQL then counts what they did.
func (l *till) close() {
	l.t.Helper()
	l.p.Close()
	l.must(l.db.Close())
}

func (l *till) party(name, email string) party.Party {
	l.t.Helper()
	p, err := l.p.Identity.CreateParty(l.t.Context(), identity.NewParty{
		Name: name, Email: email, Password: holdfasttest.Password,
	})
	l.must(err)
	return p
}

func (l *till) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// reserve reserves the amount of each token.
func (l *till) reserve() {
	l.t.Helper()
	l.held = make([]holdfast.TransactionID, len(l.tokens))
	l.each(len(l.tokens), func(i int) error {
		t, err := l.p.Reserve(l.t.Context(), l.shop, holdfast.ReserveRequest{
			SenderTokenID: l.tokens[i], TransactionAmount: tillAmount,
			CallerReference: holdfast.CallerReference(fmt.Sprintf("order-2026-%09d", i)),
		})
		if err == nil && t.State != payment.Reserved {
			err = fmt.Errorf("a Reserve is %s", t.State)
		}
		l.held[i] = t.ID
		return err
	})
}

// settle settles what is held.
func (l *till) settle() {
	l.t.Helper()
	l.each(len(l.held), func(i int) error {
		t, err := l.p.Settle(l.t.Context(), l.shop, holdfast.SettleRequest{ReserveTransactionID: l.held[i]})
		if err == nil && t.State != payment.Success {
			err = fmt.Errorf("a Settle is %s", t.State)
		}
		return err
	})
}

// each calls do with the numbers below count, many at once.
func (l *till) each(count int, do func(i int) error) {
	l.t.Helper()
	var next atomic.Int64
	var failed atomic.Value
	var all sync.WaitGroup
	for range tillAtOnce {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(count) && failed.Load() == nil; i = next.Add(1) - 1 {
				if err := do(int(i)); err != nil {
					failed.Store(err)
				}
			}
		})
	}
	all.Wait()
	if err, ok := failed.Load().(error); ok {
		l.t.Fatal(err)
	}
}
