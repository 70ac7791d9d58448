package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

const smallStore = 100_000 // transactions

// flatRow compares a store of many transactions with one of few. Making the
// large store takes long, so all runs share it. Each run makes its own small
// store.
func flatRow(kind, title string) row {
	return row{
		name: "flat-" + kind,
		size: func(s settings) int { return s.large },
		all: func(ctx context.Context, e *environment) ([]map[string]json.RawMessage, error) {
			return e.flat(ctx, kind)
		},
		figures: []figure{
			{
				"Reserve on a large store, " + title, "/s", "large-reserve:rate", "small-reserve:rate", "100,000 transactions",
				atLeastTimes(0.9),
			},
			{
				"GetTransactionStatus on a large store, " + title + ": p50", "ms", "large-status:p50ms", "small-status:p50ms",
				"100,000 transactions", atMostTimes(1.5),
			},
			{
				"GetAccountActivity on a large store, " + title + ": p50", "ms", "large-activity:p50ms", "small-activity:p50ms",
				"100,000 transactions", atMostTimes(1.5),
			},
			{"Start on a large store to the first answer, " + title, "s", "large-reserve:start.seconds", "", "", atMost(2, "s")},
			{"Memory at rest on a large store, " + title, "MB", "large-reserve:start.idleMB", "", "", atMost(60, "MB")},
		},
	}
}

func (e *environment) flat(ctx context.Context, kind string) (runs []map[string]json.RawMessage, err error) {
	large, remove, err := e.largeStore(ctx, kind)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove(ctx)) }()
	for n := range e.runs {
		fmt.Fprintf(os.Stderr, "flat-%s: run %d of %d\n", kind, n+1, e.runs)
		found := map[string]json.RawMessage{}
		if err := e.sizes(ctx, kind, large, found); err != nil {
			return nil, err
		}
		runs = append(runs, found)
	}
	return runs, nil
}

// largeStore makes a store of many transactions, or finds a kept one. It returns
// its address and a function that removes it.
func (e *environment) largeStore(
	ctx context.Context, kind string,
) (address string, remove func(context.Context) error, err error) {
	if e.keep == "" {
		if address, remove, err = e.newStore(ctx, kind); err != nil {
			return "", nil, err
		}
		if err := e.preload(ctx, address, e.large); err != nil {
			return "", nil, errors.Join(err, remove(ctx))
		}
		return address, remove, nil
	}
	if err := os.MkdirAll(e.keep, 0o700); err != nil {
		return "", nil, err
	}
	name := fmt.Sprintf("bench_%s_%d", kind, e.large)
	made := filepath.Join(e.keep, name+".made")
	_, missing := os.Stat(made)
	switch {
	case kind == sqlite:
		address = filepath.Join(e.keep, name+".db")
	case missing != nil:
		address, err = e.newDatabase(ctx, name)
	default:
		address, err = e.database(name)
	}
	if err == nil && missing != nil {
		if err = e.preload(ctx, address, e.large); err == nil {
			err = os.WriteFile(made, nil, 0o600)
		}
	}
	return address, func(context.Context) error { return nil }, err
}

// sizes measures each action on a small store and on the large one.
func (e *environment) sizes(ctx context.Context, kind, large string, found map[string]json.RawMessage) (err error) {
	small, remove, err := e.newStore(ctx, kind)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove(ctx)) }()
	if err := e.preload(ctx, small, smallStore); err != nil {
		return err
	}
	for _, mix := range []struct{ name, connections string }{{"reserve", many}, {"status", "1"}, {"activity", "1"}} {
		for size, address := range map[string]string{"small": small, "large": large} {
			name := size + "-" + mix.name
			if found[name], err = e.bench(ctx, address, "--mix", mix.name, "--connections", mix.connections,
				"--no-check-books"); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// preload makes payments in a store. The bench's measurement is ignored.
func (e *environment) preload(ctx context.Context, address string, count int) error {
	_, err := e.bench(ctx, address, "--preload", strconv.Itoa(count), "--duration", "100ms", "--warmup", "0s",
		"--connections", "1", "--no-check-books")
	return err
}

// stormRate is the live load during a storm. It is that of a busy shop, and less
// than the machine's maximum.
const stormRate = "500"

func stormRow(kind, title string, perSecond float64) row {
	return row{
		name: "storm-" + kind,
		size: func(s settings) int { return s.storm },
		measures: []measurement{{"storm", func(ctx context.Context, e *environment) (json.RawMessage, error) {
			return holdfast("storm", kind, "--storm", strconv.Itoa(e.storm), "--rate", stormRate, "--no-check-books").do(ctx, e)
		}}},
		figures: []figure{
			{
				"Holds that expire in one second, released, " + title, "/s", "storm:storm.perSecond", "", "",
				atLeast(perSecond, "/s"),
			},
			{
				"The live p99 during the storm, " + title, "ms", "storm:p99ms", "storm:storm.alone.p99ms", "before",
				atMostTimes(3),
			},
			{"Wrong rows in the books, " + title, "", "storm:storm.wrong", "", "", atMost(0, "")},
		},
	}
}
