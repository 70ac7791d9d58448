package bench

import (
	"math"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	latencyMost    = 2 * time.Minute
	latencyDigits  = 3
	lateFrom       = 10 * time.Millisecond
	microsInMillis = 1000
)

// A tally counts the results of requests. All connections share one: its lock
// costs little compared with a request. A nil tally counts nothing.
type tally struct {
	mu      sync.Mutex
	all     *hdrhistogram.Histogram // microseconds
	actions map[Action]*actionTally
	errors  map[string]int64
	refused int64 // error answers
	lost    int64 // requests without an answer
	late    int64 // begun later than intended, by lateFrom
	begun   int64
	due     int64 // arrivals of an open loop
}

type actionTally struct {
	latency *hdrhistogram.Histogram
	refused int64
}

func newTally() *tally {
	return &tally{all: newHistogram(), actions: map[Action]*actionTally{}, errors: map[string]int64{}}
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, latencyMost.Microseconds(), latencyDigits)
}

// begin counts a request that was planned at intended and begins at now.
func (t *tally) begin(intended, now time.Time) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begun++
	if now.Sub(intended) > lateFrom {
		t.late++
	}
}

// answered counts an answer. An error is also counted by its code. The latency
// counts in both cases.
func (t *tally) answered(a Action, took time.Duration, code string) {
	if t == nil {
		return
	}
	micros := min(max(took.Microseconds(), 1), latencyMost.Microseconds())
	t.mu.Lock()
	defer t.mu.Unlock()
	one, known := t.actions[a]
	if !known {
		one = &actionTally{latency: newHistogram()}
		t.actions[a] = one
	}
	if code != "" {
		t.errors[code]++
		t.refused++
		one.refused++
	}
	t.all.RecordValue(micros)       //nolint:errcheck // it is within the bounds
	one.latency.RecordValue(micros) //nolint:errcheck // it is within the bounds
}

// unanswered counts a request without an answer, by the reason. It has no
// latency, because a refused connection would count as a very fast answer.
func (t *tally) unanswered(how string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errors[how]++
	t.lost++
}

func (t *tally) counts() (answered, failed int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all.TotalCount(), t.refused + t.lost
}

// Latency has the times of answers in milliseconds. They count from the sending
// of the request, or in an open loop from its planned time.
type Latency struct {
	P50  float64 `json:"p50ms"`
	P90  float64 `json:"p90ms"`
	P99  float64 `json:"p99ms"`
	P999 float64 `json:"p999ms"`
	Max  float64 `json:"maxms"`
	Mean float64 `json:"meanms"`
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	at := func(percent float64) float64 { return float64(h.ValueAtPercentile(percent)) / microsInMillis }
	return Latency{
		P50: at(50), P90: at(90), P99: at(99), P999: at(99.9),
		Max: float64(h.Max()) / microsInMillis, Mean: round(h.Mean()/microsInMillis, 3),
	}
}

// A Bar is the number of answers that took From up to To milliseconds.
type Bar struct {
	From  float64 `json:"fromms"`
	To    float64 `json:"toms"`
	Count int64   `json:"count"`
}

// barsPerDouble is the number of bars from one latency to its double. So the
// width of the bars grows with the latency.
const barsPerDouble = 2

// bars are the bars of the histogram, from the first to the last that is not
// empty.
func bars(h *hdrhistogram.Histogram) (list []Bar) {
	index := func(micros int64) int { return int(math.Floor(barsPerDouble * math.Log2(float64(max(micros, 1))))) }
	from := func(i int) float64 { return round(math.Pow(2, float64(i)/barsPerDouble)/microsInMillis, 3) }
	if h.TotalCount() == 0 {
		return nil
	}
	first, last := index(h.Min()), index(h.Max())
	for i := first; i <= last; i++ {
		list = append(list, Bar{From: from(i), To: from(i + 1)})
	}
	for _, step := range h.Distribution() {
		if step.Count > 0 {
			list[min(max(index(step.From), first), last)-first].Count += step.Count
		}
	}
	return list
}

// round rounds to the given number of decimals.
func round(x float64, decimals int) float64 {
	unit := math.Pow10(decimals)
	return math.Round(x*unit) / unit
}
