package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/holdfast-pay/holdfast/money"
)

// A fact is one line of an answer in text: a label and a value.
type fact struct{ about, what string }

// printFacts prints a line for each fact that has a value.
func printFacts(to io.Writer, facts []fact) error {
	columns := newColumns(to)
	for _, f := range facts {
		if f.what != "" {
			columns.row(f.about, f.what)
		}
	}
	return columns.Flush()
}

// columns are a table without lines, for people.
type columns struct {
	*tabwriter.Writer
	headings []string // printed before the first row
}

func newColumns(to io.Writer, headings ...string) *columns {
	return &columns{tabwriter.NewWriter(to, 0, 0, 2, ' ', 0), headings}
}

// row prints one row. Strangers may have written the texts in its cells.
func (c *columns) row(cells ...string) {
	if headings := c.headings; len(headings) > 0 {
		c.headings = nil
		c.row(headings...)
	}
	for i, cell := range cells {
		cells[i] = oneLine(cell)
	}
	fmt.Fprintln(c, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

// oneLine keeps a text from moving the cursor, colouring the screen or breaking
// a table.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// dollars is an amount on the command line and in JSON, such as 40.00.
type dollars money.Amount

// UnmarshalText reads an amount. An empty text is refused.
func (d *dollars) UnmarshalText(text []byte) error {
	amount, err := money.Parse(string(text), money.USD)
	*d = dollars(amount)
	return err
}

// MarshalText writes amounts as text in JSON, because many programs read JSON
// numbers as floats.
func (d dollars) MarshalText() ([]byte, error) { //nolint:unparam // encoding.TextMarshaler has the error
	return []byte(money.Amount(d).Decimal()), nil
}

// IsZero leaves an amount that is not given out of JSON.
func (d dollars) IsZero() bool { return !money.Amount(d).Given() }

// String is the amount as text, or empty if there is none.
func (d dollars) String() string {
	if d.IsZero() {
		return ""
	}
	return money.Amount(d).String()
}

const shortLayout = "2006-01-02 15:04:05" // UTC

// moment is a time as text, or empty if there is none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(clockLayout)
}
