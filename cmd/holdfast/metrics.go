package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast/internal/store"
)

// metrics serves what an operator should watch, in Prometheus's text format.
// The values are read from the store, so every server on it shows the same.
type metrics struct {
	Store store.Reader
	Now   func() time.Time
	Log   *slog.Logger
}

func (m *metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/metrics" {
		http.NotFound(w, r)
		return
	}
	var mails map[store.MailOutcome]store.MailCount
	err := m.Store.View(r.Context(), func(tx *store.ReadTx) (err error) {
		mails, err = tx.CountMails()
		return err
	})
	if err != nil {
		m.Log.Error("the store cannot be read", "error", err)
		http.Error(w, "the store cannot be read", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	fmt.Fprint(w, "# HELP holdfast_mails Mails that have not arrived: waiting for a try, given up, or kept in a "+
		"sandbox's inbox.\n# TYPE holdfast_mails gauge\n")
	for _, outcome := range []store.MailOutcome{store.MailWaiting, store.MailGivenUp, store.MailKept} {
		fmt.Fprintf(w, "holdfast_mails{outcome=\"%s\"} %d\n", outcome, mails[outcome].Mails)
	}
	age := 0
	if oldest := mails[store.MailWaiting].Oldest; !oldest.IsZero() {
		age = int(m.Now().Sub(oldest) / time.Second)
	}
	fmt.Fprintf(w, "# HELP holdfast_mail_waiting_seconds How long the oldest waiting mail has been tried.\n# TYPE "+
		"holdfast_mail_waiting_seconds gauge\nholdfast_mail_waiting_seconds %d\n", age)
}
