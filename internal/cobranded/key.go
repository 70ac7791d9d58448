package cobranded

import (
	"crypto/subtle"
	"net/http"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// lendKey gives the browser the visit's key, which allows it to cancel the
// visit. The visit's address alone is not enough, because others may see it on
// a screen, in a history or in a log. The cookie is sent only to the address
// that cancels, and ends with the browser.
func (s *Server) lendKey(w http.ResponseWriter, v payment.Visit) {
	if v.Key == "" {
		return // an older server opened the visit
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is as the server is set: a demo has no TLS
		Name: s.keyCookie(v.ID), Value: v.Key, Path: actions + "cancel",
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.Sessions.SecureCookies,
	})
}

func (s *Server) keyCookie(id payment.VisitID) string {
	if s.Sessions.SecureCookies {
		return "__Secure-holdfast-" + string(id)
	}
	return "holdfast-" + string(id)
}

// holdsKey reports whether a request comes from a browser that has the visit's
// key.
func (s *Server) holdsKey(r *http.Request, v payment.Visit) bool {
	cookie, err := r.Cookie(s.keyCookie(v.ID))
	return err == nil && v.Key != "" && subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(v.Key)) == 1
}

// mayCancel reports whether the browser may cancel the visit. The sender may,
// and so may the browser that has the visit's key. Before the visit has a
// sender, any signed-in user may. This matters because cancelling uses up the
// caller's reference.
func (s *Server) mayCancel(c *call) bool {
	if s.holdsKey(c.r, c.visit) {
		return true
	}
	return c.sender.ID != "" && (c.visit.Sender == "" || c.visit.Sender == c.sender.ID)
}
