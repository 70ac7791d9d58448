package stripefake

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// An entry is one change in a journal. It has a part for each kind of change,
// and one of them is set.
type entry struct {
	At        time.Time
	Request   *requestEntry   `json:",omitempty"`
	Page      *pageEntry      `json:",omitempty"`
	Bank      *bankEntry      `json:",omitempty"`
	Subscribe *subscribeEntry `json:",omitempty"`
}

type requestEntry struct {
	Method, URI, Key, Body string
	Live                   bool
}

// A pageEntry is a card that a page took. It is always a test card.
type pageEntry struct {
	Session string
	Typed   Typed
}

type bankEntry struct {
	Object string // that waited for the bank
	Passed bool
}

type subscribeEntry struct {
	Address string
	Live    bool
}

// Journal writes down every later change that a request, a buyer or Subscribe
// makes, for Replay. Changes of a test, such as Dispute, are not in it.
func (s *Server) Journal(w io.Writer) {
	s.lock()
	defer s.mu.Unlock()
	s.journal = w
}

// write adds an entry before it has effect. The journal of a demo is best
// effort: what cannot be written is lost with the process.
func (s *Server) write(e entry) {
	if s.journal == nil {
		return
	}
	e.At = s.now
	text, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("stripefake: writing the journal: %v", err))
	}
	if _, err := s.journal.Write(append(text, '\n')); err != nil {
		s.journal = nil
		s.fault("writing the journal: %v", err)
	}
}

// Replay makes the changes of a journal again, on a new server with the same
// start: see NewAt. Its objects have the same ids. A last line that was cut short
// is left out. The events of before are not delivered again, but can be listed.
func (s *Server) Replay(r io.Reader) error {
	real := s.clock
	defer func() { s.clock = real }()
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading the journal of the fake: %w", err)
		}
		var e entry
		if err := json.Unmarshal(bytes.TrimSpace(line), &e); err != nil {
			return fmt.Errorf("reading the journal of the fake: %w", err)
		}
		s.clock = func() time.Time { return e.At }
		if err := s.again(e); err != nil {
			return fmt.Errorf("reading the journal of the fake: %w", err)
		}
	}
	s.lock()
	defer s.mu.Unlock()
	s.deliveries, s.requests = nil, nil
	clear(s.counts)
	return nil
}

func (s *Server) again(e entry) error {
	var problem *ProblemError
	switch {
	case e.Request != nil:
		return s.requestAgain(*e.Request)
	case e.Page != nil:
		if _, err := s.Submit(e.Page.Session, e.Page.Typed); err != nil && !errors.As(err, &problem) {
			return err
		}
	case e.Bank != nil:
		s.lock()
		defer s.mu.Unlock()
		if _, known := s.things[e.Bank.Object]; !known {
			return fmt.Errorf("there is no %s", e.Bank.Object)
		}
		s.atBankDone(e.Bank.Object, e.Bank.Passed)
	case e.Subscribe != nil:
		s.Subscribe(e.Subscribe.Address, e.Subscribe.Live)
	}
	return nil
}

func (s *Server) requestAgain(e requestEntry) error {
	r, err := http.NewRequestWithContext(context.Background(), e.Method, e.URI, strings.NewReader(e.Body))
	if err != nil {
		return err
	}
	key := UnrestrictedKey
	if e.Live {
		key = UnrestrictedLive
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Stripe-Version", apiVersion)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if e.Key != "" {
		r.Header.Set("Idempotency-Key", e.Key)
	}
	s.ServeHTTP(nowhere{}, r)
	return nil
}

// nowhere is a ResponseWriter for answers that nobody reads.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}
