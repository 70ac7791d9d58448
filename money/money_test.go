package money_test

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/money"
)

func TestParse(t *testing.T) {
	for value, micro := range map[string]int64{
		"42.50":           42_500_000,
		"42.5":            42_500_000,
		"50":              50_000_000,
		"5":               5_000_000,
		"3.14":            3_140_000,
		"0":               0,
		"0.00":            0,
		"0.01":            10_000,
		"0.1":             100_000,
		"007.10":          7_100_000,
		"999999999999.99": 999_999_999_999_990_000,
	} {
		got, err := money.Parse(value, money.USD)
		if want := (money.Amount{Micro: micro, Currency: money.USD}); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", value, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		value    string
		currency money.Currency
		want     error
	}{
		{"", "USD", money.ErrFormat},
		{"-1", "USD", money.ErrFormat},
		{"+1", "USD", money.ErrFormat},
		{"1e3", "USD", money.ErrFormat},
		{"1.234", "USD", money.ErrFormat},
		{"1.000", "USD", money.ErrFormat},
		{".5", "USD", money.ErrFormat},
		{"1.", "USD", money.ErrFormat},
		{".", "USD", money.ErrFormat},
		{"1,0", "USD", money.ErrFormat},
		{"1,000.00", "USD", money.ErrFormat},
		{"1.2.3", "USD", money.ErrFormat},
		{"1.-2", "USD", money.ErrFormat},
		{" 1", "USD", money.ErrFormat},
		{"1 ", "USD", money.ErrFormat},
		{"1\n", "USD", money.ErrFormat},
		{"0x10", "USD", money.ErrFormat},
		{"1_000", "USD", money.ErrFormat},
		{"$1", "USD", money.ErrFormat},
		{"NaN", "USD", money.ErrFormat},
		{"Inf", "USD", money.ErrFormat},
		{"１", "USD", money.ErrFormat}, // a full-width digit
		{"1000000000000", "USD", money.ErrTooLarge},
		{strings.Repeat("9", 1000), "USD", money.ErrTooLarge},
		{"1", "EUR", money.ErrNoDollars},
		{"1", "usd", money.ErrNoDollars},
		{"1", "", money.ErrNoDollars},
	} {
		if got, err := money.Parse(tt.value, tt.currency); !errors.Is(err, tt.want) || got != (money.Amount{}) {
			t.Errorf("%q %s: %v, %v; want %v", tt.value, tt.currency, got, err, tt.want)
		}
	}
}

func TestParseMicro(t *testing.T) {
	for value, micro := range map[string]int64{
		"1.000000":             1_000_000,
		"-0.100000":            -100_000,
		"0":                    0,
		"-0":                   0,
		"0.000001":             1,
		"-999999999999.999999": -999_999_999_999_999_999,
	} {
		got, err := money.ParseMicro(value, money.USD)
		if err != nil || got != money.Micros(micro) {
			t.Errorf("%q: %v, %v", value, got, err)
		}
	}
	for value, want := range map[string]error{
		"": money.ErrMicroFormat, "-": money.ErrMicroFormat, "--1": money.ErrMicroFormat, "+1": money.ErrMicroFormat,
		"1.0000001": money.ErrMicroFormat, "1.": money.ErrMicroFormat, "-.5": money.ErrMicroFormat,
		"1e3": money.ErrMicroFormat, "1.-5": money.ErrMicroFormat, "1000000000000": money.ErrTooLarge,
	} {
		if got, err := money.ParseMicro(value, money.USD); !errors.Is(err, want) || got.Given() {
			t.Errorf("%q: %v, %v; want %v", value, got, err, want)
		}
	}
	if _, err := money.ParseMicro("1", "EUR"); !errors.Is(err, money.ErrNoDollars) {
		t.Errorf("euros: %v", err)
	}
}

func TestForms(t *testing.T) {
	for _, tt := range []struct {
		amount                 money.Amount
		value, decimal, string string
	}{
		{money.Cents(1250), "12.500000", "12.50", "USD 12.50"},
		{money.Cents(100), "1.000000", "1.00", "USD 1.00"},
		{money.Cents(1), "0.010000", "0.01", "USD 0.01"},
		{money.Cents(0), "0.000000", "0.00", "USD 0.00"},
		{money.Cents(-10), "-0.100000", "-0.10", "USD -0.10"},
		{money.Cents(-1250), "-12.500000", "-12.50", "USD -12.50"},
		{money.Cents(100_000), "1000.000000", "1000.00", "USD 1000.00"},
		{money.Micros(1), "0.000001", "0.000001", "USD 0.000001"},
		{money.Micros(1_234_500), "1.234500", "1.2345", "USD 1.2345"},
		{money.Amount{}, "0.000000", "0.00", "no amount"},
	} {
		if got := tt.amount.Value(); got != tt.value {
			t.Errorf("%d micro: Value %q, want %q", tt.amount.Micro, got, tt.value)
		}
		if got := tt.amount.Decimal(); got != tt.decimal {
			t.Errorf("%d micro: Decimal %q, want %q", tt.amount.Micro, got, tt.decimal)
		}
		if got := tt.amount.String(); got != tt.string {
			t.Errorf("%d micro: String %q, want %q", tt.amount.Micro, got, tt.string)
		}
	}
}

func TestShareHalfUpToCent(t *testing.T) {
	const fee = 29_000 // 2.9 %
	for _, tt := range []struct {
		amount money.Amount
		rate   money.Rate
		want   money.Amount
	}{
		{money.Cents(1250), fee, money.Cents(36)},    // 36.25 cents
		{money.Cents(10_000), fee, money.Cents(290)}, // exact
		{money.Cents(50), 10_000, money.Cents(1)},    // 0.5 cents
		{money.Cents(49), 10_000, money.Cents(0)},    // 0.49 cents
		{money.Cents(150), 10_000, money.Cents(2)},   // 1.5 cents: rounded up, not to even
		{money.Cents(250), 10_000, money.Cents(3)},   // 2.5 cents: rounded up, not to even
		{money.Micros(499_999), 10_000, money.Cents(0)},
		{money.Micros(500_000), 10_000, money.Cents(1)},
		{money.Cents(0), fee, money.Cents(0)},
		{money.Cents(1250), 0, money.Cents(0)},
		{money.Cents(1250), 1_000_000, money.Cents(1250)},
		{money.Cents(99_999_999_999_999), 1_000_000, money.Cents(99_999_999_999_999)}, // the product is larger than an int64
	} {
		if got := tt.amount.ShareHalfUpToCent(tt.rate); got != tt.want {
			t.Errorf("%d millionths of %v: %v, want %v", tt.rate, tt.amount, got, tt.want)
		}
	}
	mustPanic(t, "share of less than nothing", func() { money.Cents(-1).ShareHalfUpToCent(fee) })
	mustPanic(t, "negative share", func() { money.Cents(1).ShareHalfUpToCent(-1) })
}

func TestArithmetic(t *testing.T) {
	a, b := money.Cents(1250), money.Cents(250)
	if got := a.Add(b); got != money.Cents(1500) {
		t.Errorf("Add: %v", got)
	}
	if got := b.Sub(a); got != money.Cents(-1000) {
		t.Errorf("Sub: %v", got)
	}
	if a.Cmp(b) <= 0 || b.Cmp(a) >= 0 || a.Cmp(money.Micros(12_500_000)) != 0 {
		t.Error("Cmp has the order wrong")
	}
	if !b.Positive() || money.Cents(0).Positive() || money.Cents(-1).Positive() {
		t.Error("Positive is not above zero")
	}
	if !money.Cents(0).Given() || (money.Amount{}).Given() {
		t.Error("zero dollars are given, the zero Amount is not")
	}
	other := money.Amount{Micro: 1, Currency: "EUR"}
	mustPanic(t, "adding currencies", func() { a.Add(other) })
	mustPanic(t, "taking currencies apart", func() { a.Sub(money.Amount{}) })
	mustPanic(t, "comparing currencies", func() { a.Cmp(other) })
}

func mustPanic(t *testing.T, doing string, do func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s does not panic", doing)
		}
	}()
	do()
}

// FuzzAmount checks that each parsed amount, printed in either form, parses to
// the same amount.
func FuzzAmount(f *testing.F) {
	for _, value := range []string{"42.50", "42.5", "50", "0.01", "-1", "1e3", "007", "999999999999.99", ".5", "1.", ""} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		a, err := money.Parse(value, money.USD)
		if err != nil {
			return
		}
		if again, err := money.Parse(a.Decimal(), money.USD); err != nil || again != a {
			t.Errorf("%q prints as %q, which reads as %v, %v", value, a.Decimal(), again, err)
		}
		if again, err := money.ParseMicro(a.Value(), money.USD); err != nil || again != a {
			t.Errorf("%q has the value %q, which reads as %v, %v", value, a.Value(), again, err)
		}
		exact, ok := new(big.Rat).SetString(value)
		if !ok || exact.Cmp(big.NewRat(a.Micro, 1_000_000)) != 0 {
			t.Errorf("%q is not %d micro-dollars", value, a.Micro)
		}
	})
}

// FuzzShare checks that a share differs from the exact one by at most half a
// cent.
func FuzzShare(f *testing.F) {
	f.Add(int64(12_500_000), int64(29_000))
	f.Add(int64(999_999_999_999_990_000), int64(999_999))
	f.Fuzz(func(t *testing.T, micro, rate int64) {
		const microMax = 999_999_999_999_990_000 // the largest that Parse accepts
		if micro < 0 || micro > microMax || rate < 0 || rate > 1_000_000 {
			return
		}
		share := money.Micros(micro).ShareHalfUpToCent(money.Rate(rate))
		if share.Micro%10_000 != 0 {
			t.Errorf("%d millionths of %d: %d is not whole cents", rate, micro, share.Micro)
		}
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(micro), big.NewInt(rate)), big.NewInt(1_000_000))
		over := new(big.Rat).Sub(big.NewRat(share.Micro, 1), exact)
		half := big.NewRat(5_000, 1)
		if over.Cmp(half) > 0 || over.Cmp(new(big.Rat).Neg(half)) <= 0 {
			t.Errorf("%d millionths of %d: %d is off by %v", rate, micro, share.Micro, over)
		}
	})
}

func TestTimes(t *testing.T) {
	for _, row := range []struct {
		price money.Amount
		n     int64
		want  money.Amount
	}{
		{money.Cents(1250), 3, money.Cents(3750)},
		{money.Cents(1250), 1, money.Cents(1250)},
		{money.Cents(1250), 0, money.Cents(0)},
		{money.Micros(1), 7, money.Micros(7)},
	} {
		if got := row.price.Times(row.n); got != row.want {
			t.Errorf("%d times %v is %v, want %v", row.n, row.price, got, row.want)
		}
	}
}

func TestPercent(t *testing.T) {
	for text, want := range map[string]struct {
		rate money.Rate
		back string
	}{
		"0": {0, "0"}, "5": {50_000, "5"}, "2.5": {25_000, "2.50"}, "2.25": {22_500, "2.25"}, "100": {1_000_000, "100"},
		"0.0001": {1, "0.0001"},
	} {
		got, err := money.ParsePercent(text)
		if err != nil || got != want.rate || got.Percent() != want.back {
			t.Errorf("%q is %d, %v, written %q; want %d, %q", text, got, err, got.Percent(), want.rate, want.back)
		}
	}
	for _, text := range []string{"", "-1", "100.0001", "101", "1.00001", "5%", "1e1", " 5", "+5", "."} {
		if got, err := money.ParsePercent(text); !errors.Is(err, money.ErrPercent) {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
}

// between draws a number from low to high, often one of these two.
func between(r *rand.Rand, low, high int64) int64 {
	switch r.IntN(8) {
	case 0:
		return low
	case 1:
		return high
	}
	return low + r.Int64N(high-low+1)
}

// The parts of an amount that is given out step by step add up to the whole.
func TestPartsAddUp(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 0))
		whole := money.Cents(between(r, 1, 10_000_00))
		fee := money.Micros(between(r, 0, whole.Micro))
		given, part := money.Micros(0), money.Micros(0)
		for part != whole {
			part = money.Micros(between(r, part.Micro, whole.Micro))
			share := fee.PartHalfUpToCent(part, whole)
			if share.Cmp(given) < 0 || share.Cmp(fee) > 0 {
				t.Fatalf("seed %d: %v of %v is %v, after %v for less", seed, part, whole, share, given)
			}
			exact := new(big.Int).Div(new(big.Int).Mul(big.NewInt(fee.Micro), big.NewInt(part.Micro)), big.NewInt(whole.Micro))
			if off := share.Micro - exact.Int64(); off < -5_001 || off > 5_001 {
				t.Fatalf("seed %d: %v of %v is %v, which is off by %d micro-dollars", seed, part, whole, share, off)
			}
			given = share
		}
		if given != fee {
			t.Fatalf("seed %d: the parts add up to %v, the whole is %v", seed, given, fee)
		}
	}
	mustPanic(t, "a part above the whole", func() { money.Cents(1).PartHalfUpToCent(money.Cents(3), money.Cents(2)) })
	mustPanic(t, "a part below nothing", func() { money.Cents(1).PartHalfUpToCent(money.Cents(-1), money.Cents(2)) })
}
