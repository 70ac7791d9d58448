package account

import (
	"io"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/spreadsheet"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// downloadRows is how many payments are read in one transaction.
const downloadRows = 500

// downloadHistory sends the payments that the filter selects as a CSV file, the
// newest first. The file may be of any length: it is read page by page; see
// [webui.Downloads.Send].
func (s *Server) downloadHistory(c *call) error {
	filter, form, err := readHistoryFilter(c.words, c.form, s.Now())
	if err != nil {
		return err
	}
	if form.Failed() {
		return errNoPage
	}
	name := s.Now().UTC().Format(time.DateOnly)
	if filter.period != "" {
		name = filter.period
	}
	file := webui.Download{Name: name + ".csv", Type: "text/csv; charset=utf-8", Party: string(c.Party.ID)}
	return s.downloads.Send(c.w, file, func(to io.Writer) error { return s.writeHistory(c, filter, to) }, func(err error) {
		s.Log.Info("a history was not received", "error", err)
	})
}

func (s *Server) writeHistory(c *call, f historyFilter, to io.Writer) error {
	file, end := spreadsheet.NewWriter(to), f.end
	if err := file.Row(downloadHeadings(c.words)...); err != nil {
		return err
	}
	for {
		page, err := s.readDownload(c, f, end)
		if err != nil {
			return err
		}
		if err := writeDownload(c.words, file, page); err != nil || page.Next.IsZero() {
			return err
		}
		end = page.Next.Add(time.Millisecond)
	}
}

// readDownload reads the payments before a time.
func (s *Server) readDownload(c *call, f historyFilter, end time.Time) (page processor.ActivityPage, err error) {
	page = processor.ActivityPage{
		Activity: payment.Activity{
			Filter:  payment.ActivityFilter{Start: f.start, End: end, BatchMax: downloadRows},
			Account: c.Party.ID, Own: true,
		},
		Sandbox: !s.Processor.Live, Real: processor.Micro(s.Now()), Named: f.search != "",
	}
	if f.any() {
		page.Matches = f.matcher(c.words, &page)
	}
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error { return page.Read(tx) })
	return page, err
}

func downloadHeadings(w webui.Words) []string {
	return []string{
		w.T("history.csv-time"), w.T("history.csv-with"), w.T("history.for"), w.T("history.csv-state"),
		w.T("history.csv-amount"), w.T("history.csv-currency"), w.T("history.held"), w.T("history.refunded"),
		w.T("history.fee"), w.T("history.reference"), w.T("mail.transaction"),
	}
}

// writeDownload writes a row for each payment of a page. Amounts are plain numbers;
// one that left the account is below zero.
func writeDownload(w webui.Words, file *spreadsheet.Writer, page processor.ActivityPage) error {
	for _, t := range page.Rows {
		held, reference := "", ""
		if t.Hold() {
			held = t.Amount.Decimal()
		}
		if t.Owner == page.Account {
			reference = string(t.Reference)
		}
		amount := shownAmount(t)
		if t.Flow(page.Account) < 0 {
			amount = money.Micros(0).Sub(amount)
		}
		err := file.Row(
			t.Received.UTC().Format(time.RFC3339), otherSide(page, t), whatFor(w, page, t),
			stateWord(w, t, page.Account).Word, amount.Decimal(), string(money.USD), held,
			unlessZero(t.Refunded), unlessZero(t.FeeFrom(page.Account)), reference, string(t.ID),
		)
		if err != nil {
			return err
		}
	}
	return file.Flush()
}

func unlessZero(a money.Amount) string {
	if a.Micro == 0 {
		return ""
	}
	return a.Decimal()
}
