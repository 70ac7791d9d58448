package https

import (
	"fmt"
	"net/http"
	"net/url"
)

// Redirect is what answers on the plain port: it sends who only reads to the
// same place at an https address, and refuses everybody else. A program that
// posts has sent its request in the clear by then, and a redirect would have it
// go on doing so unnoticed.
//
// The host is always the public one, whatever the request names: a redirect to
// wherever a request says is a trap for others.
func Redirect(public *url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, fmt.Sprintf("Nothing was done. This is not encrypted; send the request to %s instead.", public),
				http.StatusForbidden)
			return
		}
		to := url.URL{
			Scheme: public.Scheme, Host: public.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery,
		}
		if to.Path == "" {
			to.Path = "/" // an absolute-form target may have none
		}
		w.Header().Set("Location", to.String())
		w.WriteHeader(http.StatusMovedPermanently)
	})
}
