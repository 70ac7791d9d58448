package browser

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Each role opens every page that it may open, on each database. Pages lead it to all
// of these, and to no others. Axe checks each page for each set of its elements: roles
// that see the same elements need no second check.
func TestConsoleAsEachRole(t *testing.T) {
	t.Parallel()
	if shared == nil {
		t.Skipf("%s is not set: make test sets it", BrowserEnv)
	}
	checked := map[string]bool{}
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		s.Processor.Network = s.Network
		s.furnishConsole()
		for _, role := range party.Roles {
			for _, caller := range []party.CallerID{s.Shop.ID, ""} {
				w := &roleWalk{site: s, page: openBrowser(t), Membership: party.Membership{Caller: caller, Role: role}}
				w.enterConsole(w.page, s.members.Add(role, caller))
				w.walk(checked)
			}
		}
	})
}

// A roleWalk opens the pages of one membership.
type roleWalk struct {
	*site
	*page
	party.Membership
	linked map[string]bool // the paths to which a page leads
}

func (w *roleWalk) String() string {
	if w.OfServer() {
		return string(w.Role) + " of the server"
	}
	return string(w.Role) + " of a caller"
}

// unlinked are pages to which no link of the console leads. A mail or the sign-in leads
// to them, or a page in another state.
var unlinked = []string{"invitation", "second-factor", "second-factor/app"}

func (w *roleWalk) walk(checked map[string]bool) {
	w.site.t.Helper()
	may := (&console.Server{}).PagesOf(w.Membership)
	w.linked = make(map[string]bool)
	for _, path := range may {
		w.open(w.consoleAddress(path))
		if status := ask[int](w.page,
			`performance.getEntriesByType("navigation")[0].responseStatus`); status != http.StatusOK && !w.refused(path) {
			w.site.t.Errorf("%v: %s answers %d\n%s", w, path, status, w.text())
		}
		elements := path + ask[string](w.page, `[...document.querySelectorAll("body *")].map(e => e.tagName + e.className).join()`)
		if !checked[elements] {
			checked[elements] = true
			w.axe(w.String() + " at " + path)
		}
		w.follow(path, may)
	}
	for _, path := range may {
		if !w.linked[path] && !slices.Contains(unlinked, path) {
			w.site.t.Errorf("%v: no page leads to %s", w, path)
		}
	}
}

// refused reports whether a role may open a page of this kind, but not the page about
// the object of the test: a developer has fewer rights than an access key.
func (w *roleWalk) refused(path string) bool {
	return w.Role == party.RoleDeveloper && path == "c/{caller}/keys/{key}/rotate"
}

// follow notes the pages to which the present one leads.
func (w *roleWalk) follow(from string, may []string) {
	w.site.t.Helper()
	mux := http.NewServeMux()
	for _, path := range (&console.Server{}).Pages() {
		pattern := console.Root + path
		if strings.HasSuffix(pattern, "/") {
			pattern += "{$}"
		}
		mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) { w.linked[path] = true })
	}
	for _, link := range ask[[]string](w.page, `[...document.querySelectorAll("a[href]")].map(a => a.pathname)`) {
		if !strings.HasPrefix(link, console.Root) {
			continue
		}
		r := httptest.NewRequestWithContext(w.site.t.Context(), http.MethodGet, link, nil)
		_, pattern := mux.Handler(r)
		mux.ServeHTTP(httptest.NewRecorder(), r)
		if path := strings.TrimSuffix(strings.TrimPrefix(pattern, console.Root), "{$}"); !slices.Contains(may, path) {
			w.site.t.Errorf("%v: %s leads to %s, which this role may not open", w, from, link)
		}
	}
}
