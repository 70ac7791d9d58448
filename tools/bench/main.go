// Command bench measures Holdfast beside its yardsticks, on this machine and
// its disk, and writes what it found to docs/benchmarks.md: each row's runs as
// JSON in docs/benchmarks, and the page and its charts from those.
//
// It is run by make bench, which gives it a PostgreSQL that waits for the disk.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

type settings struct {
	root     string // of the repository
	runs     int
	duration time.Duration
	large    int    // transactions in a store that is to be large
	storm    int    // holds that are due in one second
	keep     string // a folder for large stores
	only     string
	render   bool
}

func main() {
	var s settings
	flag.StringVar(&s.root, "root", ".", "the repository's root")
	flag.IntVar(&s.runs, "runs", 5, "how often each row is run")
	flag.DurationVar(&s.duration, "duration", 10*time.Second, "how long each measurement takes")
	flag.IntVar(&s.large, "large", 10_000_000, "transactions in the large store")
	flag.IntVar(&s.storm, "storm", 1_000_000, "holds due in one second")
	flag.StringVar(&s.keep, "keep", "",
		"a folder in which large stores are kept and found again: making one takes most of an hour")
	flag.StringVar(&s.only, "only", "", "names of rows, with commas between; all by default")
	flag.BoolVar(&s.render, "render", false, "measure nothing: write the page from the data that is there")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func (s settings) run(ctx context.Context) error {
	data := filepath.Join(s.root, "docs", "benchmarks")
	if !s.render {
		if err := s.measure(ctx, data); err != nil {
			return err
		}
	}
	return writePage(s.root, data)
}

// measure runs each row so often, its measurements one after the other in each
// run: what the machine does beside falls on all of them alike.
func (s settings) measure(ctx context.Context, data string) error {
	e, err := prepare(ctx, s)
	if err != nil {
		return err
	}
	defer e.close()
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(data, "machine.json"), describeMachine(ctx, e)); err != nil {
		return err
	}
	now := occasionOf(ctx, e)
	for _, r := range rows {
		if s.only != "" && !contains(s.only, r.name) {
			continue
		}
		err := r.run(ctx, e, func(runs []map[string]json.RawMessage) error {
			return writeJSON(filepath.Join(data, r.name+".json"), rowData{r.name, r.sizeIn(s), now, runs})
		})
		if err != nil {
			return fmt.Errorf("row %s: %w", r.name, err)
		}
	}
	return nil
}

func contains(list, name string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(one) == name {
			return true
		}
	}
	return false
}

// An environment is what measurements run in.
type environment struct {
	settings
	holdfast string // the program
	dir      string // for stores, on the disk that is measured
	postgres string // the address of a server
	bin      string // of PostgreSQL's programs
	made     int    // stores so far
}

func prepare(ctx context.Context, s settings) (*environment, error) {
	e := &environment{settings: s, postgres: os.Getenv("HOLDFAST_TEST_POSTGRES")}
	if e.postgres == "" {
		return nil, fmt.Errorf("there is no PostgreSQL: run make bench, or scripts/with-postgres --durable")
	}
	found, err := output(exec.CommandContext(ctx, filepath.Join(s.root, "scripts", "find-postgres")))
	if err != nil {
		return nil, err
	}
	e.bin = strings.TrimSpace(found)
	if e.dir, err = os.MkdirTemp("", "holdfast-bench-"); err != nil {
		return nil, err
	}
	e.holdfast = filepath.Join(e.dir, "holdfast")
	build := exec.CommandContext(ctx, "go", "build", "-o", e.holdfast, "./cmd/holdfast")
	build.Dir = s.root
	if _, err := output(build); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

func (e *environment) close() { os.RemoveAll(e.dir) }

// output runs a command; its error holds what the command said of it.
func output(c *exec.Cmd) (string, error) {
	var said strings.Builder
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, said.String())
	}
	return string(out), nil
}
