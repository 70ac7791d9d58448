package main

import (
	"context"
	"net"
	"net/http"

	"github.com/holdfast-pay/holdfast/internal/api"
	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/metrics"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webhook"
)

// A monitor has the metrics of a server and the listener that serves them.
type monitor struct {
	*metrics.Set
	net.Listener
}

// newMonitor opens the listener for metrics; without an address it returns nil.
func newMonitor(ctx context.Context, address string, w world) (*monitor, error) {
	if address == "" {
		return nil, nil
	}
	listener, err := listen(ctx, "--metrics", address)
	if err != nil {
		return nil, err
	}
	program := programVersion()
	build := metrics.Build{Version: program.Version, Revision: program.Commit, Go: program.Go}
	return &monitor{metrics.New(build, w.Now, w.Log), listener}, nil
}

// close closes the listener.
func (m *monitor) close() {
	if m != nil {
		m.Close()
	}
}

// stats is told what a store commits; without metrics it has no functions.
func (m *monitor) stats() engine.Stats {
	if m == nil {
		return engine.Stats{}
	}
	return m.Engine()
}

// watch adds the metrics of a store.
func (m *monitor) watch(db *store.DB, at store.Location) {
	if m == nil {
		return
	}
	m.Watch(db.Reader)
	m.Queues(db.Waiting)
	if at.IsFile() {
		m.File(at.File)
	}
}

// counted counts the requests of a door, if there are metrics. The API counts
// its own, because it knows the action and the code of a refusal.
func (m *monitor) counted(door string, handler http.Handler) http.Handler {
	if m == nil {
		return handler
	}
	return m.Door(door, handler)
}

// tried counts the tries to deliver notices; nil without metrics.
func (m *monitor) tried() func(ipn.Result) {
	if m == nil {
		return nil
	}
	return m.Delivered
}

// webhookTried counts the tries to deliver events to webhook endpoints; nil
// without metrics.
func (m *monitor) webhookTried() func(webhook.Result) {
	if m == nil {
		return nil
	}
	return m.WebhookTried
}

// booksChecked counts the changed transactions that the audit checks; nil
// without metrics.
func (m *monitor) booksChecked() func(checked, missed int) {
	if m == nil {
		return nil
	}
	return m.BooksChecked
}

// answered counts the answers of the API; nil without metrics.
func (m *monitor) answered() func(queryapi.Answered) {
	if m == nil {
		return nil
	}
	return m.Answered
}

// answeredJSON counts the answers of the JSON API; nil without metrics.
func (m *monitor) answeredJSON() func(api.Answered) {
	if m == nil {
		return nil
	}
	return m.AnsweredJSON
}

// reconciled notes the differences of daily comparisons; nil without metrics.
func (m *monitor) reconciled() func(payment.NetworkAccountID, int) {
	if m == nil {
		return nil
	}
	return func(account payment.NetworkAccountID, differences int) { m.Reconciled(string(account), differences) }
}

// networkAsked counts the requests to card networks; nil without metrics.
func (m *monitor) networkAsked() func(stripe.Request) {
	if m == nil {
		return nil
	}
	return func(r stripe.Request) {
		m.NetworkAsked(metrics.NetworkRequest{
			Account: string(r.Account), Endpoint: r.Endpoint, Status: r.Status, Waited: r.Waited, Took: r.Took,
		})
	}
}
