package main

import (
	"context"
	"fmt"
)

type booksVerb struct {
	Check booksCheck `cmd:"" help:"Check that every posting, hold and balance agrees; also while the server runs."`
}

type booksCheck struct{ storeFlags }

func (v booksCheck) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	report, err := db.CheckBooks(ctx)
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		fmt.Fprintf(w.Out, "%s %s: %s\n", f.Table, f.Row, f.Problem)
	}
	counted := fmt.Sprintf("%d callers, %d transactions, %d postings", report.Callers, report.Transactions, report.Postings)
	if len(report.Findings) > 0 {
		fmt.Fprintf(w.Out, "The books are wrong in %d places (%s).\n", len(report.Findings), counted)
		return errSaid
	}
	fmt.Fprintf(w.Out, "The books are right (%s).\n", counted)
	return nil
}
