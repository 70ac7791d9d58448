package bench

import (
	"fmt"
	"slices"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Each merchant gets the wanted number of tokens, of several buyers and in turns
// with those of other merchants.
func TestMint(t *testing.T) {
	databases(t, func(t *testing.T, address string) {
		b := newBench(t, address)
		if err := b.assemble(t.Context()); err != nil {
			t.Fatal(err)
		}
		wanted := []int{25, 0, 7}
		if err := b.stock.mint(t.Context(), wanted); err != nil {
			t.Fatal(err)
		}
		buyers := map[party.ID]bool{}
		err := b.Store.View(t.Context(), func(tx *store.ReadTx) error {
			for i, m := range b.cast.merchants {
				mine := b.stock.tokens[i]
				if len(mine) != wanted[i] || !slices.IsSorted(mine) {
					t.Errorf("merchant %d has %d tokens: %v", i, len(mine), mine)
				}
				for _, id := range mine {
					token, found, err := tx.TokenFor(m.caller.ID, id)
					if err != nil || !found {
						return fmt.Errorf("token %s of merchant %d: found %t, %w", id, i, found, err)
					}
					buyers[token.Sender] = true
				}
			}
			return nil
		})
		if err != nil || len(buyers) < seedsEach {
			t.Errorf("the tokens are of %d buyers (%v)", len(buyers), err)
		}
		first, last := b.stock.tokens[0], b.stock.tokens[2]
		if last[0] > first[24] {
			t.Error("the merchants do not take turns")
		}
	})
}

// A merchant's tokens are used in the order in which they were made.
func TestTheOldestTokenIsTaken(t *testing.T) {
	s := &stock{tokens: [][]holdfast.TokenID{{"a", "b"}}}
	for _, want := range []holdfast.TokenID{"a", "b"} {
		if got, err := s.take(t.Context(), 0); err != nil || got != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}

func TestMerchantsCountTheirOrders(t *testing.T) {
	n := newNumbers("b1", 2)
	for _, row := range []struct {
		merchant int
		want     holdfast.CallerReference
	}{{0, "b1-000000001"}, {1, "b1-000000001"}, {0, "b1-000000002"}} {
		if got := n.next(row.merchant); got != row.want {
			t.Errorf("merchant %d: got %s, want %s", row.merchant, got, row.want)
		}
	}
}
