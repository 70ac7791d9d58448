package account

import (
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/webui"
)

// How many pages are shown at once in a second. Those above wait for StrangerPause.
const (
	pagesMax    = 50 // to one address: a household or a small office is far below
	pagesAllMax = 1000
)

// Paced delays requests that come too fast from one address, signed in or not: a
// link that a caller signed, or a session, can be used over and over.
func (b *Browsers) Paced(next http.Handler) http.Handler {
	b.pages.Source, b.pages.All, b.pages.Pause = pagesMax, pagesAllMax, b.StrangerPause
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, webui.AssetsPrefix) {
			b.pages.Keep(r.Context(), b.From(r), b.Now())
		}
		next.ServeHTTP(w, r)
	})
}
