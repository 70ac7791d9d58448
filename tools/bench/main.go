// Command bench measures Holdfast and its yardsticks on this machine and its
// disk. It stores each row's runs as JSON in docs/benchmarks, and generates
// docs/benchmarks.md and its charts from them.
//
// make bench runs it with a PostgreSQL that waits for the disk.
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
	large    int    // transactions in a large store
	storm    int    // holds that expire in one second
	keep     string // a folder for large stores
	only     string
	render   bool
}

func main() {
	var s settings
	flag.StringVar(&s.root, "root", ".", "the repository's root")
	flag.IntVar(&s.runs, "runs", 5, "run each row this many times")
	flag.DurationVar(&s.duration, "duration", 10*time.Second, "measure for this long")
	flag.IntVar(&s.large, "large", 10_000_000, "make this many transactions in the large store")
	flag.IntVar(&s.storm, "storm", 1_000_000, "let this many holds expire in one second")
	flag.StringVar(&s.keep, "keep", "",
		"keep large stores in this folder for the next time: making one takes ten minutes")
	flag.StringVar(&s.only, "only", "", "run only these rows, separated by commas")
	flag.BoolVar(&s.render, "render", false, "do not measure: write the page from the stored data")
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

// measure does all runs of each row. A run does its measurements one after the
// other, so that other load on the machine affects all of them.
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

// An environment has the programs and places that measurements use.
type environment struct {
	settings
	holdfast string // the program
	ceiling  string // the program of the ceiling
	dir      string // for stores, on the measured disk
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
	e.holdfast, e.ceiling = filepath.Join(e.dir, "holdfast"), filepath.Join(e.dir, "ceiling")
	build := exec.CommandContext(ctx, "go", "build", "-o", e.dir, "./cmd/holdfast", "./internal/bench/ceiling")
	build.Dir = s.root
	if _, err := output(build); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

func (e *environment) close() { os.RemoveAll(e.dir) }

// output runs a command. Its error contains the command's standard error.
func output(c *exec.Cmd) (string, error) {
	var said strings.Builder
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, said.String())
	}
	return string(out), nil
}
