package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/bench"
)

func (v benchVerb) print(to io.Writer, r bench.Result) error {
	if v.JSON {
		return printJSON(to, r)
	}
	facts := []fact{
		{"store", r.Store},
		{"asked", fmt.Sprintf("%s, %s over %d merchants, %d connections, seed %d", r.Mix, r.Spread, r.Merchants,
			r.Connections, r.Seed)},
		{"rate", fmt.Sprintf("%.0f/s (%d answers in %.1f s)", r.Rate, r.Requests, r.Seconds)},
		{"errors", errorsOf(r.Figures)},
		{"latency", latencyText(r.Latency)},
	}
	for _, a := range slices.Sorted(maps.Keys(r.Actions)) {
		facts = append(facts, fact{string(a), latencyText(r.Actions[a].Latency)})
	}
	facts = append(facts, arrivalsOf(r.Arrivals)...)
	if p := r.Process; p != nil {
		facts = append(facts, fact{
			"server", fmt.Sprintf("%.1f s of CPU, %.0f µs for each answer, at most %.0f MB", p.CPUSeconds, p.AnswerMicros,
				p.PeakMB),
		})
	}
	if p := r.Postgres; p != nil {
		facts = append(facts, fact{
			"PostgreSQL", fmt.Sprintf("%.1f s of CPU, %.0f µs for each answer; %.2f kB of WAL for each", p.CPUSeconds,
				p.AnswerMicros, p.AnswerWALkB),
		})
	}
	if s := r.Start; s != nil {
		facts = append(facts, fact{"start", fmt.Sprintf("%.2f s to the first answer, %.0f MB idle", s.Seconds, s.IdleMB)})
	}
	if k := r.Killed; k != nil {
		facts = append(facts, fact{
			"killed", fmt.Sprintf("after %.1f s; the next server's first answer came %.2f s after its start", k.AfterSeconds,
				k.BackSeconds),
		})
	}
	facts = append(
		facts,
		fact{"bench", fmt.Sprintf("%.1f s of CPU", r.Client.CPUSeconds)},
		fact{
			"tokens", fmt.Sprintf("%d minted at %d/s, waited for %d times", r.Tokens.Count, r.Tokens.PerSecond, r.Tokens.Waits),
		},
	)
	if f := r.Flood; f != nil {
		facts = append(
			facts,
			fact{"flood", fmt.Sprintf("%s by %d connections, %.0f/s: %s", f.Kind, f.Connections, f.Rate, countsOf(f.EndedBy))},
			fact{"under it", fmt.Sprintf("%.0f %% of the %.0f/s without it", 100*f.Share, f.Alone.Rate)},
		)
	}
	if s := r.Storm; s != nil {
		facts = append(
			facts,
			fact{
				"storm", fmt.Sprintf("%d holds released in %.1f s, %.0f/s, the network asked after %.1f s; %d rows of it wrong",
					s.Holds, s.Seconds, s.PerSecond, s.NetworkSeconds, s.Wrong),
			},
			fact{"in it", fmt.Sprintf("p99 %.2f ms, before %.2f", r.P99, s.Alone.P99)},
		)
	}
	facts = append(append(append(facts, doorsOf(r.Doors)...), deliveredOf(r.Delivered)...), checkedOf(r.Checked)...)
	if err := printFacts(to, facts); err != nil {
		return err
	}
	fmt.Fprintln(to)
	bench.Chart(to, r.Histogram)
	return nil
}

func latencyText(l bench.Latency) string {
	return fmt.Sprintf("p50 %.2f ms, p90 %.2f, p99 %.2f, p99.9 %.2f, most %.2f", l.P50, l.P90, l.P99, l.P999, l.Max)
}

func errorsOf(f bench.Figures) string {
	if f.Errors == 0 {
		return "none"
	}
	return fmt.Sprintf("%d: %s", f.Errors, countsOf(f.ErrorsByCode))
}

func countsOf(counts map[string]int64) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(all, ", ")
}

func arrivalsOf(a *bench.Arrivals) []fact {
	if a == nil {
		return nil
	}
	text := fmt.Sprintf("%d/s kept: %d of %d begun, %d late", a.Rate, a.Begun, a.Due, a.Late)
	if !a.Kept {
		text = fmt.Sprintf("%d/s could NOT be kept: %d of %d begun, %d of them late; latencies are those of a queue", a.Rate,
			a.Begun, a.Due, a.Late)
	}
	return []fact{{"arrivals", text}}
}

func deliveredOf(d *bench.Delivered) []fact {
	if d == nil {
		return nil
	}
	facts := make([]fact, 0, len(d.Trials)+1)
	for _, t := range d.Trials {
		kept := "kept"
		if !t.Kept {
			kept = "NOT kept"
		}
		facts = append(facts, fact{
			fmt.Sprintf("at %d/s", t.Rate), fmt.Sprintf("%s: %d Reserves, %d deliveries, %d late, %d missing, %d repeated; "+
				"p50 %.1f s, p99 %.1f, most %.1f", kept, t.Reserves, t.Deliveries, t.Late, t.Missing, t.Repeated,
				t.P50/1000, t.P99/1000, t.Max/1000),
		})
	}
	return append(facts, fact{
		"delivered", fmt.Sprintf("within %.0f s at up to %.0f Reserves a second", d.WithinSeconds, d.Rate),
	})
}

func checkedOf(c *bench.Checked) []fact {
	if c == nil {
		return nil
	}
	facts := []fact{
		{"acknowledged", fmt.Sprintf("%d transactions: %d missing, %d in another state", c.Acknowledged, c.Missing,
			c.Different)},
	}
	if c.Books != nil {
		text := fmt.Sprintf("right (%d transactions, %d postings)", c.Books.Transactions, c.Books.Postings)
		if c.Books.Wrong > 0 {
			text = fmt.Sprintf("WRONG in %d places; see holdfast books check", c.Books.Wrong)
		}
		facts = append(facts, fact{"books", text})
	}
	return facts
}

func doorsOf(d *bench.DoorResult) []fact {
	if d == nil {
		return nil
	}
	return []fact{{
		"doors", fmt.Sprintf("the JSON API had %.0f %% of the %.0f/s of the Query API, which had %s", 100*d.Share, d.FPS.Rate,
			latencyText(d.FPS.Latency)),
	}}
}
