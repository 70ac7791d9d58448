package main

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type storeVerb struct {
	Copy storeCopy `cmd:"" help:"Copy a store into another database, such as from SQLite to PostgreSQL."`
}

type storeCopy struct {
	From string `help:"Copy this store: sqlite:FILE or postgres://…" required:"" placeholder:"ADDRESS"`
	To   string `help:"Copy to this new file or empty database: sqlite:FILE or postgres://…" required:"" placeholder:"ADDRESS"`
	Live bool   `help:"Copy a store on which servers run, such as for tests. What they do meanwhile is not in the copy."`
	JSON bool   `name:"json" help:"Print one line of JSON."`
}

func (storeCopy) Help() string {
	return `Stop the servers first. All rows are copied, and compared afterwards. The books are not checked: run holdfast books
check on the copy. Sealed secrets stay sealed with the same key. The copy is paused: holdfast resume ends that, and the
old store must not be used any more then. A copy of a backup has the time of that backup. A copy that was cut short is
no store; run the command again.

Examples:

    holdfast store copy --from sqlite:/var/lib/holdfast/holdfast.db --to postgres://holdfast@db.example.com/holdfast
    holdfast store copy --from postgres://holdfast@db.example.com/holdfast --to sqlite:holdfast.db
`
}

// A copyAnswer is what --json prints.
type copyAnswer struct {
	Rows   int64         `json:"rows"`
	Tables []tableAnswer `json:"tables"`
	Hash   string        `json:"hash"`
	Took   string        `json:"took"`
}

type tableAnswer struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
	Hash  string `json:"hash"`
}

func describeTables(d store.StoreDigest) (rows int64, tables []tableAnswer) {
	for _, t := range d {
		rows += t.Rows
		tables = append(tables, tableAnswer{t.Table, t.Rows, fmt.Sprintf("%x", t.Sum)})
	}
	return rows, tables
}

func (v storeCopy) Run(ctx context.Context, w world) error {
	began := w.Now()
	progress := newCopyProgress(w)
	c := store.Copy{Live: v.Live, Now: processor.Micro(began), Told: progress.rows, Unlogged: w.warnUnlogged}
	var err error
	if c.From, err = store.ParseAddress(v.From); err != nil {
		return misuseError{fmt.Errorf("--from: %w", err)}
	}
	if c.To, err = store.ParseAddress(v.To); err != nil {
		return misuseError{fmt.Errorf("--to: %w", err)}
	}
	if c.From.IsFile() {
		switch exists, err := checkPrivate(c.From.File, refuseShared); {
		case err != nil:
			return err
		case !exists:
			return fmt.Errorf("--from: there is no store at %s", c.From.File)
		}
		if !v.Live {
			unlock, err := lockStore(c.From)
			if err != nil {
				return err
			}
			defer unlock()
		}
	}
	copied, err := c.Run(ctx)
	progress.end()
	if err != nil {
		return err
	}
	took := w.Now().Sub(began).Round(time.Millisecond)
	rows, tables := describeTables(copied)
	if v.JSON {
		return printJSON(w.Out, copyAnswer{rows, tables, copied.String(), took.String()})
	}
	_, err = fmt.Fprintf(w.Out,
		"%d rows of %d tables were copied and compared in %v. The copy is paused: no money moves and "+
			"nothing is\ndelivered before holdfast resume. Its books were not checked: run holdfast books check.\n",
		rows, len(tables), took)
	return err
}
