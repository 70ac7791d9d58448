// Package networkdoor is the door for card networks: the address to which they
// send messages about what has changed. A message is stored and answered at once;
// the work comes later.
package networkdoor

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/pace"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Path is the path of the door. The address of an account is Path, the account's
// id and "/events".
const Path = "/networks/"

// BodyMax is the largest size of a message, in bytes.
const BodyMax = 256 << 10

// How many messages that are not a network's are answered at once in a second.
// The rest wait for StrangerPause.
const (
	forgedMax    = 5 // of one address
	forgedAllMax = 50
)

// forgedLoggedMax is how many messages of one account that were refused, and how
// many that could not be stored, are logged in an hour.
const forgedLoggedMax = 10

// NotServed is the answer, with status 503, to messages for an account that the
// server does not serve before it is started again.
const NotServed = "this server was started before there was a live account: restart the server"

// An Inbox takes messages; the processor is one. It is a *card.MessageError if a
// message is not the network's, card.ErrNoAccount if there is no such account, and
// card.ErrNotServed if the server must be started again first.
type Inbox interface {
	TakeEvent(ctx context.Context, account payment.NetworkAccountID, header map[string][]string, body []byte) error
}

// A Server answers all requests under Path.
type Server struct {
	Inbox Inbox
	// From returns the address or network by which strangers are counted.
	From func(*http.Request) string
	// StrangerPause slows down floods of messages that are not a network's.
	StrangerPause time.Duration
	Now           func() time.Time
	Log           *slog.Logger

	once   sync.Once
	forged pace.Pace
	logged pace.Seldom // of refused messages
	broken pace.Seldom // of accounts that take no messages
}

// Handler makes the server's route.
func (s *Server) Handler() http.Handler {
	s.once.Do(func() {
		s.forged.Source, s.forged.All, s.forged.Pause = forgedMax, forgedAllMax, s.StrangerPause
		s.logged.Hourly, s.broken.Hourly = forgedLoggedMax, forgedLoggedMax
	})
	return http.HandlerFunc(s.serve)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, Path), "/events")
	switch {
	case !ok || name == "" || strings.Contains(name, "/"):
		s.refuse(w, r, http.StatusNotFound, "there is no such address")
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		s.refuse(w, r, http.StatusMethodNotAllowed, "messages are sent with POST")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, BodyMax))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		s.refuse(w, r, http.StatusRequestEntityTooLarge, "the message is longer than 256 KiB")
		return
	}
	if err != nil { // the connection broke; the network sends it again
		http.Error(w, "the message is not complete", http.StatusBadRequest)
		return
	}
	account := payment.NetworkAccountID(name)
	err = s.Inbox.TakeEvent(r.Context(), account, r.Header, body)
	message, forged := errors.AsType[*card.MessageError](err)
	switch {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case forged:
		if s.logged.Allow(name, s.Now()) {
			s.Log.Warn("a message to the address of an account was refused", "account", account, "why", message.Reason)
		}
		s.refuse(w, r, http.StatusBadRequest, "the message is refused: "+message.Reason)
	case errors.Is(err, card.ErrNoAccount):
		s.refuse(w, r, http.StatusNotFound, "there is no such account")
	case errors.Is(err, store.ErrFull):
		http.Error(w, "the server is busy, send the message again", http.StatusServiceUnavailable)
	case errors.Is(err, card.ErrNotServed):
		s.fail(account, err)
		s.refuse(w, r, http.StatusServiceUnavailable, NotServed)
	default: // anyone may have sent the message
		s.fail(account, err)
		s.refuse(w, r, http.StatusInternalServerError, "the message was not stored, send it again")
	}
}

func (s *Server) fail(account payment.NetworkAccountID, err error) {
	if s.broken.Allow(string(account), s.Now()) {
		s.Log.Error("a message of a card network was not stored", "account", account, "error", err)
	}
}

// refuse answers a message that no network may have sent. Many from one address are
// answered slowly.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	s.forged.Keep(r.Context(), s.From(r), s.Now())
	http.Error(w, why, status)
}
