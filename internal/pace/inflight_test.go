package pace

import "testing"

func TestACallerMeetsItsOwnLimit(t *testing.T) {
	var f InFlight
	var leave []func()
	for range InFlightMax {
		l, ok := f.Enter("C1")
		if !ok {
			t.Fatalf("refused after %d", len(leave))
		}
		leave = append(leave, l)
	}
	if _, ok := f.Enter("C1"); ok {
		t.Error("one more was let in")
	}
	other, ok := f.Enter("C2")
	if !ok {
		t.Error("another caller was refused")
	}
	leave[0]()
	again, ok := f.Enter("C1")
	if !ok {
		t.Error("refused where one had left")
	}
	for _, l := range append(leave[1:], other, again) {
		l()
	}
	if len(f.of) != 0 {
		t.Errorf("still counted: %v", f.of)
	}
}
