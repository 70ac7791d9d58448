package cobranded

import (
	"crypto/subtle"
	"net/http"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// The kinds of cookies that hold a visit's key.
const (
	cancelKey = ""       // allows the browser to cancel the visit
	guestKey  = "guest-" // makes the browser the guest's
)

// lendKey gives the browser the visit's key, which allows it to cancel the
// visit. The visit's address alone is not enough, because others may see it on
// a screen, in a history or in a log. The cookie is sent only to the address
// that cancels, and ends with the browser.
func (s *Server) lendKey(w http.ResponseWriter, v payment.Visit) {
	if v.Key == "" {
		return // an older server opened the visit
	}
	s.setKey(w, cancelKey, v, actions+"cancel", v.Key, 0)
}

// setKey sets a cookie for the pages under a path. With a maxAge of zero, the
// browser keeps it until it is closed. A negative one removes it.
func (s *Server) setKey(w http.ResponseWriter, kind string, v payment.Visit, path, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is as the server is set: a demo has no TLS
		Name: s.cookieName(kind, v.ID), Value: value, Path: path, MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.Sessions.SecureCookies,
	})
}

func (s *Server) cookieName(kind string, id payment.VisitID) string {
	name := "holdfast-" + kind + string(id)
	if s.Sessions.SecureCookies {
		return "__Secure-" + name
	}
	return name
}

// holdsKey reports whether a request has a cookie with the visit's key.
func (s *Server) holdsKey(kind string, r *http.Request, v payment.Visit) bool {
	cookie, err := r.Cookie(s.cookieName(kind, v.ID))
	return err == nil && v.Key != "" && subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(v.Key)) == 1
}

// mayCancel reports whether the browser may cancel the visit. The sender may,
// and so may the browser that has the visit's key. Before the visit has a
// sender, any signed-in user may. This matters because cancelling uses up the
// caller's reference.
func (s *Server) mayCancel(c *call) bool {
	if s.holdsKey(cancelKey, c.r, c.visit) {
		return true
	}
	return c.sender.ID != "" && (c.visit.Sender == "" || c.visit.Sender == c.sender.ID)
}
