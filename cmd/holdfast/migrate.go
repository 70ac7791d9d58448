package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type migrateVerb struct {
	storeFlags
	Plan bool   `help:"Show what would change and, for an SQLite file, how long it takes on a copy. The store stays as it is."`
	In   string `name:"in" help:"Make the copy for --plan in this folder, which needs as much space as the store; by default next to the store." type:"path" placeholder:"DIR"`
	JSON bool   `name:"json" help:"Print one line of JSON."`
}

func (migrateVerb) Help() string {
	return `A server does the same when it starts. While servers run on the store, a change of the schema is refused.
--plan names the servers that run now. To try a migration of a PostgreSQL database, restore a backup of it elsewhere
and migrate that: the command says how long it took.

Examples:

    holdfast migrate --store holdfast.db --plan
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
		err = v.try(ctx, w, at, &answer)
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

// try migrates a copy of an SQLite file.
func (v migrateVerb) try(ctx context.Context, w world, at store.Location, answer *migrateAnswer) (err error) {
	folder := v.In
	if folder == "" {
		folder = filepath.Dir(at.File)
	}
	if folder, err = os.MkdirTemp(folder, "holdfast-plan-"); err != nil {
		return fmt.Errorf("making a folder for the copy: %w", err)
	}
	defer os.RemoveAll(folder)
	progress := newCopyProgress(w)
	now := processor.Micro(w.Now())
	copied := filepath.Join(folder, "copy.db")
	err = store.Backup{From: at.File, To: copied, Taken: now, Now: now, Told: progress.pages}.Run(ctx)
	progress.end()
	if err != nil {
		return fmt.Errorf("copying the store: %w", err)
	}
	config, err := v.config(copied)
	if err != nil {
		return err
	}
	began := w.Now()
	db, err := store.Open(ctx, config)
	if err != nil {
		return fmt.Errorf("migrating a copy of the store: %w", err)
	}
	answer.Took = w.Now().Sub(began).Round(time.Millisecond).String()
	report, err := db.CheckBooks(ctx)
	right := len(report.Findings) == 0
	answer.BooksRight = &right
	return errors.Join(err, db.Close())
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
	}
	for _, s := range a.Running {
		fmt.Fprintf(w.Out, "A server runs on the store and must be stopped first: %s.\n", s)
	}
	return nil
}
