package main

import (
	"net/http"

	"github.com/holdfast-pay/holdfast/internal/metrics"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
)

// newMetrics makes the metrics of a server.
func (s *server) newMetrics() *metrics.Set {
	program := programVersion()
	build := metrics.Build{Version: program.Version, Revision: program.Commit, Go: program.Go}
	set := metrics.New(build, s.Now, s.Log)
	set.Watch(s.Store.Reader)
	return set
}

// counted counts the requests of a door, if there are metrics. The API counts
// its own, because it knows the action and the code of a refusal.
func (s *server) counted(door string, handler http.Handler) http.Handler {
	if s.metrics == nil {
		return handler
	}
	return s.metrics.Door(door, handler)
}

// answered counts the answers of the API; nil without metrics.
func (s *server) answered() func(queryapi.Answered) {
	if s.metrics == nil {
		return nil
	}
	return s.metrics.Answered
}
