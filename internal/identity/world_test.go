package identity_test

import (
	"errors"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// story runs a test in a new world on each database.
func story(t *testing.T, tell func(w *holdfasttest.World)) {
	t.Helper()
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // before the test holds a database
			tell(holdfasttest.NewWorld(t, holdfasttest.Open(t, address(t))))
		})
	}
}

func want(w *holdfasttest.World, got, want string) {
	w.T.Helper()
	if got != want {
		w.T.Fatalf("got %s, want %s", got, want)
	}
}

func wantErr(w *holdfasttest.World, what string, err, want error) {
	w.T.Helper()
	if !errors.Is(err, want) {
		w.T.Errorf("%s: %v, want %v", what, err, want)
	}
}
