// Package spreadsheet writes CSV files that people open with a spreadsheet program.
package spreadsheet

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode"
)

// A Writer writes the rows of a file, one after the other. A file may be larger than
// the memory.
type Writer struct{ file *csv.Writer }

// NewWriter returns a Writer. The first row that is written should have the headings.
func NewWriter(to io.Writer) *Writer { return &Writer{csv.NewWriter(to)} }

// Row writes one row. Each cell is made harmless: see [Cell].
func (w *Writer) Row(cells ...string) error {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = Cell(cell)
	}
	return w.file.Write(row)
}

// Flush writes what is buffered, and returns the first error of all rows.
func (w *Writer) Flush() error {
	w.file.Flush()
	return w.file.Error()
}

// Cell keeps a spreadsheet program from taking a text that somebody else chose for a
// formula: an apostrophe comes before it. A number below zero stays a number. Line
// breaks and control characters become blanks, so that a row stays in its line.
func Cell(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
	start := strings.TrimLeftFunc(text, unicode.IsSpace)
	if start != "" && strings.ContainsRune("=+-@|%＝＋－＠", []rune(start)[0]) && !isNumber(start) {
		return "'" + text
	}
	return text
}

// isNumber reports whether a text is a number such as -12.50.
func isNumber(text string) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	return digits(whole) && (!point || digits(fraction))
}

func digits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
