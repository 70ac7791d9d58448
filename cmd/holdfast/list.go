package main

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/spreadsheet"
)

// listOutput says how the rows of a list are printed.
type listOutput struct {
	JSON bool `name:"json" help:"Print one line of JSON for each." xor:"form"`
	CSV  bool `name:"csv" help:"Print a CSV file, with times in UTC and amounts in dollars." xor:"form"`
}

// A listRow is a row of a list. JSON has its fields, a table for people its cells,
// and a CSV file its record.
type listRow interface {
	cells() []string
	record() []string
}

// printList prints rows in the form that was chosen. names are the columns of the
// CSV file, and headings those of the table.
func printList[R listRow](w world, o listOutput, rows []R, names, headings []string) error {
	switch {
	case o.JSON:
		for _, r := range rows {
			if err := printJSON(w.Out, r); err != nil {
				return err
			}
		}
		return nil
	case o.CSV:
		file := spreadsheet.NewWriter(w.Out)
		if err := file.Row(names...); err != nil {
			return err
		}
		for _, r := range rows {
			if err := file.Row(r.record()...); err != nil {
				return err
			}
		}
		return file.Flush()
	}
	table := newColumns(w.Out, headings...)
	for _, r := range rows {
		table.row(r.cells()...)
	}
	return table.Flush()
}

// timeCell is a time in a CSV file, or empty.
func timeCell(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// decimalOrNone is an amount in a CSV file, or empty if it is not given.
func decimalOrNone(d dollars) string {
	if d.IsZero() {
		return ""
	}
	return decimal(d)
}

// sayMore says that a list was cut.
func sayMore(w world, most int, more bool, err error) error {
	if more && err == nil {
		fmt.Fprintf(w.Err, "There are more than %d; give a larger --max, or select.\n", most)
	}
	return err
}
