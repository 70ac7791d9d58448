package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
)

// A told Reserve is answered at one time and its notification comes at another,
// both in milliseconds. A negative time never comes.
type told struct{ answered, told int }

func trialOf(rate int, lasts time.Duration, all ...told) Trial {
	c := &clock{}
	n := newNotices(c.now)
	for i, one := range all {
		id := fmt.Sprint("T", i)
		if one.told >= 0 {
			c.at = noon.Add(time.Duration(one.told) * time.Millisecond)
			n.arrived(id+"-1", false) // PENDING
			n.arrived(id+"-2", true)
		}
		if one.answered >= 0 {
			c.at = noon.Add(time.Duration(one.answered) * time.Millisecond)
			n.answered(holdfast.TransactionID(id))
		}
	}
	return n.trial(rate, lasts)
}

func TestTrials(t *testing.T) {
	for _, row := range []struct {
		name string
		all  []told
		want Trial
	}{
		{"none", nil, Trial{}},
		{
			"in time",
			[]told{{0, 3000}, {100, 3200}, {200, 10_200}, {300, 3300}},
			Trial{Reserves: 4, Deliveries: 8, P50: 3000, P99: 10_000, Max: 10_000, Kept: true},
		},
		{
			"late by a millisecond",
			[]told{{0, 10_001}},
			Trial{Reserves: 1, Deliveries: 2, Late: 1, P50: 10_001, P99: 10_001, Max: 10_001},
		},
		{
			"one never comes",
			[]told{{0, 3000}, {0, -1}},
			Trial{Reserves: 2, Deliveries: 2, Missing: 1, P50: 3000, P99: 3000, Max: 3000},
		},
		{"of a Reserve without an answer", []told{{-1, 3000}}, Trial{Deliveries: 2}},
		{"before the answer", []told{{1, 0}}, Trial{Reserves: 1, Deliveries: 2, Kept: true}},
		{
			"growing by a twentieth",
			[]told{{3000, 6500}, {0, 3000}, {2000, 5500}, {1000, 4000}},
			Trial{Reserves: 4, Deliveries: 8, P50: 3000, P99: 3500, Max: 3500, Growth: 500, Kept: true},
		},
		{
			"growing by more",
			[]told{{3000, 6501}, {0, 3000}, {2000, 5500}, {1000, 4000}},
			Trial{Reserves: 4, Deliveries: 8, P50: 3000, P99: 3501, Max: 3501, Growth: 501},
		},
	} {
		row.want.Rate = 100
		if diff := cmp.Diff(row.want, trialOf(100, 10*time.Second, row.all...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

// A notification that comes again is no second one, and a forged one spoils the
// trial.
func TestRepeatedAndForgedNotices(t *testing.T) {
	c := &clock{noon}
	n := newNotices(c.now)
	n.answered("T")
	if n.left() != 1 {
		t.Errorf("%d are awaited, want 1", n.left())
	}
	for range 3 {
		n.arrived("T-2", true)
	}
	if n.left() != 0 {
		t.Errorf("%d are awaited, want none", n.left())
	}
	if got := n.trial(1, time.Second); got.Repeated != 2 || got.Deliveries != 1 || !got.Kept {
		t.Errorf("repeated: %+v", got)
	}
	n.forgery()
	if got := n.trial(1, time.Second); got.Forged != 1 || got.Kept || (Delivered{Trials: []Trial{got}}).good() {
		t.Errorf("forged: %+v", got)
	}
	n.begin()
	if got := n.trial(1, time.Second); got.Reserves+got.Deliveries+got.Repeated+got.Forged != 0 {
		t.Errorf("after a new start: %+v", got)
	}
}

// The search ends at a rate that is kept, at most a twentieth below one that is
// not.
func TestSearch(t *testing.T) {
	for _, most := range []int{0, 30, 199, 400, 937, 12_345} {
		s := search{}
		tries, best := 0, 0
		for rate, more := searchFrom, true; more; rate, more = s.next() {
			tries++
			s.tried(rate, rate <= most)
			if rate <= most {
				best = max(best, rate)
			}
		}
		if tries > 14 || best > most || most >= searchLeast*2 && best*105/100+1 < most {
			t.Errorf("up to %d a second: found %d in %d tries", most, best, tries)
		}
	}
	s := search{}
	rate := searchFrom
	for more := true; more; {
		s.tried(rate, true)
		rate, more = s.next()
	}
	if rate <= searchMost {
		t.Errorf("the search without a limit ends at %d", rate)
	}
}
