package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type clockVerb struct {
	Show    clockShow    `cmd:"" help:"Show the caller's time."`
	Advance clockAdvance `cmd:"" help:"Move the caller's clock forward. A running server follows by itself."`
	Reset   clockReset   `cmd:"" help:"Set the caller's clock back to real time. What has expired stays expired."`
}

// clockFlags say whose clock: in a store, or through a server.
type clockFlags struct {
	storeFlags
	Caller string `help:"Choose this caller of the store, if there are several." placeholder:"ID"`
	remoteFlags
	JSON bool `name:"json" help:"Print one line of JSON."`
}

// remoteFlags say which server to ask, and as which caller. The server cannot
// come from the environment, because without it the command uses a store.
type remoteFlags struct {
	Server string `help:"Ask the server with this Query API address, and no store." placeholder:"URL"`
	keyFlags
}

type clockShow struct{ clockFlags }

func (v clockShow) Run(ctx context.Context, w world) error {
	c, err := v.open(ctx, w)
	if err != nil {
		return err
	}
	defer c.close()
	state, err := c.show(ctx)
	if err != nil {
		return err
	}
	return v.print(w, state, state)
}

type clockAdvance struct {
	clockFlags
	By time.Duration `arg:"" help:"Move the clock by this much: 7d, 1d12h or 90m."`
}

func (v clockAdvance) Run(ctx context.Context, w world) error {
	if v.By <= 0 {
		return errors.New("the clock moves forward only; give a duration such as 7d")
	}
	var due int
	err := v.move(ctx, w, func(c clock) (state holdfast.ClockState, err error) {
		if c.due != nil {
			if due, err = c.due(ctx, v.By); err != nil {
				return state, err
			}
		}
		return c.advance(ctx, v.By)
	})
	if err == nil && due > 0 && !v.JSON {
		fmt.Fprintf(w.Out, "Holds whose deadline this reaches: %d.\n", due)
	}
	return err
}

type clockReset struct{ clockFlags }

func (v clockReset) Run(ctx context.Context, w world) error {
	return v.move(ctx, w, func(c clock) (holdfast.ClockState, error) { return c.reset(ctx) })
}

// A clock is a caller's clock, in a store or behind a server.
type clock struct {
	show    func(context.Context) (holdfast.ClockState, error)
	advance func(context.Context, time.Duration) (holdfast.ClockState, error)
	reset   func(context.Context) (holdfast.ClockState, error)
	due     func(context.Context, time.Duration) (int, error) // holds that an advance would let expire; nil if unknown
	close   func()
}

func (f clockFlags) open(ctx context.Context, w world) (clock, error) {
	if f.Server != "" {
		return f.remoteFlags.open(w)
	}
	db, chosen, err := f.openFor(ctx, f.Caller)
	if err != nil {
		return clock{}, err
	}
	office := clerk(db, w)
	state := func(c party.Caller, err error) (holdfast.ClockState, error) {
		return holdfast.ClockState{Now: c.Now(processor.Micro(w.Now())), Offset: c.ClockOffset}, err
	}
	return clock{
		show: func(ctx context.Context) (holdfast.ClockState, error) {
			all, err := callersOf(ctx, db.Reader)
			if err != nil {
				return holdfast.ClockState{}, err
			}
			return state(chooseCaller(all, string(chosen.ID)))
		},
		advance: func(ctx context.Context, by time.Duration) (holdfast.ClockState, error) {
			return state(office.AdvanceClock(ctx, chosen.ID, by))
		},
		reset: func(ctx context.Context) (holdfast.ClockState, error) {
			return state(office.ResetClock(ctx, chosen.ID))
		},
		due: func(ctx context.Context, by time.Duration) (int, error) {
			return holdsDue(ctx, db.Reader, chosen.ID, w.Now().Add(by))
		},
		close: func() { db.Close() },
	}, nil
}

const dueMax = 10_000 // holds looked at

// holdsDue counts a caller's open holds whose deadline is reached at a real
// time.
func holdsDue(ctx context.Context, r store.Reader, id party.CallerID, then time.Time) (n int, err error) {
	err = r.View(ctx, func(tx *store.ReadTx) error {
		caller, found, err := tx.Caller(id)
		if err != nil || !found {
			return err
		}
		due, err := tx.DueOf(id, caller.Now(then), dueMax)
		n = len(due)
		return err
	})
	return n, err
}

func (f remoteFlags) open(w world) (clock, error) {
	client, err := f.client(f.Server, w)
	if err != nil {
		return clock{}, err
	}
	return clock{show: client.Clock, advance: client.AdvanceClock, reset: client.ResetClock, close: func() {}}, nil
}

func (f clockFlags) move(ctx context.Context, w world, how func(clock) (holdfast.ClockState, error)) error {
	c, err := f.open(ctx, w)
	if err != nil {
		return err
	}
	defer c.close()
	before, err := c.show(ctx)
	if err != nil {
		return err
	}
	after, err := how(c)
	if err != nil {
		return err
	}
	return f.print(w, before, after)
}

const clockLayout = "Mon 2006-01-02 15:04:05 MST"

func (f clockFlags) print(w world, before, after holdfast.ClockState) error {
	if f.JSON {
		return printJSON(w.Out, map[string]string{
			"now": after.Now.UTC().Format(time.RFC3339Nano), "offset": after.Offset.String(),
		})
	}
	if before.Offset != after.Offset {
		fmt.Fprintf(w.Out, "The caller's time was %s.\n", before.Now.UTC().Format(clockLayout))
	}
	fmt.Fprintf(w.Out, "The caller's time is  %s, %s.\n", after.Now.UTC().Format(clockLayout), ahead(after.Offset))
	return nil
}

func ahead(offset time.Duration) string {
	if offset == 0 {
		return "which is real time"
	}
	return inDays(offset) + " ahead of real time"
}

// choose finds the caller: the one named, the demo's own, or the only one.
func (f storeFlags) choose(ctx context.Context, r store.Reader, id string) (party.Caller, error) {
	all, err := callersOf(ctx, r)
	if err != nil {
		return party.Caller{}, err
	}
	if id == "" && f.Data != "" {
		if kept, found, err := readDemo(f.Data); err == nil && found {
			id = string(kept.CallerID)
		}
	}
	return chooseCaller(all, id)
}

// openFor opens the store and chooses the caller.
func (f storeFlags) openFor(ctx context.Context, id string) (*store.DB, party.Caller, error) {
	db, err := f.open(ctx)
	if err != nil {
		return nil, party.Caller{}, err
	}
	caller, err := f.choose(ctx, db.Reader, id)
	if err != nil {
		db.Close()
		return nil, party.Caller{}, err
	}
	return db, caller, nil
}

// openForAll opens the store and reads the caller that is named, or all callers if
// none is.
func (f storeFlags) openForAll(ctx context.Context, id string) (*store.DB, []party.Caller, error) {
	db, err := f.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	callers, err := meantCallers(ctx, db.Reader, id)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, callers, nil
}
