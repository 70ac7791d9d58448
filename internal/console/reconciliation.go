package console

import (
	"net/http"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/report"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// reconciledDaysMax is how many days a page compares: the network is asked for all
// of them while the member waits.
const reconciledDaysMax = 31

// reconciliationRoutes are the comparison with card networks. An account may serve
// several callers, so it is a page of the server.
func (s *Server) reconciliationRoutes() []route {
	return []route{{
		Method: get, Path: "reconciliation", In: ofServer, Permission: party.MayReport, Nav: "console.reports.network",
		show: s.showReconciliation,
	}}
}

// showReconciliation compares the books with those of an account at a card network.
// Without days it only shows the form.
func (s *Server) showReconciliation(c *call) error {
	w := c.words
	var accounts []store.NetworkAccount
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		accounts, err = tx.NetworkAccounts()
		return err
	})
	if err != nil {
		return err
	}
	form := reconciliationForm(c, accounts)
	form.Fill(c.form)
	p := page{Heading: w.T("console.reports.network"), Filter: &form, Lead: w.T("console.reports.network-lead")}
	account, from, to := c.form.Get("account"), c.form.Get("from"), c.form.Get("to")
	switch {
	case len(accounts) == 0:
		p.Filter, p.Lead = nil, w.T("console.reports.no-account")
		return s.render(c, p)
	case account == "":
		return s.render(c, p)
	case !slices.ContainsFunc(accounts, func(a store.NetworkAccount) bool { return string(a.ID) == account }):
		return errNotThere
	}
	period, err := report.PeriodInput{From: from, To: to}.Period(c.real)
	switch {
	case err != nil || from == "":
		form.SetError("from", w.T("console.reports.no-days"))
	case period.To.Sub(period.From) > reconciledDaysMax*24*time.Hour:
		form.SetError("from", w.T("console.reports.too-long", "Days", w.Count(reconciledDaysMax)))
	}
	if form.Failed() {
		p.Status = http.StatusUnprocessableEntity
		return s.render(c, p)
	}
	return s.reconcile(c, p, payment.NetworkAccountID(account), period)
}

func reconciliationForm(c *call, accounts []store.NetworkAccount) webui.Form {
	w := c.words
	var options []webui.Option
	for _, a := range accounts {
		options = append(options, webui.Option{Value: string(a.ID), Label: a.Name})
	}
	return webui.Form{
		Action: c.link("reconciliation"), Get: true, Submit: w.T("console.reports.compare"),
		Fields: []webui.Field{
			{Name: "account", Label: w.T("console.reports.account"), Options: options},
			{
				Name: "from", Label: w.T("console.reports.from"), Hint: w.T("console.reports.day-hint"), Autocomplete: "off",
			},
			{Name: "to", Label: w.T("console.reports.to"), Autocomplete: "off", MayBeEmpty: true},
		},
	}
}

// reconcile compares, and shows the result.
func (s *Server) reconcile(c *call, p page, account payment.NetworkAccountID, period report.Period) error {
	w := c.words
	r, err := s.Processor.Reconcile(c.r.Context(), account, period.From, period.To)
	if err != nil {
		s.Log.Warn("the books could not be compared with a card network", "account", account, "error", err)
		p.Alert, p.Status = w.T("console.reports.network-failed"), http.StatusBadGateway
		return s.render(c, p)
	}
	p.Chip = chip{w.T("console.reports.agree"), good}
	if !r.Equal() {
		p.Chip = chip{w.N("console.reports.differ", r.Unexplained()), wrong}
	}
	p.Blocks = []block{{Heading: w.T("console.reports.by-day"), Wide: true, Table: reconciledDays(c, r)}}
	if len(r.Differences) > 0 {
		p.Blocks = append(p.Blocks, block{
			Heading: w.T("console.reports.differences"), Wide: true, Table: differences(c, r.Differences),
		})
	}
	return s.render(c, p)
}

func reconciledDays(c *call, r payment.Reconciliation) *table {
	w := c.words
	t := &table{Columns: []column{
		{Label: w.T("console.reports.day")},
		{Label: w.T("console.reports.our-books"), Shape: number},
		{Label: w.T("console.reports.their-books"), Shape: number},
		{Label: w.T("console.reports.their-fees"), Shape: number},
		{Label: w.T("console.reports.paid-out"), Shape: number},
	}}
	for _, d := range r.Days {
		row := tableRow{Cells: []cell{
			text(d.Day.Format(time.DateOnly)), text(c.dollars(d.Books)), text(c.dollars(d.Network)), text(c.dollars(d.Fees)),
			text(c.dollars(d.PaidOut)),
		}}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// differencesShown limits the rows of the page.
const differencesShown = 200

func differences(c *call, all []payment.NetworkDifference) *table {
	w := c.words
	t := &table{Columns: []column{
		{Label: w.T("console.reports.day")},
		{Label: w.T("console.reports.at-network"), Shape: code},
		{Label: w.T("console.reports.payment"), Shape: code},
		{Label: w.T("console.reports.our-books"), Shape: number},
		{Label: w.T("console.reports.their-books"), Shape: number},
		{Label: w.T("console.reports.why")},
	}}
	for _, d := range all[:min(len(all), differencesShown)] {
		row := tableRow{Tone: quiet, Cells: []cell{
			text(d.Day.Format(time.DateOnly)), text(d.Payment),
			{},
			text(c.dollars(d.Books)), text(c.dollars(d.Network)),
			text(w.T(differenceWord(d.Why))),
		}}
		if d.Transaction != "" {
			row.Cells[2] = linked(string(d.Transaction), c.link("find", "q", string(d.Transaction)))
		}
		if !d.Why.Explained() {
			row.Tone = wrong
		}
		t.Rows = append(t.Rows, row)
	}
	if len(all) > differencesShown {
		t.Count = w.T("console.reports.first", "N", w.Count(differencesShown))
	}
	return t
}

// differenceWord is the id of the words for why two sides differ.
func differenceWord(why payment.DifferenceReason) string {
	switch why {
	case payment.DiffMidnight:
		return "console.reports.why-midnight"
	case payment.DiffNew:
		return "console.reports.why-new"
	case payment.DiffUnbooked:
		return "console.reports.why-unbooked"
	case payment.DiffMissing:
		return "console.reports.why-missing"
	case payment.DiffAmount:
		return "console.reports.why-amount"
	case payment.DiffUnknown:
		return "console.reports.why-unknown"
	case payment.DiffUnrelated:
		return "console.reports.why-unrelated"
	case payment.DiffPayout:
		return "console.reports.why-payout"
	}
	return "console.reports.why-unknown"
}
