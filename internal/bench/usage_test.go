package bench

import "testing"

func TestParseUsage(t *testing.T) {
	const stat = "4711 (hold) fast (x) S 1 4711 4711 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 12345 1 2"
	got, err := parseUsage(stat, "Name:\tholdfast\nVmHWM:\t  20480 kB\nVmRSS:\t    5120 kB\n")
	if want := (Usage{CPUSeconds: 3, PeakMB: 20, NowMB: 5}); err != nil || got != want {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
	for _, broken := range []string{"", "1 (x) S 1 2 3", "1 (x) S 1 4711 4711 0 -1 4194560 100 0 0 0 many 50 0"} {
		if _, err := parseUsage(broken, ""); err == nil {
			t.Errorf("%q is accepted", broken)
		}
	}
}

// The processor time of an answer is that of the measurement alone.
func TestUsageOfAnswers(t *testing.T) {
	got := Usage{CPUSeconds: 3.5, PeakMB: 20}.between(Usage{CPUSeconds: 3}, 10_000)
	if want := (Usage{CPUSeconds: 0.5, PeakMB: 20, AnswerMicros: 50}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := (Usage{CPUSeconds: 3}).between(Usage{}, 0); got.AnswerMicros != 0 {
		t.Errorf("no answer took %v µs", got.AnswerMicros)
	}
	before := postgresCount{wal: 1000, cpu: map[int]float64{1: 5, 2: 1}}
	after := postgresCount{wal: 31_000, cpu: map[int]float64{1: 6, 3: 0.5}} // process 2 has ended
	want := PostgresUsage{WALkB: 30, CPUSeconds: 1.5, AnswerWALkB: 3, AnswerMicros: 150_000}
	if got := after.between(before, 10); got == nil || *got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
