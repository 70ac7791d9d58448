package calendar_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-ical"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/calendar"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A door is the handler of a world's calendars.
type door struct {
	*holdfasttest.World
	http.Handler
}

func doors(t *testing.T, test func(d door)) {
	t.Helper()
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		test(door{w, (&calendar.Server{
			Store: db.Reader, Now: w.Clock.Now, Log: slog.New(slog.DiscardHandler), StrangerPause: time.Hour,
		}).Handler()})
	})
}

// get asks for a calendar, as another second goes by.
func (d door) get(method, path string, headers ...string) *httptest.ResponseRecorder {
	d.T.Helper()
	d.Clock.Advance(time.Second)
	r := httptest.NewRequestWithContext(d.T.Context(), method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

func (d door) rotate() party.CalendarKey {
	d.T.Helper()
	key, err := d.Processor.RotateCalendar(d.T.Context(), d.Shop.ID)
	if err != nil {
		d.T.Fatal(err)
	}
	return key
}

func TestACalendar(t *testing.T) {
	doors(t, func(d door) {
		d.Reserved("42.50", "order-1")
		settled := d.Reserved("10.00", "order-2")
		if _, err := d.Settle(settled.ID, ""); err != nil {
			d.T.Fatal(err)
		}
		d.Clock.Advance(time.Hour)
		d.Reserved("20.00", "order-3")
		address := calendar.Address(d.rotate())
		first := d.get(http.MethodGet, address)
		var names []string
		for _, e := range parsed(d.T.(*testing.T), first.Body.String()) { //nolint:forcetypeassert // it is a test
			summary, err := e.Props.Text(ical.PropSummary)
			if err != nil {
				d.T.Fatal(err)
			}
			names = append(names, summary)
		}
		if got := strings.Join(names, ", "); got != "Charge $42.50: order-1, Charge $20.00: order-3" {
			d.T.Errorf("the entries are %s", got)
		}
		for _, secret := range []string{string(d.Card.ID), "Ann", "@", "4242", "K000", d.Key.ID} {
			if strings.Contains(strings.ReplaceAll(first.Body.String(), "@holdfast", ""), secret) {
				d.T.Errorf("the calendar has %q:\n%s", secret, first.Body)
			}
		}
		h := first.Header()
		if first.Code != http.StatusOK || h.Get("Content-Type") != "text/calendar; charset=utf-8" ||
			h.Get("Cache-Control") != "private, max-age=300" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("ETag") == "" {
			d.T.Errorf("the answer is %d with %v", first.Code, h)
		}
		if again := d.get(http.MethodGet, address, "If-None-Match", h.Get("ETag")); again.Code != http.StatusNotModified {
			d.T.Errorf("the same calendar again is %d", again.Code)
		}
		if head := d.get(http.MethodHead, address); head.Code != http.StatusOK || head.Body.Len() != 0 {
			d.T.Errorf("HEAD is %d with %d bytes", head.Code, head.Body.Len())
		}
		if post := d.get(http.MethodPost, address); post.Code != http.StatusMethodNotAllowed ||
			post.Header().Get("Allow") != "GET, HEAD" {
			d.T.Errorf("POST is %d", post.Code)
		}
	})
}

// An address that is wrong, was replaced or revoked answers like one that never
// was.
func TestWrongAddresses(t *testing.T) {
	doors(t, func(d door) {
		old := d.rotate()
		key := d.rotate()
		wrong := map[string]string{
			"an old key": calendar.Address(old), "another key": calendar.Address(party.CalendarKey(strings.Repeat("a", 43))),
			"no key": calendar.Path + ".ics", "no suffix": calendar.Path + string(key), "a longer key": calendar.Address(key + "a"),
			"a part of the key": calendar.Address(key[:42]), "a path": calendar.Path + "../" + string(key) + ".ics",
			"the hash":    calendar.Address(party.CalendarKey(fmt.Sprintf("%x", key.Hash())[:43])),
			"a wild card": calendar.Address(party.CalendarKey(strings.Repeat("%25", 14) + "a")),
		}
		for name, path := range wrong {
			got := d.get(http.MethodGet, path)
			if got.Code != http.StatusNotFound || got.Body.String() != "there is no calendar at this address\n" ||
				got.Header().Get("Cache-Control") != "no-store" {
				d.T.Errorf("%s is answered with %d %q", name, got.Code, got.Body)
			}
		}
		if got := d.get(http.MethodGet, calendar.Address(key)); got.Code != http.StatusOK {
			d.T.Fatalf("the right key is answered with %d", got.Code)
		}
		if revoked, err := d.Processor.RevokeCalendar(d.T.Context(), d.Shop.ID); err != nil || !revoked {
			d.T.Fatal(revoked, err)
		}
		if revoked, err := d.Processor.RevokeCalendar(d.T.Context(), d.Shop.ID); err != nil || revoked {
			d.T.Error("it was revoked twice", err)
		}
		if got := d.get(http.MethodGet, calendar.Address(key)); got.Code != http.StatusNotFound {
			d.T.Errorf("a revoked key is answered with %d", got.Code)
		}
		_, err := d.Processor.RotateCalendar(d.T.Context(), "C-unknown")
		d.WantCode(err, holdfast.InvalidAccountStateCaller)
	})
}

// A flood of wrong keys is slowed down, and a calendar is read at most twice in a
// second.
func TestFloodsOfRequests(t *testing.T) {
	doors(t, func(d door) {
		key := d.rotate()
		codes := make(map[int]int)
		for range 4 {
			r := httptest.NewRequestWithContext(d.T.Context(), http.MethodGet, calendar.Address(key), nil)
			w := httptest.NewRecorder()
			d.ServeHTTP(w, r)
			codes[w.Code]++
		}
		if codes[http.StatusOK] != 2 || codes[http.StatusTooManyRequests] != 2 {
			d.T.Errorf("the answers are %v", codes)
		}
		held := false
		for range 21 {
			ctx := &watched{Context: d.T.Context()}
			d.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, calendar.Address("x"), nil))
			held = ctx.waitedFor
		}
		if !held {
			d.T.Error("the flood is not slowed down")
		}
	})
}

// watched is a context that has ended as soon as somebody waits for its end.
type watched struct {
	context.Context
	waitedFor bool
}

func (w *watched) Done() <-chan struct{} {
	w.waitedFor = true
	ended := make(chan struct{})
	close(ended)
	return ended
}
