package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

type networkRestored struct {
	storeFlags
	Since dateFlag `help:"Read what the networks have told since this time, that of the backup, such as 2026-11-30T08:00:00Z." required:"" placeholder:"TIME"`
	JSON  bool     `name:"json" help:"Print one line of JSON."`
}

func (networkRestored) Help() string {
	return `Run it after a store was restored from a backup, before callers send requests. It may be run again.
Servers then look at each payment: a hold that the store does not know is released, and money that it does
not know is an error in the log. Networks keep events for 30 days.

Examples:

    holdfast network restored --store holdfast.db --since 2026-11-30T08:00:00Z
`
}

// eventsKept is how long networks keep events.
const eventsKept = 30 * day

func (v networkRestored) Run(ctx context.Context, w world) error {
	age := w.Now().Sub(v.Since.at)
	switch {
	case age < 0:
		return misuseError{errors.New("--since is in the future")}
	case age > eventsKept:
		return misuseError{errors.New("--since: networks keep events for 30 days only")}
	}
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	p := networkClerk(db, w)
	defer p.Close()
	err = logDone(ctx, db, w, "network.restored", "", party.Facts{"since": v.Since.at.UTC().Format(time.RFC3339)})
	if err != nil {
		return err
	}
	unknown, err := p.AfterRestore(ctx, v.Since.at)
	if err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, restoredAnswer{Since: v.Since.at.UTC(), Unknown: unknown})
	}
	_, err = fmt.Fprintf(w.Out, "%s since then that the store did not know. The server looks at each payment now.\n",
		counted(unknown, "event"))
	return err
}

// A restoredAnswer is how many events were unknown, as --json prints it.
type restoredAnswer struct {
	Since   time.Time `json:"since"`
	Unknown int       `json:"unknownEvents"`
}
