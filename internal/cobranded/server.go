// Package cobranded is the door for senders: the Co-Branded pages, on which
// they authorise a payment, and the signed return to the caller's web site.
package cobranded

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/pace"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/signed"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A Server serves everything under /cobranded-ui/.
type Server struct {
	Processor *processor.Processor
	Store     store.Reader
	Callers   *signed.Callers
	Sessions  *account.Sessions
	// Sign adds the signature and its fields to the parameters of a message to an
	// endpoint.
	Sign func(verb, endpoint string, p holdfast.Params) (holdfast.Params, error)
	// Hosts are the host names for which callers may sign their links, with the
	// port if it is not the scheme's default. FPS's own host names are accepted,
	// too.
	Hosts []string
	// Signing is the path of the page that explains signatures, or empty if there
	// is none.
	Signing string
	Now     func() time.Time
	Log     *slog.Logger

	v1Logged pace.Seldom
}

const actions = "/cobranded-ui/actions/"

// Handler returns the handler of all pages.
func (s *Server) Handler() http.Handler {
	s.v1Logged.Hourly = 1
	pages := http.NewServeMux()
	pages.Handle("GET "+actions+"sign-in", s.visitor(s.showSignIn))
	pages.Handle("POST "+actions+"sign-in", s.visitor(s.signIn))
	pages.Handle("POST "+actions+"passkey", s.visitor(s.signInByPasskey))
	pages.Handle("GET "+actions+"sign-up", s.visitor(s.showSignUp))
	pages.Handle("POST "+actions+"sign-up", s.visitor(s.signUp))
	pages.Handle("GET "+actions+"verify", s.visitor(s.showVerify))
	pages.Handle("POST "+actions+"verify", s.visitor(s.verify))
	pages.Handle("POST "+actions+"send-code", s.visitor(s.sendCode))
	pages.Handle("POST "+actions+"sign-out", s.visitor(s.signOut))
	pages.Handle("GET "+actions+"payment", s.sender(s.showPayment))
	pages.Handle("POST "+actions+"payment", s.sender(s.choosePayment))
	pages.Handle("GET "+actions+"card", s.sender(s.showCard))
	pages.Handle("POST "+actions+"card", s.sender(s.addCard))
	pages.Handle("POST "+actions+"bank", s.sender(s.addBank))
	pages.Handle("POST "+actions+"guest", s.visitor(s.enterAsGuest))
	pages.Handle("GET "+actions+"back", s.opened(s.showBack))
	pages.Handle("GET "+actions+"bank", s.opened(s.showBank))
	pages.Handle("GET "+actions+"address", s.sender(s.showAddress))
	pages.Handle("POST "+actions+"address", s.sender(s.chooseAddress))
	pages.Handle("GET "+actions+"confirm", s.sender(s.showConfirm))
	pages.Handle("POST "+actions+"confirm", s.sender(s.confirm))
	pages.Handle("POST "+actions+"decline", s.sender(s.decline))
	pages.Handle("POST "+actions+"cancel", s.visitor(s.cancel))
	pages.Handle("GET "+actions+"return", s.opened(s.showReturn))
	pages.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.lost(w, r, http.StatusNotFound, pageNotFound) })

	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.lost(w, r, http.StatusForbidden, pageForeign)
	}))
	mux := http.NewServeMux()
	mux.Handle("GET "+webui.AssetsPrefix, webui.Assets())
	mux.HandleFunc("GET "+holdfast.CoBrandedPath, s.start)
	mux.HandleFunc("POST "+holdfast.CoBrandedPath, s.start)
	mux.HandleFunc("GET "+payment.CheckoutPath+"{link}", s.openCheckout)
	mux.Handle("/", foreign.Handler(s.Sessions.Handler(webui.TellRoute(pages), s.fail)))
	return webui.Secure(http.MaxBytesHandler(s.Sessions.Paced(webui.TellRoute(mux)), webui.FormBytesMax))
}
