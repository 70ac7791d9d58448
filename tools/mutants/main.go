// Mutants measures how well the tests of the rule packages protect the rules.
// Gremlins lists the mutants: small faults such as < instead of <=. Each mutant
// runs against its package's own tests, and should make one of them fail.
//
// Gremlins itself runs only mutants inside a coverage block. Case expressions
// and constants are outside, and they are a third of all mutants here, so this
// program runs the mutants. It compiles a package once with all mutants that an
// environment variable can turn on, and compiles the other mutants one by one.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A target is a package under test. Tests that match slow run only against the
// mutants that survive the other tests.
type target struct{ dir, slow string }

var targets = []target{
	{dir: "money"},
	{dir: "internal/ledger"},
	{dir: "internal/party", slow: "Password|Hashes"},
	{dir: "internal/payment"},
}

const (
	killedMin = 90 // percent

	// Tests hang if they take patienceFactor times as long as without a mutant,
	// and at least patienceMin.
	patienceFactor = 10
	patienceMin    = 2 * time.Minute
)

func main() {
	root := flag.String("root", ".", "the repository")
	only := flag.String("only", "", "run only this package, and write no page")
	files := flag.String("files", "", "run only the mutants of files whose name contains this, and write no page")
	workers := flag.Int("workers", 2, "run this many mutants at a time")
	flag.Parse()
	if err := run(context.Background(), *root, *only, *files, *workers); err != nil {
		slog.Error("mutants", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root, only, files string, workers int) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return fmt.Errorf("finding the repository: %w", err)
	}
	known, err := readReasons(filepath.Join(root, "tools", "mutants", "equivalent.txt"))
	if err != nil {
		return err
	}
	var scores []score
	for _, t := range targets {
		if only != "" && t.dir != only {
			continue
		}
		s, err := measure(ctx, root, t, files, workers)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", t.dir, err)
		}
		slog.Info("measured", "package", s.dir, "mutants", s.mutants, "killed", s.killed)
		for _, m := range s.survivors {
			slog.Info("survivor", "at", fmt.Sprintf("%s/%s:%d:%d", s.dir, m.file, m.line, m.column), "kind", m.kind, "code",
				m.code, "reason", known[m.key(s.dir)])
		}
		scores = append(scores, s)
	}
	if only == "" && files == "" {
		if err := os.WriteFile(filepath.Join(root, "docs", "mutants.md"), []byte(page(scores, known)), 0o644); err != nil {
			return fmt.Errorf("writing the page: %w", err)
		}
	}
	return verdict(scores, known)
}

// measure runs a package's mutants.
func measure(ctx context.Context, root string, t target, files string, workers int) (score, error) {
	work, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return score{}, fmt.Errorf("making a directory: %w", err)
	}
	defer os.RemoveAll(work)
	p := &pack{target: t, root: root, work: work, sources: make(map[string][]byte), patience: time.Hour}
	mutants, err := p.list(ctx)
	if err != nil {
		return score{}, err
	}
	mutants = slices.DeleteFunc(mutants, func(m *mutant) bool { return !strings.Contains(m.file, files) })
	if err := p.compile(ctx, mutants); err != nil {
		return score{}, err
	}
	begun := time.Now()
	if sound, err := p.test(ctx, p.binary(), &mutant{}, nil); err != nil || sound != lived {
		return score{}, fmt.Errorf("running the tests without a mutant: %s: %w", sound, err)
	}
	p.patience = max(patienceMin, patienceFactor*time.Since(begun))
	var wait sync.WaitGroup
	todo := make(chan *mutant)
	failed := make([]error, workers)
	for w := range workers {
		wait.Go(func() {
			for m := range todo {
				if err := p.try(ctx, m); err != nil {
					failed[w] = errors.Join(failed[w], err)
				}
			}
		})
	}
	for _, m := range mutants {
		todo <- m
	}
	close(todo)
	wait.Wait()
	return scoreOf(t.dir, mutants), errors.Join(failed...)
}

// list asks gremlins for the package's mutants. Gremlins lists a minus sign as
// two identical mutants.
func (p *pack) list(ctx context.Context) ([]*mutant, error) {
	out := filepath.Join(p.work, "gremlins.json")
	gremlins := exec.CommandContext(ctx, "go", "tool", "-modfile=tools/go.mod", "gremlins", "unleash", "--silent",
		"--dry-run", "-o", out, "./"+p.dir)
	gremlins.Dir = p.root
	if said, err := gremlins.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("running gremlins: %w\n%s", err, said)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("reading gremlins' output: %w", err)
	}
	var report struct {
		Files []struct {
			Name      string `json:"file_name"`
			Mutations []struct {
				Type         string
				Line, Column int
			}
		}
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("reading gremlins' output: %w", err)
	}
	var all []*mutant
	for _, file := range report.Files {
		source, err := os.ReadFile(filepath.Join(p.root, p.dir, file.Name))
		if err != nil {
			return nil, fmt.Errorf("reading a source file: %w", err)
		}
		p.sources[file.Name] = source
		for _, found := range file.Mutations {
			m, err := newMutant(file.Name, source, found.Type, found.Line, found.Column)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(all,
				func(o *mutant) bool { return o.file == m.file && o.offset == m.offset && o.instead == m.instead }) {
				m.id = len(all) + 1
				all = append(all, m)
			}
		}
	}
	return all, nil
}
