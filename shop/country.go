package shop

import (
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// countryName returns the name of a country for the parcel. The payment pages
// return a code such as "US" (ISO 3166-1). Text that is not a code, such as a
// packer's, is returned unchanged.
func countryName(country string) string {
	region, err := language.ParseRegion(country)
	if err != nil || region.String() != country {
		return country
	}
	return display.English.Regions().Name(region)
}
