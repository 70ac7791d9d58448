package ipn_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/ipn"
)

// Each try is counted once, with its result.
func TestTriesAreCounted(t *testing.T) {
	s := newShop(t, keyedWorldStore(t))
	var mu sync.Mutex
	var tried []ipn.Result
	s.Sender.Tried = func(r ipn.Result) {
		mu.Lock()
		defer mu.Unlock()
		tried = append(tried, r)
	}
	s.answers(http.StatusServiceUnavailable)
	s.pending("order-1")
	s.Clock.Advance(time.Minute)
	s.run()
	s.answers(http.StatusNoContent)
	s.Clock.Advance(time.Minute)
	s.run()
	s.answers(http.StatusServiceUnavailable)
	s.pending("order-2")
	s.Clock.Advance(time.Minute)
	s.run()
	s.Clock.Advance(24 * time.Hour)
	s.run()
	want := []ipn.Result{ipn.Failed, ipn.Delivered, ipn.Failed, ipn.GivenUp}
	if !slices.Equal(tried, want) {
		t.Errorf("counted %v, want %v", tried, want)
	}
}
