package bench

import (
	"context"
	"fmt"
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
	seedsEach  = 10  // buyers of each merchant, whose tokens are copied
	mintMore   = 500 // tokens for a merchant that runs out
	stockSpare = 16  // tokens for each merchant in addition to its share
	stockPause = time.Millisecond
)

// A stock has the unused tokens of each merchant.
type stock struct {
	db      *store.DB
	raw     database // the same
	pretend bool     // made-up tokens are enough
	cast    cast
	now     func() time.Time
	made    Minting
	wanted  chan int // merchants that have run out

	seeds    []pattern // seedsEach for each merchant, in turns
	seededAt time.Time

	mu     sync.Mutex
	tokens [][]holdfast.TokenID
	waits  int64
}

func newStock(db *store.DB, raw database, c cast, now func() time.Time) *stock {
	return &stock{
		db: db, raw: raw, cast: c, now: now, tokens: make([][]holdfast.TokenID, len(c.merchants)),
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
	return s.mint(ctx, wanted)
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
			wanted := make([]int, len(s.cast.merchants))
			wanted[merchant] = mintMore
			if err := s.mint(ctx, wanted); err != nil {
				return ended(ctx, err)
			}
		}
	}
}

// mint makes the wanted number of tokens of each merchant, in turns. So the
// buyers of different shops authorise in a mixed order.
func (s *stock) mint(ctx context.Context, wanted []int) error {
	if err := s.seed(ctx); err != nil {
		return err
	}
	began := s.now()
	patterns, merchants := s.patterns(wanted)
	if len(patterns) == 0 {
		return nil
	}
	f := newFilling(patterns, processor.RandomIDs{Now: s.now})
	f.offset = began.Sub(s.seededAt)
	if err := f.prepare(ctx, s.raw, []copiedTable{copiedTokens}); err != nil {
		return fmt.Errorf("minting tokens: %w", err)
	}
	if err := f.run(ctx, s.raw, func(int64) {}); err != nil {
		return fmt.Errorf("minting tokens: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := range f.most {
		for place, p := range patterns {
			if n < p.copies {
				s.tokens[merchants[place]] = append(s.tokens[merchants[place]], f.token(n, place))
			}
		}
	}
	s.made.add(int(f.count(f.most)), s.now().Sub(began))
	return nil
}

// patterns are the seeds with the number of copies that each must have, and
// their merchants.
func (s *stock) patterns(wanted []int) (patterns []pattern, merchants []int) {
	for i, p := range s.seeds {
		merchant := i % len(wanted)
		if p.copies = inParts(int64(max(wanted[merchant], 0)), seedsEach, i/len(wanted)); p.copies > 0 {
			patterns, merchants = append(patterns, p), append(merchants, merchant)
		}
	}
	return patterns, merchants
}

// seed makes the tokens that are copied. They are not used.
func (s *stock) seed(ctx context.Context) error {
	if s.seeds != nil {
		return nil
	}
	s.seededAt = processor.Micro(s.now())
	ids := processor.RandomIDs{Now: s.now}
	var made []payment.Token
	var seeds []pattern
	for i := range seedsEach * len(s.cast.merchants) {
		m := s.cast.merchants[i%len(s.cast.merchants)]
		b := s.cast.buyers[(i+i/len(s.cast.merchants))%len(s.cast.buyers)]
		token := newToken(m, b, ids, s.seededAt)
		made = append(made, token)
		seeds = append(seeds, pattern{caller: token.Caller, token: token.ID})
	}
	if err := insertTokens(ctx, s.db, made); err != nil {
		return err
	}
	s.seeds = seeds
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
