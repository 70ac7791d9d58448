package console

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// caseRoutes are the page of a hold or a payment, and its actions.
func (s *Server) caseRoutes() []route {
	all := []route{
		{Method: get, Path: "payments/{payment}", In: ofCaller, Permission: party.MayRead, show: s.showCase},
	}
	for _, a := range deeds {
		all = append(
			all,
			route{Method: get, Path: a.path(), In: ofCaller, Permission: a.permission, show: func(c *call) error {
				return s.askDeed(c, a)
			}},
			route{Method: post, Path: a.path(), In: ofCaller, Permission: a.permission, show: func(c *call) error {
				return s.doDeed(c, a)
			}},
		)
	}
	return all
}

// readCase reads the case that the address names.
func (s *Server) readCase(c *call) (of processor.Case, err error) {
	found := false
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		of, found, err = s.Processor.CaseOf(tx, c.caller.ID, holdfast.TransactionID(c.r.PathValue("payment")))
		return err
	})
	if err == nil && !found {
		err = errNotThere
	}
	return of, err
}

// showCase shows a hold or a payment: what happened to it and what can be done.
func (s *Server) showCase(c *call) error {
	of, err := s.readCase(c)
	if err != nil {
		return err
	}
	w := c.words
	possible := s.possibleBlock(c, of)
	possible.Wide = len(of.Network) == 0 // otherwise the network's block is next to it
	p := page{
		Heading: caseHeading(c, of), Chip: caseChip(c, of), Lead: whereMoneyIs(c, of),
		Up:     link{Label: w.T("console.find.heading"), Address: c.link("find")},
		Blocks: []block{{Figures: caseFigures(c, of), Facts: caseFacts(c, of)}, possible},
	}
	for _, n := range of.Network {
		p.Blocks = append(p.Blocks, networkBlock(c, n))
		if n.Attention != "" {
			p.Alert = w.T("console.why.attention")
		}
	}
	if len(of.Related) > 0 {
		p.Blocks = append(p.Blocks, relatedBlock(c, of))
	}
	p.Blocks = append(p.Blocks, timelineBlock(c, of))
	return s.render(c, p)
}

// caseName is the reference by which people know the hold or the payment, or its id.
func caseName(of processor.Case) string {
	return cmp.Or(string(of.Payment.Reference), string(of.ID()))
}

func caseHeading(c *call, of processor.Case) string {
	if of.IsHold() {
		return c.words.T("console.case.hold", "Reference", caseName(of))
	}
	return c.words.T("console.case.payment", "Reference", caseName(of))
}

func caseChip(c *call, of processor.Case) chip {
	if of.IsHold() {
		return stateChip(c.words, string(of.Hold.State()))
	}
	return stateChip(c.words, string(of.Payment.State))
}

func caseFigures(c *call, of processor.Case) []figure {
	w := c.words
	if !of.IsHold() {
		return []figure{
			{Label: w.T("console.case.amount"), Value: w.Dollars(of.Payment.Amount)},
			{Label: w.T("console.case.refunded"), Value: w.Dollars(of.Payment.Refunded)},
		}
	}
	h := of.Hold
	open := figure{Label: w.T("console.case.open"), Value: w.Dollars(h.Open())}
	if deadline := h.Deadline(); !deadline.IsZero() {
		left := deadline.Sub(of.Now)
		open.Detail, open.Tone = w.T("console.case.left", "Span", span(w, left)), leftTone(left)
	}
	return []figure{
		{Label: w.T("console.case.amount"), Value: w.Dollars(h.Amount())},
		open,
		{Label: w.T("console.case.settled"), Value: w.Dollars(h.Settled())},
		{Label: w.T("console.case.released"), Value: w.Dollars(h.Released())},
		{Label: w.T("console.case.refunded"), Value: w.Dollars(h.Refunded())},
	}
}

func caseFacts(c *call, of processor.Case) (facts []fact) {
	w, t := c.words, of.Payment
	add := func(label string, is cell) {
		if is.Text != "" || !is.Time.IsZero() {
			facts = append(facts, fact{label, is})
		}
	}
	add(w.T("console.case.object-id"), text(string(of.ID())))
	add(w.T("console.reference"), text(string(t.Reference)))
	add(w.T("console.case.result"), cell{Text: t.StatusMessage, Detail: string(t.StatusCode)})
	if of.IsHold() {
		add(w.T("console.case.deadline"), moment(of.Hold.Deadline()))
	}
	add(w.T("console.risk.buyer"), buyerCell(c, of.Sender))
	add(w.T("console.case.seller"), text(of.Recipient.Name))
	add(w.T("console.find.card"), text(cardName(of.Card)))
	add(w.T("console.case.about"), text(t.CallerDescription))
	add(w.T("console.find.created"), moment(t.Received))
	if of.Token.ID != "" {
		add(w.T("console.case.token"), cell{
			Text: string(of.Token.ID), Chip: stateChip(w, string(of.Token.State(of.Now))), Detail: string(of.Token.Type),
		})
	}
	return facts
}

// buyerCell is a buyer with the address. Members that may read parties get a link.
func buyerCell(c *call, p party.Party) cell {
	is := cell{Text: cmp.Or(buyerName(c, p), p.Email), Detail: p.Email}
	if is.Text != "" && c.may(party.MayReadParties) {
		is.Address = address(ofServer.prefix()+"parties/"+url.PathEscape(string(p.ID)), nil)
	}
	return is
}

func networkBlock(c *call, n payment.NetworkPayment) block {
	w := c.words
	b := block{Heading: w.T("console.case.at-network")}
	add := func(label string, is cell) {
		if is.Text != "" || !is.Time.IsZero() {
			b.Facts = append(b.Facts, fact{label, is})
		}
	}
	add(w.T("console.case.network-id"), text(n.Reference))
	add(w.T("console.case.network-charge"), text(n.Charge))
	add(w.T("console.case.network-status"), text(n.Status))
	add(w.T("console.case.hold-until"), moment(n.HoldUntil))
	add(w.T("console.case.decline-code"), text(strings.TrimSpace(n.DeclineCode+" "+n.Advice)))
	add(w.T("console.case.attention"), text(n.Attention))
	return b
}

func relatedBlock(c *call, of processor.Case) block {
	w := c.words
	t := &table{Columns: []column{
		{Label: w.T("console.find.kind")},
		{Label: w.T("console.reference"), Shape: code},
		{Label: w.T("console.find.state")},
		{Label: w.T("console.case.amount"), Shape: number},
		{Label: w.T("console.find.created")},
	}}
	for _, r := range of.Related {
		t.Rows = append(t.Rows, tableRow{Cells: []cell{
			text(string(r.Kind)),
			{Text: string(r.Reference), Detail: string(r.ID)},
			state(stateChip(w, string(r.State))),
			text(w.Dollars(r.Amount)), moment(r.Received),
		}})
	}
	return block{Heading: w.T("console.case.related"), Wide: true, Table: t}
}

// possibleBlock lists the actions: those that are possible are links.
func (s *Server) possibleBlock(c *call, of processor.Case) block {
	w := c.words
	b := block{Heading: w.T("console.case.can")}
	for _, p := range of.Possible {
		label, address, permission := w.T("console.remind.link"), remindPath(of.ID()), party.MayActOnHolds
		if p.Action != payment.ActRemind {
			d, found := deedOf(p.Action)
			if !found {
				continue
			}
			label, address, permission = d.labelIn(w), d.address(of.ID()), d.permission
		}
		is := cell{Text: label, Address: c.link(address)}
		switch {
		case !c.may(permission):
			b.Facts = append(b.Facts, factOf(label, w.T("console.why.role")))
			continue
		case !p.OK():
			is.Address, is.Text = "", w.T(reasonWords[p.Why])
		case !p.Until.IsZero():
			is.Detail = w.T("console.case.until", "Time", c.minute(p.Until))
		}
		if p.OK() && p.Amount.Given() {
			is.Detail = strings.TrimSuffix(w.T("console.case.most", "Amount", w.Dollars(p.Amount))+" · "+is.Detail, " · ")
		}
		b.Facts = append(b.Facts, fact{label, is})
	}
	return b
}

func timelineBlock(c *call, of processor.Case) block {
	b := block{Heading: c.words.T("console.case.happened"), Wide: true, ID: "timeline"}
	for _, e := range of.Timeline {
		if e.Kind == processor.EntryAudit && !c.may(party.MayReadAuditLog) {
			continue
		}
		b.Steps = append(b.Steps, entryStep(c, of, e))
	}
	if of.More {
		b.Note = c.words.T("console.case.more")
	}
	return b
}

// entryStep is an entry as a step of the page's timeline.
func entryStep(c *call, of processor.Case, e processor.Entry) step {
	w := c.words
	result := e.Result
	if e.Kind == processor.EntryQuestion && result == string(payment.AttemptOpen) {
		result += "?"
	}
	one := step{At: e.At, Title: entryTitle(w, e), Text: e.Message}
	if result != "" {
		one.Chip = stateChip(w, result)
		one.Tone = one.Chip.Tone
	}
	if e.Amount.Given() {
		one.Amount = w.Dollars(e.Amount)
	}
	if e.Object != "" && e.Object != string(of.ID()) && e.Kind != processor.EntryToken {
		one.Facts = append(one.Facts, factOf(w.T("console.case.object-id"), e.Object))
	}
	if e.Kind == processor.EntryNotice {
		one.Facts = append(one.Facts, fact{w.T("console.notices.notification"), linked(
			e.Object+"-"+strconv.Itoa(e.Seq), c.noticeLink(e.Object, e.Seq, ""))})
	}
	if e.URL != "" {
		one.Facts = append(one.Facts, factOf(w.T("console.case.to"), e.URL))
	}
	if e.To != "" {
		one.Facts = append(one.Facts, factOf(w.T("console.case.to"), e.To))
	}
	if e.Tries > 1 {
		one.Facts = append(one.Facts, factOf(w.T("console.case.tries"), strconv.Itoa(e.Tries)))
	}
	for _, p := range e.Postings {
		one.Facts = append(one.Facts, factOf(w.T("console.case.postings"), w.T("console.case.moved",
			"Amount", w.Dollars(p.Amount), "From", string(p.From), "To", string(p.To))))
	}
	return one
}
