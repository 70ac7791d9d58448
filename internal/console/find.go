package console

import (
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// findRoutes are the search in what a caller has, or all callers have.
func (s *Server) findRoutes() []route {
	return []route{
		{Method: get, Path: "find", In: ofCaller, Permission: party.MayRead, Nav: "console.find.nav", show: s.showFind},
		{Method: get, Path: "find", In: ofServer, Permission: party.MayRead, Nav: "console.find.nav", show: s.showFind},
		{Method: post, Path: "find", In: ofCaller, Permission: party.MayRead, show: s.sendFind},
		{Method: post, Path: "find", In: ofServer, Permission: party.MayRead, show: s.sendFind},
	}
}

// findRows is the largest number of rows of each kind.
const findRows = 50

// showFind shows the search, or what the words of a link find.
func (s *Server) showFind(c *call) error {
	typed := strings.TrimSpace(c.form.Get("q"))
	if typed == "" || unfit(typed) { // render leads to an address without it
		return s.render(c, findPage(c, typed))
	}
	return s.answerFind(c, typed)
}

// sendFind searches for the words that were typed. Only words that find something get
// into an address: those that find nothing may be a password.
func (s *Server) sendFind(c *call) error {
	typed := strings.TrimSpace(c.form.Get("q"))
	if typed == "" {
		return c.redirect(c.link("find"))
	}
	if unfit(typed) {
		return c.redirect(c.link("find", refusedField, "q"))
	}
	return s.answerFind(c, typed)
}

// findPage is the page with the form of the search.
func findPage(c *call, typed string) page {
	form := findForm(c, c.link("find"), typed)
	return page{Heading: c.words.T("console.find.heading"), Filter: &form}
}

// answerFind shows what words find. If that is one hold or one payment, it leads to
// its page.
func (s *Server) answerFind(c *call, typed string) error {
	p := findPage(c, typed)
	q, err := payment.ParseQuery(typed)
	if err != nil {
		p.Filter.SetError("q", c.words.T("form.too-long"))
		p.Status = http.StatusUnprocessableEntity
		return s.render(c, p)
	}
	found, names, err := s.find(c, q)
	if err != nil {
		return err
	}
	if one, only := found.Only(); only {
		return c.redirect(caseAddress(one.Caller, one.ID))
	}
	if c.r.Method == http.MethodPost && len(found.All) > 0 && q.Token == "" {
		return c.redirect(c.link("find", "q", typed))
	}
	p.Blocks = []block{foundBlock(c, found, names)}
	return s.render(c, p)
}

// findForm is the field for a search. The first pages have it, too.
func findForm(c *call, action, typed string) webui.Form {
	w := c.words
	return webui.Form{
		Action: action, Get: true, Submit: w.T("console.find.submit"),
		Fields: []webui.Field{{
			Name: "q", Label: w.T("console.find.label"), Type: "search", Value: typed, Hint: w.T("console.find.hint"),
			Autocomplete: "off", MayBeEmpty: true,
		}},
	}
}

// find searches in the page's caller, or in all callers. names are the callers' names.
func (s *Server) find(c *call, q payment.Query) (found processor.Found, names map[party.CallerID]string, err error) {
	names = make(map[party.CallerID]string)
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		callers := []party.Caller{c.caller}
		if c.route.In == ofServer {
			if callers, err = tx.Callers(); err != nil {
				return err
			}
		}
		for _, one := range callers {
			names[one.ID] = one.Name
		}
		found, err = s.Processor.Find(tx, callers, q, findRows)
		return err
	})
	return found, names, err
}

// caseAddress is the address of the page of a hold or a payment.
func caseAddress(caller party.CallerID, id string) string { return callerLink(caller, "payments/"+id) }

// foundBlock is the table of what was found.
func foundBlock(c *call, found processor.Found, names map[party.CallerID]string) block {
	w := c.words
	all := c.route.In == ofServer
	t := &table{
		Caption: w.T("console.find.results"), Empty: w.T("console.find.none"),
		Columns: []column{
			{Label: w.T("console.find.kind")},
			{Label: w.T("console.reference"), Shape: code},
			{Label: w.T("console.find.state")},
			{Label: w.T("console.case.amount"), Shape: number},
			{Label: w.T("console.risk.buyer")},
			{Label: w.T("console.find.card")},
			{Label: w.T("console.find.created")},
		},
	}
	if all {
		t.Columns = append(t.Columns, column{Label: w.T("console.find.caller")})
	}
	if found.More {
		t.Count = w.T("console.find.more")
	}
	for _, f := range found.All {
		row := foundRow(c, f)
		if all {
			row.Cells = append(row.Cells, linked(names[f.Caller], callerLink(f.Caller, "")))
		}
		t.Rows = append(t.Rows, row)
	}
	return block{Wide: true, Table: t}
}

func foundRow(c *call, f processor.Finding) tableRow {
	w := c.words
	name := cell{Text: string(f.Reference), Detail: f.ID}
	switch f.Kind {
	case processor.FoundHold, processor.FoundPayment:
		name.Address = caseAddress(f.Caller, f.ID)
	case processor.FoundRefused:
		name.Detail = f.Message
	case processor.FoundToken, processor.FoundVisit, processor.FoundPageHold:
	}
	if name.Text == "" {
		name.Text, name.Detail = f.ID, ""
	}
	amount := cell{}
	if f.Amount.Given() {
		amount.Text = w.Dollars(f.Amount)
	}
	if f.Kind == processor.FoundHold && f.Open.Positive() && f.Open.Cmp(f.Amount) != 0 {
		amount.Detail = w.T("console.case.open") + " " + w.Dollars(f.Open)
	}
	return tableRow{Cells: []cell{
		text(kindWord(w, f.Kind)), name, state(stateChip(w, f.State)), amount,
		buyerCell(c, f.Buyer), text(cardName(f.Card)), moment(f.Created),
	}}
}

func kindWord(w webui.Words, k processor.FindingKind) string {
	switch k {
	case processor.FoundHold:
		return w.T("console.find.kinds.hold")
	case processor.FoundPayment:
		return w.T("console.find.kinds.payment")
	case processor.FoundToken:
		return w.T("console.find.kinds.token")
	case processor.FoundVisit:
		return w.T("console.find.kinds.visit")
	case processor.FoundPageHold:
		return w.T("console.find.kinds.page-hold")
	case processor.FoundRefused:
		return w.T("console.find.kinds.refused")
	}
	return string(k)
}

// buyerName is a buyer's name, or that it is a guest.
func buyerName(c *call, p party.Party) string {
	if p.Name == "" && p.Guest {
		return c.words.T("console.guest")
	}
	return p.Name
}

// cardName is the brand and the last four digits of a card, or the kind of another
// instrument.
func cardName(i payment.Instrument) string {
	switch {
	case i.ID == "":
		return ""
	case i.Method == holdfast.MethodCC || i.Last4 != "":
		return strings.TrimSpace(i.Brand + " " + i.Last4)
	}
	return string(i.Method)
}
