package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// rowData is the stored result of a row.
type rowData struct {
	Row  string `json:"row"`
	Size int    `json:"size,omitempty"` // of the large store, or of the storm
	occasion
	Runs []map[string]json.RawMessage `json:"runs"`
}

// An occasion is the date, commit and processor of a measurement.
type occasion struct {
	Date     string `json:"date"`
	Commit   string `json:"commit"`
	Duration string `json:"duration"` // of each measurement
	CPU      string `json:"cpu"`
}

func occasionOf(ctx context.Context, e *environment) occasion {
	return occasion{
		Date:     time.Now().UTC().Format(time.DateOnly),
		Commit:   said(ctx, e.root, "git", "rev-parse", "--short", "HEAD"),
		Duration: e.duration.String(),
		CPU:      describeMachine(ctx, e).CPU,
	}
}

// said returns the output of a command, or nothing if the command fails.
func said(ctx context.Context, dir, name string, args ...string) string {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	out, _ := c.Output()
	return strings.TrimSpace(string(out))
}

// errNotMeasured is about figures that are newer than the stored result.
var errNotMeasured = errors.New("is not measured")

// at reads a number from each run, by its measurement and its place in the JSON.
func (d rowData) at(place string) ([]float64, error) {
	var all []float64
	name, path, _ := strings.Cut(place, ":")
	for _, run := range d.Runs {
		var value any
		if run[name] == nil {
			return nil, fmt.Errorf("%s of %s %w", name, d.Row, errNotMeasured)
		}
		if err := json.Unmarshal(run[name], &value); err != nil {
			return nil, fmt.Errorf("%s of %s: %w", place, d.Row, err)
		}
		for _, key := range strings.Split(path, ".") {
			fields, ok := value.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("%s of %s: there is no %s", place, d.Row, key)
			}
			if value, ok = fields[key]; !ok {
				return nil, fmt.Errorf("%s of %s %w", place, d.Row, errNotMeasured)
			}
		}
		number, ok := value.(float64)
		if !ok {
			return nil, fmt.Errorf("%s of %s is not a number", place, d.Row)
		}
		all = append(all, number)
	}
	return all, nil
}

// troubles names the measurements in which requests were refused or got no
// answer.
func (d rowData) troubles() (all []string) {
	for n, run := range d.Runs {
		for _, name := range slices.Sorted(maps.Keys(run)) {
			var result struct {
				Errors       int64            `json:"errors"`
				ErrorsByCode map[string]int64 `json:"errorsByCode"`
			}
			if err := json.Unmarshal(run[name], &result); err == nil && result.Errors > 0 {
				all = append(all, fmt.Sprintf("%s, run %d, %s: %d (%s)", d.Row, n+1, name, result.Errors,
					strings.Join(slices.Sorted(maps.Keys(result.ErrorsByCode)), ", ")))
			}
		}
	}
	return all
}

// A spread is the median of several runs, with the lowest and the highest.
type spread struct{ min, median, max float64 }

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return spread{}
	}
	return spread{sorted[0], (sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[n-1]}
}

func writeJSON(name string, value any) error {
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}

func readJSON(name string, into any) (found bool, err error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	return true, err
}

// A machine describes the machine of the measurements, and their date.
type machine struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	Memory     string `json:"memory"`
	System     string `json:"system"`
	Filesystem string `json:"filesystem"`
	Go         string `json:"go"`
	PostgreSQL string `json:"postgresql"`
}

// describeMachine fills in what it can find out, and leaves the rest empty.
func describeMachine(ctx context.Context, e *environment) machine {
	return machine{
		CPU: procLine("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Memory: procLine("/proc/meminfo", "MemTotal"),
		System: said(ctx, e.root, "uname", "-sr"), Filesystem: said(ctx, e.root, "stat", "-f", "-c", "%T", e.dir),
		Go:         runtime.Version(),
		PostgreSQL: said(ctx, e.root, filepath.Join(e.bin, "postgres"), "--version"),
	}
}

// procLine returns the value of the first line that begins with a name.
func procLine(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
