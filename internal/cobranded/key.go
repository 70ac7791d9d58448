package cobranded

import (
	"crypto/subtle"
	"net/http"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// lendKey gives the browser the visit's key, by which it may cancel. The visit's
// address may be seen by others: on a screen, in a history, in a log. The cookie
// goes to the one address that asks for it, and ends with the browser.
func (s *Server) lendKey(w http.ResponseWriter, v payment.Visit) {
	if v.Key == "" {
		return // of a visit from before there were keys
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is as the server is set: a demo has no TLS
		Name: s.keyCookie(v.ID), Value: v.Key, Path: actions + "cancel",
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.Browsers.SecureCookies,
	})
}

func (s *Server) keyCookie(id payment.VisitID) string {
	if s.Browsers.SecureCookies {
		return "__Secure-holdfast-" + string(id)
	}
	return "holdfast-" + string(id)
}

// holdsKey reports whether a request comes from a browser that was given the
// visit's key.
func (s *Server) holdsKey(r *http.Request, v payment.Visit) bool {
	cookie, err := r.Cookie(s.keyCookie(v.ID))
	return err == nil && v.Key != "" && subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(v.Key)) == 1
}

// mayCancel reports whether the browser that asks may cancel the visit: the sender, the
// browser that has its key, and, before there is a sender, anybody who is signed
// in. Cancelling uses up the caller's reference.
func (s *Server) mayCancel(c *call) bool {
	if s.holdsKey(c.r, c.visit) {
		return true
	}
	return c.sender.ID != "" && (c.visit.Sender == "" || c.visit.Sender == c.sender.ID)
}
