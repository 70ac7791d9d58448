package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Names in a demo's directory.
const (
	serverFile = "holdfast.db"
	shopFile   = "shop.db"
	demoFile   = "demo.json"
	lockFile   = "lock"
)

// storeFlags say which store a command works on. A server may be running on it.
type storeFlags struct {
	Data  string `help:"Use the store of the demo in this directory." type:"path" placeholder:"DIR"`
	Store string `help:"Use this store: the path of an SQLite file, or postgres://…" env:"HOLDFAST_STORE" placeholder:"ADDRESS"`
	sealKeyFlag
}

// config says how to open a store. A demo's store is never sealed, so the
// environment's seal key is ignored for it.
func (f storeFlags) config(address string) (store.Config, error) {
	if f.Data != "" {
		return store.Config{Address: address}, nil
	}
	key, err := f.key()
	return store.Config{Address: address, SealKey: key}, err
}

// address is the store's address. --data outranks --store, which may come from
// the environment.
func (f storeFlags) address() (string, error) {
	switch {
	case f.Data != "":
		return filepath.Join(f.Data, serverFile), nil
	case f.Store != "":
		return f.Store, nil
	}
	return "", errors.New("which store? Give --store ADDRESS, which is the setting store of the server, or --data DIR of a demo")
}

// open opens a store that a server has made. A mistyped path must not make a
// new store, and only serve changes a schema.
func (f storeFlags) open(ctx context.Context) (*store.DB, error) {
	return f.openExisting(ctx, refuseShared)
}

func (f storeFlags) openExisting(
	ctx context.Context, shared func(path string, mode os.FileMode) error,
) (*store.DB, error) {
	address, err := f.address()
	if err != nil {
		return nil, err
	}
	at, err := parseStore(address)
	if err != nil {
		return nil, err
	}
	if at.IsFile() {
		switch exists, err := checkPrivate(at.File, shared); {
		case err != nil:
			return nil, err
		case !exists:
			return nil, fmt.Errorf("there is no store at %s", at.File)
		}
	}
	config, err := f.config(address)
	if err != nil {
		return nil, err
	}
	return store.OpenExisting(ctx, config)
}

// create is open, but makes an SQLite file if there is none.
func (f storeFlags) create(ctx context.Context) (*store.DB, error) {
	address, err := f.address()
	if err != nil {
		return nil, err
	}
	at, err := parseStore(address)
	if err != nil {
		return nil, err
	}
	if at.IsFile() {
		if _, err := os.Stat(at.File); errors.Is(err, os.ErrNotExist) {
			config, err := f.config(address)
			if err != nil {
				return nil, err
			}
			return openStore(ctx, config)
		}
	}
	return f.open(ctx)
}

// openStore opens a store like a server: it makes a missing one and brings the
// schema up to date.
func openStore(ctx context.Context, c store.Config) (*store.DB, error) {
	at, err := parseStore(c.Address)
	if err != nil {
		return nil, err
	}
	if at.IsFile() {
		if err := makePrivate(at.File); err != nil {
			return nil, err
		}
	}
	return store.Open(ctx, c)
}

// parseStore reads the address of a store.
func parseStore(address string) (store.Location, error) {
	at, err := store.ParseAddress(address)
	if err != nil {
		return at, fmt.Errorf("--store: %w", err)
	}
	return at, nil
}

// errNoNetwork is the error of a command that asks a card network and has none.
var errNoNetwork = errors.New("this verb asks no card network")

// noNetwork is the network of a processor that asks none.
type noNetwork struct{}

func (noNetwork) Verify(context.Context, card.Details) (card.Kept, error) {
	return card.Kept{}, errNoNetwork
}

func (noNetwork) Ask(context.Context, card.Question) (payment.Answer, error) {
	return payment.Answer{}, errNoNetwork
}

// clerk is a processor that makes and changes parties and callers, and deposits
// sandbox money into balances.
func clerk(db *store.DB, w world) *processor.Processor {
	return processor.New(db, processor.Config{Network: noNetwork{}, Now: w.Now, Log: w.Log})
}

// callersOf reads all callers of a store.
func callersOf(ctx context.Context, r store.Reader) (all []party.Caller, err error) {
	err = r.View(ctx, func(tx *store.ReadTx) error {
		all, err = tx.Callers()
		return err
	})
	return all, err
}

// meantCallers reads the caller that is named, or all callers if none is.
func meantCallers(ctx context.Context, r store.Reader, id string) ([]party.Caller, error) {
	all, err := callersOf(ctx, r)
	if err != nil || id == "" {
		return all, err
	}
	one, err := chooseCaller(all, id)
	return []party.Caller{one}, err
}

// chooseCaller finds the caller: the one named, or the only one.
func chooseCaller(all []party.Caller, id string) (party.Caller, error) {
	for _, c := range all {
		if string(c.ID) == id {
			return c, nil
		}
	}
	switch {
	case id != "":
		return party.Caller{}, fmt.Errorf("there is no caller %s", id)
	case len(all) == 0:
		return party.Caller{}, errors.New("there is no caller yet; make one with holdfast caller create")
	case len(all) > 1:
		return party.Caller{}, fmt.Errorf("there are %d callers; say which with --caller ID (holdfast caller list)", len(all))
	}
	return all[0], nil
}
