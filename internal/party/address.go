package party

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// An AddressID names a shipping address, such as "A01K…".
type AddressID string

// An Address is where a party wants things sent. It is never changed: what a
// visit was confirmed with stays what it was.
type Address struct {
	ID      AddressID
	Owner   ID
	Default bool
	Removed bool // by its owner: nothing new is sent there
	Created time.Time
	holdfast.Address
}

// AddressesMax bounds how many a party keeps at a time.
const AddressesMax = 50

// AddressFieldMax bounds each line of an address, in characters.
const AddressFieldMax = 120

// An addressField is a field of an address, under the name it has in the return
// URL.
type addressField struct {
	name  string
	value *string
}

func fieldsOf(a *holdfast.Address) []addressField {
	return []addressField{
		{"country", &a.Country},
		{"addressName", &a.Name},
		{"addressLine1", &a.Line1},
		{"addressLine2", &a.Line2},
		{"city", &a.City},
		{"state", &a.State},
		{"zip", &a.Zip},
		{"phoneNumber", &a.Phone},
	}
}

// TidyAddress is an address as it is kept: no blanks around a field, the country
// and its postal code in capitals, the state as it is printed, and nothing in the
// fields that the country does not use.
func TidyAddress(a holdfast.Address) holdfast.Address {
	c, known := CountryOf(strings.TrimSpace(a.Country))
	for _, field := range fieldsOf(&a) {
		if *field.value = strings.TrimSpace(*field.value); known && !c.Uses(field.name) {
			*field.value = ""
		}
	}
	a.Zip = strings.ToUpper(PlainDigits(a.Zip))
	if known {
		a.Country, a.State = c.Code, c.state(a.State)
	}
	return a
}

// CheckAddress finds what is wrong with a tidy address, by the names of the
// return URL's fields; nothing means that it can be used. Which fields there have
// to be is the country's matter.
func CheckAddress(a holdfast.Address) map[string]FieldProblem {
	problems := make(map[string]FieldProblem)
	country, known := CountryOf(a.Country)
	for _, field := range fieldsOf(&a) {
		if problem := checkField(country, field.name, *field.value); problem != "" {
			problems[field.name] = problem
		}
	}
	switch {
	case a.Country == "":
		problems["country"] = FieldMissing
	case !known:
		problems["country"] = FieldUnknown
	}
	return problems
}

func checkField(country Country, name, value string) FieldProblem {
	switch problem := CheckLine(value, AddressFieldMax); {
	case problem == FieldMissing && !country.Requires(name):
		return ""
	case problem == FieldCard && name == "phoneNumber" && looksLikePhone(value):
		return ""
	case problem != "":
		return problem
	case name == "zip" && !country.takesPostcode(value), name == "state" && !country.takesState(value):
		return FieldUnknown
	}
	return ""
}

// looksLikePhone reports whether a number begins like one that can be dialled
// from abroad or from another town. Card numbers do not.
func looksLikePhone(number string) bool {
	return strings.HasPrefix(number, "+") || strings.HasPrefix(number, "0")
}
