package console

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// The methods of routes.
const (
	get  = http.MethodGet
	post = http.MethodPost
)

// A scope says what a page is about, and so who may open it and its address.
type scope int

const (
	ofCaller     scope = iota // a caller: its members and those of the server
	ofServer                  // the whole server: its members
	ofMember                  // any member; the page shows only what the member may see
	beforeFactor              // any member, also before its second factor
	forParty                  // any signed-in party, a member or not
	forAnybody                // also before sign-in
)

// prefix is the part of the address below Root.
func (s scope) prefix() string {
	switch s {
	case ofCaller:
		return "c/{caller}/"
	case ofServer:
		return "server/"
	case ofMember, beforeFactor, forParty, forAnybody:
	}
	return ""
}

// A route is one page, or one form that acts.
type route struct {
	Method     string
	Path       string // below the scope's prefix; empty for its first page
	In         scope
	Permission party.Permission // of pages of a caller and of the server
	Nav        string           // id of its message in the navigation; empty if it has no link there
	show       func(*call) error
}

// pattern is the route in the form of http.ServeMux.
func (r route) pattern() string {
	path := Root + r.In.prefix() + r.Path
	if r.Path == "" {
		path += "{$}"
	}
	return r.Method + " " + path
}

// A call is one request for a page.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	words  webui.Words
	form   holdfast.Params // the parameters of the form or the link
	route  route
	routes []route // of the whole console, for the navigation
	account.Visitor

	members []party.Membership // of the visitor
	caller  party.Caller       // of the page; the zero caller on pages that are about none
	zone    *time.Location     // in which the page shows times: the caller's, or UTC
	real    time.Time
}

// now is the time of the page's caller, or the real time.
func (c *call) now() time.Time { return c.caller.Now(c.real) }

// may reports whether the member has a permission for the page's caller, or for
// the server on its pages.
func (c *call) may(p party.Permission) bool {
	for _, m := range c.members {
		if m.Covers(c.caller.ID) && m.May(p) {
			return true
		}
	}
	return false
}

// mayGrant reports whether one role of the visitor may make a key with all of the
// scopes.
func (c *call) mayGrant(scopes ...party.Scope) bool {
	return slices.ContainsFunc(c.members, func(m party.Membership) bool {
		return m.Covers(c.caller.ID) &&
			!slices.ContainsFunc(scopes, func(s party.Scope) bool { return !m.MayGrant(s) })
	})
}

// inServer reports whether the visitor is a member of the server.
func (c *call) inServer() bool {
	for _, m := range c.members {
		if m.OfServer() {
			return true
		}
	}
	return false
}

// guard lets only those requests through to a page that may see it.
func (s *Server) guard(r route, routes []route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := &call{
			w: w, r: req, words: webui.WordsFor(req), Visitor: account.VisitorOf(req.Context()), route: r, routes: routes,
			real: processor.Micro(s.Now()), zone: time.UTC,
		}
		form, err := webui.ReadForm(req)
		if err == nil {
			c.form = form
			err = s.enter(c)
		}
		s.answer(w, req, err)
	})
}

// enter checks session, membership and permission, and shows the page.
func (s *Server) enter(c *call) error {
	if c.route.In == forAnybody {
		return c.route.show(c)
	}
	if c.Party.ID == "" {
		return c.signIn()
	}
	c.r = c.Bind(c.r)
	c.r = c.r.WithContext(store.ByActor(c.r.Context(), party.Actor{
		Kind: party.ActorMember, ID: string(c.Party.ID), Name: c.Party.Email, From: s.Sessions.From(c.r),
	}))
	err := s.admit(c)
	if err == nil {
		err = c.route.show(c)
	}
	switch {
	case errors.Is(err, store.ErrSignedOut):
		return c.signIn()
	case errors.Is(err, identity.ErrUnproved):
		return c.proveFirst()
	}
	return err
}

// signIn sends the browser to the sign-in page, which leads back to this page. A
// form that was sent is lost; its page is shown again.
func (c *call) signIn() error { return c.redirect(account.SignInURL(c.r.URL.EscapedPath(), "")) }

// admit finds out what the visitor may see. A member sees nothing before it has given
// its second factor. A page that the visitor has nothing to do with is answered as one
// that does not exist.
func (s *Server) admit(c *call) (err error) {
	if c.members, err = s.Processor.Identity.Memberships(c.r.Context(), c.Party.ID); err != nil {
		return err
	}
	unproved := c.route.In == beforeFactor || c.route.In == forParty
	if !unproved && len(c.members) > 0 && !c.Session.ProvedAt(c.real) {
		return identity.ErrUnproved
	}
	switch c.route.In {
	case ofCaller:
		id := party.CallerID(c.r.PathValue("caller"))
		if !covered(c.members, id) {
			return errNotThere
		}
		if err := s.findCaller(c, id); err != nil {
			return err
		}
	case ofServer:
		if !c.inServer() {
			return errNotThere
		}
	case ofMember, beforeFactor:
		if len(c.members) == 0 {
			return errNotThere
		}
		return nil
	case forParty, forAnybody:
		return nil
	}
	if !c.may(c.route.Permission) {
		return errForbidden
	}
	return nil
}

func covered(members []party.Membership, id party.CallerID) bool {
	for _, m := range members {
		if m.Covers(id) {
			return true
		}
	}
	return false
}

func (s *Server) findCaller(c *call, id party.CallerID) error {
	found := false
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		c.caller, found, err = tx.Caller(id)
		return err
	})
	c.zone = c.caller.Zone.Location()
	if err == nil && !found {
		return errNotThere
	}
	return err
}

// link is the address of a page in the same scope: of the same caller, of the
// server or of the member. pairs are the names and values of its parameters.
func (c *call) link(path string, pairs ...string) string {
	prefix := strings.Replace(c.route.In.prefix(), "{caller}", url.PathEscape(string(c.caller.ID)), 1)
	return address(prefix+path, given(pairs...))
}

// same is the address of this page with some parameters replaced. An empty value
// removes a parameter. The messages about a completed action and about a value that was
// refused are left out.
func (c *call) same(pairs ...string) string {
	var p holdfast.Params
	for _, param := range c.form {
		if param.Name != "done" && param.Name != refusedField && !named(pairs, param.Name) {
			p = append(p, param)
		}
	}
	return address(strings.TrimPrefix(c.r.URL.EscapedPath(), Root), append(p, given(pairs...)...))
}

// reach is link for a page that the member may open. It is empty for all others.
func (c *call) reach(path string) string {
	for _, r := range c.routes {
		if r.Method == get && r.In == c.route.In && r.Path == path && c.may(r.Permission) {
			return c.link(path)
		}
	}
	return ""
}

func named(pairs []string, name string) bool {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == name {
			return true
		}
	}
	return false
}

// callerLink is the address of a page of a caller.
func callerLink(id party.CallerID, path string) string {
	return address("c/"+url.PathEscape(string(id))+"/"+path, nil)
}

func address(path string, p holdfast.Params) string {
	if len(p) == 0 {
		return Root + path
	}
	return Root + path + "?" + p.Encode()
}

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

// onceField is the hidden field with the key of a form.
const onceField = "once"

var onceKey = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// newOnce returns the hidden field of a form that acts at most once.
func newOnce() holdfast.Param { return holdfast.Param{Name: onceField, Value: rand.Text()} }

// once returns the key of the form that was sent. It is the idempotency key of the
// form's action.
func (c *call) once() (string, error) {
	key := c.form.Get(onceField)
	if !onceKey.MatchString(key) {
		return "", webui.NewBadForm("the form has no key")
	}
	return key, nil
}

// did leads to a page that shows the message with an id below "console.done".
func (c *call) did(id, to string) error {
	to, query, _ := strings.Cut(to, "?")
	p, err := holdfast.ParseParams(query)
	if err != nil {
		return err
	}
	p = append(p, holdfast.Param{Name: "done", Value: strings.TrimPrefix(id, donePrefix)})
	webui.Redirect(c.w, c.r, to+"?"+p.Encode())
	return nil
}

const donePrefix = "console.done."

// flash is the message about the action that was just completed. It ignores
// messages that do not exist.
func (c *call) flash() string {
	if done := c.form.Get("done"); done != "" && c.words.Has(donePrefix+done) {
		return c.words.T(donePrefix + done)
	}
	return ""
}

// redirect makes the browser open an address. A script that replaces a part of a
// page is told to load the whole address, so that no other page gets into the part.
func (c *call) redirect(to string) error {
	if c.r.Header.Get("HX-Request") != "" {
		c.w.Header().Set("HX-Redirect", to)
		return nil
	}
	webui.Redirect(c.w, c.r, to)
	return nil
}
