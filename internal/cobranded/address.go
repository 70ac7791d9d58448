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
		page.Form = typed
		if typed == nil {
			form := c.addressForm(holdfast.Address{Name: c.sender.Name})
			page.Form = &form
		}
		if len(all) > 0 {
			page.Other = here
		}
		return c.render(status, "address", "Add a shipping address", stageAddress, page)
	}
	page.Other = here + "&new=1"
	if status != http.StatusOK {
		page.Problem = "Please choose one of your addresses."
	}
	for n, a := range all {
		lines := addressLines(a.Address)
		page.Choices = append(page.Choices, choice{
			Value: string(a.ID), Title: lines[0], Detail: strings.Join(lines[1:], ", "),
			Checked: a.ID == c.visit.Address || c.visit.Address == "" && n == 0,
		})
	}
	return c.render(status, "address", "Choose where to ship to", stageAddress, page)
}

func (c *call) addressForm(a holdfast.Address) webui.Form {
	return webui.Form{
		Action: actions + "address", Hidden: c.hidden(), Submit: "Ship to this address",
		Fields: []webui.Field{
			{Name: "addressName", Label: "Full name", Value: a.Name, Autocomplete: "shipping name", MaxLength: addressFieldMax},
			{Name: "addressLine1", Label: "Street and number", Autocomplete: "shipping address-line1", MaxLength: addressFieldMax},
			{Name: "addressLine2", Label: "Apartment, suite, company", Autocomplete: "shipping address-line2", MaxLength: addressFieldMax, Optional: true},
			{Name: "city", Label: "City", Autocomplete: "shipping address-level2", MaxLength: addressFieldMax, Half: true},
			{Name: "state", Label: "State", Autocomplete: "shipping address-level1", MaxLength: addressFieldMax, Half: true, Optional: true},
			{Name: "zip", Label: "ZIP / postcode", Autocomplete: "shipping postal-code", MaxLength: addressFieldMax, Half: true},
			{Name: "country", Label: "Country", Autocomplete: "shipping country-name", MaxLength: addressFieldMax, Half: true},
			{Name: "phoneNumber", Label: "Phone", Type: "tel", Hint: "For the carrier only.", Autocomplete: "shipping tel", MaxLength: addressFieldMax, Optional: true},
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
		typed := c.typedAddress()
		if problems := party.CheckAddress(typed); len(problems) > 0 {
			form := c.addressForm(typed)
			form.Fill(c.form)
			for name, message := range problems {
				form.SetError(name, message)
			}
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

func (c *call) typedAddress() holdfast.Address {
	field := func(name string) string { return strings.TrimSpace(c.form.Get(name)) }
	return holdfast.Address{
		Name: field("addressName"), Line1: field("addressLine1"), Line2: field("addressLine2"), City: field("city"),
		State: field("state"), Country: field("country"), Zip: field("zip"), Phone: field("phoneNumber"),
	}
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
