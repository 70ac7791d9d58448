package api

import (
	"errors"

	"github.com/danielgtaylor/huma/v2"

	"github.com/holdfast-pay/holdfast/money"
)

// Money is an exact amount of a currency.
type Money struct {
	Amount   Decimal  `json:"amount"`
	Currency Currency `json:"currency"`
}

// A Decimal is an amount as text, such as "12.50". A number would be rounded by
// many programs.
type Decimal string

// Schema implements huma.SchemaProvider.
func (Decimal) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Pattern: `^[0-9]{1,12}(\.[0-9]{1,2})?$`,
		PatternDescription: "digits with at most two decimals, such as 12.50, without sign and exponent",
		Description:        "Exact, as text: digits with at most two decimals.",
		Examples:           []any{"12.50"},
	}
}

// A Currency is an ISO 4217 code.
type Currency string

// Schema implements huma.SchemaProvider.
func (Currency) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Enum: []any{string(money.USD)}, Description: "The ISO 4217 code.",
		Examples: []any{string(money.USD)},
	}
}

// moneyOf is an amount in an answer. An amount that is not given is zero.
func moneyOf(a money.Amount) Money {
	if !a.Given() {
		a = money.Micros(0)
	}
	return Money{Decimal(a.Decimal()), Currency(a.Currency)}
}

// amountOf reads an amount, whose form was checked. pointer leads to it.
func amountOf(m *Money, pointer string) (money.Amount, error) {
	if m == nil {
		return money.Amount{}, nil
	}
	a, err := money.Parse(string(m.Amount), money.Currency(m.Currency))
	switch {
	case errors.Is(err, money.ErrNoDollars):
		return a, newProblem(InvalidRequest, "", Fault{
			Pointer: pointer + "/currency", Code: InvalidValue, Detail: sentence(err.Error()),
		})
	case err != nil:
		return a, newProblem(InvalidRequest, "", Fault{
			Pointer: pointer + "/amount", Code: InvalidValue, Detail: sentence(err.Error()),
		})
	}
	return a, nil
}
