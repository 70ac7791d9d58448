package queryapi

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	var p pace
	for second := range 2 {
		for i := range strangersMax + 5 {
			if got, want := p.allow(now.Add(time.Duration(second)*time.Second)), i < strangersMax; got != want {
				t.Fatalf("second %d, stranger %d: allowed is %v", second, i, got)
			}
		}
	}
}
