package account

import (
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/webui"
)

// The number of pages that are served in a second without delay. Further
// requests are delayed by StrangerPause.
const (
	pagesMax    = 50 // to one address; a household or a small office needs far less
	pagesAllMax = 1000
)

// Paced delays requests that come too fast from one address, signed in or not.
// A signed link or a session alone does not limit how often it is used.
func (s *Sessions) Paced(next http.Handler) http.Handler {
	s.pages.Source, s.pages.All, s.pages.Pause = pagesMax, pagesAllMax, s.StrangerPause
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, webui.AssetsPrefix) {
			s.pages.Keep(r.Context(), s.From(r), s.Now())
		}
		next.ServeHTTP(w, r)
	})
}
