package cobranded

import (
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

func (s *Server) showAddress(c *call) error {
	if !c.request.CollectAddress {
		return c.redirect("confirm")
	}
	return s.renderAddress(c, http.StatusOK, c.form.Get("new") != "", nil)
}

// renderAddress shows the addresses to choose from. It shows the form for a new
// address if there are none, if the sender asked for it, or if the typed
// address has an error.
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
			form := account.AddressForm(c.words, c.sender.Name)
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
		lines := account.AddressLines(c.words, a.Address)
		page.Choices = append(page.Choices, choice{
			Value: string(a.ID), Title: lines[0], Detail: strings.Join(lines[1:], ", "),
			Checked: a.ID == c.visit.Address || c.visit.Address == "" && n == 0,
		})
	}
	return c.render(status, "address", page.Heading, stageAddress, page)
}

// chooseAddress chooses one of the sender's addresses, or saves a new one.
func (s *Server) chooseAddress(c *call) error {
	id := party.AddressID(c.form.Get("address"))
	if id == "" {
		if _, choosing := c.form.Lookup("addressLine1"); !choosing {
			return s.renderAddress(c, http.StatusUnprocessableEntity, false, nil)
		}
		typed, form := account.ReadAddress(c.words, c.form)
		if form.Failed() {
			return s.renderAddress(c, http.StatusUnprocessableEntity, true, &form)
		}
		kept, err := s.Processor.Identity.AddAddress(c.r.Context(), c.sender.ID, typed)
		if isRefusal(err) {
			form.Problem = c.words.T("addresses.too-many")
			return s.renderAddress(c, http.StatusUnprocessableEntity, true, &form)
		}
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
