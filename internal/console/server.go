package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Root is the path of the console.
const Root = account.ConsoleRoot

// A Server serves all pages under Root.
type Server struct {
	Processor *processor.Processor
	Store     store.Reader
	Sessions  *account.Sessions
	// System returns what the system page says of the program.
	System func() System
	// Compose returns the fields of a notification whose message is not kept. Nil shows
	// none.
	Compose func(store.Telling) holdfast.Params
	// TestNetwork asks a card network about an account. Nil offers no test.
	TestNetwork func(context.Context, payment.NetworkAccountID) (NetworkTest, error)
	Now         func() time.Time
	Log         *slog.Logger

	downloads webui.Downloads
}

// routes returns every page. Their order is the order of the navigation.
func (s *Server) routes() []route {
	all := slices.Concat(
		s.callerListRoutes(),
		s.overviewRoutes(),
		s.boardRoutes(),
		s.questionRoutes(),
		s.remindRoutes(),
		s.serverRoutes(),
		s.findRoutes(),
		s.caseRoutes(),
		s.reportRoutes(),
		s.reconciliationRoutes(),
		s.partyRoutes(),
		s.notificationRoutes(),
		s.webhookRoutes(),
		s.keyRoutes(),
		s.settingsRoutes(),
		s.networkRoutes(),
		s.auditRoutes(),
		s.attentionRoutes(),
		s.systemRoutes(),
		s.approvalRoutes(),
		s.memberRoutes(),
		s.factorRoutes(),
		s.invitationRoutes(),
	)
	return append(all, sieves(all)...)
}

// Handler returns the handler of all pages of the console.
func (s *Server) Handler() http.Handler {
	pages := http.NewServeMux()
	routes := s.routes()
	for _, r := range routes {
		pages.Handle(r.pattern(), s.guard(r, routes))
	}
	pages.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.lost(w, r, http.StatusNotFound, pageNotThere) })

	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.lost(w, r, http.StatusForbidden, pageForeign)
	}))
	inside := foreign.Handler(s.Sessions.Handler(webui.TellRoute(pages), s.fail))
	return webui.Secure(http.MaxBytesHandler(s.Sessions.Paced(inside), webui.FormBytesMax))
}

// Pages returns the paths of all pages that a browser can open, such as
// "c/{caller}/risk", so that tests find those that they do not open.
func (s *Server) Pages() (paths []string) {
	for _, r := range s.routes() {
		if r.Method == get {
			paths = append(paths, r.In.prefix()+r.Path)
		}
	}
	return paths
}

// PagesOf returns those of Pages that a member may open. Pages of callers are those of
// a caller that the membership covers.
func (s *Server) PagesOf(m party.Membership) (paths []string) {
	for _, r := range s.routes() {
		ofOne := r.In == ofCaller || r.In == ofServer
		if r.Method == get && (!ofOne || m.May(r.Permission)) && (r.In != ofServer || m.OfServer()) {
			paths = append(paths, r.In.prefix()+r.Path)
		}
	}
	return paths
}

// Errors of pages.
var (
	errNotThere  = holdfast.Errorf(holdfast.InvalidParams, "there is no such page or object")
	errForbidden = errors.New("the member's role does not allow it")
)

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
	case errors.Is(err, errForbidden), errors.Is(err, identity.ErrNotAllowed):
		s.lost(w, r, http.StatusForbidden, pageForbidden)
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
	s.Log.Error("a page of the console failed", "path", r.URL.Path, "error", err)
	status := http.StatusInternalServerError
	if store.IsUnavailable(err) {
		status = http.StatusServiceUnavailable
	}
	s.lost(w, r, status, pageFailed)
}

// A notice is a page with a short message, given by the ids of its texts.
type notice struct{ heading, text string }

var (
	pageNotThere  = notice{"console.not-there.heading", "console.not-there.text"}
	pageForbidden = notice{"console.forbidden.heading", "console.forbidden.text"}
	pageForeign   = notice{"foreign.heading", "foreign-account.text"}
	pageDownloads = notice{"downloads.heading", "downloads.text"}
	pageTooMuch   = notice{"too-much.heading", "too-much-account.text"}
	pageBadForm   = notice{"bad-form.heading", "bad-form-account.text"}
	pageFailed    = notice{"failed.heading", "console.failed.text"}
)

// lost answers with a notice. It knows nothing of the member, so it has no
// navigation but the link to the console's first page.
func (s *Server) lost(w http.ResponseWriter, r *http.Request, status int, n notice) {
	c := &call{w: w, r: r, words: webui.WordsFor(r), Visitor: account.VisitorOf(r.Context()), zone: time.UTC}
	err := s.render(c, page{
		Status: status, Heading: c.words.T(n.heading), Lead: c.words.T(n.text),
		Links: []link{{Label: c.words.T("console.home"), Address: Root}},
	})
	if err != nil {
		s.Log.Error("a page of the console could not be written", "error", err)
	}
}
