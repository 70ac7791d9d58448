package console

import (
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

// callersShown limits the callers on the first page. Members of the server find
// the others by their name.
const callersShown = 200

// showCallers lists the member's callers. A member of one caller goes there at once.
func (s *Server) showCallers(c *call) error {
	callers, err := s.callersOf(c)
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
	for _, one := range callers[:min(len(callers), callersShown)] {
		name := cell{Text: one.Name, Address: callerLink(one.ID, "")}
		if !one.Stopped.IsZero() {
			name.Chip = chip{w.T("console.callers.stopped"), wrong}
		}
		t.Rows = append(t.Rows, tableRow{Cells: []cell{
			name, text(string(one.ID)), state(liveChip(w, one.Sandbox)), text(roleWords(c, one.roles)),
		}})
	}
	if len(callers) > callersShown {
		t.Count = w.T("console.callers.more", "Shown", w.Count(callersShown), "All", w.Count(int64(len(callers))))
	}
	p := page{Heading: w.T("console.callers.heading"), Blocks: []block{{Table: t}}}
	if c.mayInServer(party.MayRead) { // and so may search in all callers
		search := findForm(c, address(ofServer.prefix()+"find", nil), "")
		p.Filter = &search
	}
	return s.render(c, p)
}

// callersOf reads the callers that the member's roles cover, by their name.
func (s *Server) callersOf(c *call) (all []callerOf, err error) {
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		var callers []party.Caller
		if c.inServer() {
			if callers, err = tx.Callers(); err != nil {
				return err
			}
		}
		for _, m := range c.members {
			if m.OfServer() || c.inServer() {
				continue
			}
			one, found, err := tx.Caller(m.Caller)
			if err != nil {
				return err
			}
			if found {
				callers = append(callers, one)
			}
		}
		for _, one := range callers {
			all = append(all, callerOf{one, rolesFor(c.members, one.ID)})
		}
		return nil
	})
	slices.SortFunc(all, func(a, b callerOf) int {
		return strings.Compare(strings.ToLower(a.Name)+"\x00"+string(a.ID), strings.ToLower(b.Name)+"\x00"+string(b.ID))
	})
	return all, err
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
