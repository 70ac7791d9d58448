// Package money has exact amounts of one currency, in whole micro-dollars
// (10⁻⁶). No other package does arithmetic on amounts, and no code uses floats
// for them.
package money

import (
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// A Currency is an ISO 4217 code. USD is the only one: the store, the ledger and
// the fees have no field for a currency, and mean USD.
type Currency string

// USD is the United States dollar.
const USD Currency = "USD"

const (
	microPerUnit = 1_000_000
	microPerCent = 10_000
	wholeMax     = 12 // digits before the point that Parse accepts
)

// An Amount is an amount of money in micro-units. The zero Amount has no
// currency and means "not given".
type Amount struct {
	Micro    int64
	Currency Currency
}

// Errors of Parse and ParseMicro. Their texts say what is allowed.
var (
	ErrFormat = errors.New("an amount is digits with at most two decimals, such as 12.50, without sign, exponent " +
		"or currency")
	ErrMicroFormat = errors.New("an amount here is digits with at most six decimals, such as -12.500000")
	ErrTooLarge    = errors.New("the amount has too many digits")
	ErrNoDollars   = errors.New("the only currency is USD")
)

// Micros returns micro-dollars as an Amount.
func Micros(micro int64) Amount { return Amount{Micro: micro, Currency: USD} }

// Cents returns whole cents as an Amount of dollars.
func Cents(cents int64) Amount { return Micros(cents * microPerCent) }

// Parse reads an amount in the form that callers send: "42.50", "42.5" or "50".
// It refuses a sign, an exponent, a third decimal and a point without digits on
// both sides.
func Parse(value string, currency Currency) (Amount, error) {
	return parse(value, currency, 2)
}

// ParseMicro reads the form that Value writes: up to six decimals and an
// optional minus sign.
func ParseMicro(value string, currency Currency) (Amount, error) {
	unsigned, negative := strings.CutPrefix(value, "-")
	a, err := parse(unsigned, currency, 6)
	if errors.Is(err, ErrFormat) {
		err = ErrMicroFormat
	}
	if negative {
		a.Micro = -a.Micro
	}
	return a, err
}

func parse(value string, currency Currency, decimalsMax int) (Amount, error) {
	if currency != USD {
		return Amount{}, ErrNoDollars
	}
	whole, decimals, point := strings.Cut(value, ".")
	if !digits(whole) || len(decimals) > decimalsMax || point && !digits(decimals) {
		return Amount{}, ErrFormat
	}
	if len(whole) > wholeMax {
		return Amount{}, ErrTooLarge
	}
	var micro int64
	for _, d := range whole + (decimals + "000000")[:6] {
		micro = micro*10 + int64(d-'0')
	}
	return Amount{Micro: micro, Currency: currency}, nil
}

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// Given reports whether the amount was given. An amount of zero dollars is
// given.
func (a Amount) Given() bool { return a.Currency != "" }

// Positive reports whether the amount is above zero.
func (a Amount) Positive() bool { return a.Micro > 0 }

// Add returns a+b. It panics if the currencies differ, because that is a bug.
func (a Amount) Add(b Amount) Amount {
	return Amount{Micro: a.Micro + b.Micro, Currency: a.common(b)}
}

// Sub returns a−b. It panics if the currencies differ.
func (a Amount) Sub(b Amount) Amount {
	return Amount{Micro: a.Micro - b.Micro, Currency: a.common(b)}
}

// Times returns n·a, such as the price of n pieces. It does not check for
// overflow: the caller must bound n.
func (a Amount) Times(n int64) Amount {
	return Amount{Micro: a.Micro * n, Currency: a.Currency}
}

// Cmp returns −1, 0 or 1 if a is below, equal to or above b. It panics if the
// currencies differ.
func (a Amount) Cmp(b Amount) int {
	a.common(b)
	switch {
	case a.Micro < b.Micro:
		return -1
	case a.Micro > b.Micro:
		return 1
	}
	return 0
}

func (a Amount) common(b Amount) Currency {
	if a.Currency != b.Currency {
		panic(fmt.Sprintf("money: %v and %v have different currencies", a, b))
	}
	return a.Currency
}

// A Rate is a fraction in millionths: 29_000 is 2.9 %.
type Rate int64

// ErrPercent is the error of ParsePercent. Its text says what is allowed.
var ErrPercent = errors.New("a percentage is from 0 to 100, in digits with at most four decimals, such as 2.5")

const (
	percentScale = 100 // "5" is read as 5 million micro-units, and is 50,000 millionths
	rateMax      = 1_000_000
)

// ParsePercent reads a percentage, such as "5" or "2.25", as a Rate.
func ParsePercent(value string) (Rate, error) {
	a, err := parse(value, USD, 4)
	if err != nil || a.Micro/percentScale > rateMax {
		return 0, ErrPercent
	}
	return Rate(a.Micro / percentScale), nil
}

// Percent returns the rate as a percentage, such as "2.5".
func (r Rate) Percent() string {
	return strings.TrimSuffix(Micros(int64(r)*percentScale).Decimal(), ".00")
}

// ShareHalfUpToCent returns a times the rate, rounded once, half up, to a whole
// cent. It panics if a or the rate is negative.
func (a Amount) ShareHalfUpToCent(r Rate) Amount {
	if a.Micro < 0 || r < 0 {
		panic("money: share of a negative amount")
	}
	const cent = microPerCent * 1_000_000 // a cent in the product's scale
	high, low := bits.Mul64(uint64(a.Micro), uint64(r))
	low, carry := bits.Add64(low, cent/2, 0)
	cents, _ := bits.Div64(high+carry, low, cent)
	return Amount{Micro: int64(cents) * microPerCent, Currency: a.Currency}
}

// PartHalfUpToCent returns a·part/whole, rounded once, half up, to a whole
// cent. It returns exactly a if part is whole. The result never shrinks when
// part grows, so an amount that is given out in parts, as differences of these
// results, adds up to a. PartHalfUpToCent panics if a or part is negative, or
// if part is more than whole.
func (a Amount) PartHalfUpToCent(part, whole Amount) Amount {
	if a.Micro < 0 || part.Micro < 0 || part.Cmp(whole) > 0 {
		panic("money: the part is not between zero and the whole")
	}
	if part == whole {
		return a
	}
	exact := new(big.Int).Mul(big.NewInt(a.Micro), big.NewInt(part.Micro))
	cent := new(big.Int).Mul(big.NewInt(whole.Micro), big.NewInt(microPerCent))
	exact.Add(exact, new(big.Int).Div(cent, big.NewInt(2)))
	exact.Div(exact, cent)
	return Amount{Micro: min(exact.Int64()*microPerCent, a.Micro), Currency: a.Currency}
}

// Value returns the form in answers: six decimals without a currency, such as
// "12.500000".
func (a Amount) Value() string {
	text, micro := make([]byte, 0, len("-9223372036854.775807")), a.Micro
	if micro < 0 {
		text, micro = append(text, '-'), -micro
	}
	text = strconv.AppendInt(text, micro/microPerUnit, 10)
	point := len(text)
	text = strconv.AppendInt(text, microPerUnit+micro%microPerUnit, 10) // a 1 and six decimals
	text[point] = '.'
	return string(text)
}

// Decimal returns the form for people and requests, such as "12.50": two
// decimals, or more if the amount is not in whole cents.
func (a Amount) Decimal() string {
	v := a.Value()
	for strings.HasSuffix(v, "0") && len(v)-strings.IndexByte(v, '.') > 3 {
		v = v[:len(v)-1]
	}
	return v
}

// String returns the form in notifications, such as "USD 12.50".
func (a Amount) String() string {
	if !a.Given() {
		return "no amount"
	}
	return string(a.Currency) + " " + a.Decimal()
}
