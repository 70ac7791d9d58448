package main

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestGoals(t *testing.T) {
	for _, row := range []struct {
		name             string
		goal             goal
		value, yardstick float64
		want             bool
	}{
		{"at least as often", atLeastTimes(2.5), 250, 100, true},
		{"less often", atLeastTimes(2.5), 249, 100, false},
		{"a yardstick of nothing", atLeastTimes(2.5), 249, 0, false},
		{"at most as long", atMostTimes(1.5), 1.5, 1, true},
		{"longer", atMostTimes(1.5), 1.6, 1, false},
		{"enough", atLeast(7000, "/s"), 7000, 0, true},
		{"too few", atLeast(7000, "/s"), 6999, 0, false},
		{"little enough", atMost(60, "MB"), 60, 0, true},
		{"too much", atMost(60, "MB"), 61, 0, false},
		{"three waits and a millisecond", syncs(), 7, 2, true},
		{"more than that", syncs(), 7.1, 2, false},
	} {
		if got := row.goal.good(row.goal.judged(row.value, row.yardstick)); got != row.want {
			t.Errorf("%s: %v with yardstick %v is good: %v, want %v", row.name, row.value, row.yardstick, got, row.want)
		}
	}
}

// A figure is calculated for each run, and judged by the median.
func TestLineOf(t *testing.T) {
	d := rowData{Row: "r"}
	for _, run := range []string{
		`{"rate":100,"process":{"peakMB":5}}`, `{"rate":300,"process":{"peakMB":7}}`, `{"rate":200,"process":{"peakMB":6}}`,
	} {
		d.Runs = append(d.Runs, map[string]json.RawMessage{
			"ours": json.RawMessage(run), "theirs": json.RawMessage(`{"rate":100}`),
		})
	}
	l, err := lineOf(figure{value: "ours:rate", yardstick: "theirs:rate", goal: atLeastTimes(2)}, d)
	if err != nil || l.judged != (spread{1, 2, 3}) || l.value != (spread{100, 200, 300}) || l.runs != 3 || !l.met() {
		t.Errorf("got %+v, %v", l, err)
	}
	if l, err = lineOf(figure{value: "ours:process.peakMB", goal: atMost(5, "MB")}, d); err != nil ||
		l.value.median != 6 ||
		l.met() {
		t.Errorf("got %+v, %v", l, err)
	}
	for place, notMeasured := range map[string]bool{"ours:nothing": true, "nobody:rate": true, "ours:process": false} {
		if _, err := lineOf(figure{value: place}, d); err == nil || errors.Is(err, errNotMeasured) != notMeasured {
			t.Errorf("%s: %v", place, err)
		}
	}
}
