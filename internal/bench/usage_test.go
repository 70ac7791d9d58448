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
