package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTally(t *testing.T) {
	c := newTally()
	for i := range 100 {
		c.begin(noon, noon.Add(time.Duration(i)*time.Millisecond))
		c.answered(Reserve, time.Duration(i+1)*time.Millisecond, "")
	}
	c.begin(noon, noon)
	c.answered(Settle, time.Hour, "ServiceUnavailable") // longer than the histogram's maximum
	c.unanswered("connection closed")
	var r Result
	c.fill(&r, 2*time.Second)
	if r.Requests != 101 || r.Errors != 2 || r.Rate != 50 || r.ErrorsByCode["ServiceUnavailable"] != 1 {
		t.Errorf("%+v, want 101 answers, two errors and 50 a second", r.Figures)
	}
	near := func(got, want float64) bool { return got > want*0.998 && got < want*1.002 }
	if l := r.Latency; !near(l.P50, 51) || !near(l.P99, 100) || !near(l.Max, latencyMost.Seconds()*1000) {
		t.Errorf("latency %+v", l)
	}
	if a := r.Actions[Reserve]; a.Requests != 100 || a.Errors != 0 || a.Rate != 50 || !near(a.Max, 100) {
		t.Errorf("Reserve alone: %+v", a)
	}
	if a := r.Actions[Settle]; a.Requests != 1 || a.Errors != 1 || a.Rate != 0 {
		t.Errorf("Settle alone: %+v", a)
	}
	var counted int64
	for i, b := range r.Histogram {
		counted += b.Count
		if i > 0 && b.From != r.Histogram[i-1].To {
			t.Errorf("bar %d begins at %v, the one before ends at %v", i, b.From, r.Histogram[i-1].To)
		}
	}
	if counted != 101 {
		t.Errorf("the bars have %d answers", counted)
	}
}

func TestArrivalsKept(t *testing.T) {
	for _, row := range []struct {
		due, begun, late int64
		kept             bool
	}{
		{1000, 1000, 0, true},
		{1000, 1000, 10, true},
		{1000, 995, 6, false},
		{1000, 900, 0, false},
	} {
		c := &tally{due: row.due, begun: row.begun, late: row.late}
		if got := c.arrivals(100).Kept; got != row.kept {
			t.Errorf("%+v: kept is %v", row, got)
		}
	}
}

func TestNothingAnswered(t *testing.T) {
	var r Result
	newTally().fill(&r, time.Second)
	if r.Rate != 0 || r.Requests != 0 || r.Max != 0 || len(r.Histogram) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestChart(t *testing.T) {
	var drawn strings.Builder
	Chart(&drawn, []Bar{{From: 1, To: 1.5, Count: 480}, {From: 1.5, To: 12, Count: 0}, {From: 12, To: 120, Count: 1}})
	want := "     1.50 ms │" + strings.Repeat("█", 48) + "  99.8 %\n" +
		"     12.0 ms │" + strings.Repeat(" ", 48) + "   0.0 %\n" +
		"      120 ms │▏" + strings.Repeat(" ", 47) + "   0.2 %\n"
	if diff := cmp.Diff(want, drawn.String()); diff != "" {
		t.Error(diff)
	}
}
