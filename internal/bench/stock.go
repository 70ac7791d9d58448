package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

const (
	mintBatch  = 2000 // tokens in one commit
	mintMore   = 500  // tokens for a merchant that runs out
	stockSpare = 16   // tokens for each merchant in addition to its share
	stockPause = time.Millisecond
)

// A stock has the unused tokens of each merchant.
type stock struct {
	db      *store.DB
	pretend bool // made-up tokens are enough
	cast    cast
	now     func() time.Time
	made    Minting
	wanted  chan int // merchants that have run out

	mu     sync.Mutex
	tokens [][]holdfast.TokenID
	waits  int64
}

func newStock(db *store.DB, c cast, now func() time.Time) *stock {
	return &stock{
		db: db, cast: c, now: now, tokens: make([][]holdfast.TokenID, len(c.merchants)),
		wanted: make(chan int, len(c.merchants)),
	}
}

// take gives out a merchant's oldest token, because buyers pay in the order in
// which they authorised. It waits if there is none. The result counts such
// waits, since the server gets no request meanwhile.
func (s *stock) take(ctx context.Context, merchant int) (holdfast.TokenID, error) {
	if s.pretend {
		return madeUpToken, nil
	}
	for first := true; ; first = false {
		s.mu.Lock()
		mine := s.tokens[merchant]
		if len(mine) > 0 {
			s.tokens[merchant] = mine[1:]
			s.mu.Unlock()
			return mine[0], nil
		}
		s.mu.Unlock()
		if first {
			s.waited()
		}
		select {
		case s.wanted <- merchant:
		default:
		}
		if err := pause(ctx, stockPause); err != nil {
			return "", err
		}
	}
}

var madeUpToken = holdfast.TokenID(strings.Repeat("A", 64))

func (s *stock) left(merchant int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tokens[merchant])
}

// fill makes tokens until each merchant has its share of count tokens.
func (s *stock) fill(ctx context.Context, count int64, spread Spread) error {
	if count <= 0 || s.pretend {
		return nil
	}
	shares := spread.shares(len(s.cast.merchants))
	wanted := make([]int, len(shares))
	for i, share := range shares {
		wanted[i] = int(share*float64(count)) + stockSpare - s.left(i)
	}
	return s.mintAll(ctx, inTurns(wanted))
}

// inTurns lists each merchant as often as wanted says, in turns. So the buyers
// of different shops authorise in a mixed order.
func inTurns(wanted []int) (merchants []int) {
	left := slices.Clone(wanted)
	for some := true; some; {
		some = false
		for i := range left {
			if left[i] > 0 {
				merchants = append(merchants, i)
				left[i]--
				some = true
			}
		}
	}
	return merchants
}

// mintAll makes a token for each of the merchants.
func (s *stock) mintAll(ctx context.Context, merchants []int) error {
	for len(merchants) > 0 {
		n := min(mintBatch, len(merchants))
		if err := s.mint(ctx, merchants[:n]); err != nil {
			return err
		}
		merchants = merchants[n:]
	}
	return nil
}

// refill makes tokens for merchants that have run out, until ctx ends.
func (s *stock) refill(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case merchant := <-s.wanted:
			if s.left(merchant) > 0 {
				continue
			}
			batch := make([]int, mintMore)
			for i := range batch {
				batch[i] = merchant
			}
			if err := s.mint(ctx, batch); err != nil {
				return ended(ctx, err)
			}
		}
	}
}

// mint makes one token for each of the merchants in one commit.
func (s *stock) mint(ctx context.Context, merchants []int) error {
	began := s.now()
	ids := processor.RandomIDs{Now: s.now}
	minted := make([]payment.Token, len(merchants))
	for i, m := range merchants {
		minted[i] = newToken(s.cast.merchants[m], s.cast.buyers[(s.made.Count+i)%len(s.cast.buyers)], ids, began)
	}
	if err := insertTokens(ctx, s.db, minted); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range merchants {
		s.tokens[m] = append(s.tokens[m], minted[i].ID)
	}
	s.made.add(len(minted), s.now().Sub(began))
	return nil
}

func insertTokens(ctx context.Context, db *store.DB, minted []payment.Token) error {
	err := db.Update(ctx, func(tx *store.Tx) error {
		for _, t := range minted {
			inserted, err := tx.InsertToken(t)
			if err == nil && !inserted {
				err = fmt.Errorf("the reference %s is taken", t.Reference)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("minting tokens: %w", err)
	}
	return nil
}

// newToken makes a token with which a buyer may pay a merchant once.
func newToken(m merchant, b buyer, ids processor.IDs, now time.Time) payment.Token {
	at := processor.Micro(now)
	return payment.Token{
		ID: ids.Token(), Caller: m.caller.ID, Use: payment.UsePay, Type: holdfast.TokenSingleUse,
		Reference: holdfast.CallerReference(ids.Other("bench-token-")), FriendlyName: "Bench", Reason: "Bench",
		Sender: b.ID, Instrument: b.card.ID, Method: b.card.Method, Recipient: m.caller.Owner,
		AmountType: holdfast.AmountMaximum, Amount: amountMost, Installed: at, Starts: at,
		Expires: at.Add(payment.SingleUseLife),
	}
}

// amountMost is the largest amount of a token. All drawn amounts are below it.
var amountMost = money.Cents(500_00)

// Minting has the number of tokens that were made, and the rate.
type Minting struct {
	Count     int   `json:"count"`
	PerSecond int64 `json:"perSecond"`
	// Waits counts requests that had to wait for a token or a hold. Meanwhile the
	// server was not fully used.
	Waits int64 `json:"waits"`

	took time.Duration
}

func (m *Minting) add(count int, took time.Duration) {
	m.Count += count
	m.took += took
	if m.took > 0 {
		m.PerSecond = int64(float64(m.Count) / m.took.Seconds())
	}
}

// waited counts a request that had to wait for a token or a hold.
func (s *stock) waited() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits++
}

func (s *stock) minting() Minting {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.made
	m.Waits = s.waits
	return m
}
