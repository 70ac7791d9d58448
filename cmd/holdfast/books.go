package main

import (
	"context"
	"fmt"
	"os"

	"github.com/holdfast-pay/holdfast/internal/store"
)

type booksVerb struct {
	Check       booksCheck       `cmd:"" help:"Check that every posting, hold and balance agrees; also while the server runs."`
	Hash        booksHash        `cmd:"" help:"Print a hash of the books, to compare a store with a copy."`
	Export      booksExport      `cmd:"" help:"Write the books for an accounting program, or as CSV."`
	Violations  booksViolations  `cmd:"" help:"List the rows that the server's audit has found to be wrong."`
	Acknowledge booksAcknowledge `cmd:"" help:"Acknowledge violations, so that their callers may move money again."`
}

type booksCheck struct {
	storeFlags
	JSON bool `name:"json" help:"Print one line of JSON."`
}

// A booksAnswer is what --json prints.
type booksAnswer struct {
	Right        bool          `json:"right"`
	Callers      int           `json:"callers"`
	Transactions int           `json:"transactions"`
	Postings     int           `json:"postings"`
	Findings     []wrongAnswer `json:"findings"`
}

// A wrongAnswer is a row that is wrong.
type wrongAnswer struct {
	Table   string `json:"table"`
	Row     string `json:"row"`
	Problem string `json:"problem"`
}

func (v booksCheck) Run(ctx context.Context, w world) error {
	db, err := v.openExisting(ctx, func(path string, mode os.FileMode) error { // a copy is often made so
		fmt.Fprintf(w.Err, "Warning: %v.\n", refuseShared(path, mode))
		return nil
	})
	if err != nil {
		return err
	}
	defer db.Close()
	report, err := db.CheckBooks(ctx)
	if err != nil {
		return err
	}
	if v.JSON {
		return printBooks(w, report)
	}
	for _, f := range report.Findings {
		fmt.Fprintf(w.Out, "%s %s: %s\n", f.Table, f.Row, f.Problem)
	}
	all := fmt.Sprintf("%s, %s, %s", counted(report.Callers, "caller"),
		counted(report.Transactions, "transaction"), counted(report.Postings, "posting"))
	if len(report.Findings) > 0 {
		fmt.Fprintf(w.Out, "The books are wrong in %s (%s).\n", counted(len(report.Findings), "place"), all)
		return errSaid
	}
	fmt.Fprintf(w.Out, "The books are right (%s).\n", all)
	return nil
}

func printBooks(w world, r store.Report) error {
	a := booksAnswer{
		Right: len(r.Findings) == 0, Callers: r.Callers, Transactions: r.Transactions, Postings: r.Postings,
		Findings: []wrongAnswer{},
	}
	for _, f := range r.Findings {
		a.Findings = append(a.Findings, wrongAnswer{f.Table, f.Row, f.Problem})
	}
	if err := printJSON(w.Out, a); err != nil || a.Right {
		return err
	}
	return errSaid
}

// counted is a number with its noun, singular or plural.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
