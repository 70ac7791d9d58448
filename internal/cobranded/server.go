// Package cobranded is the door for senders: the signed pages on which they
// authorise a payment, and the way back to the caller's web site.
package cobranded

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A Server answers for everything under /cobranded-ui/.
type Server struct {
	Processor *processor.Processor
	Store     store.Reader
	Sessions  *store.Sessions // nil keeps them in the Processor's store
	// Sign adds the signature and its fields to the parameters of a message
	// that goes to an endpoint.
	Sign func(verb, endpoint string, p holdfast.Params) (holdfast.Params, error)
	// Hosts are the names that callers may have signed their links for, with
	// the port if it is not the scheme's own. FPS's own names count as well.
	Hosts         []string
	Now           func() time.Time
	Log           *slog.Logger
	SecureCookies bool // set when the world comes by https
	// AddressHeader is where the proxy in front writes whom it speaks for, such
	// as X-Forwarded-For; its last entry counts. Empty when there is no proxy:
	// then browsers could write there what they like.
	AddressHeader string

	sessions *scs.SessionManager
}

// formBytesMax bounds what a form can send, and a link's query.
const formBytesMax = 64 << 10

const actions = "/cobranded-ui/actions/"

// Handler makes the server's routes.
func (s *Server) Handler() http.Handler {
	s.sessions = s.sessionManager()
	pages := http.NewServeMux()
	pages.Handle("GET "+actions+"sign-in", s.visitor(s.showSignIn))
	pages.Handle("POST "+actions+"sign-in", s.visitor(s.signIn))
	pages.Handle("GET "+actions+"sign-up", s.visitor(s.showSignUp))
	pages.Handle("POST "+actions+"sign-up", s.visitor(s.signUp))
	pages.Handle("POST "+actions+"sign-out", s.visitor(s.signOut))
	pages.Handle("GET "+actions+"payment", s.sender(s.showPayment))
	pages.Handle("POST "+actions+"payment", s.sender(s.choosePayment))
	pages.Handle("GET "+actions+"card", s.sender(s.showCard))
	pages.Handle("POST "+actions+"card", s.sender(s.addCard))
	pages.Handle("POST "+actions+"bank", s.sender(s.addBank))
	pages.Handle("GET "+actions+"address", s.sender(s.showAddress))
	pages.Handle("POST "+actions+"address", s.sender(s.chooseAddress))
	pages.Handle("GET "+actions+"confirm", s.sender(s.showConfirm))
	pages.Handle("POST "+actions+"confirm", s.sender(s.confirm))
	pages.Handle("POST "+actions+"decline", s.sender(s.decline))
	pages.Handle("POST "+actions+"cancel", s.visitor(s.cancel))
	pages.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.lost(w, r, http.StatusNotFound, pageNotFound) })

	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.lost(w, r, http.StatusForbidden, pageForeign)
	}))
	mux := http.NewServeMux()
	mux.Handle("GET "+webui.AssetsPrefix, webui.Assets())
	mux.HandleFunc("GET "+holdfast.CoBrandedPath, s.start)
	mux.HandleFunc("POST "+holdfast.CoBrandedPath, s.start)
	mux.Handle("/", foreign.Handler(s.sessions.LoadAndSave(pages)))
	return webui.Secure(http.MaxBytesHandler(mux, formBytesMax))
}

// readParams reads the query and the form of a request, in that order.
func readParams(r *http.Request) (holdfast.Params, error) {
	if len(r.URL.RawQuery) > formBytesMax {
		return nil, errTooMuch
	}
	params, err := holdfast.ParseParams(r.URL.RawQuery)
	if err != nil || r.Method != http.MethodPost {
		return params, err
	}
	body, err := io.ReadAll(r.Body)
	if _, tooMuch := errors.AsType[*http.MaxBytesError](err); tooMuch {
		return nil, errTooMuch
	}
	if err != nil {
		return nil, err
	}
	form, err := holdfast.ParseParams(string(body))
	return append(params, form...), err
}

var errTooMuch = errors.New("the request is larger than 64 KiB")

// from is where a request comes from, as guesses are counted: an address, or
// the network of one whose owner has a whole network of them.
func (s *Server) from(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if named := r.Header.Values(s.AddressHeader); s.AddressHeader != "" && len(named) > 0 {
		last := named[len(named)-1]
		host = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	address = address.Unmap().WithZone("")
	if address.Is6() {
		const network = 64
		if prefix, err := address.Prefix(network); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}
