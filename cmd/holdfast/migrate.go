package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-pay/holdfast/internal/store"
)

type migrateVerb struct {
	storeFlags
	Plan bool   `help:"Show what would change and how long it takes on a copy. The store stays as it is."`
	In   string `name:"in" help:"Make the copy of an SQLite file for --plan in this folder, which needs as much space as the store; by default next to the store." type:"path" placeholder:"DIR"`
	On   string `name:"on" help:"Migrate this copy of a PostgreSQL database for --plan. Nothing may use the copy, and it is useless afterwards." placeholder:"ADDRESS"`
	JSON bool   `name:"json" help:"Print one line of JSON."`
}

func (migrateVerb) Help() string {
	return `A server does the same when it starts. While servers run on the store, a change of the schema is refused.
--plan names the servers that run now, and may be used at any time: it only reads the store. It copies an SQLite file
itself. For a PostgreSQL database, restore a backup elsewhere and name the copy with --on. A migration locks tables,
so it is never tried on the store itself.

Examples:

    holdfast migrate --store holdfast.db --plan
    holdfast migrate --store postgres://holdfast@db1/holdfast --plan --on postgres://holdfast@trial/holdfast
    holdfast migrate --store postgres://holdfast@db1/holdfast
`
}

// A migrateAnswer is what --json prints.
type migrateAnswer struct {
	Have       int64    `json:"have"`
	Known      int64    `json:"known"`
	Pending    []string `json:"pending"`
	Running    []string `json:"runningServers"`
	Done       bool     `json:"done"`
	Took       string   `json:"took,omitempty"`
	BooksRight *bool    `json:"booksRight,omitempty"`
}

func (v migrateVerb) Run(ctx context.Context, w world) error {
	at, err := v.existing()
	if err != nil {
		return err
	}
	if err := v.misused(at); err != nil {
		return misuseError{err}
	}
	address, err := v.address()
	if err != nil {
		return err
	}
	config, err := v.config(address)
	if err != nil {
		return err
	}
	config.Now = w.Now
	plan, err := store.PlanMigration(ctx, config)
	if err != nil {
		return err
	}
	answer := migrateAnswer{Have: plan.Have, Known: plan.Known, Pending: plan.Pending, Done: len(plan.Pending) == 0}
	for _, s := range plan.Running {
		answer.Running = append(answer.Running, fmt.Sprintf("version %s on %s", s.Version, s.Host))
	}
	switch {
	case len(plan.Pending) == 0:
	case v.Plan && at.IsFile():
		err = v.tryFile(ctx, w, at, config, &answer)
	case v.Plan && v.On != "":
		err = v.try(ctx, store.Trial{Store: config, Copy: v.On}, &answer)
	case !v.Plan:
		err = v.migrate(ctx, w, at, config, &answer)
	}
	if err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, answer)
	}
	return answer.print(w)
}

// misused says what is wrong with the flags.
func (v migrateVerb) misused(at store.Location) error {
	switch {
	case !v.Plan && (v.On != "" || v.In != ""):
		return errors.New("--on and --in are for --plan")
	case at.IsFile() && v.On != "":
		return errors.New("--on is for a PostgreSQL database; --plan copies an SQLite file itself")
	case !at.IsFile() && v.In != "":
		return errors.New("--in is for an SQLite file; for a PostgreSQL database, restore a copy and name it with --on")
	}
	return nil
}

// tryFile migrates a copy of an SQLite file.
func (v migrateVerb) tryFile(
	ctx context.Context, w world, at store.Location, config store.Config, answer *migrateAnswer,
) (err error) {
	folder := v.In
	if folder == "" {
		folder = filepath.Dir(at.File)
	}
	if folder, err = os.MkdirTemp(folder, "holdfast-plan-"); err != nil {
		return fmt.Errorf("making a folder for the copy: %w", err)
	}
	defer os.RemoveAll(folder)
	progress := newCopyProgress(w)
	return v.try(ctx, store.Trial{
		Store: config, Copy: filepath.Join(folder, "copy.db"),
		Told: func(done, all int) {
			progress.pages(done, all)
			if done == all {
				progress.end()
			}
		},
	}, answer)
}

// try migrates a copy.
func (v migrateVerb) try(ctx context.Context, t store.Trial, answer *migrateAnswer) error {
	tried, err := t.Run(ctx)
	if err != nil {
		return fmt.Errorf("migrating a copy of the store: %w", err)
	}
	right := len(tried.Books.Findings) == 0
	answer.Took, answer.BooksRight = tried.Took.Round(time.Millisecond).String(), &right
	return nil
}

// migrate migrates the store.
func (v migrateVerb) migrate(
	ctx context.Context, w world, at store.Location, config store.Config, answer *migrateAnswer,
) error {
	unlock, err := lockStore(at)
	if err != nil {
		return err
	}
	defer unlock()
	began := w.Now()
	db, err := store.Open(ctx, config)
	if err != nil {
		return err
	}
	answer.Took, answer.Done = w.Now().Sub(began).Round(time.Millisecond).String(), true
	return errors.Join(logDone(ctx, db, w, "store.migrate", "", nil), db.Close())
}

func (a migrateAnswer) print(w world) error {
	if len(a.Pending) == 0 {
		_, err := fmt.Fprintf(w.Out,
			"The schema of the store is version %d, which is this program's. Nothing would change.\n",
			a.Have)
		return err
	}
	would := "would run"
	if a.Done {
		would = "ran"
	}
	fmt.Fprintf(w.Out, "The schema of the store was version %d, and this program's is %d.\n", a.Have, a.Known)
	for _, name := range a.Pending {
		fmt.Fprintf(w.Out, "    %s %s\n", name, would)
	}
	switch {
	case a.Done:
		fmt.Fprintf(w.Out, "It took %s.\n", a.Took)
	case a.Took != "":
		right := "right"
		if !*a.BooksRight {
			right = "wrong"
		}
		fmt.Fprintf(w.Out, "On a copy it took %s, and the books are %s afterwards.\n", a.Took, right)
	default:
		fmt.Fprintln(w.Out, "To learn how long that takes, restore a backup to another database and name it with --on.")
	}
	for _, s := range a.Running {
		fmt.Fprintf(w.Out, "A server runs on the store and must be stopped first: %s.\n", s)
	}
	return nil
}
