package account

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Every country has a name and a form in every language.
func TestAddressFormOfEveryCountry(t *testing.T) {
	for _, w := range webui.AllWords() {
		for _, code := range party.Countries() {
			if name := w.Country(code); name == code {
				t.Errorf("%s: %s has no name", w.Tag(), code)
			}
			country, _ := party.CountryOf(code)
			for _, field := range addressFields(w, code).Fields {
				if !country.Uses(field.Name) || field.Label == "" {
					t.Errorf("%s: the form of %s has %q, labelled %q", w.Tag(), code, field.Name, field.Label)
				}
				if field.Name == "state" && len(country.States) > 0 && len(field.Options) != len(country.States)+1 {
					t.Errorf("%s: %s has %d states to choose from", w.Tag(), code, len(field.Options))
				}
			}
		}
	}
}

func TestAddressFormBeginsAtHome(t *testing.T) {
	for accept, want := range map[string]string{
		"de-AT, en": "AT", "fr-CA": "CA", "es-419": "", "en": "", "en;q=0.5, ja-JP": "JP",
	} {
		r := &http.Request{Header: http.Header{"Accept-Language": {accept}}}
		form := AddressForm(webui.WordsFor(r), "Ann")
		if got := form.Fields[0].Value; got != want {
			t.Errorf("%s: the country is %q, want %q", accept, got, want)
		}
		if chosen := slices.ContainsFunc(form.Fields[0].Options,
			func(o webui.Option) bool { return o.Value == "" }); chosen != (want == "") {
			t.Errorf("%s: there is an empty choice: %v", accept, chosen)
		}
	}
}

func TestCardNumberIsNotShownAgain(t *testing.T) {
	typed := holdfast.Params{{Name: "country", Value: "DE"}, {Name: "addressLine2", Value: "4242 4242 4242 4242"}}
	_, form := ReadAddress(webui.Words{}, typed)
	for _, field := range form.Fields {
		if strings.Contains(field.Value, "4242") {
			t.Errorf("%s shows %q", field.Name, field.Value)
		}
		if field.Name == "addressLine2" && !strings.Contains(field.Error, "card number") {
			t.Errorf("the error is %q", field.Error)
		}
	}
}

func TestAnotherCountryShowsItsFields(t *testing.T) {
	typed := holdfast.Params{
		{Name: "country", Value: "HK"}, {Name: "addressName", Value: "Ann"}, {Name: "zip", Value: "50010"},
	}
	_, form := ReadAddress(webui.Words{}, typed)
	var fields, wrong []string
	for _, f := range form.Fields {
		fields = append(fields, f.Name)
	}
	for _, f := range form.Wrong() {
		wrong = append(wrong, f.Name)
	}
	if want := []string{
		"country", "addressName", "addressLine1", "addressLine2", "city", "state", "phoneNumber",
	}; !slices.Equal(fields, want) {
		t.Errorf("Hong Kong's fields are %v, want %v", fields, want)
	}
	if want := []string{"addressLine1", "state"}; !slices.Equal(wrong, want) {
		t.Errorf("wrong are %v, want %v", wrong, want)
	}
}
