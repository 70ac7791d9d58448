package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/holdfast-pay/holdfast/internal/calendar"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type calendarVerb struct {
	Show   calendarShow   `cmd:"" help:"Show whether a caller's calendar has an address, and since when."`
	Rotate calendarRotate `cmd:"" help:"Give a caller's calendar of open holds a new address, and end the one before. It is shown only once."`
	Revoke calendarRevoke `cmd:"" help:"End the address of a caller's calendar."`
}

// calendarFlags say whose calendar.
type calendarFlags struct {
	storeFlags
	Caller string `help:"Choose this caller, if there are several." placeholder:"ID"`
	JSON   bool   `name:"json" help:"Print one line of JSON."`
}

// A calendarAnswer is a calendar as --json prints it.
type calendarAnswer struct {
	CallerID party.CallerID `json:"callerId"`
	Made     time.Time      `json:"made,omitzero"` // zero if there is no address
	Address  string         `json:"address,omitempty"`
}

func (a calendarAnswer) facts() []fact {
	made := moment(a.Made)
	if made == "" {
		made = "the calendar has no address"
	}
	return []fact{{"caller", string(a.CallerID)}, {"made", made}, {"address", a.Address}}
}

func (f calendarFlags) print(w world, a calendarAnswer) error {
	if f.JSON {
		return printJSON(w.Out, a)
	}
	return printFacts(w.Out, a.facts())
}

// with calls do with the store and the chosen caller.
func (f calendarFlags) with(ctx context.Context, do func(*store.DB, party.CallerID) error) error {
	db, c, err := f.openFor(ctx, f.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	return do(db, c.ID)
}

type calendarShow struct{ calendarFlags }

func (v calendarShow) Run(ctx context.Context, w world) error {
	return v.with(ctx, func(db *store.DB, id party.CallerID) error {
		a := calendarAnswer{CallerID: id}
		err := db.View(ctx, func(tx *store.ReadTx) (err error) {
			a.Made, _, err = tx.Calendar(id)
			return err
		})
		if err != nil {
			return err
		}
		return v.print(w, a)
	})
}

type calendarRotate struct {
	calendarFlags
	PublicURL string `name:"public-url" help:"Print the address for the server with this public address; by default only its path." env:"HOLDFAST_PUBLIC_URL" placeholder:"URL"`
}

func (v calendarRotate) Run(ctx context.Context, w world) error {
	base := &url.URL{}
	if v.PublicURL != "" {
		var err error
		if base, err = url.Parse(v.PublicURL); err != nil || base.Host == "" {
			return errors.New("--public-url: give an address such as https://pay.example.com/")
		}
	}
	return v.with(ctx, func(db *store.DB, id party.CallerID) error {
		key, err := clerk(db, w).RotateCalendar(ctx, id)
		if err != nil {
			return err
		}
		base.Path = calendar.Address(key)
		err = v.print(w, calendarAnswer{CallerID: id, Made: w.Now().UTC().Truncate(time.Second), Address: base.String()})
		if err == nil && !v.JSON {
			fmt.Fprintln(w.Out, "\nAnyone with this address can see the open holds. Keep it now: it is not shown again.")
		}
		return err
	})
}

type calendarRevoke struct{ calendarFlags }

func (v calendarRevoke) Run(ctx context.Context, w world) error {
	return v.with(ctx, func(db *store.DB, id party.CallerID) error {
		revoked, err := clerk(db, w).RevokeCalendar(ctx, id)
		switch {
		case err != nil:
			return err
		case !revoked:
			return fmt.Errorf("the calendar of caller %s has no address", id)
		}
		return v.print(w, calendarAnswer{CallerID: id})
	})
}
