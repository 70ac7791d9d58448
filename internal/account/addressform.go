package account

import (
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// AddressForm is the form of a new shipping address.
func AddressForm(w webui.Words, name string) webui.Form {
	return webui.Form{
		Submit: w.T("address.submit"),
		Fields: []webui.Field{
			{Name: "addressName", Label: w.T("address.name"), Value: name, Autocomplete: "shipping name", MaxLength: party.AddressFieldMax},
			{Name: "addressLine1", Label: w.T("address.line1"), Autocomplete: "shipping address-line1", MaxLength: party.AddressFieldMax},
			{Name: "addressLine2", Label: w.T("address.line2"), Autocomplete: "shipping address-line2", MaxLength: party.AddressFieldMax, Optional: true},
			{Name: "city", Label: w.T("address.city"), Autocomplete: "shipping address-level2", MaxLength: party.AddressFieldMax, Half: true},
			{Name: "state", Label: w.T("address.state"), Autocomplete: "shipping address-level1", MaxLength: party.AddressFieldMax, Half: true, Optional: true},
			{Name: "zip", Label: w.T("address.zip"), Autocomplete: "shipping postal-code", MaxLength: party.AddressFieldMax, Half: true},
			{Name: "country", Label: w.T("address.country"), Autocomplete: "shipping country-name", MaxLength: party.AddressFieldMax, Half: true},
			{Name: "phoneNumber", Label: w.T("address.phone"), Type: "tel", Hint: w.T("address.phone-hint"), Autocomplete: "shipping tel", MaxLength: party.AddressFieldMax, Optional: true},
		},
	}
}

// ReadAddress reads an address that somebody typed; what is wrong with it stands
// beside the form's fields.
func ReadAddress(w webui.Words, typed holdfast.Params) (holdfast.Address, webui.Form) {
	field := func(name string) string { return strings.TrimSpace(typed.Get(name)) }
	a := holdfast.Address{
		Name: field("addressName"), Line1: field("addressLine1"), Line2: field("addressLine2"), City: field("city"),
		State: field("state"), Country: field("country"), Zip: field("zip"), Phone: field("phoneNumber"),
	}
	form := AddressForm(w, "")
	form.Fill(typed)
	for name, problem := range party.CheckAddress(a) {
		form.SetError(name, addressProblem(w, name, problem))
	}
	return a, form
}

// addressProblem is what is wrong with a field of an address, in words.
func addressProblem(w webui.Words, field string, p party.AddressProblem) string {
	switch p {
	case party.AddressTooLong:
		return w.T("address.too-long")
	case party.AddressNotALine:
		return w.T("address.not-a-line")
	case party.AddressMissing:
	}
	switch field {
	case "addressName":
		return w.T("address.name-missing")
	case "addressLine1":
		return w.T("address.line1-missing")
	case "city":
		return w.T("address.city-missing")
	case "zip":
		return w.T("address.zip-missing")
	}
	return w.T("address.country-missing")
}

// AddressLines is an address as it stands on a parcel, the name first.
func AddressLines(a holdfast.Address) []string {
	town := strings.TrimSpace(strings.TrimSpace(a.City+" "+a.State) + " " + a.Zip)
	var lines []string
	for _, line := range []string{a.Name, a.Line1, a.Line2, town, a.Country, a.Phone} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
