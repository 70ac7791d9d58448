package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type restoreVerb struct {
	storeFlags
	File             string   `arg:"" optional:"" help:"Restore this backup; none for a PostgreSQL database that was restored with its own tools." placeholder:"FILE"`
	Taken            dateFlag `help:"Name the time of the backup, such as 2026-11-30T03:00:00Z. Required if it was not made by holdfast backup, which writes the time into the file." placeholder:"TIME"`
	AcceptWrongBooks bool     `help:"Restore the backup although its books are wrong."`
	JSON             bool     `name:"json" help:"Print one line of JSON."`
}

func (restoreVerb) Help() string {
	return `The store must not exist, and no server may run on it. The books of the backup are checked first. The restored store
is paused: servers start on it, but no money moves, no card network is asked, and no notice, webhook or mail is sent
until holdfast resume. All sessions of browsers have ended.

Examples:

    holdfast restore --store /var/lib/holdfast/holdfast.db /var/backups/holdfast/2026-11-30.db
    holdfast restore --store postgres://holdfast@db1/holdfast --taken 2026-11-30T03:00:00Z
`
}

// A restoreAnswer is what --json prints.
type restoreAnswer struct {
	Taken       time.Time         `json:"taken"`
	BooksRight  bool              `json:"booksRight"`
	Undelivered undeliveredAnswer `json:"undelivered"`
}

func (v restoreVerb) Run(ctx context.Context, w world) error {
	address, err := v.address()
	if err != nil {
		return err
	}
	at, err := parseStore(address)
	if err != nil {
		return err
	}
	switch {
	case at.IsFile() && v.File == "":
		return misuseError{errors.New("which backup? Name its file")}
	case !at.IsFile() && v.File != "":
		return misuseError{errors.New("a PostgreSQL database is restored with its own tools; then run this command without " +
			"a file. To bring a backup of an SQLite file into PostgreSQL, use holdfast store copy")}
	case !at.IsFile() && v.Taken.at.IsZero():
		return misuseError{errors.New("--taken: give the time of the state that the database was restored to")}
	case v.Taken.at.After(w.Now()):
		return misuseError{errors.New("--taken is in the future")}
	}
	unlock, err := lockStore(at)
	if err != nil {
		return err
	}
	defer unlock()
	var report store.Report
	if at.IsFile() {
		report, err = v.restoreFile(ctx, at, w)
	} else {
		report, err = v.markDatabase(ctx, address, w)
	}
	if err != nil {
		return err
	}
	return v.tell(ctx, w, report)
}

// restoreFile makes a store of a backup.
func (v restoreVerb) restoreFile(ctx context.Context, at store.Location, w world) (report store.Report, err error) {
	if _, err := os.Stat(v.File); err != nil {
		return report, fmt.Errorf("reading the backup: %w", err)
	}
	if exists, err := checkPrivate(v.File, refuseShared); err != nil || !exists {
		return report, err
	}
	progress := newCopyProgress(w)
	defer progress.end()
	err = store.Backup{
		From: v.File, To: at.File, Taken: processor.Micro(v.Taken.at), Now: processor.Micro(w.Now()), Told: progress.pages,
		Check: func(file string) error {
			progress.end()
			config, err := v.config(file)
			if err != nil {
				return err
			}
			db, err := store.Open(ctx, config) // a backup of an older version is brought up to date
			if err != nil {
				return err
			}
			report, err = v.check(ctx, db, w)
			return errors.Join(err, db.Close())
		},
	}.Run(ctx)
	if errors.Is(err, store.ErrNoTime) {
		err = misuseError{fmt.Errorf("%w. Name the time with --taken, rather too early than too late", err)}
	}
	return report, err
}

// markDatabase pauses a PostgreSQL database that was restored.
func (v restoreVerb) markDatabase(ctx context.Context, at string, w world) (report store.Report, err error) {
	config, err := v.config(at)
	if err != nil {
		return report, err
	}
	config.Now = w.Now
	db, err := store.OpenRestored(ctx, config, processor.Micro(v.Taken.at), processor.Micro(w.Now()))
	if err != nil {
		return report, err
	}
	defer db.Close()
	return v.check(ctx, db, w)
}

// check checks the books of a restored store, and writes into its audit log that it
// was restored.
func (v restoreVerb) check(ctx context.Context, db *store.DB, w world) (store.Report, error) {
	report, err := db.CheckBooks(ctx)
	if err != nil {
		return report, err
	}
	if len(report.Findings) > 0 && !v.AcceptWrongBooks {
		f := report.Findings[0]
		return report, fmt.Errorf("the books of the backup are wrong in %s, first in %s %s: %s. Take another backup, or "+
			"restore this one with --accept-wrong-books", counted(len(report.Findings), "place"), f.Table, f.Row, f.Problem)
	}
	return report, db.LogRestore(ctx, processor.Micro(w.Now()))
}

// tell says what was restored and what to do next.
func (v restoreVerb) tell(ctx context.Context, w world, report store.Report) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	pause, _ := db.Paused()
	waits, err := db.Undelivered(ctx)
	if err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, restoreAnswer{
			Taken: pause.Taken, BooksRight: len(report.Findings) == 0, Undelivered: describeUndelivered(waits),
		})
	}
	books := "right"
	if len(report.Findings) > 0 {
		books = fmt.Sprintf("wrong in %s", counted(len(report.Findings), "place"))
	}
	fmt.Fprintf(w.Out, "The store is as it was at %s. The books are %s (%s, %s).\n\n", moment(pause.Taken), books,
		counted(report.Callers, "caller"), counted(report.Transactions, "transaction"))
	if err := printUndelivered(w, waits); err != nil {
		return err
	}
	_, err = fmt.Fprint(w.Out,
		"\nThe store is paused: no money moves and nothing is delivered. Start the server, look at the "+
			"store, then run\nholdfast resume. Leave a copy for tests paused.\n")
	return err
}
