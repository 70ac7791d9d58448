package account

import (
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

func (s *Server) showAddresses(c *call) error {
	var all []party.Address
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Addresses(c.Party.ID)
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	g := group{
		Empty: w.T("addresses.none"), Links: []link{{Label: w.T("addresses.add"), Address: Root + "addresses/edit"}},
	}
	for _, a := range all {
		lines := AddressLines(w, a.Address)
		r := row{
			Title: lines[0], Detail: strings.Join(lines[1:], ", "),
			Links: []link{
				{Label: w.T("account.change"), Of: lines[0], Address: pageURL("addresses/edit", given("address", string(a.ID))...)},
			},
		}
		if a.Default {
			r.Mark = tag{w.T("addresses.default"), good}
		} else {
			r.Buttons = append(r.Buttons,
				post(w.T("addresses.make-default"), lines[0], "addresses/default", "address", string(a.ID)))
		}
		r.Buttons = append(r.Buttons, post(w.T("account.remove"), lines[0], "addresses/remove", "address", string(a.ID)))
		g.Rows = append(g.Rows, r)
	}
	return s.renderList(c, "addresses", listPage{
		Heading: w.T("menu.addresses"), Lead: w.T("addresses.lead"), Done: c.done(), Groups: []group{g},
	})
}

func (c *call) address() party.AddressID { return party.AddressID(c.form.Get("address")) }

// showAddress shows the form for a new address, or for changing one.
func (s *Server) showAddress(c *call) error {
	form := AddressForm(c.words, c.Party.Name)
	if id := c.address(); id != "" {
		var had party.Address
		err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
			var found bool
			var err error
			if had, found, err = tx.Address(c.Party.ID, id); err == nil && (!found || had.Removed) {
				err = holdfast.Errorf(holdfast.InvalidParams, "there is no such address")
			}
			return err
		})
		if err != nil {
			return err
		}
		form = addressFields(c.words, had.Country)
		form.Fill(addressParams(had.Address))
	}
	return s.renderAddress(c, http.StatusOK, form)
}

// addressParams returns an address as the parameters that its form sends.
func addressParams(a holdfast.Address) holdfast.Params {
	return given(
		"addressName", a.Name, "addressLine1", a.Line1, "addressLine2", a.Line2, "city", a.City,
		"state", a.State, "zip", a.Zip, "country", a.Country, "phoneNumber", a.Phone,
	)
}

func (s *Server) renderAddress(c *call, status int, form webui.Form) error {
	w := c.words
	form.Action, form.Hidden, form.Submit = Root+"addresses/edit", given("address", string(c.address())),
		w.T("addresses.save")
	page := formPage{
		Heading: w.T("addresses.add"), Form: &form,
		Links: []link{{Label: w.T("addresses.back"), Address: Root + "addresses"}},
	}
	if c.address() != "" {
		page.Heading = w.T("addresses.change")
	}
	return s.renderForm(c, status, "addresses", page)
}

func (s *Server) saveAddress(c *call) (err error) {
	typed, form := ReadAddress(c.words, c.form)
	if form.Failed() {
		return s.renderAddress(c, http.StatusUnprocessableEntity, form)
	}
	if id := c.address(); id != "" {
		_, err = s.Processor.Identity.ChangeAddress(c.r.Context(), c.Party.ID, id, typed)
	} else if _, err = s.Processor.Identity.AddAddress(c.r.Context(), c.Party.ID, typed); isRefusal(err) {
		form.Problem = c.words.T("addresses.too-many")
		return s.renderAddress(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	return c.redirect("addresses", did("address"))
}

func (s *Server) chooseAddress(c *call) error {
	if err := s.Processor.Identity.ChooseDefaultAddress(c.r.Context(), c.Party.ID, c.address()); err != nil {
		return err
	}
	return c.redirect("addresses", did("default"))
}

func (s *Server) removeAddress(c *call) error {
	if err := s.Processor.Identity.RemoveAddress(c.r.Context(), c.Party.ID, c.address()); err != nil {
		return err
	}
	return c.redirect("addresses", did("address-removed"))
}
