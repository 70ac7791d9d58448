package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// A Spread is a distribution of requests over merchants.
type Spread string

// The spreads.
const (
	Uniform     Spread = "uniform"      // all merchants equally
	Zipf        Spread = "zipf"         // a few merchants get most requests
	OneMerchant Spread = "one-merchant" // one merchant gets all requests
)

// zipfExponent makes the first of a hundred merchants take about a quarter of
// all requests.
const zipfExponent = 1.1

// A picker draws merchants for one connection.
type picker func() int

func (s Spread) picker(rng *rand.Rand, merchants int) picker {
	switch s {
	case Zipf:
		z := rand.NewZipf(rng, zipfExponent, 1, uint64(merchants-1))
		return func() int { return int(z.Uint64()) }
	case OneMerchant:
		return func() int { return 0 }
	case Uniform:
	}
	return func() int { return rng.IntN(merchants) }
}

// shares are the merchants' shares of all requests.
func (s Spread) shares(merchants int) []float64 {
	shares := make([]float64, merchants)
	sum := 0.0
	for i := range shares {
		switch s {
		case Zipf:
			shares[i] = math.Pow(float64(i+1), -zipfExponent)
		case OneMerchant:
			shares[i] = float64(1 - min(i, 1))
		case Uniform:
			shares[i] = 1
		}
		sum += shares[i]
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}

func (s Spread) check() error {
	switch s {
	case Uniform, Zipf, OneMerchant:
		return nil
	}
	return fmt.Errorf("the spread %q is not known; use %s, %s or %s", s, Uniform, Zipf, OneMerchant)
}
