package account

import (
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// AddressForm is the form for a new shipping address. It begins with the
// country of the reader's browser settings.
func AddressForm(w webui.Words, name string) webui.Form {
	form := addressFields(w, w.Home())
	form.Fill(given("addressName", name, "country", w.Home()))
	return form
}

// addressFields is the form for an address in a country. It has every field if
// the country is not known yet.
func addressFields(w webui.Words, code string) webui.Form {
	country, known := party.CountryOf(code)
	countries := w.CountryOptions(party.Countries())
	if !known {
		countries = append([]webui.Option{{Label: w.T("address.country-choose")}}, countries...)
	}
	form := webui.Form{Submit: w.T("address.submit")}
	for _, field := range []webui.Field{
		{Name: "country", Label: w.T("address.country"), Autocomplete: "shipping country", Options: countries},
		{Name: "addressName", Label: w.T("address.name"), Autocomplete: "shipping name"},
		{Name: "addressLine1", Label: w.T("address.line1"), Autocomplete: "shipping address-line1"},
		{Name: "addressLine2", Label: w.T("address.line2"), Autocomplete: "shipping address-line2"},
		{Name: "city", Label: w.T("address.city"), Autocomplete: "shipping address-level2", Half: true},
		{
			Name: "state", Label: w.T(stateLabels[country.StateType]), Autocomplete: "shipping address-level1", Half: true,
			Options: stateOptions(w, country),
		},
		{Name: "zip", Label: w.T(postcodeLabels[country.PostcodeType]), Autocomplete: "shipping postal-code", Half: true},
		{
			Name: "phoneNumber", Label: w.T("address.phone"), Type: "tel", Hint: w.T("address.phone-hint"),
			Autocomplete: "shipping tel",
		},
	} {
		if !country.Uses(field.Name) {
			continue
		}
		field.Optional = field.Name != "country" && !country.Requires(field.Name)
		form.Fields = append(form.Fields, field)
	}
	return form
}

// stateLabels has the label of the state field by the country's name for a
// state.
var stateLabels = map[string]string{
	"": "address.state", "state": "address.state-state", "island": "address.state-island",
	"department": "address.state-department", "parish": "address.state-parish", "county": "address.state-county",
	"oblast": "address.state-oblast", "emirate": "address.state-emirate",
	"region": "address.state-region", "area": "address.state-area", "prefecture": "address.state-prefecture",
	"do_si": "address.state-do_si", "district": "address.state-district",
}

// postcodeLabels has the label of the postal code field by the country's name
// for a postal code.
var postcodeLabels = map[string]string{
	"": "address.zip", "zip": "address.zip-zip", "eircode": "address.zip-eircode", "pin": "address.zip-pin",
}

func stateOptions(w webui.Words, country party.Country) []webui.Option {
	if len(country.States) == 0 {
		return nil
	}
	options := []webui.Option{{Label: w.T("address.state-choose")}}
	for _, state := range country.States {
		options = append(options, webui.Option{Value: state.Value, Label: state.Name})
	}
	return options
}

// ReadAddress reads an address that a person typed, and puts errors at the
// form's fields. The form that it returns has the fields of the chosen country.
func ReadAddress(w webui.Words, typed holdfast.Params) (a holdfast.Address, form webui.Form) {
	a = party.TidyAddress(holdfast.Address{
		Name: typed.Get("addressName"), Line1: typed.Get("addressLine1"), Line2: typed.Get("addressLine2"),
		City: typed.Get("city"), State: typed.Get("state"), Country: typed.Get("country"), Zip: typed.Get("zip"),
		Phone: typed.Get("phoneNumber"),
	})
	form = addressFields(w, a.Country)
	form.Fill(typed)
	for name, problem := range party.CheckAddress(a) {
		setLineProblem(w, &form, name, problem, addressProblem(w, a.Country, name, problem))
	}
	return a, form
}

// lineProblem describes what is wrong with a line that a person typed. It
// returns otherwise for problems that each field describes in its own words.
func lineProblem(w webui.Words, p party.FieldProblem, otherwise string) string {
	switch p {
	case party.FieldTooLong:
		return w.T("form.too-long")
	case party.FieldNotALine:
		return w.T("form.not-a-line")
	case party.FieldCard:
		return w.T("form.card-number")
	case party.FieldMissing, party.FieldUnknown:
	}
	return otherwise
}

// setLineProblem puts an error at a field for a line that a person typed. It
// does not show a card number again.
func setLineProblem(w webui.Words, form *webui.Form, field string, p party.FieldProblem, otherwise string) {
	form.SetError(field, lineProblem(w, p, otherwise))
	if p == party.FieldCard {
		form.Clear(field)
	}
}

// addressProblem describes an address field that is missing or not valid in the
// country.
func addressProblem(w webui.Words, country, field string, p party.FieldProblem) string {
	if p == party.FieldMissing {
		return missingFromAddress(w, field)
	}
	switch c, _ := party.CountryOf(country); field {
	case "zip":
		return w.T("address.zip-unknown", "Example", c.PostcodeExample)
	case "state":
		return w.T("address.state-unknown")
	}
	return w.T("address.country-unknown")
}

func missingFromAddress(w webui.Words, field string) string {
	switch field {
	case "addressName":
		return w.T("address.name-missing")
	case "addressLine1":
		return w.T("address.line1-missing")
	case "city":
		return w.T("address.city-missing")
	case "zip":
		return w.T("address.zip-missing")
	case "state":
		return w.T("address.state-missing")
	}
	return w.T("address.country-missing")
}

// AddressLines returns an address as it is written on a parcel, with the name
// first and the country by its name.
func AddressLines(w webui.Words, a holdfast.Address) []string {
	country, _ := party.CountryOf(a.Country)
	lines := country.Lines(a)
	if i := slices.Index(lines, a.Name); i > 0 { // some countries print the name last
		lines = slices.Concat([]string{a.Name}, lines[:i], lines[i+1:])
	}
	lines = append(lines, w.Country(a.Country), a.Phone)
	return slices.DeleteFunc(lines, func(line string) bool { return line == "" })
}
