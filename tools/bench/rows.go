package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
)

// A row is a group of measurements that are compared with each other. Each run
// does them one after the other.
type row struct {
	name     string
	measures []measurement
	figures  []figure
	// the number of transactions or holds; nil if the row has none
	size func(settings) int
	all  func(context.Context, *environment) ([]map[string]json.RawMessage, error) // does all runs; nil runs the measures
}

// A figure is one line of the table: a value and its yardstick.
type figure struct {
	title     string
	unit      string
	value     string // measurement and the place in its JSON, "reserve:rate"
	yardstick string // in the same form; empty for none
	against   string // the name of the yardstick
	goal      goal
}

// A goal is the wanted value of a figure. good judges the result of judged, which
// combines the value and its yardstick.
type goal struct {
	text   string
	judged func(value, yardstick float64) float64
	good   func(judged float64) bool
}

func ratio(value, yardstick float64) float64 {
	if yardstick == 0 {
		return 0
	}
	return value / yardstick
}

func alone(value, _ float64) float64 { return value }

func atLeastTimes(limit float64) goal {
	return goal{fmt.Sprintf("≥ %.4g ×", limit), ratio, func(r float64) bool { return r >= limit }}
}

func atMostTimes(limit float64) goal {
	return goal{fmt.Sprintf("≤ %.4g ×", limit), ratio, func(r float64) bool { return r <= limit }}
}

func atLeast(n float64, unit string) goal {
	return goal{fmt.Sprintf("≥ %s %s", number(n), unit), alone, func(v float64) bool { return v >= n }}
}

func atMost(n float64, unit string) goal {
	return goal{fmt.Sprintf("≤ %s %s", number(n), unit), alone, func(v float64) bool { return v <= n }}
}

// syncs allows three times the disk's fdatasync and a millisecond.
func syncs() goal {
	return goal{
		"≤ 3 × + 1 ms", func(v, y float64) float64 { return ratio(v-1, y) }, func(r float64) bool { return r <= 3 },
	}
}

const (
	many = "256"
	some = "64"
	few  = "16"
)

var rows = []row{
	{
		name: "postgres-reserve",
		measures: []measurement{
			holdfast("reserve-256", postgres, "--connections", many), pgbench(),
			holdfast("reserve-64", postgres, "--connections", some), holdfast("reserve-16", postgres, "--connections", few),
			holdfast("no-group", postgres, "--connections", many, "--no-group-commit"),
		},
		figures: []figure{
			besidePgbench(many, 1.3), besidePgbench(some, 1), besidePgbench(few, 0.7),
			{"Reserve on PostgreSQL with group commit", "/s", "reserve-256:rate", "no-group:rate", "no group commit", goal{}},
			{
				"Processor time of the server for a Reserve, PostgreSQL", "µs", "reserve-256:process.answerMicros", "", "",
				atMost(110, "µs"),
			},
			{"Processor time of PostgreSQL for a Reserve", "µs", "reserve-256:postgres.answerMicros", "", "", goal{}},
			{"Write-ahead log of PostgreSQL for a Reserve", "kB", "reserve-256:postgres.answerWALkB", "", "", atMost(3.5, "kB")},
		},
	},
	{
		name: "sqlite-reserve",
		measures: []measurement{
			holdfast("reserve-256", sqlite, "--connections", many), holdfast("reserve-16", sqlite, "--connections", few),
			holdfast("no-group", sqlite, "--connections", many, "--no-group-commit"),
		},
		figures: []figure{
			{"Reserve on SQLite, 256 connections", "/s", "reserve-256:rate", "", "", atLeast(7500, "/s")},
			{"Reserve on SQLite, 16 connections", "/s", "reserve-16:rate", "", "", atLeast(4500, "/s")},
			{"Reserve on SQLite with group commit", "/s", "reserve-256:rate", "no-group:rate", "no group commit", goal{}},
			{
				"Processor time of the server for a Reserve, SQLite", "µs", "reserve-256:process.answerMicros", "", "",
				atMost(110, "µs"),
			},
			{"Memory of the server under this load", "MB", "reserve-256:process.peakMB", "", "", atMost(300, "MB")},
		},
	},
	{
		name: "ceiling",
		measures: []measurement{
			holdfast("sqlite", sqlite, "--connections", many), ceiling(), holdfast("postgres", postgres, "--connections", many),
		},
		figures: []figure{
			{"Reserve on SQLite", "/s", "sqlite:rate", "ceiling:rate", "answered without a store", atLeastTimes(0.25)},
			{
				"Reserve on PostgreSQL", "/s", "postgres:rate", "ceiling:rate", "answered without a store",
				atLeastTimes(0.25),
			},
		},
	},
	{
		name: "one-merchant",
		measures: []measurement{
			holdfast("sqlite-one", sqlite, "--connections", many, "--mix", "reserve+settle", "--spread", "one-merchant"),
			holdfast("sqlite-uniform", sqlite, "--connections", many, "--mix", "reserve+settle"),
			holdfast("postgres-one", postgres, "--connections", many, "--mix", "reserve+settle", "--spread", "one-merchant"),
			holdfast("postgres-uniform", postgres, "--connections", many, "--mix", "reserve+settle"),
		},
		figures: []figure{
			{
				"All traffic at one merchant, Reserve and Settle, SQLite", "/s", "sqlite-one:rate", "sqlite-uniform:rate",
				"100 merchants", atLeastTimes(0.9),
			},
			{
				"All traffic at one merchant, Reserve and Settle, PostgreSQL", "/s", "postgres-one:rate", "postgres-uniform:rate",
				"100 merchants", atLeastTimes(0.9),
			},
		},
	},
	{
		name: "one-connection",
		measures: []measurement{
			fdatasync(), holdfast("sqlite", sqlite, "--connections", "1"), holdfast("postgres", postgres, "--connections", "1"),
		},
		figures: []figure{
			{"One connection alone, SQLite: p50", "ms", "sqlite:p50ms", "fdatasync:p50ms", "the disk's fdatasync", syncs()},
			{"One connection alone, PostgreSQL: p50", "ms", "postgres:p50ms", "", "", atMost(1.5, "ms")},
			{"Memory at rest", "MB", "sqlite:start.idleMB", "", "", atMost(60, "MB")},
		},
	},
	{
		name: "deliver",
		measures: []measurement{
			holdfast("sqlite", sqlite, "--connections", some, "--deliver"),
			holdfast("postgres", postgres, "--connections", some, "--deliver"),
		},
		figures: []figure{
			{
				"Reserve with each notification delivered within 10 s, SQLite", "/s", "sqlite:delivered.rate", "", "",
				atLeast(900, "/s"),
			},
			{
				"Reserve with each notification delivered within 10 s, PostgreSQL", "/s", "postgres:delivered.rate", "", "",
				atLeast(900, "/s"),
			},
		},
	},
	{
		name: "json",
		measures: []measurement{
			doors(sqlite, many), doors(sqlite, some), doors(postgres, many), doors(postgres, some),
		},
		figures: []figure{
			besideFPS(sqlite, "SQLite", many), besideFPS(sqlite, "SQLite", some),
			besideFPS(postgres, "PostgreSQL", many), besideFPS(postgres, "PostgreSQL", some),
			{
				"Processor time of the server for a hold by the JSON API, SQLite", "µs", "sqlite-256:process.answerMicros",
				"sqlite-256:doors.fpsProcess.answerMicros", "Reserve", goal{},
			},
			{
				"Processor time of the server for a hold by the JSON API, PostgreSQL", "µs", "postgres-256:process.answerMicros",
				"postgres-256:doors.fpsProcess.answerMicros", "Reserve", goal{},
			},
		},
	},
	floodRow("bad-signature", some),
	floodRow("oversized", some),
	floodRow("slow", "1000"),
	floodRow("unfinished", "1000"),
	floodRow("oversized-link", some),
	floodRow("verify-signature", some),
	floodRow("visits", some),
	stormRow(sqlite, "SQLite", 10_000),
	stormRow(postgres, "PostgreSQL", 8_000),
	flatRow(sqlite, "SQLite"),
	flatRow(postgres, "PostgreSQL"),
	{
		name:     "killed",
		measures: []measurement{killed("sqlite", sqlite), killed("postgres", postgres)},
		figures: []figure{
			{"Answers again after SIGKILL under load, SQLite", "s", "sqlite:killed.backSeconds", "", "", atMost(10, "s")},
			{"Answers again after SIGKILL under load, PostgreSQL", "s", "postgres:killed.backSeconds", "", "", atMost(10, "s")},
			{"Acknowledged, but missing, SQLite", "", "sqlite:checked.missing", "", "", atMost(0, "")},
			{"Acknowledged, but missing, PostgreSQL", "", "postgres:checked.missing", "", "", atMost(0, "")},
		},
	},
}

func besidePgbench(connections string, times float64) figure {
	return figure{
		"Reserve on PostgreSQL, " + connections + " connections", "/s", "reserve-" + connections + ":rate", "pgbench:rate",
		"pgbench TPC-B", atLeastTimes(times),
	}
}

// doors measures both doors on one store, one after the other.
func doors(kind, connections string) measurement {
	return holdfast(kind+"-"+connections, kind, "--door", "json", "--connections", connections)
}

func besideFPS(kind, title, connections string) figure {
	at := kind + "-" + connections
	return figure{
		"Holds by the JSON API on " + title + ", " + connections + " connections", "/s", at + ":rate", at + ":doors.fps.rate",
		"Reserve", atLeastTimes(0.9),
	}
}

func killed(name, kind string) measurement {
	return holdfast(name, kind, "--connections", some, "--mix", "reserve+settle", "--kill-after", "3s", "--duration", "8s")
}

func floodRow(kind, flooders string) row {
	return row{
		name:     "flood-" + kind,
		measures: []measurement{holdfast("flood", sqlite, "--connections", some, "--flood", kind, "--flooders", flooders)},
		figures: []figure{
			{
				"Under a flood, " + kind + " (" + flooders + " connections)", "/s", "flood:rate", "flood:flood.alone.rate",
				"without the flood", atLeastTimes(0.5),
			},
		},
	}
}

func (r row) sizeIn(s settings) int {
	if r.size == nil {
		return 0
	}
	return r.size(s)
}

// run does all runs. After each run it passes the results so far to keep.
func (r row) run(ctx context.Context, e *environment, keep func([]map[string]json.RawMessage) error) error {
	if r.all != nil {
		runs, err := r.all(ctx, e)
		if err != nil {
			return err
		}
		return keep(runs)
	}
	var runs []map[string]json.RawMessage
	for n := range e.runs {
		fmt.Fprintf(os.Stderr, "%s: run %d of %d\n", r.name, n+1, e.runs)
		found := map[string]json.RawMessage{}
		for _, m := range r.measures {
			out, err := m.do(ctx, e)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			found[m.name] = out
		}
		runs = append(runs, found)
		if err := keep(runs); err != nil {
			return err
		}
	}
	return nil
}
