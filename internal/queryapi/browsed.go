package queryapi

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// browsed reports whether a person has opened an address of the API in a
// browser. A program sends parameters, or does not ask for a page.
func (s *Server) browsed(r *http.Request) bool {
	if r.Method != http.MethodGet || r.URL.RawQuery != "" || r.ContentLength != 0 || !wantsPage(r) {
		return false
	}
	path := or(r.URL.Path, apiPath)
	return path == apiPath || path != clockPath && !slices.Contains(s.Paths, path)
}

// wantsPage reports whether a request asks for HTML by name.
func wantsPage(r *http.Request) bool {
	for kind := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		media, params, err := mime.ParseMediaType(kind)
		q, weighed := params["q"]
		if err == nil && media == "text/html" && (!weighed || strings.Trim(q, "0.") != "") {
			return true
		}
	}
	return false
}
