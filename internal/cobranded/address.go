package cobranded

import (
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// addressFieldMax bounds what can be typed into a line, in characters.
const addressFieldMax = 120

func (s *Server) showAddress(c *call) error {
	if !c.request.CollectAddress {
		return c.redirect("confirm")
	}
	return s.renderAddress(c, http.StatusOK, c.form.Get("new") != "", nil)
}

// renderAddress shows the addresses to choose from, or the form for a new one
// when there are none, one was asked for, or one was typed wrong.
func (s *Server) renderAddress(c *call, status int, fresh bool, typed *webui.Form) error {
	var all []party.Address
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Addresses(c.sender.ID)
		return err
	})
	if err != nil {
		return err
	}
	page := addressPage{Frame: c.frame(), Action: actions + "address"}
	here := pageURL("address", c.visit.ID)
	if fresh || typed != nil || len(all) == 0 {
		if typed == nil {
			form := addressForm(c.words, c.sender.Name)
			typed = &form
		}
		form := c.sends(*typed, "address")
		page.Heading, page.Form = c.words.T("address.heading-new"), &form
		if len(all) > 0 {
			page.Other = here
		}
		return c.render(status, "address", page.Heading, stageAddress, page)
	}
	page.Heading, page.Other = c.words.T("address.heading-choose"), here+"&new=1"
	if status != http.StatusOK {
		page.Problem = c.words.T("address.missing")
	}
	for n, a := range all {
		lines := addressLines(a.Address)
		page.Choices = append(page.Choices, choice{
			Value: string(a.ID), Title: lines[0], Detail: strings.Join(lines[1:], ", "),
			Checked: a.ID == c.visit.Address || c.visit.Address == "" && n == 0,
		})
	}
	return c.render(status, "address", page.Heading, stageAddress, page)
}

// addressForm is the form of a new shipping address.
func addressForm(w webui.Words, name string) webui.Form {
	return webui.Form{
		Submit: w.T("address.submit"),
		Fields: []webui.Field{
			{Name: "addressName", Label: w.T("address.name"), Value: name, Autocomplete: "shipping name", MaxLength: addressFieldMax},
			{Name: "addressLine1", Label: w.T("address.line1"), Autocomplete: "shipping address-line1", MaxLength: addressFieldMax},
			{Name: "addressLine2", Label: w.T("address.line2"), Autocomplete: "shipping address-line2", MaxLength: addressFieldMax, Optional: true},
			{Name: "city", Label: w.T("address.city"), Autocomplete: "shipping address-level2", MaxLength: addressFieldMax, Half: true},
			{Name: "state", Label: w.T("address.state"), Autocomplete: "shipping address-level1", MaxLength: addressFieldMax, Half: true, Optional: true},
			{Name: "zip", Label: w.T("address.zip"), Autocomplete: "shipping postal-code", MaxLength: addressFieldMax, Half: true},
			{Name: "country", Label: w.T("address.country"), Autocomplete: "shipping country-name", MaxLength: addressFieldMax, Half: true},
			{Name: "phoneNumber", Label: w.T("address.phone"), Type: "tel", Hint: w.T("address.phone-hint"), Autocomplete: "shipping tel", MaxLength: addressFieldMax, Optional: true},
		},
	}
}

// chooseAddress takes one of the sender's addresses, or keeps a new one.
func (s *Server) chooseAddress(c *call) error {
	id := party.AddressID(c.form.Get("address"))
	if id == "" {
		if _, choosing := c.form.Lookup("addressLine1"); !choosing {
			return s.renderAddress(c, http.StatusUnprocessableEntity, false, nil)
		}
		typed, form := readAddress(c.words, c.form)
		if form.Failed() {
			return s.renderAddress(c, http.StatusUnprocessableEntity, true, &form)
		}
		kept, err := s.Processor.AddAddress(c.r.Context(), c.sender.ID, typed)
		if err != nil {
			return err
		}
		id = kept.ID
	}
	v, err := s.Processor.ChooseAddress(c.r.Context(), c.visit.ID, c.sender.ID, id)
	if isRefusal(err) {
		return s.renderAddress(c, http.StatusUnprocessableEntity, false, nil)
	}
	if err != nil {
		return err
	}
	return s.proceed(c, v)
}

// readAddress reads an address that somebody typed; what is wrong with it stands
// beside the form's fields.
func readAddress(w webui.Words, typed holdfast.Params) (holdfast.Address, webui.Form) {
	field := func(name string) string { return strings.TrimSpace(typed.Get(name)) }
	a := holdfast.Address{
		Name: field("addressName"), Line1: field("addressLine1"), Line2: field("addressLine2"), City: field("city"),
		State: field("state"), Country: field("country"), Zip: field("zip"), Phone: field("phoneNumber"),
	}
	form := addressForm(w, "")
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

// addressLines is an address as it stands on a parcel, the name first.
func addressLines(a holdfast.Address) []string {
	town := strings.TrimSpace(strings.TrimSpace(a.City+" "+a.State) + " " + a.Zip)
	var lines []string
	for _, line := range []string{a.Name, a.Line1, a.Line2, town, a.Country, a.Phone} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
