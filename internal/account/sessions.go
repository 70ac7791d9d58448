package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/pace"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Sessions keeps the sign-in session of each browser, for all doors with pages.
// Set the fields, then use it.
type Sessions struct {
	Processor     *processor.Processor
	Store         store.Reader
	Kept          scs.CtxStore // keeps the sessions; the program passes the one of the store
	Now           func() time.Time
	Public        *url.URL // the address under which browsers reach the pages; passkeys need it
	SecureCookies bool     // set if browsers use https
	// AddressHeader names the header in which the proxy in front puts the client's
	// address, such as X-Forwarded-For. The last entry counts; if it is not an
	// address, the proxy's own address counts. It must be empty without a proxy,
	// because clients could then forge it.
	AddressHeader string
	// StrangerPause is how long a page is delayed if its address requests pages
	// too fast. Zero means no delay.
	StrangerPause time.Duration

	once    sync.Once
	manager *scs.SessionManager
	pages   pace.Pace
}

// The values that a session stores: the party and the id of its sign-in.
const (
	sessionParty    = "party"
	sessionSignedIn = "signed-in"
)

// A Visitor is the party that is signed in in the browser of a request. The
// zero Visitor means that nobody is signed in.
type Visitor struct {
	Party   party.Party
	Session party.SignedIn
	Ended   Ended // why the session has ended; empty if there was none
}

// Ended is the reason why the session of a browser's cookie has ended.
type Ended string

// The reasons.
const (
	EndedIdle      Ended = "idle"      // party.SessionIdle passed without a request
	EndedByAge     Ended = "age"       // party.SessionLifeMax has passed
	EndedElsewhere Ended = "elsewhere" // from another browser, or by a new password
)

// Words tells the reader why they have to sign in again. It is empty if no
// session has ended.
func (e Ended) Words(w webui.Words) string {
	switch e {
	case EndedIdle:
		return w.T("ended.idle", "Minutes", int(party.SessionIdle.Minutes()))
	case EndedByAge:
		return w.T("ended.age", "Hours", int(party.SessionLifeMax.Hours()))
	case EndedElsewhere:
		return w.T("ended.elsewhere")
	}
	return ""
}

type (
	visitorKey struct{}
	failKey    struct{}
)

// VisitorOf returns the visitor of a request that came through
// Sessions.Handler.
func VisitorOf(ctx context.Context) Visitor {
	v, _ := ctx.Value(visitorKey{}).(Visitor)
	return v
}

// Bind binds a request to the visitor's session. If the session ends before the
// request changes something, the change is refused with store.ErrSignedOut. The visitor
// is the actor of what the request does.
func (v Visitor) Bind(r *http.Request) *http.Request {
	ctx := store.ByActor(r.Context(), v.Party.Actor(store.ActorOf(r.Context()).From))
	return r.WithContext(store.Bound(ctx, v.Session))
}

// Handler finds the visitor of each request in the store, so a session that was
// ended elsewhere has no effect any more. fail writes the page for internal
// errors.
func (s *Sessions) Handler(next http.Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	inside := s.makeManager().LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := s.look(r)
		if err != nil {
			fail(w, r, err)
			return
		}
		ctx := store.ByActor(r.Context(), v.Party.Actor(s.From(r)))
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, visitorKey{}, v)))
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), failKey{}, fail)))
	})
}

func (s *Sessions) makeManager() *scs.SessionManager {
	s.once.Do(func() {
		m := scs.New()
		m.Store = s.Kept
		m.IdleTimeout = party.SessionIdle
		m.Lifetime = party.SessionLifeMax
		m.HashTokenInStore = true
		m.Cookie.Name = s.cookie("holdfast")
		m.Cookie.Path = "/"
		m.Cookie.HttpOnly = true
		m.Cookie.SameSite = http.SameSiteLaxMode
		m.Cookie.Secure = s.SecureCookies
		m.Cookie.Persist = false // the cookie ends with the browser
		m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
			fail, _ := r.Context().Value(failKey{}).(func(http.ResponseWriter, *http.Request, error))
			fail(w, r, fmt.Errorf("keeping a session: %w", err))
		}
		s.manager = m
	})
	return s.manager
}

// look reads the party of the browser's session, or why the session has ended.
// The library forgets an idle session, but the browser keeps the cookie.
func (s *Sessions) look(r *http.Request) (v Visitor, err error) {
	ctx := r.Context()
	user := party.ID(s.manager.GetString(ctx, sessionParty))
	id := party.SignedInID(s.manager.GetString(ctx, sessionSignedIn))
	if user == "" || id == "" {
		if _, err := r.Cookie(s.manager.Cookie.Name); err == nil {
			v.Ended = EndedIdle
		}
		return v, nil
	}
	var there, found bool
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		if v.Session, there, err = tx.SignedIn(user, id); err != nil || !there {
			return err
		}
		v.Party, found, err = tx.Party(user)
		return err
	})
	now := processor.Micro(s.Now())
	switch {
	case err != nil:
		return Visitor{}, err
	case !there || !found:
		return Visitor{Ended: EndedElsewhere}, nil
	case v.Session.TooOld(now):
		return Visitor{Ended: EndedByAge}, nil
	case v.Session.Over(now):
		return Visitor{Ended: EndedIdle}, nil
	}
	return v, s.Processor.Identity.See(ctx, v.Session)
}

// Begin signs a party in, in the browser of a request. The session gets a new
// token, so an attacker cannot know it in advance. If the password has changed
// since the party proved its identity, the error is identity.ErrWrongPassword.
func (s *Sessions) Begin(w http.ResponseWriter, r *http.Request, user party.Party) (Visitor, error) {
	return s.begin(w, r, user, identity.ByPassword)
}

// BeginByPasskey is Begin for a party that has signed in with a passkey. The session
// needs no other second factor for the console.
func (s *Sessions) BeginByPasskey(w http.ResponseWriter, r *http.Request, user party.Party) (Visitor, error) {
	return s.begin(w, r, user, identity.ByPasskey)
}

func (s *Sessions) begin(
	w http.ResponseWriter, r *http.Request, user party.Party, by identity.Proof,
) (Visitor, error) {
	ctx := store.Unbound(r.Context())
	session, err := s.Processor.Identity.BeginSignedIn(ctx, user, s.device(r), by)
	if err != nil {
		return Visitor{}, fmt.Errorf("beginning a session: %w", err)
	}
	if err := s.endListed(ctx); err != nil {
		return Visitor{}, err
	}
	if err := s.manager.RenewToken(ctx); err != nil {
		return Visitor{}, fmt.Errorf("renewing a session: %w", err)
	}
	s.manager.Put(ctx, sessionParty, string(user.ID))
	s.manager.Put(ctx, sessionSignedIn, string(session.ID))
	s.know(w, user)
	return Visitor{Party: user, Session: session}, nil
}

// know sets a cookie that records that a party has signed in in this browser:
// see party.KnownDevice. The cookie outlives the session, and it cannot be used
// to sign in.
func (s *Sessions) know(w http.ResponseWriter, user party.Party) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is as the server is set: a demo has no TLS
		Name: s.cookie("holdfast-known"), Value: user.KnownDevice(rand.Text(), s.Now()), Path: "/",
		MaxAge: int(party.KnownDeviceLife.Seconds()), HttpOnly: true, Secure: s.SecureCookies,
		SameSite: http.SameSiteStrictMode,
	})
}

// SignIn checks the submitted fields of SignInForm. It does not begin a
// session.
func (s *Sessions) SignIn(r *http.Request, w webui.Words, typed holdfast.Params) (party.Party, error) {
	in := identity.SignIn{Email: typed.Get("email"), Password: typed.Get("password"), From: s.From(r), Language: w.Tag()}
	if kept, err := r.Cookie(s.cookie("holdfast-known")); err == nil {
		in.Known = kept.Value
	}
	return s.Processor.Identity.SignIn(store.Unbound(r.Context()), in)
}

// cookie is the full name of a cookie. Because of its prefix, browsers refuse
// the cookie from any other host or path.
func (s *Sessions) cookie(name string) string {
	if s.SecureCookies {
		return "__Host-" + name
	}
	return name
}

// End signs out the browser of a request.
func (s *Sessions) End(r *http.Request) error {
	if err := s.endListed(r.Context()); err != nil {
		return err
	}
	if err := s.manager.Destroy(r.Context()); err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

func (s *Sessions) endListed(ctx context.Context) error {
	v := VisitorOf(ctx)
	if v.Session.ID == "" {
		return nil
	}
	err := s.Processor.Identity.EndSignedIn(store.Unbound(ctx), v.Party.ID, v.Session.ID)
	if _, gone := errors.AsType[*holdfast.Error](err); gone {
		err = nil
	}
	return err
}

// From is the source of a request for the limits on guesses: see party.Source.
func (s *Sessions) From(r *http.Request) string { return party.Source(s.namedBy(r), r.RemoteAddr) }

// namedBy returns the client addresses that the proxy in front has put into
// AddressHeader.
func (s *Sessions) namedBy(r *http.Request) []string {
	if s.AddressHeader == "" {
		return nil
	}
	return r.Header.Values(s.AddressHeader)
}
