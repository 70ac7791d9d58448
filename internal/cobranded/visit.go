package cobranded

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A call is one request for a page of a visit.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	words   webui.Words
	form    holdfast.Params // the parameters of the form or the link
	visit   payment.Visit
	started started
	request payment.PipelineRequest
	sender  party.Party            // zero on pages that anybody may see
	scripts []string               // that the page needs, in addition to the one that every form has
	network payment.NetworkAccount // of the caller; zero in the sandbox
	leads   string                 // origin of another server to which the page's form leads

	guestProblem string // why nobody may continue as a guest now

	payees []payment.Payee // the recipients of the request
	edited payment.Token   // for EditToken
	now    time.Time       // by the caller's clock
}

// opened serves a page of a visit to anyone who has the visit's id. The id
// cannot be guessed. It is in each form; forms of other sites are refused
// before they get here.
func (s *Server) opened(show func(*call) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := s.open(w, r)
		if err == nil {
			err = show(c)
		}
		switch {
		case errors.Is(err, processor.ErrUnproved):
			err = c.redirect("verify")
		case errors.Is(err, store.ErrSignedOut):
			err = c.redirect("sign-in")
		}
		s.answer(w, r, err)
	})
}

// visitor serves a page of a visit that has not ended. If it has, the browser
// is sent back to the caller.
func (s *Server) visitor(show func(*call) error) http.Handler {
	return s.opened(func(c *call) error {
		if c.visit.Over() {
			return s.goBack(c)
		}
		return show(c)
	})
}

// sender serves a page only to the visit's sender. Without a session, or with
// somebody else's session, it redirects to the sign-in page.
func (s *Server) sender(show func(*call) error) http.Handler {
	return s.visitor(func(c *call) error {
		if c.sender.ID == "" || c.visit.Sender != c.sender.ID {
			return c.redirect("sign-in")
		}
		return show(c)
	})
}

// open reads the visit of a request and the party of its session.
func (s *Server) open(w http.ResponseWriter, r *http.Request) (*call, error) {
	c := &call{w: w, r: r, words: webui.WordsFor(r)}
	var err error
	if c.form, err = webui.ReadForm(r); err != nil {
		return nil, err
	}
	visitor := account.VisitorOf(r.Context())
	c.sender, c.r = visitor.Party, visitor.Bind(r)
	err = s.Store.View(r.Context(), func(tx *store.ReadTx) error {
		var found bool
		if c.visit, found, err = tx.Visit(payment.VisitID(c.form.Get("visit"))); err != nil {
			return err
		}
		if !found {
			return processor.ErrNoVisit
		}
		if c.started.params, err = holdfast.ParseParams(c.visit.Params); err != nil {
			return err
		}
		if c.started.caller, found, err = tx.Caller(c.visit.Caller); err != nil || !found {
			return errors.Join(err, fmt.Errorf("reading the caller %s of a visit (found %t)", c.visit.Caller, found))
		}
		if err := c.readSecret(tx, s.Now()); err != nil {
			return err
		}
		if err := s.readGuest(tx, c); err != nil {
			return err
		}
		if err := c.readNetwork(tx); err != nil {
			return err
		}
		c.readCheckout()
		asked, err := processor.ReadAsked(tx, c.started.caller, c.visit)
		if err != nil {
			return err
		}
		c.request, c.payees, c.edited, c.now = asked.Request, asked.Payees, asked.Edited, s.callerNow(c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if c.visit.Lapsed(c.now) {
		if c.visit, err = s.Processor.ExpireCheckout(r.Context(), c.visit.ID); err != nil {
			return nil, err
		}
	}
	if c.started.target, err = readTarget(c.started.caller, c.started.params); err != nil {
		return nil, err
	}
	return c, nil
}

// readSecret reads the secret that signs the answer, if the request was signed
// by version 1. It belongs to the access key of the request. If that key has ended
// since then, it belongs to the caller's newest key that works.
func (c *call) readSecret(tx *store.ReadTx, real time.Time) error {
	if !c.visit.SignatureV1 {
		return nil
	}
	_, key, found, err := tx.CallerByKey(param(c.started.params, "callerKey"))
	if err == nil && found && key.Usable(real) != nil {
		key, err = newestKey(tx, key, real)
	}
	if err != nil || !found {
		return errors.Join(err, fmt.Errorf("reading the key that visit %s began with (found %t)", c.visit.ID, found))
	}
	c.started.secret, c.started.signatureV1 = key.Secret, true
	return nil
}

// newestKey reads the newest key of a caller that works, or returns the ended one
// if none does.
func newestKey(tx *store.ReadTx, ended party.AccessKey, real time.Time) (party.AccessKey, error) {
	all, err := tx.AccessKeysOf(ended.Caller)
	newest, found := party.NewestUsable(all, real)
	if err != nil || !found {
		return ended, err
	}
	_, key, _, err := tx.CallerByKey(newest.ID)
	return key, err
}

// authorised returns the answer of a pipeline that the sender approved: the ids
// of its tokens and instruments, the payment method, and other data that the
// caller asked for.
func (s *Server) authorised(c *call) (holdfast.Params, error) {
	v := c.visit
	answer, err := holdfast.ParseParams(v.Answer)
	if err != nil {
		return nil, fmt.Errorf("reading the answer of visit %s: %w", v.ID, err)
	}
	answer = append(answer, holdfast.Param{Name: "status", Value: string(v.Status)})
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		if v.Instrument != "" {
			i, found, err := tx.Instrument(v.Sender, v.Instrument)
			if err != nil || !found {
				return errors.Join(err, fmt.Errorf("reading instrument %s of visit %s (found %t)", v.Instrument, v.ID, found))
			}
			answer = append(answer, given(holdfast.Param{Name: "expiry", Value: i.Expiry()})...)
		}
		if c.request.CollectEmail && c.sender.Email != "" {
			answer = append(answer, holdfast.Param{Name: "buyerEmailAddress", Value: c.sender.Email})
		}
		if v.Address == "" {
			return nil
		}
		a, found, err := tx.Address(v.Sender, v.Address)
		if err != nil || !found {
			return errors.Join(err, fmt.Errorf("reading address %s of visit %s (found %t)", v.Address, v.ID, found))
		}
		answer = append(answer, collected(a.Address)...)
		return nil
	})
	return answer, err
}

// proceed redirects to the next page of the visit: the return page if it has
// ended, or the page for the instrument, the address or the confirmation.
func (s *Server) proceed(c *call, v payment.Visit) error {
	c.visit = v
	switch {
	case v.Over():
		return s.goBack(c)
	case v.Instrument == "" && c.holdsOnPage():
		return s.chooseCardOnPage(c)
	case v.Instrument == "" && c.request.Pays():
		return c.redirect("payment")
	case c.request.CollectAddress && v.Address == "":
		return c.redirect("address")
	}
	return c.redirect("confirm")
}

// finish ends the visit without a token and sends the browser back to the
// caller. If the visit's sender or key has changed since the request was
// allowed, it redirects to the sign-in page.
func (s *Server) finish(c *call, end *payment.PipelineEnd) error {
	v, err := s.Processor.EndVisit(c.r.Context(), c.visit, end)
	if errors.Is(err, processor.ErrNotSender) {
		return c.redirect("sign-in")
	}
	if err != nil {
		return err
	}
	c.visit = v
	return s.goBack(c)
}

func (s *Server) cancel(c *call) error {
	if !s.mayCancel(c) {
		webui.Redirect(c.w, c.r, pageURL("sign-in", c.visit.ID)+"&cancel=1")
		return nil
	}
	return s.finish(c, payment.Abandoned())
}

func (s *Server) decline(c *call) error { return s.finish(c, payment.NoMethod()) }

// pageURL is the address of a page of a visit.
func pageURL(page string, id payment.VisitID) string {
	return actions + page + "?visit=" + url.QueryEscape(string(id))
}

func (c *call) redirect(page string) error {
	webui.Redirect(c.w, c.r, pageURL(page, c.visit.ID))
	return nil
}

func logoOrigin(r payment.PipelineRequest) string {
	u, err := url.Parse(r.LogoURL)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// answer turns a page's error into a page that describes it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, err error) {
	refused, coded := errors.AsType[*holdfast.Error](err)
	_, bad := errors.AsType[*webui.BadFormError](err)
	switch {
	case err == nil:
	case errors.Is(err, processor.ErrNoVisit):
		s.lost(w, r, http.StatusNotFound, pageNoVisit)
	case errors.Is(err, webui.ErrTooMuch):
		s.lost(w, r, http.StatusRequestEntityTooLarge, pageTooMuch)
	case bad:
		s.lost(w, r, http.StatusBadRequest, pageBadForm)
	case coded && refused.Code != holdfast.InternalError:
		s.lost(w, r, http.StatusBadRequest, pageBadForm)
	default:
		s.fail(w, r, err)
	}
}
