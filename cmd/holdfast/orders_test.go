package main

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// An order is a payment that the server has answered.
type order struct {
	id      holdfast.TransactionID
	began   time.Time
	settled bool
}

// orders is a load on a machine: a shop that reserves and settles all the time.
type orders struct {
	m      *machine
	caller party.CallerID
	demo   *process
	tokens []holdfast.TokenID
	next   atomic.Int64
	stop   chan struct{}
	ended  sync.WaitGroup

	mu  sync.Mutex
	all []order
}

const (
	orderTokens  = 4_000
	orderWorkers = 4
	orderPause   = 10 * time.Millisecond
)

// newLoad makes a shop, a buyer and tokens on a machine's server.
func newLoad(m *machine) *orders {
	m.t.Helper()
	ctx, dir := m.t.Context(), m.t.TempDir()
	kept, err := (&cast{
		Processor: m.server.Processor, Store: m.store.Reader, Dir: dir, Now: time.Now,
	}).assemble(ctx, demoState{})
	if err != nil {
		m.t.Fatal(err)
	}
	_, err = m.server.Processor.ChangeCaller(ctx, kept.CallerID, func(c party.Caller) (party.Caller, error) {
		c.IPNURL = m.ipn
		return c, nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	l := &orders{m: m, caller: kept.CallerID, stop: make(chan struct{})}
	d := &demo{dir: dir, kept: kept, public: m.server.PublicURL, shopAt: m.server.PublicURL}
	l.demo = &process{t: m.t, answer: d.answer()}
	l.mint(kept)
	return l
}

// mint makes tokens as the Co-Branded pages do, each for one payment.
func (l *orders) mint(kept demoState) {
	l.m.t.Helper()
	buyer, err := partyByEmail(l.m.t.Context(), l.m.store.Reader, kept.BuyerEmail)
	if err != nil {
		l.m.t.Fatal(err)
	}
	ids, now := processor.RandomIDs{Now: time.Now}, processor.Micro(time.Now())
	err = l.m.store.Update(l.m.t.Context(), func(tx *store.Tx) error {
		cards, err := tx.Instruments(buyer.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(cards, func(i payment.Instrument) bool { return i.Method == holdfast.MethodCC })
		caller, _, err := tx.Caller(kept.CallerID)
		if err != nil {
			return err
		}
		var tokens []payment.Token
		l.tokens = nil
		for n := range orderTokens {
			tokens = append(tokens, payment.Token{
				ID: ids.Token(), Caller: caller.ID, Use: payment.UsePay, Type: holdfast.TokenSingleUse,
				Reference: holdfast.CallerReference(fmt.Sprint("cart-", n)), FriendlyName: "One mug", Reason: "One mug",
				Installed: now, Expires: now.Add(payment.SingleUseLife), Sender: buyer.ID, Recipient: caller.Owner,
				Instrument: cards[i].ID, Method: cards[i].Method, AmountType: holdfast.AmountMaximum,
				Amount: holdfasttest.USD("10.00"),
			})
			l.tokens = append(l.tokens, tokens[n].ID)
		}
		_, err = tx.Install(payment.Installation{Tokens: tokens})
		return err
	})
	if err != nil {
		l.m.t.Fatal(err)
	}
}

func (l *orders) start() {
	for range orderWorkers {
		l.ended.Go(func() {
			for l.payOnce() {
				select {
				case <-l.stop:
					return
				case <-time.After(orderPause):
				}
			}
		})
	}
}

// finish ends the load when every order that has begun is answered.
func (l *orders) finish() {
	close(l.stop)
	l.ended.Wait()
}

// payOnce makes an order, and settles two of three.
func (l *orders) payOnce() bool {
	n := int(l.next.Add(1)) - 1
	if n >= len(l.tokens) {
		l.m.t.Error("there are not enough tokens")
		return false
	}
	client := l.demo.client()
	client.Endpoint = l.m.server.PublicURL.String()
	o := order{began: time.Now()}
	held, err := client.Reserve(l.m.t.Context(), holdfast.ReserveRequest{
		SenderTokenID: l.tokens[n], CallerReference: holdfast.CallerReference(fmt.Sprint("order-", n)),
		TransactionAmount: holdfasttest.USD("5.00"),
	})
	if err == nil && n%3 != 0 {
		_, err = client.Settle(l.m.t.Context(), holdfast.SettleRequest{ReserveTransactionID: held.TransactionID})
		o.settled = true
	}
	if err != nil {
		l.m.t.Errorf("an order is answered with %v", err)
		return false
	}
	o.id = held.TransactionID
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, o)
	return true
}

// answered are the orders in the order of their answers.
func (l *orders) answered() []order {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

func (l *orders) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}
