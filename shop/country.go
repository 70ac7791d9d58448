package shop

import (
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// countryName is a country as it is written on a parcel. The payment pages send
// back its code, such as "US" (ISO 3166-1); what a packer writes may be anything.
func countryName(country string) string {
	region, err := language.ParseRegion(country)
	if err != nil || region.String() != country {
		return country
	}
	return display.English.Regions().Name(region)
}
