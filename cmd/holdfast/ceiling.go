package main

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A ceilingVerb is the server that holdfast bench --ceiling starts. It is not a
// flag of serve, so that no setting can make a server give answers that are not
// real.
type ceilingVerb struct {
	Store string `help:"Take callers from this store: the path of an SQLite file, or postgres://…" required:"" placeholder:"ADDRESS"`
}

func (v ceilingVerb) Run(ctx context.Context, w world) error {
	listener, err := listen(ctx, "--listen", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	db, err := store.OpenExisting(ctx, store.Config{Address: v.Store})
	if err != nil {
		return err
	}
	defer db.Close()
	public, err := publicURL("", "http", listener)
	if err != nil {
		return err
	}
	ended := newEnding()
	ceiling := &queryapi.Ceiling{Store: db.Reader, Hosts: []string{holdfast.SignedHost(public)}, Now: w.Now}
	server := httpServer(ceiling.Handler(), w.Log)
	go serve(server, listener, ended)
	w.Log.Info("serving", "listen", listener.Addr().String(), "endpoint", public.String())
	err = ended.wait(ctx)
	server.Close()
	return err
}
