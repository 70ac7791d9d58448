package holdfast_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// expired refuses a timestamp as the server does, with the server's time in a
// header.
func expired(header, at string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(header, at)
		answerError(http.StatusBadRequest, holdfast.RequestExpired,
			"Request has expired. Timestamp date is 2026-11-23T10:15:30.044Z")(w, r)
	}
}

// A request that is refused because of this machine's clock is signed again
// with the server's time. Nothing else in it changes.
func TestAWrongClockIsCorrected(t *testing.T) {
	real := testNow.Add(-3 * time.Hour).Truncate(time.Second)
	for _, row := range []struct{ header, at string }{
		{"Holdfast-Time", real.Format(time.RFC3339Nano)},
		{"Date", real.Format(http.TimeFormat)},
	} {
		f := newFakeServer(t, expired(row.header, row.at), answerResult("Reserve", reservedXML))
		got, err := f.client().Reserve(t.Context(), reserve)
		if err != nil || got.TransactionID != testID {
			t.Errorf("%s: %+v, %v", row.header, got, err)
		}
		asked := f.requests()
		if len(asked) != 2 {
			t.Fatalf("%s: asked %d times, want twice", row.header, len(asked))
		}
		first, second := sentParams(t, asked[0], "/"), sentParams(t, asked[1], "/")
		if first.Get("Timestamp") != "2026-11-23T10:15:30.044Z" || second.Get("Timestamp") != "2026-11-23T07:15:30.000Z" {
			t.Errorf("%s: timestamps %s and %s", row.header, first.Get("Timestamp"), second.Get("Timestamp"))
		}
		if a, b := first.Without("Timestamp").Encode(), second.Without("Timestamp").Encode(); a != b {
			t.Errorf("%s: asked\n%s\nand then\n%s", row.header, a, b)
		}
	}
}

// The clock is corrected only once, even if the server refuses its own time,
// and not at all if the server does not send its time.
func TestAClockIsCorrectedOnce(t *testing.T) {
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		times  int
	}{
		"refused again":   {expired("Holdfast-Time", testNow.Format(time.RFC3339Nano)), 2},
		"no time":         {expired("Date", "soon"), 1},
		"another refusal": {answerError(http.StatusForbidden, holdfast.InvalidSignature, "no"), 1},
	} {
		f := newFakeServer(t, row.answer)
		_, err := f.client().Reserve(t.Context(), reserve)
		if _, refused := errors.AsType[*holdfast.Error](err); !refused {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(f.requests()); n != row.times {
			t.Errorf("%s: asked %d times, want %d", name, n, row.times)
		}
	}
}

// The second request may also be lost. The outcome is then in doubt.
func TestALostAnswerAfterACorrection(t *testing.T) {
	f := newFakeServer(t, expired("Holdfast-Time", testNow.Format(time.RFC3339Nano)), answerNothing)
	c := f.client()
	c.RetriesMax = -1
	_, err := c.Reserve(t.Context(), reserve)
	if doubt, ok := errors.AsType[*holdfast.InDoubtError](err); !ok || doubt.Reference != reserve.CallerReference {
		t.Errorf("got %v", err)
	}
}

// A request to move a sandbox clock is sent once, and again only after a
// refusal of its timestamp.
func TestAdvanceClockWithAWrongClock(t *testing.T) {
	f := newFakeServer(t, expired("Holdfast-Time", testNow.Format(time.RFC3339Nano)),
		answerWith(http.StatusOK, `{"now":"2026-11-30T10:15:30Z","offset":"168h0m0s"}`))
	state, err := f.client().AdvanceClock(t.Context(), 168*time.Hour)
	if err != nil || state.Offset != 168*time.Hour || len(f.requests()) != 2 {
		t.Errorf("%+v, %v, asked %d times", state, err, len(f.requests()))
	}
}

// If the server cannot answer now, the message may be genuine and can be
// verified again later. After a final refusal it cannot.
func TestVerifierTriesARetriableRefusalAgain(t *testing.T) {
	for code, row := range map[holdfast.Code]struct {
		status     int
		unanswered bool
	}{
		holdfast.ServiceUnavailable:  {http.StatusServiceUnavailable, true},
		holdfast.InternalServerError: {http.StatusInternalServerError, true},
		holdfast.InternalError:       {http.StatusInternalServerError, true},
		holdfast.InvalidParams:       {http.StatusBadRequest, false},
		holdfast.InvalidRequest:      {http.StatusBadRequest, false},
	} {
		f := newFakeServer(t, answerError(row.status, code, "no"))
		v := holdfast.Verifier{CallerID: testCaller, Client: f.client()}
		_, err := v.ParseReturn(t.Context(), returnURL(bareReturn))
		if unverified, ok := errors.AsType[*holdfast.UnverifiedError](err); !ok || unverified.Unanswered != row.unanswered {
			t.Errorf("%s: %v, want unanswered %v", code, err, row.unanswered)
		}
		_, err = v.ParseIPN(t.Context(), ipnEndpoint, []byte(signMessage("POST", ipnEndpoint, reservedIPN)))
		if unverified, ok := errors.AsType[*holdfast.UnverifiedError](err); !ok || unverified.Unanswered != row.unanswered {
			t.Errorf("%s: %v, want unanswered %v", code, err, row.unanswered)
		}
	}
}
