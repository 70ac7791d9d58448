package cobranded

import (
	"context"
	"fmt"
	"net/http"

	"github.com/alexedwards/scs/v2"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// sessionParty is all that a session knows: who signed in. What they do here
// is kept with the visit.
const sessionParty = "party"

func (s *Server) sessionManager() *scs.SessionManager {
	kept := s.Sessions
	if kept == nil {
		kept = &store.Sessions{DB: s.Processor.Store, Now: s.Now}
	}
	m := scs.New()
	m.Store = kept
	m.IdleTimeout = party.SessionIdle
	m.HashTokenInStore = true
	m.Cookie.Name = "holdfast"
	if s.SecureCookies {
		m.Cookie.Name = "__Host-holdfast" // browsers then refuse it from any other host or path
	}
	m.Cookie.Path = "/"
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.Cookie.Secure = s.SecureCookies
	m.Cookie.Persist = false // ends with the browser
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		s.fail(w, r, fmt.Errorf("keeping a session: %w", err))
	}
	return m
}

// signedIn is who the browser's session belongs to, or empty.
func (s *Server) signedIn(ctx context.Context) party.ID {
	return party.ID(s.sessions.GetString(ctx, sessionParty))
}

// beginSession gives the browser a session of its own under a new name, so that
// nobody knows the name from before.
func (s *Server) beginSession(ctx context.Context, who party.ID) error {
	if err := s.sessions.RenewToken(ctx); err != nil {
		return fmt.Errorf("renewing a session: %w", err)
	}
	s.sessions.Put(ctx, sessionParty, string(who))
	return nil
}

func (s *Server) endSession(ctx context.Context) error {
	if err := s.sessions.Destroy(ctx); err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}
