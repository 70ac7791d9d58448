package bench

import (
	"slices"
	"testing"

	"github.com/holdfast-pay/holdfast"
)

// The buyers of different shops authorise in a mixed order.
func TestMerchantsTakeTurns(t *testing.T) {
	got := inTurns([]int{3, 0, 1, -2, 2})
	if want := []int{0, 2, 4, 0, 4, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
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
