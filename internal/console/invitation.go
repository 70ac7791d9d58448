package console

import (
	"errors"
	"net/http"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// invitationRoutes are the pages to which the link of an invitation leads.
func (s *Server) invitationRoutes() []route {
	return []route{
		{Method: get, Path: "invitation", In: forAnybody, show: s.showInvitation},
		{Method: post, Path: "invitation", In: forAnybody, show: s.acceptAsNew},
		{Method: post, Path: "invitation/accept", In: forParty, show: s.acceptInvitation},
	}
}

// invitation reads the invitation of the link, and the name of its caller.
func (s *Server) invitation(c *call) (i party.Invitation, taken bool, caller string, err error) {
	if i, taken, err = s.Processor.Identity.InvitationBy(c.r.Context(), c.form.Get("link")); err != nil {
		return i, taken, "", err
	}
	if i.Caller == "" {
		return i, taken, c.words.T("console.server"), nil
	}
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		found, _, err := tx.Caller(i.Caller)
		caller = found.Name
		return err
	})
	return i, taken, caller, err
}

// showInvitation shows what the invitation is for. What the reader does next depends
// on whether the address has an account and whether they are signed in to it.
func (s *Server) showInvitation(c *call) error { return s.renderInvitation(c, http.StatusOK, nil) }

func (s *Server) renderInvitation(c *call, status int, typed *webui.Form) error {
	w := c.words
	i, taken, caller, err := s.invitation(c)
	if errors.Is(err, identity.ErrLinkOver) {
		return s.invitationOver(c)
	}
	if err != nil {
		return err
	}
	hidden := given("link", c.form.Get("link"))
	b := block{Facts: []fact{
		factOf(w.T("console.members.where"), caller), factOf(w.T("console.members.role"), roleWord(c, i.Role)),
		factOf(w.T("console.members.email"), i.Email),
	}}
	switch {
	case taken && c.Party.ID != "" && party.EmailKey(c.Party.Email) == party.EmailKey(i.Email):
		b.Form = &webui.Form{Action: address("invitation/accept", nil), Hidden: hidden, Submit: w.T("console.members.accept")}
	case taken && c.Party.ID != "":
		b.Note = w.T("console.members.other-account", "Email", c.Party.Email)
	case taken:
		b.Note = w.T("console.members.sign-in-first")
		b.Links = []link{{
			Label:   w.T("account.sign-in"),
			Address: account.SignInURL(Root+"invitation", c.form.Get("link")),
		}}
	default:
		form := account.InvitedForm(w)
		for f := range form.Fields {
			if form.Fields[f].Name == "name" {
				form.Fields[f].Value = i.Name
			}
		}
		if typed != nil {
			form = *typed
		}
		form.Action, form.Hidden, form.Username = address("invitation", nil), hidden, i.Email
		form.Submit = w.T("console.members.accept-new")
		b.Form = &form
	}
	return s.render(c, page{
		Status: status, Heading: w.T("console.members.invited"), Lead: w.T("console.members.invited-lead"),
		Blocks: []block{b},
	})
}

func (s *Server) invitationOver(c *call) error {
	w := c.words
	return s.render(c, page{
		Status: http.StatusNotFound, Heading: w.T("console.members.over"), Lead: w.T("console.members.over-lead"),
	})
}

// acceptAsNew makes an account for the reader of the invitation and signs them in.
func (s *Server) acceptAsNew(c *call) error {
	n, form := account.ReadInvited(c.words, c.form)
	if form.Failed() {
		return s.renderInvitation(c, http.StatusUnprocessableEntity, &form)
	}
	made, err := s.Processor.Identity.AcceptInvitationAsNew(store.Unbound(c.r.Context()), c.form.Get("link"), n)
	switch {
	case errors.Is(err, identity.ErrLinkOver):
		return s.invitationOver(c)
	case errors.Is(err, identity.ErrEmailTaken): // since the page was shown
		return s.renderInvitation(c, http.StatusConflict, nil)
	case err != nil:
		return err
	}
	if _, err := s.Sessions.Begin(c.w, c.r, made); err != nil {
		return err
	}
	return c.redirect(Root)
}

// acceptInvitation makes the signed-in party a member.
func (s *Server) acceptInvitation(c *call) error {
	_, err := s.Processor.Identity.AcceptInvitation(c.r.Context(), c.form.Get("link"), c.Party.ID)
	switch {
	case errors.Is(err, identity.ErrLinkOver):
		return s.invitationOver(c)
	case err != nil:
		return err
	}
	return c.redirect(Root)
}
