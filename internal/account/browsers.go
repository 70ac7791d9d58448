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
	"github.com/holdfast-pay/holdfast/internal/pace"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Browsers know who is signed in in which browser, for all doors with pages. Set
// the fields, use it.
type Browsers struct {
	Processor     *processor.Processor
	Now           func() time.Time
	Public        *url.URL // how the world reaches the pages, for passkeys; nil has none
	SecureCookies bool     // set when the world comes by https
	// AddressHeader is where the proxy in front writes whom it speaks for, such
	// as X-Forwarded-For; its last entry counts, and the proxy's own address where
	// that entry is no address. Empty when there is no proxy: then browsers could
	// write there what they like.
	AddressHeader string
	// StrangerPause is how long a page waits that one address asks for too fast;
	// zero does not make it wait.
	StrangerPause time.Duration

	once    sync.Once
	manager *scs.SessionManager
	pages   pace.Pace
}

// All that a session knows: who signed in, and under which name that is listed.
const (
	sessionParty    = "party"
	sessionSignedIn = "signed-in"
)

// A Visitor is who is signed in in the browser that a request comes from; the
// zero Visitor is nobody.
type Visitor struct {
	Party   party.Party
	Session party.SignedIn
	Ended   Ended // why nobody is signed in any more; empty if that was not so
}

// Ended is why a session ended that the browser still has a cookie of.
type Ended string

// The reasons.
const (
	EndedIdle      Ended = "idle"      // party.SessionIdle passed without a request
	EndedByAge     Ended = "age"       // party.SessionLifeMax has passed
	EndedElsewhere Ended = "elsewhere" // from another browser, or by a new password
)

// Words say why the reader has to sign in again; nothing if no session has ended.
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

// VisitorOf is who is signed in in the browser of a request that came through
// Browsers.
func VisitorOf(ctx context.Context) Visitor {
	v, _ := ctx.Value(visitorKey{}).(Visitor)
	return v
}

// Bind binds a visitor's request to the session that it came in: what the request
// changes is refused with store.ErrSignedOut if the session has ended meanwhile.
func (v Visitor) Bind(r *http.Request) *http.Request {
	return r.WithContext(store.Bound(r.Context(), v.Session))
}

// Handler finds out who is signed in, for each request anew: a session that was
// ended elsewhere is over at once. fail writes the page for what is our fault.
func (b *Browsers) Handler(next http.Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	inside := b.sessions().LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := b.look(r)
		if err != nil {
			fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, v)))
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), failKey{}, fail)))
	})
}

func (b *Browsers) sessions() *scs.SessionManager {
	b.once.Do(func() {
		m := scs.New()
		m.Store = &store.Sessions{DB: b.Processor.Store, Now: b.Now}
		m.IdleTimeout = party.SessionIdle
		m.Lifetime = party.SessionLifeMax
		m.HashTokenInStore = true
		m.Cookie.Name = b.cookie("holdfast")
		m.Cookie.Path = "/"
		m.Cookie.HttpOnly = true
		m.Cookie.SameSite = http.SameSiteLaxMode
		m.Cookie.Secure = b.SecureCookies
		m.Cookie.Persist = false // ends with the browser
		m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
			fail, _ := r.Context().Value(failKey{}).(func(http.ResponseWriter, *http.Request, error))
			fail(w, r, fmt.Errorf("keeping a session: %w", err))
		}
		b.manager = m
	})
	return b.manager
}

// look reads which party the browser's session belongs to, or why it has ended. The
// library forgets an idle session, and the browser keeps the cookie.
func (b *Browsers) look(r *http.Request) (v Visitor, err error) {
	ctx := r.Context()
	who := party.ID(b.manager.GetString(ctx, sessionParty))
	id := party.SignedInID(b.manager.GetString(ctx, sessionSignedIn))
	if who == "" || id == "" {
		if _, err := r.Cookie(b.manager.Cookie.Name); err == nil {
			v.Ended = EndedIdle
		}
		return v, nil
	}
	var there, found bool
	err = b.Processor.Store.View(ctx, func(tx *store.ReadTx) error {
		if v.Session, there, err = tx.SignedIn(who, id); err != nil || !there {
			return err
		}
		v.Party, found, err = tx.Party(who)
		return err
	})
	now := processor.Micro(b.Now())
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
	return v, b.Processor.See(ctx, v.Session)
}

// Begin signs a party in, in the browser that a request comes from. Its session
// gets a new name, so that nobody knows the name from before. It is
// processor.ErrWrongPassword if the party's password has changed since it said who
// it is.
func (b *Browsers) Begin(w http.ResponseWriter, r *http.Request, who party.Party) (Visitor, error) {
	ctx := store.Unbound(r.Context())
	session, err := b.Processor.BeginSignedIn(ctx, who, b.device(r))
	if err != nil {
		return Visitor{}, fmt.Errorf("beginning a session: %w", err)
	}
	if err := b.endListed(ctx); err != nil {
		return Visitor{}, err
	}
	if err := b.manager.RenewToken(ctx); err != nil {
		return Visitor{}, fmt.Errorf("renewing a session: %w", err)
	}
	b.manager.Put(ctx, sessionParty, string(who.ID))
	b.manager.Put(ctx, sessionSignedIn, string(session.ID))
	b.know(w, who)
	return Visitor{Party: who, Session: session}, nil
}

// know has the browser keep that a party has signed in there: see
// party.KnownDevice. It outlives the session, and signs nobody in.
func (b *Browsers) know(w http.ResponseWriter, who party.Party) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is as the server is set: a demo has no TLS
		Name: b.cookie("holdfast-known"), Value: who.KnownDevice(rand.Text(), b.Now()), Path: "/",
		MaxAge: int(party.KnownDeviceLife.Seconds()), HttpOnly: true, Secure: b.SecureCookies,
		SameSite: http.SameSiteStrictMode,
	})
}

// SignIn signs in with what somebody typed into SignInForm, without beginning a
// session.
func (b *Browsers) SignIn(r *http.Request, w webui.Words, typed holdfast.Params) (party.Party, error) {
	s := processor.SignIn{Email: typed.Get("email"), Password: typed.Get("password"), From: b.From(r), Language: w.Tag()}
	if kept, err := r.Cookie(b.cookie("holdfast-known")); err == nil {
		s.Known = kept.Value
	}
	return b.Processor.SignIn(store.Unbound(r.Context()), s)
}

// cookie is what one of our cookies is called. With the prefix, browsers refuse it
// from any other host or path.
func (b *Browsers) cookie(name string) string {
	if b.SecureCookies {
		return "__Host-" + name
	}
	return name
}

// End signs out whoever is signed in in the browser that a request comes from.
func (b *Browsers) End(r *http.Request) error {
	if err := b.endListed(r.Context()); err != nil {
		return err
	}
	if err := b.manager.Destroy(r.Context()); err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

func (b *Browsers) endListed(ctx context.Context) error {
	v := VisitorOf(ctx)
	if v.Session.ID == "" {
		return nil
	}
	err := b.Processor.EndSignedIn(store.Unbound(ctx), v.Party.ID, v.Session.ID)
	if _, gone := errors.AsType[*holdfast.Error](err); gone {
		err = nil
	}
	return err
}

// From is where a request comes from, as guesses are counted: see party.Source.
func (b *Browsers) From(r *http.Request) string { return party.Source(b.namedBy(r), r.RemoteAddr) }

// namedBy is what the proxy in front says of whom it speaks for.
func (b *Browsers) namedBy(r *http.Request) []string {
	if b.AddressHeader == "" {
		return nil
	}
	return r.Header.Values(b.AddressHeader)
}
