package console

import (
	"cmp"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// partyRoutes are the pages about buyers, sellers and the owners of callers.
func (s *Server) partyRoutes() []route {
	of := func(method, path string, p party.Permission, show func(*call) error) route {
		return route{Method: method, Path: path, In: ofServer, Permission: p, show: show}
	}
	list := of(get, "parties", party.MayReadParties, s.showParties)
	list.Nav = "console.parties.nav"
	return []route{
		list,
		of(post, "parties", party.MayReadParties, s.findParties),
		of(get, "parties/{party}", party.MayReadParties, s.showParty),
		of(get, "parties/{party}/standing", party.MayManageParties, s.askStanding),
		of(post, "parties/{party}/standing", party.MayManageParties, s.setStanding),
		of(get, "parties/{party}/sign-out", party.MayManageParties, s.askPartySignOut),
		of(post, "parties/{party}/sign-out", party.MayManageParties, s.partySignOut),
		of(post, "parties/{party}/export", party.MayManageParties, s.exportParty),
		of(get, "parties/{party}/erase", party.MayManageParties, s.askErase),
		of(post, "parties/{party}/erase", party.MayManageParties, s.eraseParty),
	}
}

const (
	partyRows   = 50
	partyTokens = 20 // authorisations on the page of a party
	partyOpen   = 20 // open payments there, and browsers, and removed cards
	// partyOpenAmong is how many of its newest payments are looked through for them, paid
	// and received each. A hold is seldom older.
	partyOpenAmong = 1000
)

// findParties searches for the party that was typed. Only words that find one get into
// an address: those that find none may be a password.
func (s *Server) findParties(c *call) error {
	typed := strings.TrimSpace(c.form.Get("q"))
	if typed == "" || unfit(typed) {
		return sift(c)
	}
	var found []party.Party
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		found, err = tx.FindParties(typed, 1)
		return err
	})
	if err == nil && len(found) > 0 {
		return c.redirect(c.link("parties", "q", typed))
	}
	if err != nil {
		return err
	}
	return s.showParties(c)
}

func (s *Server) showParties(c *call) error {
	w := c.words
	form := webui.Form{
		Action: c.link("parties"), Get: true, Submit: w.T("console.parties.find"),
		Fields: []webui.Field{{
			Name: "q", Label: w.T("console.parties.email-or-key"), Value: strings.TrimSpace(c.form.Get("q")),
			Autocomplete: "off",
			MayBeEmpty:   true,
		}},
	}
	wanted, after := form.Fields[0].Value, party.ID(c.form.Get("after"))
	var found []party.Party
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		if wanted == "" {
			found, err = tx.PartyPage(after, partyRows+1)
		} else {
			found, err = tx.FindParties(wanted, partyRows)
		}
		return err
	})
	if err != nil {
		return err
	}
	t := &table{
		Caption: w.T("console.parties.heading"), Empty: w.T("console.parties.none"),
		Columns: []column{
			{Label: w.T("console.parties.name")},
			{Label: w.T("console.parties.email")},
			{Label: w.T("console.parties.standing")},
			{Label: w.T("console.parties.kind")},
			{Label: w.T("console.parties.since")},
		},
	}
	if after != "" && wanted == "" {
		t.Newer = c.link("parties")
	}
	if len(found) > partyRows {
		found = found[:partyRows]
		t.Older = c.same("after", string(found[partyRows-1].ID))
	}
	for _, p := range found {
		t.Rows = append(t.Rows, tableRow{Cells: []cell{
			{Text: partyName(w, p), Address: c.link("parties/" + string(p.ID)), Detail: string(p.ID)},
			text(p.Email),
			state(standingChip(w, p)), text(partyKind(w, p)), moment(p.Created),
		}})
	}
	return s.render(c, page{
		Heading: w.T("console.parties.heading"), Filter: &form, Blocks: []block{{Wide: true, Table: t}},
	})
}

func partyName(w webui.Words, p party.Party) string {
	return cmp.Or(p.Name, p.Email, w.T("console.parties.nameless"))
}

func partyKind(w webui.Words, p party.Party) string {
	switch {
	case p.Guest:
		return w.T("console.guest")
	case p.Business:
		return w.T("console.parties.business")
	}
	return w.T("console.parties.personal")
}

func standingChip(w webui.Words, p party.Party) chip {
	switch p.Standing {
	case party.Active:
		return chip{w.T("console.parties.active"), good}
	case party.Suspended:
		return chip{w.T("console.parties.suspended"), wait}
	case party.Closed:
		if payment.Erased(p) {
			return chip{w.T("console.parties.erased"), quiet}
		}
		return chip{w.T("console.parties.closed"), quiet}
	}
	return chip{}
}

// partyOf reads the party that the path names.
func (s *Server) partyOf(c *call) (p party.Party, err error) {
	found := false
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		p, found, err = tx.Party(party.ID(c.r.PathValue("party")))
		return err
	})
	if err == nil && !found {
		err = errNotThere
	}
	return p, err
}

// A partyView is what the page of a party shows.
type partyView struct {
	party.Party
	facts    payment.EraseInput // open payments and balances
	cards    []payment.Instrument
	removed  []payment.Instrument
	tokens   []payment.Token // a page of them
	next     *store.TokenPlace
	sessions []party.SignedIn
	passkeys []party.Passkey
}

func (s *Server) readParty(c *call) (v partyView, err error) {
	found := false
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		if v.Party, found, err = tx.Party(party.ID(c.r.PathValue("party"))); err != nil || !found {
			return err
		}
		if v.facts, err = tx.EraseInput(v.Party, partyOpen, partyOpenAmong); err != nil {
			return err
		}
		if v.cards, err = tx.Instruments(v.ID); err != nil {
			return err
		}
		if v.removed, err = tx.RemovedInstruments(v.ID, partyOpen); err != nil {
			return err
		}
		if err = v.readTokens(tx, c); err != nil {
			return err
		}
		if v.sessions, err = tx.LastSignedIn(v.ID, partyOpen); err != nil {
			return err
		}
		v.passkeys, err = tx.Passkeys(v.ID)
		return err
	})
	if err == nil && !found {
		err = errNotThere
	}
	return v, err
}

// readTokens reads a page of the party's authorisations that can be used. It begins after
// the one that the address names.
func (v *partyView) readTokens(tx *store.ReadTx, c *call) (err error) {
	var after store.TokenPlace
	if h := c.form.Get("after"); h != "" {
		last, found, err := tx.TokenOf(v.ID, payment.TokenHandle(h))
		if err == nil && !found {
			err = errNotThere
		}
		if err != nil {
			return err
		}
		after = store.PlaceOfToken(last)
	}
	some := store.PartyTokens{Party: v.ID, Current: true, Real: c.real}
	v.tokens, v.next, err = tx.TokensOf(some, after, partyTokens)
	return err
}

func (s *Server) showParty(c *call) error {
	v, err := s.readParty(c)
	if err != nil {
		return err
	}
	w := c.words
	at := "parties/" + string(v.ID)
	p := page{
		Heading: partyName(w, v.Party), Chip: standingChip(w, v.Party),
		Up: link{Label: w.T("console.parties.heading"), Address: c.link("parties")},
	}
	if c.may(party.MayManageParties) && !payment.Erased(v.Party) {
		change := w.T("console.parties.suspend")
		if v.Standing != party.Active {
			change = w.T("console.parties.reactivate")
		}
		p.Links = []link{
			{Label: change, Address: c.link(at + "/standing")},
			{Label: w.T("console.parties.sign-out"), Address: c.link(at + "/sign-out")},
			{Label: w.T("console.parties.erase"), Address: c.link(at + "/erase"), Danger: true},
		}
		p.Buttons = []button{{Label: w.T("console.parties.export"), Action: c.link(at + "/export")}}
	}
	if c.may(party.MayReadAuditLog) {
		p.Links = append(p.Links, link{Label: w.T("console.audit.heading"), Address: c.link("audit", "object", string(v.ID))})
	}
	p.Blocks = []block{
		{Heading: w.T("console.parties.account"), Facts: v.account(w)},
		{Heading: w.T("console.parties.open"), Table: v.openTable(w)},
		{Heading: w.T("console.parties.cards"), Table: v.cardTable(w)},
		{Heading: w.T("console.parties.authorisations"), Table: v.tokenTable(c)},
		{Heading: w.T("console.parties.sessions"), Table: v.sessionTable(w)},
	}
	return s.render(c, p)
}

func (v partyView) account(w webui.Words) []fact {
	proved := chip{w.T("console.parties.verified"), good}
	if !v.EmailVerified {
		proved = chip{w.T("console.parties.unverified"), wait}
	}
	known := chip{w.T("console.parties.verified"), good}
	if !v.Verified {
		known = chip{w.T("console.parties.unverified"), wait}
	}
	facts := []fact{
		factOf(w.T("console.parties.key"), string(v.ID)),
		{w.T("console.parties.email"), cell{Text: v.Email, Chip: proved}},
		{w.T("console.parties.kind"), cell{Text: partyKind(w, v.Party), Chip: known}},
		{w.T("console.parties.since"), moment(v.Created)},
		factOf(w.T("console.parties.balance"), w.Dollars(v.facts.Live)),
		factOf(w.T("console.parties.sandbox-balance"), w.Dollars(v.facts.Sandbox)),
		factOf(w.T("console.parties.sending-limit"), limitText(w, v.SendingLimit)),
		factOf(w.T("console.parties.receiving-limit"), limitText(w, v.ReceivingLimit)),
		factOf(w.T("console.parties.passkeys"), w.Count(int64(len(v.passkeys)))),
	}
	for _, one := range v.facts.Callers {
		facts = append(facts, fact{w.T("console.parties.owns"), linked(one.Name, callerLink(one.ID, ""))})
	}
	return facts
}

func (v partyView) openTable(w webui.Words) *table {
	t := &table{
		Caption: w.T("console.parties.open"), Empty: w.T("console.parties.none-open"),
		Columns: []column{
			{Label: w.T("console.reference"), Shape: code},
			{Label: w.T("console.parties.amount"), Shape: number},
			{Label: w.T("console.parties.until")},
		},
	}
	open := slices.SortedFunc(slices.Values(v.facts.Open), func(a, b payment.Transaction) int {
		return b.Received.Compare(a.Received)
	})
	if len(open) >= partyOpen {
		open, t.Count = open[:partyOpen], w.T("console.lists.newest", "N", w.Count(partyOpen))
	}
	for _, one := range open {
		t.Rows = append(t.Rows, tableRow{Cells: []cell{
			{Text: string(one.Reference), Detail: string(one.ID)}, text(w.Dollars(one.Amount)), moment(one.Deadline),
		}})
	}
	return t
}

func (v partyView) cardTable(w webui.Words) *table {
	t := &table{
		Caption: w.T("console.parties.cards"), Empty: w.T("console.parties.none-cards"),
		Columns: []column{
			{Label: w.T("console.parties.card")}, {Label: w.T("console.parties.state")}, {Label: w.T("console.parties.since")},
		},
	}
	if len(v.removed) == partyOpen {
		t.Count = w.T("console.parties.removed-cards", "N", w.Count(partyOpen))
	}
	for _, one := range slices.Concat(v.cards, v.removed) {
		if one.Method == holdfast.MethodABT {
			continue // the balance
		}
		mark := chip{}
		switch {
		case one.Removed:
			mark = chip{w.T("console.parties.removed"), quiet}
		case one.Unusable != "":
			mark = chip{w.T("console.parties.unusable"), wait}
		case one.Default:
			mark = chip{w.T("console.parties.default"), good}
		}
		t.Rows = append(t.Rows, tableRow{Cells: []cell{
			text(strings.TrimSpace(one.Brand + " •••• " + one.Last4)), state(mark), moment(one.Created),
		}})
	}
	return t
}

func (v partyView) tokenTable(c *call) *table {
	w := c.words
	t := &table{
		Caption: w.T("console.parties.authorisations"), Empty: w.T("console.parties.none-authorisations"),
		Columns: []column{
			{Label: w.T("console.reference"), Shape: code},
			{Label: w.T("console.parties.caller"), Shape: code},
			{Label: w.T("console.parties.amount"), Shape: number},
			{Label: w.T("console.parties.since")},
		},
	}
	for _, one := range v.tokens {
		t.Rows = append(t.Rows, tableRow{Cells: []cell{
			{Text: string(one.Reference), Detail: string(one.Type)},
			linked(string(one.Caller), callerLink(one.Caller, "")), text(limitText(w, one.Amount)), moment(one.Installed),
		}})
	}
	if v.next != nil {
		t.Older = c.same("after", string(v.next.Handle()))
		if len(v.tokens) < partyTokens {
			t.Count = w.T("console.lists.read-part", "N", w.Count(store.PartyTokensReadMost))
		}
	}
	if c.form.Get("after") != "" {
		t.Newer = c.same("after", "")
	}
	return t
}

func (v partyView) sessionTable(w webui.Words) *table {
	t := &table{
		Caption: w.T("console.parties.sessions"), Empty: w.T("console.parties.none-sessions"),
		Columns: []column{
			{Label: w.T("console.parties.browser")},
			{Label: w.T("console.parties.network"), Shape: code},
			{Label: w.T("console.parties.begun")},
			{Label: w.T("console.parties.seen")},
		},
	}
	if len(v.sessions) == partyOpen {
		t.Count = w.T("console.lists.newest", "N", w.Count(partyOpen))
	}
	for _, one := range v.sessions {
		t.Rows = append(t.Rows, tableRow{Cells: []cell{
			text(strings.TrimSpace(one.Browser + " " + one.System)), text(one.Network), moment(one.Begun), moment(one.LastSeen),
		}})
	}
	return t
}
