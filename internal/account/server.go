package account

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A Server serves all pages under Root.
type Server struct {
	Processor *processor.Processor
	Store     store.Reader
	Sessions  *Sessions
	Now       func() time.Time
	Log       *slog.Logger

	downloads webui.Downloads
}

// Root is the path of the account pages.
const Root = "/account/"

// ConsoleRoot is the path of the console, whose users sign in here.
const ConsoleRoot = "/console/"

// SignInURL is the address of the sign-in page that leads on to a page of the
// console. link is the secret of an invitation; usually empty.
func SignInURL(to, link string) string { return pageURL("sign-in", given("to", to, "link", link)...) }

// A route is one page, or one form that acts.
type route struct {
	place string // the method and the path below Root
	show  func(*call) error
}

// pattern is the route in the form of http.ServeMux.
func (r route) pattern() string {
	verb, path, _ := strings.Cut(r.place, " ")
	return verb + " " + Root + path
}

// forAnybody are the routes for signed-in users and others.
func (s *Server) forAnybody() []route {
	return []route{
		{"GET sign-in", s.showSignIn},
		{"POST sign-in", s.signIn},
		{"POST passkey", s.signInByPasskey},
		{"POST passkey/ask", s.askPasskey},
		{"GET sign-up", s.showSignUp},
		{"POST sign-up", s.signUp},
		{"POST sign-out", s.signOut},
		{"GET forgotten", s.showForgotten},
		{"POST forgotten", s.forgotten},
		{"GET reset", s.showReset},
		{"POST reset", s.reset},
		{"GET guest", s.showGuest},
		{"POST guest/ask", s.askClaim},
		{"GET guest/account", s.showClaim},
		{"POST guest/account", s.claim},
		{"POST guest/passkey", s.claimByPasskey},
		{"POST guest/passkey/ask", s.askClaimPasskey},
		{"GET receipt", s.showReceipt},
	}
}

// forOwners are the routes for signed-in users.
func (s *Server) forOwners() []route {
	return []route{
		{"GET {$}", s.showOverview},
		{"GET verify", s.showVerify},
		{"POST verify", s.verify},
		{"POST verify/send", s.sendVerification},
		{"GET methods", s.showMethods},
		{"GET methods/card", s.showCard},
		{"POST methods/card", s.addCard},
		{"POST methods/bank", s.addBank},
		{"POST methods/default", s.chooseMethod},
		{"GET methods/remove", s.showRemoveMethod},
		{"POST methods/remove", s.removeMethod},
		{"GET addresses", s.showAddresses},
		{"GET addresses/edit", s.showAddress},
		{"POST addresses/edit", s.saveAddress},
		{"POST addresses/default", s.chooseAddress},
		{"POST addresses/remove", s.removeAddress},
		{"GET authorisations", s.showTokens},
		{"GET authorisations/one", s.showToken},
		{"POST authorisations/cancel", s.cancelToken},
		{"POST authorisations/end", s.endInstrument},
		{"GET history", s.showHistory},
		{"POST history", s.filterHistory},
		{"GET history/one", s.showPayment},
		{"GET history/csv", s.downloadHistory},
		{"GET security", s.showSecurity},
		{"GET security/password", s.showPassword},
		{"POST security/password", s.changePassword},
		{"GET security/passkey", s.showPasskey},
		{"POST security/passkey", s.addPasskey},
		{"POST security/passkey/ask", s.askNewPasskey},
		{"GET security/passkey/remove", s.showRemovePasskey},
		{"POST security/passkey/remove", s.removePasskey},
		{"POST security/session/end", s.endSession},
		{"POST security/session/others", s.endOtherSessions},
		{"GET profile", s.showProfile},
		{"GET profile/name", s.showName},
		{"POST profile/name", s.changeName},
		{"GET profile/email", s.showEmail},
		{"POST profile/email", s.changeEmail},
		{"POST profile/business", s.becomeBusiness},
	}
}

// Handler returns the handler of all account pages.
func (s *Server) Handler() http.Handler {
	pages := http.NewServeMux()
	for _, r := range s.forAnybody() {
		pages.Handle(r.pattern(), s.anybody(r.show))
	}
	for _, r := range s.forOwners() {
		pages.Handle(r.pattern(), s.owner(r.show))
	}
	pages.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.lost(w, r, http.StatusNotFound, pageNotFound) })

	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.lost(w, r, http.StatusForbidden, pageForeign)
	}))
	inside := foreign.Handler(s.Sessions.Handler(webui.TellRoute(pages), s.fail))
	return webui.Secure(http.MaxBytesHandler(s.Sessions.Paced(inside), webui.FormBytesMax))
}

// A call is one request for a page.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	words webui.Words
	form  holdfast.Params // the parameters of the form or the link
	Visitor
}

// anybody serves a page to signed-in users and others.
func (s *Server) anybody(show func(*call) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r, words: webui.WordsFor(r), Visitor: VisitorOf(r.Context())}
		form, err := webui.ReadForm(r)
		if err == nil {
			c.form = form
			err = show(c)
		}
		s.answer(w, r, err)
	})
}

// owner serves a page to a signed-in user. It sends anybody else to the sign-in
// page, which then leads to the requested page. It does the same if the session
// ends before the request is done.
func (s *Server) owner(show func(*call) error) http.Handler {
	return s.anybody(func(c *call) error {
		if c.Party.ID == "" {
			return c.redirect("sign-in", c.onward()...)
		}
		c.r = c.Bind(c.r)
		err := show(c)
		if errors.Is(err, store.ErrSignedOut) {
			return c.redirect("sign-in", c.onward()...)
		}
		return err
	})
}

// onward returns the parameters that tell the sign-in page where to lead. They
// name one of places; for a page below a place, they name that place. They keep
// the secret of a verification link, because the link works only for a
// signed-in user.
func (c *call) onward() (p holdfast.Params) {
	place, _, _ := strings.Cut(strings.TrimPrefix(c.r.URL.Path, Root), "/")
	switch {
	case place == "verify":
		return given("to", place, "link", c.form.Get("link"))
	case isPlace(place):
		return given("to", place)
	}
	return nil
}

// places are the pages to which the sign-in page may lead.
var places = []string{"methods", "addresses", "authorisations", "history", "security", "profile", "verify"}

func isPlace(name string) bool { return slices.Contains(places, name) }

// given returns the parameters that have a value. The arguments are names and
// values in turn.
func given(pairs ...string) (p holdfast.Params) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			p = append(p, holdfast.Param{Name: pairs[i], Value: pairs[i+1]})
		}
	}
	return p
}

// pageURL is the address of one of our pages.
func pageURL(place string, p ...holdfast.Param) string {
	if len(p) == 0 {
		return Root + place
	}
	return Root + place + "?" + holdfast.Params(p).Encode()
}

func (c *call) redirect(place string, p ...holdfast.Param) error {
	webui.Redirect(c.w, c.r, pageURL(place, p...))
	return nil
}

// visitURL is the address on the Co-Branded pages where a visit continues. The
// id is escaped, so the address always leads to this server.
func visitURL(id payment.VisitID) string {
	return strings.TrimSuffix(holdfast.CoBrandedPath, "start") + "sign-in?visit=" + url.QueryEscape(string(id))
}

// isRefusal reports whether an error is a refusal of the request, and not an
// internal error.
func isRefusal(err error) bool {
	_, ok := errors.AsType[*holdfast.Error](err)
	return ok
}

// answer turns a page's error into a page that describes it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, err error) {
	refused, coded := errors.AsType[*holdfast.Error](err)
	_, bad := errors.AsType[*webui.BadFormError](err)
	switch {
	case err == nil:
	case errors.Is(err, webui.ErrTooMuch):
		s.lost(w, r, http.StatusRequestEntityTooLarge, pageTooMuch)
	case errors.Is(err, webui.ErrDownloads):
		w.Header().Set("Retry-After", webui.BusyAfter)
		s.lost(w, r, http.StatusTooManyRequests, pageDownloads)
	case bad:
		s.lost(w, r, http.StatusBadRequest, pageBadForm)
	case coded && refused.Code != holdfast.InternalError:
		s.lost(w, r, http.StatusNotFound, pageNotThere)
	default:
		s.fail(w, r, err)
	}
}

// fail answers with a page for internal errors and logs the error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.Log.Error("a page failed", "path", r.URL.Path, "error", err)
	status := http.StatusInternalServerError
	if store.IsUnavailable(err) {
		status = http.StatusServiceUnavailable
	}
	s.lost(w, r, status, pageFailed)
}
