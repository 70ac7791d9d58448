package webui

import (
	"net/http"
	"strings"
)

// A Policy says what a page may load or call in addition to its own server's
// files. Its origins go into a header unescaped, so the code that sets them
// must have checked their characters.
type Policy struct {
	ImageFrom string // an origin from which pictures may be loaded
	Scripts   bool   // allow our own scripts; without it, no script runs
	Asks      bool   // the scripts may call our server
	FormsTo   string // an origin to which the answer to a form may redirect
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
		// Browsers check every redirect after a form.
		strings.TrimSpace("form-action 'self' "+p.FormsTo),
		"frame-ancestors 'none'",
		"base-uri 'none'",
	), "; ")
}

// Set adds the policy to the headers of an answer.
func (p Policy) Set(w http.ResponseWriter) { w.Header().Set("Content-Security-Policy", p.String()) }

// Secure sets the headers of every page. Pages are about somebody's money, so
// nothing may store them. The referrer is sent only to this server, because the
// address of a visit is private. The policy is same-origin and not no-referrer,
// because with no-referrer browsers also hide the Origin of forms that come
// from our own pages.
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
