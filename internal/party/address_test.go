package party_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestCheckAddress(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*holdfast.Address)
		wrong  map[string]party.FieldProblem
	}{
		{"complete", func(*holdfast.Address) {}, nil},
		{"short", func(a *holdfast.Address) { a.Line2, a.State, a.Phone = "", "", "" }, nil},
		{
			"only a country", func(a *holdfast.Address) { *a = holdfast.Address{Country: "us"} },
			map[string]party.FieldProblem{
				"addressName": party.FieldMissing, "addressLine1": party.FieldMissing, "city": party.FieldMissing,
				"zip": party.FieldMissing,
			},
		},
		{"no country", func(a *holdfast.Address) { a.Country = "" }, map[string]party.FieldProblem{
			"country": party.FieldMissing,
		}},
		{"nothing at all", func(a *holdfast.Address) { *a = holdfast.Address{} }, map[string]party.FieldProblem{
			"addressName": party.FieldMissing, "addressLine1": party.FieldMissing, "city": party.FieldMissing,
			"country": party.FieldMissing,
		}},
		{"no such country", func(a *holdfast.Address) { a.Country = "Narnia" }, map[string]party.FieldProblem{
			"country": party.FieldUnknown,
		}},
		{"blank", func(a *holdfast.Address) { a.City = "  " }, map[string]party.FieldProblem{"city": party.FieldMissing}},
		{"no such state", func(a *holdfast.Address) { a.State = "Bavaria" }, map[string]party.FieldProblem{
			"state": party.FieldUnknown,
		}},
		{"no such postal code", func(a *holdfast.Address) { a.Zip = "D-80331" }, map[string]party.FieldProblem{
			"zip": party.FieldUnknown,
		}},
		{"at the limit", func(a *holdfast.Address) { a.Line2 = strings.Repeat("x", 120) }, nil},
		{"at the limit, in Chinese", func(a *holdfast.Address) { a.Line2 = strings.Repeat("東", 120) }, nil},
		{"above the limit", func(a *holdfast.Address) { a.Line2 = strings.Repeat("x", 121) }, map[string]party.FieldProblem{
			"addressLine2": party.FieldTooLong,
		}},
		{"two lines in one", func(a *holdfast.Address) { a.Line1 = "1 Main St\nx" }, map[string]party.FieldProblem{
			"addressLine1": party.FieldNotALine,
		}},
		{"turned round", func(a *holdfast.Address) { a.Name = "\u202eAnn" }, map[string]party.FieldProblem{
			"addressName": party.FieldNotALine,
		}},
		{"a card number", func(a *holdfast.Address) { a.Line2 = "4242-4242-4242-4242" }, map[string]party.FieldProblem{
			"addressLine2": party.FieldCard,
		}},
		{
			"a card number for the phone", func(a *holdfast.Address) { a.Phone = "4242 4242 4242 4242" },
			map[string]party.FieldProblem{"phoneNumber": party.FieldCard},
		},
		{"a phone number that passes Luhn's check", func(a *holdfast.Address) { a.Phone = "+49 1512 3456 786" }, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := holdfast.Address{
				Name: "Ann", Line1: "1 Main St", Line2: "2", City: "Ames", State: "IA", Zip: "50010", Country: "US", Phone: "1",
			}
			row.change(&a)
			if got := party.CheckAddress(party.TidyAddress(a)); !maps.Equal(got, row.wrong) {
				t.Errorf("the problems are %v, want %v", got, row.wrong)
			}
		})
	}
}

// Addresses in the form that each country's post requires.
func TestAddressesOfTenCountries(t *testing.T) {
	for _, row := range []struct {
		address holdfast.Address
		lines   []string
		missing []string // required fields
	}{
		{
			holdfast.Address{
				Name: "Ann", Line1: "1 Main St", Line2: "Apt 2", City: "Ames", State: "Iowa", Zip: "50010", Country: "US",
			},
			[]string{"Ann", "1 Main St", "Apt 2", "Ames, IA 50010"},
			[]string{"addressLine1", "addressName", "city", "zip"},
		},
		{
			holdfast.Address{Name: "Ben", Line1: "Hauptstr. 1", City: "Köln", Zip: "50667", Country: "DE"},
			[]string{"Ben", "Hauptstr. 1", "50667 Köln"},
			[]string{"addressLine1", "addressName", "city", "zip"},
		},
		{
			holdfast.Address{Name: "Cat", Line1: "10 High St", City: "Bath", Zip: "ba1 1aa", Country: "gb"},
			[]string{"Cat", "10 High St", "Bath", "BA1 1AA"},
			[]string{"addressLine1", "addressName", "city", "zip"},
		},
		{
			holdfast.Address{Name: "Dara", Line1: "5 Quay Rd", City: "Cork", Country: "IE"},
			[]string{"Dara", "5 Quay Rd", "Cork"},
			[]string{"addressLine1", "addressName", "city"},
		},
		{
			holdfast.Address{Name: "陳大文", Line1: "彌敦道1號", State: "九龍", City: "尖沙咀", Zip: "999077", Country: "HK"},
			[]string{"九龍", "尖沙咀", "彌敦道1號", "陳大文"},
			[]string{"addressLine1", "addressName", "state"},
		},
		{
			holdfast.Address{Name: "山田花子", Line1: "千代田区1-1", State: "東京都", Zip: "１００-０００１", Country: "JP"},
			[]string{"〒100-0001", "東京都", "千代田区1-1", "山田花子"},
			[]string{"addressLine1", "addressName", "zip"},
		},
		{
			holdfast.Address{
				Name: "Eva", Line1: "Av. Paulista 1", City: "São Paulo", State: "SP", Zip: "01310-100", Country: "BR",
			},
			[]string{"Eva", "Av. Paulista 1", "São Paulo-SP", "01310-100"},
			[]string{"addressLine1", "addressName", "city", "zip"},
		},
		{
			holdfast.Address{Name: "فاطمة", Line1: "شارع ١", State: "دبي", Zip: "00000", Country: "AE"},
			[]string{"فاطمة", "شارع ١", "دبي"},
			[]string{"addressLine1", "addressName", "state"},
		},
		{
			holdfast.Address{Name: "Gil", Line1: "Calle 50", City: "Panamá", Country: "PA"},
			[]string{"Gil", "Calle 50", "Panamá"},
			[]string{"addressLine1", "addressName", "city"},
		},
		{
			holdfast.Address{Name: "Hua", Line1: "1 Orchard Rd", City: "Singapore", Zip: "238801", Country: "SG"},
			[]string{"Hua", "1 Orchard Rd", "SINGAPORE 238801"},
			[]string{"addressLine1", "addressName", "zip"},
		},
	} {
		t.Run(row.address.Country, func(t *testing.T) {
			a := party.TidyAddress(row.address)
			if wrong := party.CheckAddress(a); len(wrong) > 0 {
				t.Errorf("the problems are %v", wrong)
			}
			country, _ := party.CountryOf(a.Country)
			if diff := cmp.Diff(row.lines, country.Lines(a)); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			empty := party.CheckAddress(holdfast.Address{Country: a.Country})
			if missing := slices.Sorted(maps.Keys(empty)); !slices.Equal(missing, row.missing) {
				t.Errorf("missing are %v, want %v", missing, row.missing)
			}
		})
	}
}

// In the table of countries, the example of each postal code matches its
// pattern.
func TestCountriesAgreeWithThemselves(t *testing.T) {
	codes := party.Countries()
	if len(codes) < 240 || !slices.IsSorted(codes) {
		t.Errorf("there are %d countries", len(codes))
	}
	for _, code := range codes {
		country, found := party.CountryOf(code)
		if !found {
			t.Fatalf("%s is missing", code)
		}
		a := holdfast.Address{Country: code, Zip: country.PostcodeExample}
		if problem := party.CheckAddress(a)["zip"]; country.PostcodeExample != "" && problem != "" {
			t.Errorf("%s: the example %q is %s", code, country.PostcodeExample, problem)
		}
		if country.Requires("zip") && country.PostcodeExample == "" {
			t.Errorf("%s requires a postal code and has no example", code)
		}
	}
}
