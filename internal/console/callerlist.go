package console

import (
	"cmp"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// callerListRoutes are the console's first page and its end.
func (s *Server) callerListRoutes() []route {
	return []route{
		{Method: get, In: ofMember, Nav: "console.callers.nav", show: s.showCallers},
		{Method: post, Path: "sign-out", In: forParty, show: s.signOut},
	}
}

// A callerOf is a caller with the member's roles for it.
type callerOf struct {
	party.Caller
	roles []party.Role
}

// callersShown is how many callers one page shows.
const callersShown = 200

// showCallers lists the member's callers. A member of one caller goes there at once.
func (s *Server) showCallers(c *call) error {
	callers, next, err := s.callersOf(c)
	if err != nil {
		return err
	}
	if len(callers) == 1 && !c.inServer() {
		return c.redirect(callerLink(callers[0].ID, ""))
	}
	w := c.words
	t := &table{
		Caption: w.T("console.callers.heading"), Empty: w.T("console.callers.none"),
		Columns: []column{
			{Label: w.T("console.callers.name")},
			{Label: w.T("console.callers.caller-id"), Shape: code},
			{Label: w.T("console.callers.mode")},
			{Label: w.T("console.callers.role")},
		},
	}
	for _, one := range callers {
		name := cell{Text: one.Name, Address: callerLink(one.ID, "")}
		if !one.Stopped.IsZero() {
			name.Chip = chip{w.T("console.callers.stopped"), wrong}
		}
		t.Rows = append(t.Rows, tableRow{Cells: []cell{
			name, text(string(one.ID)), state(liveChip(w, one.Sandbox)), text(roleWords(c, one.roles)),
		}})
	}
	b := block{Table: t}
	if next != "" {
		b.Links = []link{{Label: w.T("console.lists.read-on"), Address: c.same("after", string(next))}}
	}
	p := page{Heading: w.T("console.callers.heading"), Blocks: []block{b}}
	if c.mayInServer(party.MayRead) { // and so may search in all callers
		search := findForm(c, address(ofServer.prefix()+"find", nil), "")
		p.Filter = &search
	}
	return s.render(c, p)
}

// callersOf reads the callers that the member's roles cover, by their name: for members
// of the server a page of all, else those with a role. next is the last caller of the page
// if more follow.
func (s *Server) callersOf(c *call) (all []callerOf, next party.CallerID, err error) {
	var callers []party.Caller
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		if c.inServer() {
			callers, err = callerPage(tx, party.CallerID(c.form.Get("after")))
			return err
		}
		callers = nil
		for _, m := range c.members {
			one, found, err := tx.Caller(m.Caller)
			if err != nil {
				return err
			}
			if found {
				callers = append(callers, one)
			}
		}
		slices.SortFunc(callers, func(a, b party.Caller) int {
			return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
		})
		return nil
	})
	if c.inServer() && len(callers) > callersShown {
		callers = callers[:callersShown]
		next = callers[callersShown-1].ID
	}
	for _, one := range callers {
		all = append(all, callerOf{one, rolesFor(c.members, one.ID)})
	}
	return all, next, err
}

// callerPage reads a page of all callers, and one more. It begins behind a caller.
func callerPage(tx *store.ReadTx, after party.CallerID) ([]party.Caller, error) {
	var last party.Caller
	if after != "" {
		found := false
		var err error
		if last, found, err = tx.Caller(after); err != nil {
			return nil, err
		}
		if !found {
			return nil, errNotThere
		}
	}
	return tx.CallerPage(last, callersShown+1)
}

// rolesFor returns the roles that hold for a caller, each once.
func rolesFor(members []party.Membership, id party.CallerID) (roles []party.Role) {
	for _, m := range members {
		if m.Covers(id) && !slices.Contains(roles, m.Role) {
			roles = append(roles, m.Role)
		}
	}
	return roles
}

func roleWords(c *call, roles []party.Role) string {
	said := make([]string, len(roles))
	for i, r := range roles {
		said[i] = roleWord(c, r)
	}
	return strings.Join(said, ", ")
}

func roleWord(c *call, r party.Role) string { return account.RoleWord(c.words, r) }

// signOut ends the session of the browser.
func (s *Server) signOut(c *call) error {
	if err := s.Sessions.End(c.r); err != nil {
		return err
	}
	return c.redirect(Root)
}
