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

	"github.com/holdfast-pay/holdfast/internal/pace"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Wrong requests that are refused in the same second are counted together,
// however slowly they came in.
func TestSlowStrangersAreCountedTogether(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	s := &Server{Now: func() time.Time { return now }}
	for i := range 2 * refusalsMax {
		begun := &request{real: now.Add(-time.Duration(i%2) * time.Second)}
		s.refuse(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), begun, errUnknownKey)
	}
	if s.strangers.refused.Allow("192.0.2.1", now) { // httptest's
		t.Errorf("after %d in one second another one is allowed", 2*refusalsMax)
	}
}

// Unsigned requests of VerifySignature are paced by address; those of a caller
// are not.
func TestVerifySignatureIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
		s := &Server{Now: func() time.Time { return now }, StrangerPause: time.Second}
		ask := func(peer string) time.Duration {
			began := time.Now() //nolint:forbidigo // the bubble's
			r := httptest.NewRequest(http.MethodGet,
				"/?Action=VerifySignature&Version=2010-08-28&UrlEndPoint=http%3A%2F%2Fshop.example.test%2F&"+
					"HttpParameters=signature%3DAAAA%26signatureVersion%3D2%26signatureMethod%3DRSA-SHA1%26certificateUrl%3Dx", nil)
			r.RemoteAddr = peer
			answer := httptest.NewRecorder()
			s.Handler().ServeHTTP(answer, r)
			if !strings.Contains(answer.Body.String(), "Failure") {
				t.Fatalf("answered %d %s", answer.Code, answer.Body)
			}
			return time.Since(began) //nolint:forbidigo // the bubble's
		}
		for i := range verifiedMax {
			if waited := ask(fmt.Sprintf("[2001:db8::%x]:1234", i)); waited != 0 {
				t.Fatalf("request %d waits for %v", i, waited)
			}
		}
		if waited := ask("[2001:db8::ffff]:1234"); waited != s.StrangerPause {
			t.Errorf("one more of the same network waits for %v", waited)
		}
		if waited := ask("[2001:db8:0:1::1]:1234"); waited != 0 {
			t.Errorf("another network waits for %v", waited)
		}
	})
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
		for range refusalsMax {
			refuse()
		}
		go refuse()
		synctest.Wait()
		if n := refused.Load(); n != refusalsMax {
			t.Fatalf("%d are refused at once, want %d", n, refusalsMax)
		}
		time.Sleep(s.StrangerPause) // the bubble's time, which does not pass by itself
		synctest.Wait()
		if n := refused.Load(); n != refusalsMax+1 {
			t.Errorf("%d are refused after the pause, want %d", n, refusalsMax+1)
		}
	})
}

// A request that the store had no room for, or could not carry out, may be sent
// again.
func TestAStoreThatCannotIsRetriable(t *testing.T) {
	for _, err := range []error{
		store.ErrFull, errCallerBusy, store.ErrBusy, store.ErrUnreachable, store.ErrNoSpace, store.ErrClosed,
	} {
		s := &Server{Now: func() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }}
		answer := httptest.NewRecorder()
		s.refuse(answer, httptest.NewRequest(http.MethodPost, "/", nil), &request{}, fmt.Errorf("committing: %w", err))
		if answer.Code != http.StatusServiceUnavailable ||
			!strings.Contains(answer.Body.String(), "<Code>ServiceUnavailable</Code>") {
			t.Errorf("%v is answered %d %s", err, answer.Code, answer.Body)
		}
	}
}

// Unsigned requests do not take places; a caller has a fixed number of places.
func TestWhoTakesAPlace(t *testing.T) {
	s := &Server{InFlight: new(pace.InFlight)}
	for range pace.InFlightMax + 1 {
		if _, err := s.enter(&request{}); err != nil {
			t.Fatalf("a stranger: %v", err)
		}
	}
	for range pace.InFlightMax {
		if _, err := s.enter(&request{caller: party.Caller{ID: "C1"}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.enter(&request{caller: party.Caller{ID: "C1"}}); !errors.Is(err, errCallerBusy) {
		t.Errorf("one more of a caller: %v, want %v", err, errCallerBusy)
	}
}
