package webui

import (
	"net/http"
	"strings"
)

// A Policy says what a page may reach beside its own server. Its origins go
// into a header as they are: the one who sets them has checked their characters.
type Policy struct {
	ImageFrom string // an origin that a picture comes from
	Scripts   bool   // the page has scripts of ours; others run none at all
	Asks      bool   // the scripts ask our server
}

func (p Policy) String() string {
	allowed := []string{"default-src 'none'", "style-src 'self'"}
	if p.Scripts {
		allowed = append(allowed, "script-src 'self'")
	}
	if p.Asks {
		allowed = append(allowed, "connect-src 'self'")
	}
	return strings.Join(append(
		allowed,
		strings.TrimSpace("img-src 'self' "+p.ImageFrom),
		"form-action 'self'", // every hop of a form's redirects counts, so none may lead away
		"frame-ancestors 'none'",
		"base-uri 'none'",
	), "; ")
}

// Set puts the policy into an answer's headers.
func (p Policy) Set(w http.ResponseWriter) { w.Header().Set("Content-Security-Policy", p.String()) }

// Secure sets the headers that every page has. Pages are about somebody's money
// and are kept nowhere; the referrer stays inside, since addresses of visits
// are not for others. It is same-origin and not no-referrer, because browsers
// then hide the Origin of our own forms from us as well.
func Secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		Policy{}.Set(w)
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if len(r.TransferEncoding) > 0 && r.ProtoMajor == 1 { // see queryapi's read
			h.Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
