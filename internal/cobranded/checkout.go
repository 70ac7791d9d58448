package cobranded

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// openCheckout answers the address of a checkout. Until a sender signs in, it gives
// the browser the visit's key, as a signed link does. Later, only the sender's
// browser has the key.
func (s *Server) openCheckout(w http.ResponseWriter, r *http.Request) {
	link := r.PathValue("link")
	if !utf8.ValidString(link) || strings.ContainsRune(link, 0) { // no database takes it
		s.answer(w, r, processor.ErrNoVisit)
		return
	}
	var v payment.Visit
	err := s.Store.View(r.Context(), func(tx *store.ReadTx) error {
		var found bool
		var err error
		if v, found, err = tx.CheckoutAt(link); err == nil && !found {
			err = processor.ErrNoVisit
		}
		return err
	})
	if err != nil {
		s.answer(w, r, err)
		return
	}
	if v.Sender == "" && !v.Over() {
		s.lendKey(w, v)
	}
	webui.Redirect(w, r, pageURL("sign-in", v.ID))
}

// readCheckout prepares the call for a checkout.
func (c *call) readCheckout() {
	if c.visit.IsCheckout() {
		c.started.checkout, c.words = c.visit.ID, c.words.In(c.visit.Language)
	}
}

// renderTaken tells a user that the checkout has another sender. With a signed link,
// the user would get a visit of its own; a checkout is one visit.
func (s *Server) renderTaken(c *call) error {
	form := account.SignInForm(c.words)
	form.Problem = c.words.T("sign-in.taken")
	return s.renderSignIn(c, http.StatusConflict, form)
}
