package party

import (
	_ "embed" // the table of countries
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/holdfast-pay/holdfast"
)

//go:embed countries.tsv
var countriesTable string

// A Country says which fields an address in it has, and how they are printed.
type Country struct {
	Code string // ISO 3166-1, two letters
	// StateType is the country's word for a state, such as "prefecture", and
	// PostcodeType its word for a postal code, such as "zip". Both may be empty.
	StateType, PostcodeType string
	PostcodeExample         string
	States                  []State // to choose from; empty if none are known

	format   string // lines are separated by "|"; "%A" is the street, see codeOf
	required string // the letters of the required fields
	postcode string // pattern; empty if every code is valid
}

// A State is a part of a country that an address may name.
type State struct {
	Value string // as printed on a parcel
	Name  string
}

// codeOf has the letter of each field in the table of countries. Fields without
// a letter, such as the phone number, are optional everywhere.
var codeOf = map[string]string{
	"addressName": "N", "addressLine1": "A", "city": "C", "state": "S", "zip": "Z",
}

var countries = sync.OnceValue(func() map[string]Country {
	all := make(map[string]Country)
	for line := range strings.Lines(countriesTable) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		column := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		c := Country{
			Code: column[0], format: column[1], required: column[2], postcode: column[3],
			PostcodeExample: column[4], StateType: column[5], PostcodeType: column[6],
		}
		for state := range strings.SplitSeq(column[7], ";") {
			value, name, abbreviated := strings.Cut(state, "=")
			if !abbreviated {
				name = value
			}
			if value != "" {
				c.States = append(c.States, State{value, name})
			}
		}
		all[c.Code] = c
	}
	return all
})

// Countries returns the codes of all countries, in alphabetical order.
func Countries() []string {
	var codes []string
	for code := range countries() {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// CountryOf finds a country by its code, in upper or lower case. If the code is
// unknown, it returns a country with the fields that most countries have.
func CountryOf(code string) (c Country, found bool) {
	if c, found = countries()[strings.ToUpper(code)]; !found {
		c = Country{format: "%N|%A|%C, %S %Z", required: "AC"}
	}
	return c, found
}

// Uses reports whether an address in the country has the field. Fields that the
// table does not have are used everywhere.
func (c Country) Uses(field string) bool {
	letter, known := codeOf[field]
	return !known || strings.Contains(c.format, "%"+letter)
}

// Requires reports whether an address in the country must have the field. A
// name and a street are always required. A state is not required if the postal
// code implies it.
func (c Country) Requires(field string) bool {
	letter, known := codeOf[field]
	switch {
	case letter == "N" || letter == "A":
		return true
	case letter == "S" && c.Requires("zip"):
		return false
	}
	return known && c.Uses(field) && strings.Contains(c.required, letter)
}

// takesPostcode reports whether the code is valid in the country.
func (c Country) takesPostcode(code string) bool {
	return c.postcode == "" || regexp.MustCompile(`^(?i:`+c.postcode+`)$`).MatchString(code)
}

// takesState reports whether the state is one of the country's.
func (c Country) takesState(state string) bool {
	return len(c.States) == 0 || slices.ContainsFunc(c.States, func(s State) bool { return s.Value == state })
}

// state returns a typed state as it is printed: "Iowa" and "ia" are "IA" in the
// US.
func (c Country) state(typed string) string {
	for _, s := range c.States {
		if holdfast.SameName(typed, s.Name) || holdfast.SameName(typed, s.Value) {
			return s.Value
		}
	}
	return typed
}

// Lines returns the lines of an address as they are printed on a parcel,
// without the country and the phone number.
func (c Country) Lines(a holdfast.Address) (lines []string) {
	values := strings.NewReplacer("%N", a.Name, "%A", a.Line1, "%C", a.City, "%S", a.State, "%Z", a.Zip, "%O", "", "%D",
		"", "%X", "")
	for format := range strings.SplitSeq(c.format, "|") {
		line := strings.Join(strings.Fields(values.Replace(format)), " ")
		if line = strings.Trim(line, " ,-"); line != "" {
			lines = append(lines, line)
		}
		if strings.Contains(format, "%A") && a.Line2 != "" {
			lines = append(lines, a.Line2)
		}
	}
	return lines
}
