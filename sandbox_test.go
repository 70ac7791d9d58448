package holdfast_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
)

func TestClock(t *testing.T) {
	f := newFakeServer(t, answerWith(http.StatusOK, `{"now":"2026-11-30T10:15:30.044Z","offset":"168h0m0s"}`))
	c := f.client()
	want := holdfast.ClockState{Now: testNow.Add(168 * time.Hour), Offset: 168 * time.Hour}
	for name, ask := range map[string]func() (holdfast.ClockState, error){
		"Clock":        func() (holdfast.ClockState, error) { return c.Clock(t.Context()) },
		"AdvanceClock": func() (holdfast.ClockState, error) { return c.AdvanceClock(t.Context(), 168*time.Hour) },
		"ResetClock":   func() (holdfast.ClockState, error) { return c.ResetClock(t.Context()) },
	} {
		got, err := ask()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := compare.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		requests := f.requests()
		sent := requests[len(requests)-1]
		p := sentParams(t, sent, "/sandbox/clock")
		wantVerb, wantAdvance, wantReset := http.MethodPost, "", ""
		switch name {
		case "Clock":
			wantVerb = http.MethodGet
		case "AdvanceClock":
			wantAdvance = "168h0m0s"
		case "ResetClock":
			wantReset = "true"
		}
		if sent.verb != wantVerb || p.Get("Advance") != wantAdvance || p.Get("Reset") != wantReset {
			t.Errorf("%s sent %+v", name, sent)
		}
	}
}

func TestClockOfAnEndpointWithAPath(t *testing.T) {
	f := newFakeServer(t, answerWith(http.StatusOK, `{"now":"2026-11-30T10:15:30.044Z","offset":"0s"}`))
	for _, endpoint := range []string{f.URL, f.URL + "/", f.URL + "/fps/"} {
		c := f.client()
		c.Endpoint = endpoint
		if _, err := c.ResetClock(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for i, want := range []string{"/sandbox/clock", "/sandbox/clock", "/fps/sandbox/clock"} {
		sentParams(t, f.requests()[i], want)
	}
}

func TestClockFails(t *testing.T) {
	refusing := newFakeServer(t,
		answerError(http.StatusBadRequest, holdfast.AccessFailure, "Live accounts have no clock."))
	_, err := refusing.client().AdvanceClock(t.Context(), time.Hour)
	var refusal *holdfast.Error
	if !errors.As(err, &refusal) || refusal.Code != holdfast.AccessFailure {
		t.Errorf("refused: %v", err)
	}
	for name, body := range map[string]string{
		"not JSON": "<html>", "no offset": `{"now":"2026-11-30T10:15:30.044Z"}`, "no time": `{"offset":"0s"}`,
	} {
		f := newFakeServer(t, answerWith(http.StatusOK, body))
		if got, err := f.client().Clock(t.Context()); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	missing := newFakeServer(t, answerWith(http.StatusNotFound, "404 page not found"))
	if _, err := missing.client().Clock(t.Context()); err == nil {
		t.Error("a server without clocks has one")
	}
}

func TestAdvanceClockIsSentOnce(t *testing.T) {
	f := newFakeServer(t, answerNothing)
	if _, err := f.client().AdvanceClock(t.Context(), time.Hour); err == nil {
		t.Error("no error without an answer")
	}
	if n := len(f.requests()); n != 1 {
		t.Errorf("sent %d times", n)
	}
}
