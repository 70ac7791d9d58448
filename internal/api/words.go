package api

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// words translate a kind of words of the engine into the words of this API.
type words[E ~string] []word[E]

type word[E ~string] struct {
	shown  string
	engine E
}

// of is the word of this API. The engine has no other words.
func (w words[E]) of(e E) string {
	for _, one := range w {
		if one.engine == e {
			return one.shown
		}
	}
	return string(e)
}

// engine is the word of the engine for one whose form was checked. It is empty for
// the empty word.
func (w words[E]) engine(shown string) E {
	for _, one := range w {
		if one.shown == shown {
			return one.engine
		}
	}
	return ""
}

// listOf names a list by its filters, for its cursors.
func listOf(filters ...any) string { return fmt.Sprintf("%q", filters) }

// maybeMoney is an amount in an answer that leaves it out if it is not given.
func maybeMoney(a money.Amount) *Money {
	if !a.Given() {
		return nil
	}
	m := moneyOf(a)
	return &m
}

// maybeTime is a time in an answer that leaves it out if it is zero.
func maybeTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// An Address is where goods are shipped to.
type Address struct {
	Name    string `json:"name,omitempty" maxLength:"200"`
	Line1   string `json:"line1,omitempty" maxLength:"200"`
	Line2   string `json:"line2,omitempty" maxLength:"200"`
	City    string `json:"city,omitempty" maxLength:"200"`
	State   string `json:"state,omitempty" maxLength:"200"`
	Zip     string `json:"zip,omitempty" maxLength:"200"`
	Country string `json:"country,omitempty" maxLength:"200"`
	Phone   string `json:"phone,omitempty" maxLength:"200"`
}

// addressOf shows an address, or nothing if it is empty.
func addressOf(a holdfast.Address) *Address {
	if a == (holdfast.Address{}) {
		return nil
	}
	return &Address{
		Name: a.Name, Line1: a.Line1, Line2: a.Line2, City: a.City, State: a.State, Zip: a.Zip, Country: a.Country,
		Phone: a.Phone,
	}
}
