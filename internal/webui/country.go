package webui

import (
	"slices"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// homeOf returns the first country in a browser's list of languages.
func homeOf(wanted []language.Tag) string {
	for _, tag := range wanted {
		if region, confidence := tag.Region(); confidence == language.Exact && region.IsCountry() {
			return region.String()
		}
	}
	return ""
}

// Home is the country of the reader's browser settings, such as "FR", or empty
// if they name no country.
func (w Words) Home() string { return w.home }

// Country is the name of a country by its code (ISO 3166-1). It returns an
// unknown code unchanged.
func (w Words) Country(code string) string {
	region, err := language.ParseRegion(code)
	if err != nil || region.String() != code {
		return code
	}
	if name := display.Regions(w.speech().tag).Name(region); name != "" {
		return name
	}
	return code
}

// CountryOptions are countries to choose from, in the order of their names.
func (w Words) CountryOptions(codes []string) []Option {
	options := make([]Option, len(codes))
	for i, code := range codes {
		options[i] = Option{Value: code, Label: w.Country(code)}
	}
	collator := collate.New(w.speech().tag)
	slices.SortFunc(options, func(a, b Option) int { return collator.CompareString(a.Label, b.Label) })
	return options
}
