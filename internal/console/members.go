package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// memberRoutes are the pages of the members of a caller, and the same of the server.
func (s *Server) memberRoutes() (all []route) {
	for _, in := range []scope{ofCaller, ofServer} {
		at := func(method, path, nav string, show func(*call) error) {
			all = append(all, route{
				Method: method, Path: path, In: in, Permission: party.MayManageMembers, Nav: nav, show: show,
			})
		}
		at(get, "members", "console.members.nav", s.showMembers)
		at(get, "members/invite", "", s.askInvite)
		at(post, "members/invite", "", s.invite)
		at(get, "members/withdraw", "", s.askWithdraw)
		at(post, "members/withdraw", "", s.withdraw)
		at(get, "members/{party}", "", s.showMember)
		at(post, "members/{party}", "", s.changeMember)
		at(get, "members/{party}/remove", "", s.askRemoveMember)
		at(post, "members/{party}/remove", "", s.removeMember)
	}
	return all
}

// A knownMember is a member with its party.
type knownMember struct {
	party.Member
	account party.Party
}

func (c *call) membersPage() link {
	return link{Label: c.words.T("console.members.heading"), Address: c.link("members")}
}

// showMembers lists the members and those who are invited.
func (s *Server) showMembers(c *call) error {
	var members []knownMember
	var invited []party.Invitation
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		all, err := tx.Members(c.caller.ID)
		if err != nil {
			return err
		}
		for _, m := range all {
			account, _, err := tx.Party(m.Party)
			if err != nil {
				return err
			}
			members = append(members, knownMember{m, account})
		}
		invited, err = tx.Invitations(c.caller.ID)
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	have := &table{Empty: w.T("console.members.none"), Columns: []column{
		{Label: w.T("console.members.name")},
		{Label: w.T("console.members.email")},
		{Label: w.T("console.members.role")},
		{Label: w.T("console.members.since")},
		{Label: w.T("console.actions"), Shape: acts},
	}}
	for _, m := range members {
		role := cell{Text: roleWord(c, m.Role)}
		if m.RefundLimit.Given() {
			role.Detail = w.T("console.members.up-to", "Amount", w.Dollars(m.RefundLimit))
		}
		at := "members/" + string(m.Party)
		have.Rows = append(have.Rows, tableRow{Cells: []cell{
			text(m.account.Name), text(m.account.Email), role, moment(m.Created), {Links: []link{
				{Label: w.T("console.members.change"), Of: m.account.Email, Address: c.link(at)},
				{Label: w.T("console.members.remove"), Of: m.account.Email, Address: c.link(at + "/remove"), Danger: true},
			}},
		}})
	}
	return s.render(c, page{
		Heading: w.T("console.members.heading"), Lead: w.T("console.members.lead"),
		Links: []link{{Label: w.T("console.members.invite"), Address: c.link("members/invite")}},
		Blocks: []block{
			{Heading: w.T("console.members.heading"), Table: have},
			{Heading: w.T("console.members.invitations"), Table: invitationTable(c, invited)},
			{Heading: w.T("console.members.roles"), Table: rolesTable(c)},
		},
	})
}

func invitationTable(c *call, invited []party.Invitation) *table {
	w := c.words
	t := &table{Empty: w.T("console.members.nobody-invited"), Columns: []column{
		{Label: w.T("console.members.email")},
		{Label: w.T("console.members.role")},
		{Label: w.T("console.members.valid")},
		{Label: w.T("console.actions"), Shape: acts},
	}}
	for _, i := range invited {
		if i.Over(c.real) {
			continue
		}
		t.Rows = append(t.Rows, tableRow{Cells: []cell{
			text(i.Email), text(roleWord(c, i.Role)), moment(i.Created.Add(party.InvitationLife)), {Links: []link{{
				Label: w.T("console.members.withdraw"), Of: i.Email, Danger: true,
				Address: c.link("members/withdraw", "email", i.Email),
			}}},
		}})
	}
	return t
}

// roleFields are the fields of a form that chooses a role.
func roleFields(c *call, m party.Membership) []webui.Field {
	w := c.words
	var roles []webui.Option
	for _, r := range party.Roles {
		roles = append(roles, webui.Option{Value: string(r), Label: roleWord(c, r)})
	}
	limit := ""
	if m.RefundLimit.Given() {
		limit = m.RefundLimit.Decimal()
	}
	return []webui.Field{
		{Name: "role", Label: w.T("console.members.role"), Options: roles, Value: string(m.Role)},
		{
			Name: "limit", Label: w.T("console.members.limit"), Hint: w.T("console.members.limit-hint"), Value: limit,
			InputMode: "decimal", Autocomplete: "off", Optional: true,
		},
	}
}

// readRole reads the fields of roleFields, and puts errors at them.
func readRole(c *call, form *webui.Form) party.Membership {
	m := party.Membership{Caller: c.caller.ID, Role: party.Role(c.form.Get("role"))}
	typed := strings.TrimSpace(c.form.Get("limit"))
	if typed != "" {
		limit, ok := readAmount(typed)
		if !ok {
			form.SetError("limit", c.words.T("console.not-an-amount"))
			return m
		}
		m.RefundLimit = limit
	}
	switch {
	case !m.Role.Valid():
		form.SetError("role", c.words.T("console.members.choose-role"))
	case m.CheckMember() != nil:
		form.SetError("limit", c.words.T("console.members.limit-hint"))
	}
	return m
}

func inviteForm(c *call) webui.Form {
	w := c.words
	return webui.Form{
		Submit: w.T("console.members.send"),
		Fields: append([]webui.Field{{
			Name: "email", Label: w.T("console.members.email"), Type: "email", InputMode: "email",
		}}, roleFields(c, party.Membership{Role: party.RoleSupport})...),
	}
}

func (s *Server) askInvite(c *call) error { return s.renderInvite(c, http.StatusOK, inviteForm(c)) }

func (s *Server) renderInvite(c *call, status int, form webui.Form) error {
	w := c.words
	return s.confirm(c, status, confirmation{
		Heading: w.T("console.members.invite"), Lead: w.T("console.members.invite-lead"), Up: c.membersPage(), Form: form,
	})
}

func (s *Server) invite(c *call) error {
	form := inviteForm(c)
	form.Fill(c.form)
	email := strings.TrimSpace(c.form.Get("email"))
	if !party.ValidEmail(email) {
		form.SetError("email", c.words.T("sign-up.email-wrong"))
	}
	m := readRole(c, &form)
	if form.Failed() {
		return s.renderInvite(c, http.StatusUnprocessableEntity, form)
	}
	once, err := c.once()
	if err != nil {
		return err
	}
	secret, err := s.Processor.Identity.Invite(c.r.Context(), c.Party.ID, identity.NewInvitation{
		Membership: m, Email: email, From: s.Sessions.From(c.r), Once: once,
	})
	switch {
	case errors.Is(err, store.ErrFormUsed) && s.Processor.Identity.Letters != nil:
		return c.did("console.done.invited", c.link("members"))
	case errors.Is(err, store.ErrFormUsed):
		form.Problem = c.words.T("console.members.repeated")
		return s.renderInvite(c, http.StatusConflict, form)
	}
	if _, blocked := errors.AsType[*identity.GuessesError](err); blocked {
		var status int
		status, form.Problem = account.SignInProblem(c.words, c.w.Header(), err)
		return s.renderInvite(c, status, form)
	}
	if err != nil {
		return err
	}
	if secret == "" {
		return c.did("console.done.invited", c.link("members"))
	}
	w := c.words
	to := s.Sessions.Address(c.r, Root+"invitation?"+given("link", secret).Encode())
	return s.render(c, page{
		Heading: w.T("console.members.hand-over"), Lead: w.T("console.members.hand-over-lead", "Email", email),
		Up: c.membersPage(), Blocks: []block{{Pre: to}},
	})
}

// invited reads the invitation that the form names.
func (s *Server) invited(c *call) (found party.Invitation, err error) {
	var all []party.Invitation
	if err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		all, err = tx.Invitations(c.caller.ID)
		return err
	}); err != nil {
		return found, err
	}
	for _, i := range all {
		if i.Email == c.form.Get("email") {
			return i, nil
		}
	}
	return found, errNotThere
}

func (s *Server) askWithdraw(c *call) error {
	i, err := s.invited(c)
	if err != nil {
		return err
	}
	w := c.words
	return s.confirm(c, http.StatusOK, confirmation{
		Heading: w.T("console.members.withdraw"), Up: c.membersPage(), Danger: true,
		Facts: []fact{
			factOf(w.T("console.members.email"), i.Email), factOf(w.T("console.members.role"), roleWord(c, i.Role)),
		},
		Form: webui.Form{Submit: w.T("console.members.withdraw"), Hidden: given("email", i.Email)},
	})
}

func (s *Server) withdraw(c *call) error {
	err := s.Processor.Identity.WithdrawInvitation(c.r.Context(), c.Party.ID, c.caller.ID, c.form.Get("email"))
	if err != nil {
		return err
	}
	return c.did("console.done.withdrawn", c.link("members"))
}

// member reads the member that the path names.
func (s *Server) member(c *call) (m knownMember, err error) {
	found := false
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		all, err := tx.Memberships(party.ID(c.r.PathValue("party")))
		if err != nil {
			return err
		}
		for _, one := range all {
			if one.Caller == c.caller.ID {
				m.Member, found = one, true
			}
		}
		m.account, _, err = tx.Party(m.Party)
		return err
	})
	if err == nil && !found {
		err = errNotThere
	}
	return m, err
}

func (s *Server) showMember(c *call) error {
	m, err := s.member(c)
	if err != nil {
		return err
	}
	return s.renderMember(c, http.StatusOK, m, webui.Form{Fields: roleFields(c, m.Membership)})
}

func (s *Server) renderMember(c *call, status int, m knownMember, form webui.Form) error {
	w := c.words
	form.Submit = w.T("console.members.save")
	return s.confirm(c, status, confirmation{
		Heading: w.T("console.members.change"), Up: c.membersPage(), Facts: c.memberFacts(m), Form: form,
	})
}

func (c *call) memberFacts(m knownMember) []fact {
	w := c.words
	return []fact{
		factOf(w.T("console.members.name"), m.account.Name), factOf(w.T("console.members.email"), m.account.Email),
		factOf(w.T("console.members.role"), roleWord(c, m.Role)),
	}
}

func (s *Server) changeMember(c *call) error {
	m, err := s.member(c)
	if err != nil {
		return err
	}
	form := webui.Form{Fields: roleFields(c, m.Membership)}
	form.Fill(c.form)
	after := readRole(c, &form)
	if form.Failed() {
		return s.renderMember(c, http.StatusUnprocessableEntity, m, form)
	}
	after.Party = m.Party
	err = s.Processor.Identity.ChangeMember(c.r.Context(), c.Party.ID, after)
	if errors.Is(err, party.ErrLastOwner) {
		form.Problem = c.words.T("console.members.last-owner")
		return s.renderMember(c, http.StatusConflict, m, form)
	}
	if err != nil {
		return err
	}
	return c.did("console.done.member-changed", c.link("members"))
}

func (s *Server) askRemoveMember(c *call) error { return s.renderRemoveMember(c, http.StatusOK, "") }

func (s *Server) renderRemoveMember(c *call, status int, problem string) error {
	m, err := s.member(c)
	if err != nil {
		return err
	}
	w := c.words
	return s.confirm(c, status, confirmation{
		Heading: w.T("console.members.remove"), Lead: w.T("console.members.remove-lead"), Up: c.membersPage(),
		Facts: c.memberFacts(m), Problem: problem, Danger: true, Form: webui.Form{Submit: w.T("console.members.remove")},
	})
}

func (s *Server) removeMember(c *call) error {
	err := s.Processor.Identity.RemoveMember(c.r.Context(), c.Party.ID, party.ID(c.r.PathValue("party")), c.caller.ID)
	if errors.Is(err, party.ErrLastOwner) {
		return s.renderRemoveMember(c, http.StatusConflict, c.words.T("console.members.last-owner"))
	}
	if err != nil {
		return err
	}
	return c.did("console.done.member-removed", c.link("members"))
}
