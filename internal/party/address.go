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

// AddressFieldMax bounds each line of an address, in bytes.
const AddressFieldMax = 120

// An AddressProblem is what is wrong with a line of an address.
type AddressProblem string

// The problems there are.
const (
	AddressMissing  AddressProblem = "missing"
	AddressTooLong  AddressProblem = "too long to print on a label"
	AddressNotALine AddressProblem = "not one line of text"
)

// CheckAddress finds what is wrong with an address that somebody typed, by the
// names of the return URL's fields; nothing means that it can be used.
func CheckAddress(a holdfast.Address) map[string]AddressProblem {
	problems := make(map[string]AddressProblem)
	for _, field := range []struct {
		name, value string
		optional    bool
	}{
		{name: "addressName", value: a.Name},
		{name: "addressLine1", value: a.Line1},
		{name: "addressLine2", value: a.Line2, optional: true},
		{name: "city", value: a.City},
		{name: "state", value: a.State, optional: true},
		{name: "zip", value: a.Zip},
		{name: "country", value: a.Country},
		{name: "phoneNumber", value: a.Phone, optional: true},
	} {
		switch {
		case strings.TrimSpace(field.value) == "" && !field.optional:
			problems[field.name] = AddressMissing
		case len(field.value) > AddressFieldMax:
			problems[field.name] = AddressTooLong
		case strings.ContainsFunc(field.value, func(r rune) bool { return r < ' ' || r == 0x7f }):
			problems[field.name] = AddressNotALine
		}
	}
	return problems
}
