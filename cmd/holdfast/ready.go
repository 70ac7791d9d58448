package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/store"
)

// readyTimeout bounds the reads of one answer of /readyz.
const readyTimeout = 5 * time.Second

// changesLate is how long ago the changed transactions may have been checked
// last.
const changesLate = 5 * time.Minute

// A readiness is the answer of /readyz: whether this server can do its work, with
// a line for each condition.
type readiness struct {
	Ready  bool         `json:"ready"`
	Checks []readyCheck `json:"checks"`
}

type readyCheck struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`
}

func (r *readiness) add(name string, ok bool, format string, args ...any) {
	r.Ready = r.Ready && ok
	r.Checks = append(r.Checks, readyCheck{name, ok, fmt.Sprintf(format, args...)})
}

// ready answers whether the server can do its work. It does not fail because of
// violations of the books: they stop their callers on all servers alike, and a
// proxy that took all servers away would stop the others, too.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	answer := s.readiness(r.Context())
	status := http.StatusOK
	if !answer.Ready {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Cache-Control", "no-store")
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	for _, c := range answer.Checks {
		mark := "ok"
		if !c.OK {
			mark = "FAILED"
		}
		fmt.Fprintf(w, "%s: %s: %s\n", c.Name, mark, c.Text)
	}
}

func (s *server) readiness(ctx context.Context) readiness {
	answer := readiness{Ready: true}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var books store.BooksState
	err := s.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		books, err = tx.Books()
		return err
	})
	if err != nil {
		s.Log.Error("the store cannot be read", "error", err)
		answer.add("store", false, "cannot be read")
		return answer
	}
	answer.add("store", true, "can be read")
	if err := s.Store.CheckVersion(ctx); err != nil {
		s.Log.Error("the store has another schema", "error", err)
		answer.add("schema", false, "is not this program's")
	} else {
		answer.add("schema", true, "is this program's")
	}
	if p, paused := s.Store.Paused(); paused {
		answer.add("deliveries", false,
			"are paused since %s, because %s; no money moves until an operator runs holdfast resume",
			p.Since.UTC().Format(time.RFC3339), whyPaused(p.Reason))
	}
	if stuck := s.runner.Stuck(); len(stuck) > 0 {
		answer.add("jobs", false, "do not run: %s", strings.Join(stuck, ", "))
	} else {
		answer.add("jobs", true, "run")
	}
	s.booksReady(&answer, books)
	return answer
}

// booksReady adds what the audit says. A server that has just started is given
// two periods: all servers may have been down for longer.
func (s *server) booksReady(answer *readiness, books store.BooksState) {
	every := s.Processor.AuditEvery()
	if every < 0 {
		answer.add("books", true, "are not audited")
		return
	}
	now, last := s.Now(), books.Audit.Finished
	late := now.Sub(last) > 2*every && now.Sub(s.started) > 2*every
	switch {
	case last.IsZero():
		answer.add("books", !late, "no pass of the audit has ended yet")
	default:
		answer.add("books", !late, "the last pass of the audit ended at %s", last.UTC().Format(time.RFC3339))
	}
	checked := s.Processor.ChangedChecked()
	answer.add("changes", now.Sub(checked) <= changesLate || now.Sub(s.started) <= changesLate,
		"of this server are checked within a minute")
	answer.add("violations", true, "%d not acknowledged, %s stopped", books.Open, counted(books.Stopped, "caller"))
}
