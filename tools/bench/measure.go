package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A measurement is one part of a row. It returns its results as JSON.
type measurement struct {
	name string
	do   func(ctx context.Context, e *environment) (json.RawMessage, error)
}

// The kinds of store.
const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

// holdfast measures on an empty store.
func holdfast(name, kind string, args ...string) measurement {
	return measurement{name, func(ctx context.Context, e *environment) (json.RawMessage, error) {
		address, remove, err := e.newStore(ctx, kind)
		if err != nil {
			return nil, err
		}
		out, err := e.bench(ctx, address, args...)
		return out, errors.Join(err, remove(ctx))
	}}
}

// bench runs holdfast bench on a store.
func (e *environment) bench(ctx context.Context, address string, args ...string) (json.RawMessage, error) {
	if !slices.Contains(args, "--duration") {
		args = append(args, "--duration", e.duration.String())
	}
	c := exec.CommandContext(ctx, e.holdfast, append([]string{"bench", "--json", "--store", address}, args...)...)
	// On SIGTERM the bench ends its server, which is in another process group.
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = endPatience
	out, err := output(c)
	return json.RawMessage(strings.TrimSpace(out)), err
}

// ceiling measures a server that answers Reserves and stores nothing.
func ceiling() measurement {
	return measurement{"ceiling", func(ctx context.Context, e *environment) (json.RawMessage, error) {
		out, err := output(exec.CommandContext(ctx, e.ceiling, "-connections", many, "-duration", e.duration.String()))
		return json.RawMessage(strings.TrimSpace(out)), err
	}}
}

// endPatience is the time that a bench has to end its server and close the store.
const endPatience = time.Minute

// newStore makes an empty store. It returns its address and a function that
// removes it.
func (e *environment) newStore(
	ctx context.Context, kind string,
) (address string, remove func(context.Context) error, err error) {
	e.made++
	if kind == sqlite {
		dir := filepath.Join(e.dir, fmt.Sprintf("store-%d", e.made))
		return filepath.Join(dir, "holdfast.db"), func(context.Context) error { return os.RemoveAll(dir) },
			os.MkdirAll(dir, 0o700)
	}
	name := fmt.Sprintf("bench_%d_%d", os.Getpid(), e.made)
	address, err = e.newDatabase(ctx, name)
	if err != nil {
		return "", nil, err
	}
	return address, func(ctx context.Context) error { return e.sql(ctx, "DROP DATABASE "+name+" WITH (FORCE)") },
		e.sql(ctx, "CHECKPOINT")
}

func (e *environment) newDatabase(ctx context.Context, name string) (address string, err error) {
	if err := e.sql(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return e.database(name)
}

func (e *environment) database(name string) (address string, err error) {
	u, err := url.Parse(e.postgres)
	if err != nil {
		return "", errors.New("HOLDFAST_TEST_POSTGRES is no address")
	}
	u.Path = "/" + name
	return u.String(), nil
}

func (e *environment) sql(ctx context.Context, statement string) error {
	_, err := output(exec.CommandContext(ctx, filepath.Join(e.bin, "psql"), "-q", "-v", "ON_ERROR_STOP=1", "-c", statement,
		e.postgres))
	return err
}

const (
	pgbenchScale   = "20"
	pgbenchClients = "16"
)

var tps = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

// pgbench is PostgreSQL's own benchmark, TPC-B with prepared statements, on the
// same server.
func pgbench() measurement {
	return measurement{"pgbench", func(ctx context.Context, e *environment) (json.RawMessage, error) {
		address, remove, err := e.newStore(ctx, postgres)
		if err != nil {
			return nil, err
		}
		program := filepath.Join(e.bin, "pgbench")
		if _, err := output(exec.CommandContext(ctx, program, "-i", "-q", "-s", pgbenchScale, address)); err != nil {
			return nil, err
		}
		seconds := strconv.Itoa(max(int(e.duration.Seconds()), 1))
		out, err := output(exec.CommandContext(ctx, program, "-M", "prepared", "-c", pgbenchClients, "-j", "2", "-T", seconds,
			address))
		if err = errors.Join(err, remove(ctx)); err != nil {
			return nil, err
		}
		found := tps.FindStringSubmatch(out)
		if found == nil {
			return nil, fmt.Errorf("pgbench prints no tps:\n%s", out)
		}
		return json.RawMessage(`{"rate":` + found[1] + `}`), nil
	}}
}

const (
	syncBytes = 8 << 10 // about the size of a commit
	syncTimes = 500
)

// fdatasync measures the time that the disk takes to store the data of a commit:
// the median of many tries, in milliseconds.
func fdatasync() measurement {
	return measurement{"fdatasync", func(_ context.Context, e *environment) (json.RawMessage, error) {
		file, err := os.CreateTemp(e.dir, "sync-")
		if err != nil {
			return nil, err
		}
		defer os.Remove(file.Name())
		defer file.Close()
		took := make([]float64, syncTimes)
		for i := range took {
			began := time.Now()
			if _, err := file.Write(make([]byte, syncBytes)); err != nil {
				return nil, err
			}
			if err := syscall.Fdatasync(int(file.Fd())); err != nil {
				return nil, err
			}
			took[i] = float64(time.Since(began).Microseconds()) / 1000
		}
		slices.Sort(took)
		return json.RawMessage(fmt.Sprintf(`{"p50ms":%.3f,"p99ms":%.3f}`, took[syncTimes/2], took[syncTimes*99/100])), nil
	}}
}
