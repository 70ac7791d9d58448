package metrics

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast/internal/api"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// unknown replaces what clients could make up, so that the number of label
// values is bounded.
const unknown = "unknown"

// Answered counts one answer of the Query API.
func (s *Set) Answered(a queryapi.Answered) {
	s.request("api", cmp.Or(a.Action, unknown), a.Result, cmp.Or(string(a.Code), "Success"), a.Took)
}

// AnsweredJSON counts one answer of the JSON API.
func (s *Set) AnsweredJSON(a api.Answered) {
	s.request("json", cmp.Or(a.Operation, unknown), queryapi.Result(a.Result), cmp.Or(string(a.Code), "success"), a.Took)
}

func (s *Set) request(door, action string, result queryapi.Result, code string, took time.Duration) {
	s.requests.WithLabelValues(door, action, string(result), code).Inc()
	s.answers.WithLabelValues(door, action, string(result)).Observe(max(took, 0).Seconds())
}

// Door counts the requests of a handler by the route that answered, such as
// "GET /account/history", if the handler tells it by [webui.TellRoute].
// Otherwise it counts by the method alone.
func (s *Set) Door(door string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.now()
		r, route := webui.AskRoute(r)
		watched := &statusWriter{ResponseWriter: w}
		broken := true // until next returns, because it may panic
		defer func() {
			status := watched.status
			switch {
			case broken:
				status = http.StatusInternalServerError
			case status == 0:
				status = http.StatusOK
			}
			action := cmp.Or(route(), method(r.Method))
			s.request(door, action, resultOf(status), strconv.Itoa(status), s.now().Sub(began))
		}()
		next.ServeHTTP(watched, r)
		broken = false
	})
}

func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return m
	}
	return unknown
}

func resultOf(status int) queryapi.Result {
	switch {
	case status == http.StatusServiceUnavailable:
		return queryapi.Unavailable
	case status >= http.StatusInternalServerError:
		return queryapi.Failed
	case status >= http.StatusBadRequest:
		return queryapi.Refused
	}
	return queryapi.Success
}

// A statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK { // not one of those before the answer
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController find what the connection can do.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
