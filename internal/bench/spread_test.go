package bench

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Pickers draw merchants in proportion to shares, so that each merchant has the
// tokens that it needs.
func TestPickersDrawTheirShares(t *testing.T) {
	const merchants, draws = 10, 200_000
	for _, s := range []Spread{Uniform, Zipf, OneMerchant} {
		pick := s.picker(rand.New(rand.NewPCG(1, 2)), merchants)
		drawn := make([]int, merchants)
		for range draws {
			drawn[pick()]++
		}
		sum := 0.0
		for i, share := range s.shares(merchants) {
			sum += share
			if got := float64(drawn[i]) / draws; math.Abs(got-share) > 0.01 {
				t.Errorf("%s: merchant %d is drawn for %.3f of all, its share is %.3f", s, i, got, share)
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("%s: the sum of the shares is %v", s, sum)
		}
	}
}

func TestOneMerchantAlone(t *testing.T) {
	for _, s := range []Spread{Uniform, Zipf, OneMerchant} {
		if got := s.picker(rand.New(rand.NewPCG(1, 2)), 1)(); got != 0 || s.shares(1)[0] != 1 {
			t.Errorf("%s: merchant %d of one", s, got)
		}
	}
}
