package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type eventsVerb struct {
	List eventsList `cmd:"" help:"List a caller's events, in the order of its feed."`
	Tail eventsTail `cmd:"" help:"Print a caller's events as they happen."`
}

// feedFlags choose events of a caller.
type feedFlags struct {
	webhookFlags
	After  payment.EventCursor `help:"Begin after this cursor, which --json prints with each event." placeholder:"CURSOR"`
	Types  []payment.EventType `help:"Print only events of these types, such as hold.settled." placeholder:"TYPE"`
	Object string              `help:"Print only events of the hold, payment, token or other object with this id." placeholder:"ID"`
}

// A feedAnswer is an event as --json prints it.
type feedAnswer struct {
	Cursor payment.EventCursor  `json:"cursor"` // the feed goes on after it
	Event  payment.EventMessage `json:"event"`
}

func (f feedFlags) read(
	ctx context.Context, r store.Reader, c party.Caller, after payment.EventCursor, limit int,
) (page store.EventPage, err error) {
	err = r.View(ctx, func(tx *store.ReadTx) error {
		page, err = tx.Events(c.ID, store.EventQuery{After: after, Types: f.Types, Object: f.Object, Limit: limit})
		return err
	})
	if errors.Is(err, payment.ErrCursor) || errors.Is(err, payment.ErrCursorLost) {
		err = fmt.Errorf("--after: %w", err)
	}
	return page, err
}

func (f feedFlags) table(w world) *columns {
	return newColumns(w.Out, "TIME", "TYPE", "OBJECT", "SEQUENCE", "EVENT")
}

func (f feedFlags) row(w world, table *columns, e payment.Event) error {
	if f.JSON {
		return printJSON(w.Out, feedAnswer{e.Cursor(), e.Message()})
	}
	m := e.Message()
	table.row(shortTime(e.At), string(m.Type), m.ObjectID, strconv.Itoa(m.Seq), string(m.ID))
	return nil
}

type eventsList struct {
	feedFlags
	Max int `help:"List at most this many." default:"100" placeholder:"ROWS"`
}

// Validate is called by kong. A wrong value ends with exitMisused.
func (v eventsList) Validate() error { return checkMax(v.Max) }

func (v eventsList) Run(ctx context.Context, w world) (err error) {
	db, caller, err := v.begin(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	var all []payment.Event
	for page := (store.EventPage{Next: v.After, More: true}); page.More && len(all) <= v.Max; {
		if page, err = v.read(ctx, db.Reader, caller, page.Next, v.Max+1-len(all)); err != nil {
			return err
		}
		all = append(all, page.Events...) // a page may be short
	}
	table := v.table(w)
	defer func() { err = errors.Join(err, table.Flush()) }()
	for _, e := range all[:min(len(all), v.Max)] {
		if err := v.row(w, table, e); err != nil {
			return err
		}
	}
	return sayMore(w, v.Max, len(all) > v.Max, nil)
}

type eventsTail struct{ feedFlags }

const (
	tailPage  = 100
	tailPause = 500 * time.Millisecond
)

func (v eventsTail) Run(ctx context.Context, w world) (err error) {
	db, caller, err := v.begin(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	after := v.After
	if after == "" {
		err := db.View(ctx, func(tx *store.ReadTx) (err error) {
			after, err = tx.LastCursor(caller.ID)
			return err
		})
		if err != nil {
			return err
		}
	}
	table := v.table(w)
	for {
		page, err := v.read(ctx, db.Reader, caller, after, tailPage)
		if ctx.Err() != nil {
			return nil // the user has ended the command
		}
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			if err := v.row(w, table, e); err != nil {
				return err
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
		if after = page.Next; page.More {
			continue
		}
		if waitFor(ctx, tailPause) != nil {
			return nil
		}
	}
}
