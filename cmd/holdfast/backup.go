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

type backupVerb struct {
	storeFlags
	File string `arg:"" help:"Write the backup to this file, which must not exist." placeholder:"FILE"`
	JSON bool   `name:"json" help:"Print one line of JSON."`
}

func (backupVerb) Help() string {
	return `The server may run. The backup has the state of one moment, and no request waits for it. Only its owner can read
the file. It is paused: holdfast restore makes a store of it, which delivers nothing before holdfast resume.

A PostgreSQL database is backed up with pg_basebackup and archived WAL: see "Backups" in docs/operating.md.

Examples:

    holdfast backup --store /var/lib/holdfast/holdfast.db /var/backups/holdfast/2026-11-30.db
`
}

// errPostgresBackup says how a PostgreSQL database is backed up.
var errPostgresBackup = errors.New("a PostgreSQL database is backed up with its own tools: pg_basebackup for the " +
	"whole, and archived WAL for every commit since. docs/operating.md says how, under \"Backups\"; after it was " +
	"restored, run holdfast restore --store ADDRESS --taken TIME")

// A backupAnswer is what --json prints.
type backupAnswer struct {
	File  string    `json:"file"`
	Taken time.Time `json:"taken"`
	Bytes int64     `json:"bytes"`
	Took  string    `json:"took"`
}

func (v backupVerb) Run(ctx context.Context, w world) error {
	at, err := v.existing()
	if err != nil {
		return err
	}
	if !at.IsFile() {
		return errPostgresBackup
	}
	began := w.Now()
	progress := newCopyProgress(w)
	err = store.Backup{
		From: at.File, To: v.File, Taken: processor.Micro(began), Now: processor.Micro(began), Told: progress.pages,
		Logged: true, Unlogged: w.warnUnlogged,
	}.Run(ctx)
	progress.end()
	if err != nil {
		return err
	}
	info, err := os.Stat(v.File)
	if err != nil {
		return err
	}
	took := w.Now().Sub(began).Round(time.Millisecond)
	if v.JSON {
		return printJSON(w.Out, backupAnswer{v.File, began.UTC(), info.Size(), took.String()})
	}
	_, err = fmt.Fprintf(w.Out, "%s has the store as it was at %s (%s, in %v).\n", v.File, moment(began),
		bytesOf(info.Size()), took)
	return err
}

// warnUnlogged says that a store is copied although its audit log could not be written.
func (w world) warnUnlogged(err error) {
	fmt.Fprintf(w.Err, "Warning: the audit log of the store has no entry about this copy: %v.\n", err)
}

// existing is the location of a store that exists. A file that others can read is
// refused.
func (f storeFlags) existing() (at store.Location, err error) {
	address, err := f.address()
	if err != nil {
		return at, err
	}
	if at, err = parseStore(address); err != nil || !at.IsFile() {
		return at, err
	}
	exists, err := checkPrivate(at.File, refuseShared)
	if err == nil && !exists {
		err = fmt.Errorf("there is no store at %s", at.File)
	}
	return at, err
}
