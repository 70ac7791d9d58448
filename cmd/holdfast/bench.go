package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-pay/holdfast/internal/bench"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type benchVerb struct {
	Server      string        `help:"Drive a running server, by its Query API address; --store says where its store is. Without this flag the bench starts a server of its own." placeholder:"URL"`
	Store       string        `help:"Make callers, buyers and tokens in this store, and leave them there: the path of an SQLite file, or postgres://… Without this flag the bench makes a file and removes it afterwards." placeholder:"ADDRESS"`
	Mix         bench.Mix     `help:"Send these requests: reserve, reserve+settle, settle, status or activity." enum:"reserve,reserve+settle,settle,status,activity" default:"reserve" placeholder:"MIX"`
	Door        bench.Door    `help:"Send Reserves to this API: fps, the signed Query API, or json, which measures both in one run and compares them. Only for the mix reserve." enum:"fps,json" default:"fps" placeholder:"DOOR"`
	Spread      bench.Spread  `help:"Spread requests over merchants: uniform, zipf or one-merchant." enum:"uniform,zipf,one-merchant" default:"uniform" placeholder:"KIND"`
	Merchants   int           `help:"Use this many merchants." default:"100" placeholder:"N"`
	Connections int           `help:"Open this many connections." default:"64" placeholder:"N"`
	Rate        int           `help:"Send this many requests a second, whatever the server does: an open loop, whose latencies count from when a request was due. 0 is a closed loop, in which each connection sends a request once it has the answer to the last." default:"0" placeholder:"N"`
	Duration    time.Duration `help:"Measure for this long." default:"10s" placeholder:"DURATION"`
	Warmup      time.Duration `help:"Warm up for this long before." default:"2s" placeholder:"DURATION"`
	GroupCommit bool          `help:"Run the bench's own server with group commit; see serve." default:"true" negatable:""`
	AcceptLoss  bool          `name:"accept-data-loss" help:"Run the bench's own server with --accept-data-loss; see serve." env:"HOLDFAST_ACCEPT_DATA_LOSS"`
	Seed        uint64        `help:"Seed the choice of merchants and amounts; the same seed repeats the same load." default:"1" placeholder:"N"`
	Deliver     bool          `help:"Deliver the notifications to a receiver on the loopback interface, and find the highest rate of Reserves at which each comes within ten seconds. With --rate, try only that rate. Only for the mix reserve."`
	Flood       bench.Flood   `help:"Measure a second time, under a flood of invalid requests: bad-signature, oversized, slow, unfinished, oversized-link, verify-signature or visits." enum:"bad-signature,oversized,slow,unfinished,oversized-link,verify-signature,visits," default:"" placeholder:"KIND"`
	Flooders    int           `help:"Open this many connections for the flood." default:"64" placeholder:"N"`
	Preload     int64         `help:"Make this many payments in the store before the server starts." placeholder:"N"`
	Storm       int64         `help:"Measure a second time, while this many holds expire within a second." placeholder:"N"`
	KillAfter   time.Duration `help:"Kill the bench's own server this long after the measurement begins, and start it again." placeholder:"DURATION"`
	CheckBooks  bool          `help:"Audit all books afterwards. Every acknowledged transaction is looked up in any case." default:"true" negatable:""`
	JSON        bool          `name:"json" help:"Print one line of JSON and no chart."`
}

func (v benchVerb) Run(ctx context.Context, w world) (err error) {
	if err := v.check(); err != nil {
		return err
	}
	address, remove, err := v.address()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	open := openStore // as the bench's own server will
	if v.Server != "" {
		open = store.OpenExisting
	}
	db, err := open(ctx, store.Config{Address: address})
	if err != nil {
		return err
	}
	defer db.Close()
	result, err := v.measure(ctx, w, db, address)
	if err != nil {
		return err
	}
	if isTerminal(w.Err) {
		fmt.Fprint(w.Err, eraseLine) // that of the progress
	}
	if err := v.print(w.Out, result); err != nil {
		return err
	}
	if !result.Good() {
		fmt.Fprintln(w.Err, "The server acknowledged nothing, or something that its store does not have, "+
			"or its books or notifications are wrong.")
		return errSaid
	}
	return nil
}

func (v benchVerb) check() error {
	switch {
	case v.Server != "" && v.Store == "":
		return errors.New("--server: say where that server's --store is, too; tokens are made in it")
	case v.Server != "" && !v.GroupCommit:
		return errors.New("--group-commit is a setting of the bench's own server; without --server it has one")
	case v.Server != "" && v.KillAfter > 0:
		return errors.New("--kill-after is for the bench's own server; without --server it has one")
	case v.Server != "" && v.Preload+v.Storm > 0:
		return errors.New("--preload and --storm write to the store before the bench's own server starts; without --server " +
			"it has one")
	case v.Storm > 0 && v.Flood != bench.NoFlood, v.KillAfter > 0 && (v.Storm > 0 || v.Flood != bench.NoFlood):
		return errors.New("--storm, --flood or --kill-after, one at a time")
	case v.Preload < 0 || v.Storm < 0:
		return errors.New("--preload and --storm are numbers of transactions")
	case v.KillAfter >= v.Duration:
		return errors.New("--kill-after comes after the --duration")
	case v.Door == bench.DoorJSON && v.Mix != bench.MixReserve:
		return errors.New("--door json is for the mix reserve alone")
	case v.Door == bench.DoorJSON && (v.Deliver || v.Storm > 0 || v.Flood != bench.NoFlood || v.KillAfter > 0):
		return errors.New("--door json compares without --deliver, --storm, --flood and --kill-after")
	case v.Deliver && v.Mix != bench.MixReserve:
		return errors.New("--deliver is for the mix reserve alone")
	case v.Deliver && (v.Storm > 0 || v.Flood != bench.NoFlood || v.KillAfter > 0):
		return errors.New("--deliver measures without --storm, --flood and --kill-after")
	}
	return nil
}

// address is the store's address. Without one the bench uses a store of its
// own.
func (v benchVerb) address() (address string, remove func() error, err error) {
	if v.Store != "" {
		return v.Store, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "holdfast-bench-")
	if err != nil {
		return "", nil, err
	}
	return filepath.Join(dir, serverFile), func() error { return os.RemoveAll(dir) }, nil
}

// measure drives the server and checks its store afterwards.
func (v benchVerb) measure(
	ctx context.Context, w world, db *store.DB, address string,
) (result bench.Result, err error) {
	b := v.bench(w, db, address)
	b.Flood, b.FloodConnections, b.Deliver = v.Flood, v.Flooders, v.Deliver
	defer b.Close()
	if v.Preload > 0 {
		if err := b.Preload(ctx, v.Preload); err != nil {
			return result, err
		}
	}
	if v.Storm > 0 {
		if err := b.Gather(ctx, v.Storm); err != nil {
			return result, err
		}
	}
	var own *ownServer
	if v.Server != "" {
		if b.Endpoint, err = url.Parse(v.Server); err != nil {
			return result, fmt.Errorf("--server: %w", err)
		}
	} else {
		if own, err = v.startOwn(ctx, w, address); err != nil {
			return result, err
		}
		defer func() { err = errors.Join(err, own.end()) }()
		b.Endpoint, b.Process = own.Endpoint, own.process
	}
	if err := b.Prepare(ctx); err != nil {
		return result, err
	}
	if v.KillAfter > 0 {
		b.Process = nil // it is another one afterwards
		b.Meanwhile = func(ctx context.Context) error { return own.killAndStart(ctx, v.KillAfter) }
	}
	if result, err = b.Measure(ctx); err != nil {
		return result, err
	}
	result.Preloaded = v.Preload
	if own != nil {
		result.GroupCommit, result.Start, result.Killed = &v.GroupCommit, own.start, own.killed
	}
	checked, err := b.Check(ctx, v.CheckBooks)
	result.Checked = &checked
	return result, err
}

func (v benchVerb) bench(w world, db *store.DB, address string) *bench.Bench {
	b := &bench.Bench{
		Store: db, Address: address, Mix: v.Mix, Door: v.Door, Spread: v.Spread, Merchants: v.Merchants,
		Connections: v.Connections,
		Rate:        v.Rate, Warmup: v.Warmup, Duration: v.Duration, Seed: v.Seed, Now: w.Now,
	}
	if screen := isTerminal(w.Err); screen || v.Duration > quietMost || v.Preload+v.Storm > quietCount {
		b.Progress = progressLine(w.Err, screen)
	}
	return b
}

// A shorter or smaller run prints progress only on a terminal.
const (
	quietMost  = 5 * time.Second
	quietCount = 10_000
)

const eraseLine = "\r\x1b[K"

func isTerminal(to io.Writer) bool {
	file, ok := to.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// progressLine is rewritten each second on a terminal; elsewhere each one is a
// line of its own.
func progressLine(to io.Writer, screen bool) func(bench.Progress) {
	return func(p bench.Progress) {
		line := fmt.Sprintf("%s: %2.0f s, %d answers, %d a second, %d errors", p.Doing, p.Elapsed.Seconds(), p.Answered,
			p.Rate, p.Failed)
		if screen {
			fmt.Fprint(to, eraseLine, line)
			return
		}
		fmt.Fprintln(to, line)
	}
}
