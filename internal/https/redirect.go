package https

import (
	"fmt"
	"net/http"
	"net/url"
)

// Redirect answers on the plain port. It redirects GET and HEAD requests to the
// same path at the https address, and refuses all others. A program that posts
// has already sent its request unencrypted, and a redirect would hide that from
// its developer.
//
// The redirect always goes to the public host, never to the host that the
// request names. Otherwise an attacker could use the server to redirect people
// to any site.
func Redirect(public *url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, fmt.Sprintf("Nothing was done. This connection is not encrypted; send the request to %s instead.",
				public),
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
