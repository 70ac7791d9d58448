package report

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/holdfast-pay/holdfast/internal/spreadsheet"
	"github.com/holdfast-pay/holdfast/money"
)

// plain is a text in one line, without control characters and without some others.
func plain(text, without string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(without, r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text))
}

func dollars(micro int64) string { return money.Micros(micro).Decimal() + " USD" }

// An hledgerWriter writes a journal for hledger. Free text goes only into
// descriptions, where nothing but a semicolon has a meaning: in a comment, a text such
// as "date:2020-01-01" would move an entry.
type hledgerWriter struct{ *bufio.Writer }

func (w *hledgerWriter) begin(q Books) error {
	_, err := fmt.Fprintf(w, "; Books from %s to %s, days in %s. Assets are above zero, liabilities and income below.\n"+
		"commodity 1000.000000 USD\n", q.Period.From.Format(time.DateOnly), q.Period.Last().Format(time.DateOnly),
		q.Period.Zone())
	return err
}

func (w *hledgerWriter) open(account, name string) error {
	_, err := fmt.Fprintf(w, "\naccount %s\n    ; %s\n", account,
		plain(strings.NewReplacer(":", " ", "[", "(", "]", ")").Replace(name), ""))
	return err
}

func (w *hledgerWriter) write(e entry) error {
	code, words := "", plain(e.what+" "+e.reference, ";")
	if e.transaction != "" {
		code = "(" + plain(string(e.transaction), "();") + ") "
	}
	fmt.Fprintf(w, "\n%s * %s%s\n", e.at.Format(time.DateOnly), code, words)
	if e.transaction != "" {
		fmt.Fprintf(w, "    ; time:%s, step:%d\n", e.at.Format(time.TimeOnly), e.step)
	}
	var err error
	for _, a := range e.amounts {
		_, err = fmt.Fprintf(w, "    %s  %s\n", a.account, dollars(a.micro))
	}
	return err
}

func (w *hledgerWriter) close(last time.Time, balances []accountAmount) error {
	if len(balances) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s * Balances at the end of the period\n", last.Format(time.DateOnly))
	for _, a := range balances {
		_, err = fmt.Fprintf(w, "    %s  %s = %s\n", a.account, dollars(0), dollars(a.micro))
	}
	return err
}

func (w *hledgerWriter) end() error { return nil }

// A beancountWriter writes a ledger for Beancount.
type beancountWriter struct {
	*bufio.Writer
	from time.Time
}

// quoted is a text as Beancount reads it.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(plain(text, "")) + `"`
}

func (w *beancountWriter) begin(q Books) error {
	w.from = q.Period.From
	_, err := fmt.Fprintf(w, "; Days are those of %s.\noption \"title\" %s\noption \"operating_currency\" \"USD\"\n",
		q.Period.Zone(), quoted("Books from "+q.Period.From.Format(time.DateOnly)+" to "+
			q.Period.Last().Format(time.DateOnly)))
	return err
}

func (w *beancountWriter) open(account, name string) error {
	_, err := fmt.Fprintf(w, "\n%s open %s USD\n  name: %s\n", w.from.Format(time.DateOnly), account, quoted(name))
	return err
}

func (w *beancountWriter) write(e entry) error {
	_, err := fmt.Fprintf(w, "\n%s * %s %s\n", e.at.Format(time.DateOnly), quoted(e.what), quoted(e.reference))
	if e.transaction != "" {
		_, err = fmt.Fprintf(w, "  transaction: %s\n  time: %s\n  step: %d\n", quoted(string(e.transaction)),
			quoted(e.at.Format(time.TimeOnly)), e.step)
	}
	if e.description != "" {
		_, err = fmt.Fprintf(w, "  description: %s\n", quoted(e.description))
	}
	for _, a := range e.amounts {
		_, err = fmt.Fprintf(w, "  %s  %s\n", a.account, dollars(a.micro))
	}
	return err
}

func (w *beancountWriter) close(last time.Time, balances []accountAmount) error {
	if len(balances) == 0 {
		return nil
	}
	_, err := fmt.Fprintln(w)
	for _, a := range balances {
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s balance %s  %s USD\n", last.AddDate(0, 0, 1).Format(time.DateOnly), a.account,
			money.Micros(a.micro).Value())
	}
	return err
}

func (w *beancountWriter) end() error { return nil }

// A csvWriter writes a row for each amount of an entry.
type csvWriter struct{ *spreadsheet.Writer }

func (w *csvWriter) begin(Books) error {
	return w.Row("date", "time", "caller", "transaction", "step", "entry", "reference", "description", "account", "amount",
		"currency")
}

func (w *csvWriter) open(string, string) error { return nil }

func (w *csvWriter) write(e entry) error {
	step := ""
	if e.step > 0 {
		step = strconv.Itoa(e.step)
	}
	for _, a := range e.amounts {
		err := w.Row(e.at.Format(time.DateOnly), e.at.Format(time.TimeOnly), string(e.caller), string(e.transaction), step,
			e.what, e.reference, e.description, a.account, money.Micros(a.micro).Decimal(), string(money.USD))
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *csvWriter) close(time.Time, []accountAmount) error { return nil }

func (w *csvWriter) end() error { return w.Flush() }
