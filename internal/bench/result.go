package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Result is the result of a measurement, in the form of the JSON output.
type Result struct {
	At          time.Time `json:"at"`
	Store       string    `json:"store"` // "SQLite", "PostgreSQL" or "none"
	Mix         Mix       `json:"mix"`
	Spread      Spread    `json:"spread"`
	Merchants   int       `json:"merchants"`
	Connections int       `json:"connections"`
	GroupCommit *bool     `json:"groupCommit,omitempty"` // of a server that the bench started
	Seed        uint64    `json:"seed"`

	Figures

	Actions   map[Action]Figures `json:"actions,omitempty"` // if there are several
	Histogram []Bar              `json:"histogram"`
	Arrivals  *Arrivals          `json:"arrivals,omitempty"` // of an open loop
	Process   *Usage             `json:"process,omitempty"`  // of a server that the bench started
	Postgres  *PostgresUsage     `json:"postgres,omitempty"` // of the server's PostgreSQL
	Start     *Start             `json:"start,omitempty"`    // of a server that the bench started
	Killed    *Killed            `json:"killed,omitempty"`
	Client    Usage              `json:"client"` // of the bench
	Tokens    Minting            `json:"tokens"`
	Checked   *Checked           `json:"checked,omitempty"`
	Flood     *FloodResult       `json:"flood,omitempty"`
	Doors     *DoorResult        `json:"doors,omitempty"`
	Storm     *Storm             `json:"storm,omitempty"`
	Delivered *Delivered         `json:"delivered,omitempty"`
	Preloaded int64              `json:"preloaded,omitempty"` // payments that were in the store before
}

// Good reports whether the store matches the answers, and whether there was any
// answer to compare.
func (r Result) Good() bool {
	promised := r.Mix != MixStatus && r.Mix != MixActivity
	return (r.Rate > 0 || !promised) && (r.Checked == nil || r.Checked.good()) && (r.Storm == nil || r.Storm.Wrong == 0) &&
		(r.Delivered == nil || r.Delivered.good())
}

// Figures are the figures of the requests that were answered in a period.
type Figures struct {
	Seconds  float64 `json:"seconds"`
	Requests int64   `json:"requests"` // requests with an answer
	Rate     float64 `json:"rate"`     // successful answers a second
	Errors   int64   `json:"errors"`   // refusals, and requests without an answer
	// ErrorsByCode counts refusals by their code, and requests without an answer
	// by the reason.
	ErrorsByCode map[string]int64 `json:"errorsByCode,omitempty"`
	Latency
}

// Arrivals are the planned and the sent requests of an open loop.
type Arrivals struct {
	Rate  int   `json:"rate"`
	Due   int64 `json:"due"`
	Begun int64 `json:"begun"`
	Late  int64 `json:"late"` // begun more than 10 ms after the planned time
	// Kept means that at least 99 of 100 requests began in time. Otherwise the
	// rate was too high for the server or the bench, and the latencies include a
	// queue.
	Kept bool `json:"kept"`
}

// lateMost is the percentage of requests that may be late.
const lateMost = 1

// A Start has the figures of a server's start.
type Start struct {
	Seconds float64 `json:"seconds"` // from the start of its process to its first answer
	IdleMB  float64 `json:"idleMB"`  // resident memory then
}

// Killed has the figures of a server that was killed under load and started
// again.
type Killed struct {
	AfterSeconds float64 `json:"afterSeconds"` // from the start of the measurement
	BackSeconds  float64 `json:"backSeconds"`  // from the start of the new process to its first answer
}

// Measure drives the server for the bench's duration.
func (b *Bench) Measure(ctx context.Context) (Result, error) {
	if err := b.stockUp(ctx, b.Duration); err != nil {
		return Result{}, err
	}
	switch {
	case b.Flood != NoFlood:
		return b.measureFlooded(ctx)
	case b.Door == DoorJSON:
		return b.measureDoors(ctx)
	case b.Deliver:
		return b.measureDelivered(ctx)
	case b.gathered != nil:
		return b.measureStorm(ctx)
	}
	return b.measure(ctx, phase{doing: "measuring", lasts: b.Duration, meanwhile: b.Meanwhile})
}

func (b *Bench) measure(ctx context.Context, p phase) (Result, error) {
	r := Result{
		At: b.Now().UTC().Truncate(time.Second), Mix: b.Mix, Spread: b.Spread, Merchants: b.Merchants,
		Connections: b.Connections, Seed: b.Seed,
		Store: b.kind(),
	}
	before, err := b.usage(ctx)
	if err != nil {
		return r, err
	}
	t := newTally()
	p.mix, p.rate = b.Mix, b.Rate
	took, err := b.run(ctx, p, t)
	if err != nil {
		return r, err
	}
	after, err := b.usage(ctx)
	if err != nil {
		return r, err
	}
	t.fill(&r, took)
	if b.Rate > 0 {
		r.Arrivals = t.arrivals(b.Rate)
	}
	answers := r.Requests - t.refused
	r.Client = after.client.between(before.client, answers)
	if b.Process != nil {
		used := after.server.between(before.server, answers)
		r.Process = &used
	}
	r.Postgres = after.postgres.between(before.postgres, answers)
	r.Tokens = b.stock.minting()
	return r, nil
}

// kind is the kind of the server's database.
func (b *Bench) kind() string {
	switch {
	case b.Pretend:
		return "none"
	case b.database.postgres:
		return "PostgreSQL"
	}
	return "SQLite"
}

func (t *tally) fill(r *Result, took time.Duration) {
	r.Figures = figuresOf(t.all, t.refused, took)
	r.Errors += t.lost
	r.ErrorsByCode = t.errors
	r.Histogram = bars(t.all)
	if len(t.actions) > 1 {
		r.Actions = map[Action]Figures{}
		for a, one := range t.actions {
			r.Actions[a] = figuresOf(one.latency, one.refused, took)
		}
	}
}

func figuresOf(h *hdrhistogram.Histogram, refused int64, took time.Duration) Figures {
	f := Figures{Seconds: round(took.Seconds(), 3), Requests: h.TotalCount(), Errors: refused, Latency: latencyOf(h)}
	if took > 0 {
		f.Rate = round(float64(f.Requests-refused)/took.Seconds(), 1)
	}
	return f
}

func (t *tally) arrivals(rate int) *Arrivals {
	a := Arrivals{Rate: rate, Due: t.due, Begun: t.begun, Late: t.late}
	a.Kept = (a.Due-a.Begun+a.Late)*100 <= a.Due*lateMost
	return &a
}

// usages are the resources that have been used at one moment.
type usages struct {
	client, server Usage
	postgres       postgresCount
}

func (b *Bench) usage(ctx context.Context) (u usages, err error) {
	if u.client, err = OwnUsage(); err != nil {
		return u, err
	}
	if b.Process != nil {
		if u.server, err = b.Process(); err != nil {
			return u, fmt.Errorf("reading the server's usage: %w", err)
		}
	}
	u.postgres, err = b.database.count(ctx)
	return u, err
}
