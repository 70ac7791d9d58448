package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/bench"
)

func TestProgressLine(t *testing.T) {
	p := bench.Progress{Doing: "measuring", Elapsed: 3 * time.Second, Answered: 120, Rate: 40, Failed: 1}
	for _, row := range []struct {
		screen bool
		want   string
	}{
		{false, "measuring:  3 s, 120 answers, 40 a second, 1 errors\n"},
		{true, eraseLine + "measuring:  3 s, 120 answers, 40 a second, 1 errors"},
	} {
		var out bytes.Buffer
		progressLine(&out, row.screen)(p)
		if out.String() != row.want {
			t.Errorf("screen %v: %q, want %q", row.screen, out.String(), row.want)
		}
	}
}
