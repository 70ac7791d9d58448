package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type resumeVerb struct {
	storeFlags
	DeliverAll   bool          `help:"End the pause and deliver everything that waits." xor:"what"`
	DropAll      bool          `help:"End the pause and deliver nothing that waits now." xor:"what"`
	DropOlder    time.Duration `help:"End the pause, drop what has waited for longer than this, such as 1h, and deliver the rest." xor:"what" placeholder:"DURATION"`
	SkipNetworks bool          `help:"Skip what card networks have told since the backup. Holds that they have and the store does not are then found later, or by nobody."`
	JSON         bool          `name:"json" help:"Print one line of JSON."`
}

func (resumeVerb) Help() string {
	return `A store that was restored or copied is paused. This command says what waits in it. It ends the pause only with one of
the first three flags, even if nothing waits. Before that, it reads the events of card networks since the time of the
backup, as holdfast network restored does. Notices, webhooks and mails that are dropped stay in the store as given up,
and can be sent again. Servers go on within ten seconds.

Run it on one of two copies only: the other would hold and take the same money again.

Examples:

    holdfast resume --store holdfast.db                      # what waits?
    holdfast resume --store holdfast.db --drop-older 1h
`
}

// An undeliveredAnswer is what waits, as --json prints it.
type undeliveredAnswer struct {
	Notices   undoneAnswer `json:"notices"`
	Webhooks  undoneAnswer `json:"webhooks"`
	Mails     undoneAnswer `json:"mails"`
	Questions undoneAnswer `json:"questions"`
}

type undoneAnswer struct {
	Waiting int       `json:"waiting"`
	Oldest  time.Time `json:"oldest,omitzero"`
}

func describeUndelivered(u store.Undelivered) undeliveredAnswer {
	one := func(u store.Undone) undoneAnswer { return undoneAnswer{u.Rows, u.Oldest} }
	return undeliveredAnswer{one(u.Notices), one(u.Webhooks), one(u.Mails), one(u.Questions)}
}

// printUndelivered prints what waits, with its age.
func printUndelivered(w world, u store.Undelivered) error {
	table := newColumns(w.Out, "waiting", "number", "oldest")
	for _, row := range []struct {
		name string
		store.Undone
	}{
		{"notices", u.Notices},
		{"webhooks", u.Webhooks},
		{"mails", u.Mails},
		{"questions to card networks", u.Questions},
	} {
		age := ""
		if !row.Oldest.IsZero() {
			age = fmt.Sprintf("%s, %s ago", moment(row.Oldest), inDays(w.Now().Sub(row.Oldest).Round(time.Second)))
		}
		table.row(row.name, fmt.Sprint(row.Rows), age)
	}
	return table.Flush()
}

// A resumeAnswer is what --json prints.
type resumeAnswer struct {
	Resumed       bool              `json:"resumed"`
	Taken         time.Time         `json:"taken"`
	Undelivered   undeliveredAnswer `json:"undelivered"` // before anything was dropped
	Dropped       undeliveredAnswer `json:"dropped"`
	UnknownEvents int               `json:"unknownEvents"`
}

// errNotPaused ends a resume of a store that is not paused.
var errNotPaused = errors.New("the store is not paused")

func (v resumeVerb) decided() bool { return v.DeliverAll || v.DropAll || v.DropOlder != 0 }

func (v resumeVerb) Run(ctx context.Context, w world) error {
	if v.DropOlder < 0 {
		return misuseError{errors.New("--drop-older: give a duration above zero, such as 1h")}
	}
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	pause, paused := db.Paused()
	if !paused {
		return errNotPaused
	}
	p := networkClerk(db, w)
	defer p.Close()
	if err := placeAll(ctx, p); err != nil {
		return err
	}
	waits, err := db.Undelivered(ctx)
	if err != nil {
		return err
	}
	answer := resumeAnswer{Taken: pause.Taken, Undelivered: describeUndelivered(waits)}
	if !v.JSON {
		fmt.Fprintf(w.Out, "The store is paused, because %s. It has the state of %s.\n\n", whyPaused(pause.Reason),
			moment(pause.Taken))
		if err := printUndelivered(w, waits); err != nil {
			return err
		}
	}
	if !v.decided() {
		return v.ask(w, answer)
	}
	if err := v.resume(ctx, w, db, p, pause, &answer); err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, answer)
	}
	dropped := answer.Dropped
	_, err = fmt.Fprintf(w.Out, "\nThe store is resumed. %s, %s and %s were dropped. %s of card networks were unknown.\n",
		counted(dropped.Notices.Waiting, "notice"), counted(dropped.Webhooks.Waiting, "webhook"),
		counted(dropped.Mails.Waiting, "mail"), counted(answer.UnknownEvents, "event"))
	return err
}

// ask says how the operator decides. Nothing is resumed.
func (v resumeVerb) ask(w world, answer resumeAnswer) error {
	if v.JSON {
		if err := printJSON(w.Out, answer); err != nil {
			return err
		}
		return errSaid
	}
	fmt.Fprint(w.Out, "\nThe store stays paused. Its receivers may have got all of this already. "+
		"Each of these ends the\npause. Holds then expire, and card networks are asked again:\n\n"+
		"    holdfast resume --deliver-all         deliver what waits\n"+
		"    holdfast resume --drop-older 1h       drop what is older, and deliver the rest\n"+
		"    holdfast resume --drop-all            drop what waits\n")
	return errSaid
}

// errOldBackup refuses to read the events of card networks since the backup.
var errOldBackup = errors.New("nothing was changed: the backup is older than 30 days, and networks keep events no " +
	"longer. Compare the accounts with holdfast network reconcile, then resume with --skip-networks")

// resume ends the pause as the operator has decided. All that may fail comes
// before anything is dropped. It may be interrupted and run again.
func (v resumeVerb) resume(
	ctx context.Context, w world, db *store.DB, p *processor.Processor, pause store.Pause, answer *resumeAnswer,
) (err error) {
	if !v.SkipNetworks {
		if w.Now().Sub(pause.Taken) > eventsKept {
			return errOldBackup
		}
		if answer.UnknownEvents, err = p.AfterRestore(ctx, pause.Taken); err != nil {
			return fmt.Errorf("the store is still paused and nothing was dropped, because not all card networks could be "+
				"asked; try again, or resume with --skip-networks: %w", err)
		}
	}
	if v.DropAll || v.DropOlder > 0 {
		now := processor.Micro(w.Now())
		since := now.Add(-v.DropOlder)
		if v.DropAll {
			since = now.Add(day) // also what becomes due in the next seconds
		}
		dropped, err := db.DropUndelivered(ctx, since, now)
		if err != nil {
			return err
		}
		answer.Dropped = describeUndelivered(dropped)
	}
	done := party.Facts{
		"taken":            pause.Taken.UTC().Format(time.RFC3339),
		"dropped_notices":  strconv.Itoa(answer.Dropped.Notices.Waiting),
		"dropped_webhooks": strconv.Itoa(answer.Dropped.Webhooks.Waiting),
		"dropped_mails":    strconv.Itoa(answer.Dropped.Mails.Waiting),
	}
	if err := db.Resume(ctx, done, processor.Micro(w.Now())); err != nil {
		return err
	}
	answer.Resumed = true
	return nil
}

// placeAll gives all events their positions, so that they count among the webhooks
// that wait.
func placeAll(ctx context.Context, p *processor.Processor) error {
	for {
		placed, err := p.PlaceEvents(ctx)
		if err != nil || placed == 0 {
			return err
		}
	}
}
