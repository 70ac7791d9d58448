package party

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// An AddressID names a shipping address, such as "A01K…".
type AddressID string

// An Address is a shipping address of a party. It is never changed, so a
// confirmed visit keeps the address that the sender saw.
type Address struct {
	ID      AddressID
	Owner   ID
	Default bool
	Removed bool // by its owner: no new orders are shipped there
	Created time.Time
	holdfast.Address
}

// AddressesMax is the largest number of addresses of a party.
const AddressesMax = 50

// AddressFieldMax is the longest line of an address, in characters.
const AddressFieldMax = 120

// An addressField is a field of an address with its name in the return URL.
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

// TidyAddress returns an address in the form in which it is stored. No field
// begins or ends with a blank. The country and postal code are in capitals, the
// state is as printed, and fields that the country does not use are empty.
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

// CheckAddress finds the problems of a tidy address, by the field names of the
// return URL. An address without problems can be used. The country decides
// which fields are required.
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

// looksLikePhone reports whether a number begins like a phone number that can
// be dialled from abroad or from another town. Card numbers do not.
func looksLikePhone(number string) bool {
	return strings.HasPrefix(number, "+") || strings.HasPrefix(number, "0")
}
