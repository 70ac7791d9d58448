package main

import (
	"context"
	"fmt"
)

type booksHash struct {
	storeFlags
	JSON bool `name:"json" help:"Print one line of JSON."`
}

func (booksHash) Help() string {
	return `Two stores with the same books have the same hash, whichever databases they are in: compare a store with its copy. The
hash does not prove that nobody has changed the books.
`
}

// A hashAnswer is what --json prints.
type hashAnswer struct {
	Hash   string        `json:"hash"`
	Tables []tableAnswer `json:"tables"`
}

func (v booksHash) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	digest, err := db.BooksDigest(ctx)
	if err != nil {
		return err
	}
	_, tables := describeTables(digest)
	if v.JSON {
		return printJSON(w.Out, hashAnswer{digest.String(), tables})
	}
	facts := []fact{{"hash", digest.String()}}
	for _, t := range tables {
		facts = append(facts, fact{t.Table, fmt.Sprintf("%d rows", t.Rows)})
	}
	return printFacts(w.Out, facts)
}
