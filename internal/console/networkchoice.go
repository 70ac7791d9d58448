package console

import (
	"net/http"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

func (s *Server) askNetworkAccount(c *call) error {
	return s.networkAccountPage(c, http.StatusOK, string(c.caller.Network), "")
}

// networkAccountPage asks for the account at a card network that the caller uses from now
// on. Only accounts of the caller's owner can be chosen.
func (s *Server) networkAccountPage(c *call, status int, chosen, problem string) error {
	var accounts []store.NetworkAccount
	open, more := 0, false
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		open = 0
		var bands []store.RiskBand
		if bands, more, err = tx.Risk(c.caller.ID, c.now()); err != nil {
			return err
		}
		for _, b := range bands {
			open += b.Holds
		}
		accounts, err = tx.NetworkAccounts()
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	now := w.T("console.network.sandbox")
	options := []webui.Option{{Label: now}}
	for _, a := range accounts {
		if a.ID == c.caller.Network {
			now = a.Name
		}
		if a.Owner == c.caller.Owner {
			label := a.Name + ", " + liveChip(w, a.Mode != payment.NetworkLive).Word
			options = append(options, webui.Option{Value: string(a.ID), Label: label})
		}
	}
	held := linked(w.Count(int64(open)), c.link("risk"))
	if more {
		held.Text = w.T("console.overview.more-holds", "N", w.Count(int64(open)))
	}
	return s.confirm(c, status, confirmation{
		Heading: w.T("console.network.change"), Lead: w.T("console.network.change-lead"), Problem: problem,
		Up:    link{Label: w.T("console.settings.heading"), Address: c.link("settings")},
		Facts: []fact{factOf(w.T("console.network.now"), now), {w.T("console.overview.open"), held}},
		Note:  w.T("console.network.change-note"),
		Form: webui.Form{
			Submit: w.T("console.network.change"), Hidden: holdfast.Params{{Name: "seen", Value: string(c.caller.Network)}},
			Fields: []webui.Field{
				{
					Name: "account", Label: w.T("console.settings.network"), Value: chosen, Options: options, MayBeEmpty: true,
				},
				{
					Name: "live", Label: w.T("console.network.real-money"), Type: "checkbox", Value: checked(c.form.Get("live") != ""),
				},
			},
		},
	})
}

// chooseNetworkAccount lets the caller use another account. The form names the account
// that it began with, so that nobody undoes what somebody else has just changed.
func (s *Server) chooseNetworkAccount(c *call) error {
	if _, err := c.once(); err != nil {
		return err
	}
	id := payment.NetworkAccountID(c.form.Get("account"))
	live := false
	if id != "" {
		var accounts []store.NetworkAccount
		err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
			accounts, err = tx.NetworkAccounts()
			return err
		})
		if err != nil {
			return err
		}
		i := slices.IndexFunc(accounts, func(a store.NetworkAccount) bool { return a.ID == id && a.Owner == c.caller.Owner })
		if i < 0 {
			return webui.NewBadForm("the account is none of the choices")
		}
		live = accounts[i].Mode == payment.NetworkLive
	}
	if live && c.form.Get("live") == "" {
		return s.networkAccountPage(c, http.StatusUnprocessableEntity, string(id), c.words.T("console.network.confirm-live"))
	}
	err := errChanged
	if c.form.Get("seen") == string(c.caller.Network) {
		_, err = s.Processor.UseNetwork(c.r.Context(), c.caller.ID, id, live,
			func(to party.Caller) (party.Caller, error) { return to, nil })
	}
	if problem := c.refusal(err); problem != "" {
		return s.networkAccountPage(c, http.StatusConflict, string(id), problem)
	}
	if err != nil {
		return err
	}
	return c.did("console.done.network-changed", c.link("settings"))
}
