package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// switchVariable is the environment variable with the number of the active
// mutant.
const switchVariable = "HOLDFAST_MUTANT"

// A pack is a package whose mutants are run.
type pack struct {
	target
	root, work string
	sources    map[string][]byte
	patience   time.Duration // with the tests of a mutant
}

func (p *pack) binary() string { return filepath.Join(p.work, "mutants.test") }

// compile makes the test binary with every mutant that can be turned on. A
// mutant that does not compile in this form, such as one of a constant, is
// compiled alone later.
func (p *pack) compile(ctx context.Context, mutants []*mutant) error {
	for {
		replaced := map[string][]byte{"zz_mutants.go": helpers(p.name())}
		for file, source := range p.sources {
			text, err := withSwitches(file, source, mutants)
			if err != nil {
				return err
			}
			replaced[file] = text
		}
		overlay, err := p.overlay("all", replaced)
		if err != nil {
			return err
		}
		said, err := p.gotest(ctx, "-c", "-o", p.binary(), "-gcflags=-e", "-overlay", overlay, "./"+p.dir)
		if err == nil {
			return nil
		}
		if alone := leaveOut(mutants, said); alone == 0 {
			return fmt.Errorf("compiling the mutants of %s: %w\n%s", p.dir, err, said)
		}
	}
}

var complaint = regexp.MustCompile(`(?m)([a-z0-9_]+\.go):(\d+):\d+: `)

// leaveOut marks the mutants on lines with compiler errors, and those whose
// expressions have operands there, and returns their number.
func leaveOut(mutants []*mutant, said string) (n int) {
	for _, found := range complaint.FindAllStringSubmatch(said, -1) {
		line, _ := strconv.Atoi(found[2]) // digits
		for _, m := range mutants {
			if m.file == found[1] && (m.line == line || m.first <= line && line <= m.last) && !m.alone {
				m.alone = true
				n++
			}
		}
	}
	return n
}

func (p *pack) name() string { return filepath.Base(p.dir) }

func (p *pack) overlay(name string, replaced map[string][]byte) (string, error) {
	paths := make(map[string]string)
	for file, text := range replaced {
		path := filepath.Join(p.work, name+"-"+file)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return "", fmt.Errorf("writing a mutant: %w", err)
		}
		paths[filepath.Join(p.root, p.dir, file)] = path
	}
	text, err := json.Marshal(map[string]any{"Replace": paths})
	if err != nil {
		return "", fmt.Errorf("writing an overlay: %w", err)
	}
	path := filepath.Join(p.work, name+".json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return "", fmt.Errorf("writing an overlay: %w", err)
	}
	return path, nil
}

func (p *pack) gotest(ctx context.Context, args ...string) (string, error) {
	test := exec.CommandContext(ctx, "go", append([]string{"test", "-vet=off"}, args...)...)
	test.Dir = p.root
	said, err := test.CombinedOutput()
	return string(said), err
}

// try runs one mutant and sets its fate.
func (p *pack) try(ctx context.Context, m *mutant) error {
	binary := p.binary()
	if m.alone {
		overlay, err := p.overlay(strconv.Itoa(m.id), map[string][]byte{m.file: m.applied(p.sources[m.file])})
		if err != nil {
			return err
		}
		binary = filepath.Join(p.work, strconv.Itoa(m.id)+".test")
		if said, err := p.gotest(ctx, "-c", "-o", binary, "-overlay", overlay, "./"+p.dir); err != nil {
			if !strings.Contains(said, ".go:") {
				return fmt.Errorf("compiling a mutant: %w\n%s", err, said)
			}
			m.fate = notViable
			return nil
		}
		defer os.Remove(binary)
	}
	rounds := [][]string{nil}
	if p.slow != "" {
		rounds = [][]string{{"-test.skip", p.slow}, {"-test.run", p.slow}}
	}
	for _, args := range rounds {
		fate, err := p.test(ctx, binary, m, args)
		if m.fate = fate; err != nil || fate != lived {
			return err
		}
	}
	return nil
}

func (p *pack) test(ctx context.Context, binary string, m *mutant, args []string) (fate, error) {
	ctx, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	test := exec.CommandContext(ctx, binary, append([]string{"-test.failfast", "-test.short"}, args...)...)
	test.Dir = filepath.Join(p.root, p.dir)
	test.Env = append(os.Environ(), switchVariable+"="+strconv.Itoa(m.id), "RAPID_SEED=1", "RAPID_NOFAILFILE=1",
		"RAPID_SHRINKTIME=0s")
	said, err := test.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return lived, nil
	case ctx.Err() != nil:
		return timedOut, nil
	case errors.As(err, &exit):
		return killed, nil
	}
	return "", fmt.Errorf("running the tests: %w\n%s", err, said)
}
