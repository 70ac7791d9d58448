package shop

import "testing"

func TestCountryName(t *testing.T) {
	for country, want := range map[string]string{
		"US": "United States", "DE": "Germany", "Narnia": "Narnia", "us": "us", "ZZ9": "ZZ9", "": "",
	} {
		if got := countryName(country); got != want {
			t.Errorf("%q is %q, want %q", country, got, want)
		}
	}
}
