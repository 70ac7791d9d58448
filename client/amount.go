package client

import (
	"encoding/json"
	"fmt"

	"github.com/holdfast-pay/holdfast/money"
)

// An Amount is an exact amount of a currency. Its zero value is no amount, and is
// left out of requests.
type Amount struct{ money.Amount }

// Of makes an Amount.
func Of(a money.Amount) Amount { return Amount{a} }

// Cents makes an Amount of dollars.
func Cents(cents int64) Amount { return Amount{money.Cents(cents)} }

type wireAmount struct {
	Amount   string         `json:"amount"`
	Currency money.Currency `json:"currency"`
}

// IsZero reports whether there is no amount. An amount of 0.00 is one.
func (a Amount) IsZero() bool { return !a.Given() }

// MarshalJSON writes the amount as exact text with its currency.
func (a Amount) MarshalJSON() ([]byte, error) {
	if !a.Given() {
		return []byte("null"), nil
	}
	return json.Marshal(wireAmount{a.Decimal(), a.Currency})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *Amount) UnmarshalJSON(text []byte) error {
	var read *wireAmount
	if err := json.Unmarshal(text, &read); err != nil {
		return fmt.Errorf("reading an amount: %w", err)
	}
	if read == nil {
		*a = Amount{}
		return nil
	}
	amount, err := money.ParseMicro(read.Amount, read.Currency)
	if err != nil {
		return fmt.Errorf("reading an amount: %w", err)
	}
	a.Amount = amount
	return nil
}
