package webui

import (
	"context"
	"net/http"
)

type routeKey struct{}

// AskRoute returns a request whose handlers report their route by [TellRoute],
// and a function that returns the report. The report is empty if there is none.
func AskRoute(r *http.Request) (asked *http.Request, route func() string) {
	var told string
	asked = r.WithContext(context.WithValue(r.Context(), routeKey{}, &told))
	return asked, func() string { return told }
}

// TellRoute serves mux and reports the pattern that matched. Handlers around
// mux may have replaced the request, so they cannot read its Pattern.
func TellRoute(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { // also if the route panics
			if told, ok := r.Context().Value(routeKey{}).(*string); ok && *told == "" {
				*told = r.Pattern
			}
		}()
		mux.ServeHTTP(w, r)
	})
}
