package shop

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast"
)

const addressTextMax = 128 // characters of one field

// An addressField is a field of the form for the shipping address.
type addressField struct {
	Name, Label, Value string
}

func addressFields(a holdfast.Address) []addressField {
	return []addressField{
		{"name", "Name", a.Name},
		{"line1", "Street", a.Line1},
		{"line2", "Second line", a.Line2},
		{"city", "City", a.City},
		{"state", "State", a.State},
		{"zip", "ZIP", a.Zip},
		{"country", "Country", a.Country},
		{"phone", "Phone", a.Phone},
	}
}

// packingAddress stores the shipping address of an order whose buyer never came
// back. Text that is too long is refused and shown again, because a shortened
// address could be a different address.
func (s *Shop) packingAddress(w http.ResponseWriter, r *http.Request) error {
	a := holdfast.Address{
		Name: formText(r, "name"), Line1: formText(r, "line1"), Line2: formText(r, "line2"), City: formText(r, "city"),
		State: formText(r, "state"), Zip: formText(r, "zip"), Country: formText(r, "country"), Phone: formText(r, "phone"),
	}
	id := OrderID(r.PathValue("id"))
	if why := addressComplaint(a); why != "" {
		return s.renderPackingOrder(w, r, http.StatusUnprocessableEntity, id, packingOrderView{Alert: why, Typed: a})
	}
	_, _, err := s.record(r.Context(), id, change{
		what: "The packer entered the shipping address", logged: true,
		facts: func(o *Order) {
			if o.Address == (holdfast.Address{}) { // never replace the buyer's own address
				o.Address = a
			}
		},
	})
	if err != nil {
		return err
	}
	return seeOther(w, r, packingPath(id))
}

// addressComplaint says what is wrong with an address, or returns "".
func addressComplaint(a holdfast.Address) string {
	for _, f := range addressFields(a) {
		switch n := utf8.RuneCountInString(f.Value); {
		case !utf8.ValidString(f.Value) || strings.ContainsFunc(f.Value, unicode.IsControl):
			return fmt.Sprintf("Not saved: %s has characters that cannot be printed.", f.Label)
		case n > addressTextMax:
			return fmt.Sprintf("Not saved: %s has %d characters, but only %d fit on a label. Shorten it.", f.Label, n,
				addressTextMax)
		}
	}
	if a.Name == "" || a.Line1 == "" || a.City == "" {
		return "Not saved: an address needs at least a name, a street and a city."
	}
	return ""
}

// formText returns a field of a form, trimmed and with single blanks.
func formText(r *http.Request, name string) string {
	return strings.Join(strings.Fields(r.PostFormValue(name)), " ")
}
