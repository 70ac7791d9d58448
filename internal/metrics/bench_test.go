package metrics_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
)

// BenchmarkReserve measures what the metrics of one Reserve cost: its answer,
// and its two actions in a commit of many.
func BenchmarkReserve(b *testing.B) {
	s := newSet(holdfasttest.NewClock())
	stats := s.Engine()
	const works = 64
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Answered(queryapi.Answered{Action: "Reserve", Result: queryapi.Success, Took: time.Millisecond})
		for range 2 {
			stats.Waited(false, time.Millisecond)
		}
		if i%(works/2) == 0 {
			stats.Tried(engine.Try{Works: works, Rounds: 1, Committed: true, Took: time.Millisecond, Commit: time.Millisecond})
		}
	}
}
