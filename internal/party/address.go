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
	Created time.Time
	holdfast.Address
}

// addressFieldMax bounds each line of an address, in bytes.
const addressFieldMax = 120

// CheckAddress finds what is wrong with an address that somebody typed, by the
// names of the return URL's fields; nothing means that it can be used.
func CheckAddress(a holdfast.Address) map[string]string {
	problems := make(map[string]string)
	for _, field := range []struct {
		name, value, missing string
	}{
		{"addressName", a.Name, "Please enter the name of who receives the parcel."},
		{"addressLine1", a.Line1, "Please enter the street and number."},
		{"addressLine2", a.Line2, ""},
		{"city", a.City, "Please enter the city."},
		{"state", a.State, ""},
		{"zip", a.Zip, "Please enter the ZIP or postal code."},
		{"country", a.Country, "Please enter the country."},
		{"phoneNumber", a.Phone, ""},
	} {
		switch {
		case strings.TrimSpace(field.value) == "" && field.missing != "":
			problems[field.name] = field.missing
		case len(field.value) > addressFieldMax:
			problems[field.name] = "This is too long to print on a label. Please shorten it."
		case strings.ContainsFunc(field.value, func(r rune) bool { return r < ' ' || r == 0x7f }):
			problems[field.name] = "Please use one line without control characters."
		}
	}
	return problems
}
