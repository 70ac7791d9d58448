// Package sheet writes CSV files that people open in spreadsheets. A spreadsheet
// takes some texts for formulas and runs them. Many texts in our files were chosen
// by strangers, so such a text gets a quotation mark in front.
package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast/money"
)

// A Writer writes a CSV file as it goes. Call Flush at the end.
type Writer struct{ csv *csv.Writer }

// NewWriter begins a file with its headings.
func NewWriter(to io.Writer, headings ...string) (Writer, error) {
	w := Writer{csv.NewWriter(to)}
	return w, w.csv.Write(headings)
}

// Row writes a row. A cell is a string, an amount, a number or a time: amounts have
// no currency, and times are in RFC 3339. A cell that is a string cannot become a
// formula.
func (w Writer) Row(cells ...any) error {
	record := make([]string, len(cells))
	for i, cell := range cells {
		record[i] = Cell(cell)
	}
	return w.csv.Write(record)
}

// Flush writes what is left, and returns the first error of the file.
func (w Writer) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}

// Cell is the text of a cell.
func Cell(cell any) string {
	switch v := cell.(type) {
	case money.Amount:
		if !v.Given() {
			return ""
		}
		return v.Decimal()
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.Format(time.RFC3339)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case string:
		return Harmless(v)
	}
	panic(fmt.Sprintf("sheet: a cell of type %T", cell))
}

// Harmless keeps a spreadsheet from taking a text for a formula, and keeps the
// text in its line.
func Harmless(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
	if first, _ := utf8.DecodeRuneInString(strings.TrimLeft(text, " ")); strings.ContainsRune("=+-@|%＝＋－＠", first) {
		return "'" + text
	}
	return text
}
