package queryapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
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

// However slowly wrong requests come in, those that are refused in one second are
// counted together.
func TestSlowStrangersAreCountedTogether(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	s := &Server{Now: func() time.Time { return now }}
	for i := range 2 * strangersMax {
		begun := &request{real: now.Add(-time.Duration(i%2) * time.Second)}
		s.refuse(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), begun, errUnknownKey)
	}
	if s.strangers.allow(now) {
		t.Errorf("after %d in one second another one is allowed", 2*strangersMax)
	}
}

func TestStrangersInAFloodWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
		s := &Server{Now: func() time.Time { return now }, StrangerPause: time.Second}
		var refused atomic.Int64
		refuse := func() {
			s.refuse(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), &request{real: now}, errUnknownKey)
			refused.Add(1)
		}
		for range strangersMax {
			refuse()
		}
		go refuse()
		synctest.Wait()
		if n := refused.Load(); n != strangersMax {
			t.Fatalf("%d are refused at once, want %d", n, strangersMax)
		}
		time.Sleep(s.StrangerPause) // the bubble's time, which does not pass by itself
		synctest.Wait()
		if n := refused.Load(); n != strangersMax+1 {
			t.Errorf("%d are refused after the pause, want %d", n, strangersMax+1)
		}
	})
}

// What the store had no room for, or could not do, may be sent again.
func TestAStoreThatCannotIsRetriable(t *testing.T) {
	for _, err := range []error{store.ErrFull, errCallerBusy, store.ErrBusy, store.ErrUnreachable, store.ErrClosed} {
		s := &Server{Now: func() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }}
		answer := httptest.NewRecorder()
		s.refuse(answer, httptest.NewRequest(http.MethodPost, "/", nil), &request{}, fmt.Errorf("committing: %w", err))
		if answer.Code != http.StatusServiceUnavailable || !strings.Contains(answer.Body.String(), "<Code>ServiceUnavailable</Code>") {
			t.Errorf("%v is answered %d %s", err, answer.Code, answer.Body)
		}
	}
}

// Strangers do not stand in each other's way; a caller has so many places and no
// more.
func TestWhoTakesAPlace(t *testing.T) {
	s := &Server{}
	for range inFlightMax + 1 {
		if _, err := s.enter(&request{}); err != nil {
			t.Fatalf("a stranger: %v", err)
		}
	}
	for range inFlightMax {
		if _, err := s.enter(&request{caller: party.Caller{ID: "C1"}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.enter(&request{caller: party.Caller{ID: "C1"}}); !errors.Is(err, errCallerBusy) {
		t.Errorf("one more of a caller: %v, want %v", err, errCallerBusy)
	}
}
