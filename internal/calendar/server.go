// Package calendar serves a caller's open holds to calendar programs. The address
// of a calendar has a random key in it, and needs no other sign-in.
package calendar

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/pace"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Path is the path of all calendars.
const Path = "/v1/calendar/"

const suffix = ".ics"

// Address is the path of the calendar with a key.
func Address(k party.CalendarKey) string { return Path + string(k) + suffix }

// A Server answers requests for calendars.
type Server struct {
	Store store.Reader
	Now   func() time.Time // real time
	Log   *slog.Logger
	// StrangerPause slows down floods of requests. From returns the address by which
	// they are counted; nil means the peer's address.
	StrangerPause time.Duration
	From          func(*http.Request) string

	strangers, readers pace.Pace
}

// Limits of requests in a second, and of a feed.
const (
	strangersMax    = 20 // with a wrong key, of one address
	strangersAllMax = 200
	readersMax      = 2 // of one calendar
	readersAllMax   = 50
	holdsMax        = 500 // holds in one feed
	holdsPage       = 100
	cacheFor        = 5 * time.Minute
)

// errTooOften is answered before a feed's holds are read.
var errTooOften = errors.New("this calendar is read too often")

// Handler serves everything under Path.
func (s *Server) Handler() http.Handler {
	s.strangers.Source, s.strangers.All, s.strangers.Pause = strangersMax, strangersAllMax, s.StrangerPause
	s.readers.Source, s.readers.All = readersMax, readersAllMax
	return http.HandlerFunc(s.serve)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "a calendar is only read", http.StatusMethodNotAllowed)
		return
	}
	key, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, Path), suffix)
	var feed Feed
	found := false
	if ok && party.ValidCalendarKey(key) {
		var err error
		feed, found, err = s.read(r, party.CalendarKey(key))
		if errors.Is(err, errTooOften) {
			w.Header().Set("Retry-After", strconv.Itoa(int(cacheFor/time.Second)))
			http.Error(w, errTooOften.Error(), http.StatusTooManyRequests)
			return
		}
		if err != nil {
			s.Log.ErrorContext(r.Context(), "a calendar cannot be read", "error", err)
			http.Error(w, "the store cannot be read", http.StatusServiceUnavailable)
			return
		}
	}
	switch {
	case !found:
		s.strangers.Keep(r.Context(), s.from(r), s.Now())
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "there is no calendar at this address", http.StatusNotFound)
	default:
		send(w, r, feed.String())
	}
}

// send answers with a feed. A program that has the same feed already gets only the
// headers.
func send(w http.ResponseWriter, r *http.Request, feed string) {
	hash := sha256.Sum256([]byte(feed))
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Content-Disposition", `inline; filename="holds.ics"`)
	h.Set("Cache-Control", "private, max-age="+strconv.Itoa(int(cacheFor/time.Second)))
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(hash[:])+`"`)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(feed))
}

// read reads the feed of a calendar with a key.
func (s *Server) read(r *http.Request, key party.CalendarKey) (f Feed, found bool, err error) {
	err = s.Store.View(r.Context(), func(tx *store.ReadTx) error {
		if f.Caller, found, err = tx.CallerByCalendar(key.Hash()); err != nil || !found {
			return err
		}
		if !s.readers.Allow(string(f.Caller.ID), s.Now()) {
			return errTooOften
		}
		owner, _, err := tx.Party(f.Caller.Owner)
		if err != nil {
			return err
		}
		f.Language = owner.Language
		f.Holds, f.More, err = open(tx, f.Caller, f.Caller.Now(s.Now()))
		return err
	})
	return f, found, err
}

// open reads a caller's open holds.
func open(tx *store.ReadTx, c party.Caller, now time.Time) (holds []payment.Hold, more bool, err error) {
	listing := store.HoldListing{Caller: c.ID, HoldFilter: payment.HoldFilter{State: payment.HoldHeld}, Now: now}
	var after store.HoldCursor
	for len(holds) < holdsMax {
		page, next, err := tx.Holds(listing, after, min(holdsPage, holdsMax-len(holds)))
		if err != nil {
			return nil, false, err
		}
		if holds = append(holds, page...); !next.Begun() {
			return holds, false, nil
		}
		after = next
	}
	return holds, true, nil
}

// from is where a request comes from.
func (s *Server) from(r *http.Request) string {
	if s.From != nil {
		return s.From(r)
	}
	return party.Source(nil, r.RemoteAddr)
}
