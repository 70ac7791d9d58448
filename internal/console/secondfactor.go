package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rsc.io/qr"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// factorRoutes are the pages of the second factor.
func (s *Server) factorRoutes() []route {
	return []route{
		{Method: get, Path: "second-factor", In: beforeFactor, show: s.askFactor},
		{Method: post, Path: "second-factor", In: beforeFactor, show: s.proveByApp},
		{Method: post, Path: "second-factor/passkey", In: beforeFactor, show: s.proveByPasskey},
		{Method: get, Path: "second-factor/app", In: beforeFactor, show: s.showNewApp},
		{Method: post, Path: "second-factor/app", In: beforeFactor, show: s.confirmApp},
		{Method: get, Path: "yourself", In: ofMember, Nav: "console.factor.nav", show: s.showYourself},
		{Method: get, Path: "yourself/codes", In: ofMember, show: s.askNewCodes},
		{Method: post, Path: "yourself/codes", In: ofMember, show: s.newCodes},
		{Method: get, Path: "yourself/app/remove", In: ofMember, show: s.askRemoveApp},
		{Method: post, Path: "yourself/app/remove", In: ofMember, show: s.removeApp},
	}
}

const factorPath = "second-factor"

// proveFirst sends the browser to the page that asks for the second factor, which
// leads back to this page.
func (c *call) proveFirst() error {
	return c.redirect(address(factorPath, given("to", c.pageOf())))
}

// pageOf is the address of the page that the browser asked for, with its query. For a
// form it is the form's page, or else the nearest page above.
func (c *call) pageOf() string {
	if c.r.Method != post {
		return c.r.URL.RequestURI()
	}
	path, at := c.route.Path, c.r.URL.EscapedPath()
	for path != "" && !slices.ContainsFunc(c.routes, func(r route) bool {
		return r.Method == get && r.In == c.route.In && r.Path == path
	}) {
		path = path[:max(strings.LastIndexByte(path, '/'), 0)]
		at = at[:strings.LastIndexByte(at, '/')+1]
		if path != "" {
			at = strings.TrimSuffix(at, "/")
		}
	}
	return at
}

// onward is the page of the console to which the second factor leads.
func (c *call) onward() string {
	to, err := url.Parse(c.form.Get("to"))
	if err != nil || to.Scheme != "" || to.Host != "" || !strings.HasPrefix(to.Path, Root) {
		return Root
	}
	return (&url.URL{Path: to.Path, RawPath: to.RawPath, RawQuery: to.RawQuery}).RequestURI()
}

// askFactor asks for the second factor. A member without one sets it up.
func (s *Server) askFactor(c *call) error {
	if c.Session.ProvedAt(c.real) {
		return c.redirect(c.onward())
	}
	return s.renderFactor(c, http.StatusOK, "")
}

func (s *Server) renderFactor(c *call, status int, problem string) error {
	w := c.words
	f, err := s.Processor.Identity.SecondFactor(c.r.Context(), c.Party.ID)
	if err != nil {
		return err
	}
	hidden := given("to", c.form.Get("to"))
	if f.None() {
		return c.redirect(address(factorPath+"/app", hidden))
	}
	p := page{Status: status, Heading: w.T("console.factor.heading"), Lead: w.T("console.factor.lead"), Alert: problem}
	if _, usable := s.Sessions.RelyingParty(c.r); usable && f.Passkeys > 0 {
		p.Scripts = []string{webui.PasskeyScript}
		p.Blocks = append(p.Blocks, block{Form: &webui.Form{
			Action: address(factorPath+"/passkey", nil), Hidden: hidden, Submit: w.T("console.factor.by-passkey"),
			Passkey: &webui.Passkey{
				Ask: account.Root + "passkey/ask", Working: w.T("passkey.working"), Failed: w.T("passkey.failed"),
			},
		}})
	}
	if f.App {
		p.Blocks = append(p.Blocks, block{Form: &webui.Form{
			Action: address(factorPath, nil), Hidden: hidden, Submit: w.T("console.factor.submit"), Username: c.Party.Email,
			Fields: []webui.Field{{
				Name: "code", Label: w.T("console.factor.code"), Hint: w.T("console.factor.code-hint"),
				Autocomplete: "one-time-code", Code: true,
			}},
		}})
	}
	return s.render(c, p)
}

// typedCode is the code of the form, without the blanks that some apps show.
func (c *call) typedCode() string { return strings.Join(strings.Fields(c.form.Get("code")), "") }

func (s *Server) proveByApp(c *call) error {
	return s.factorGiven(c, s.Processor.Identity.ProveByApp(c.r.Context(), c.Session, c.typedCode()))
}

// factorGiven leads on after a second factor, or asks again if it was refused.
func (s *Server) factorGiven(c *call, err error) error {
	if err == nil {
		return c.redirect(c.onward())
	}
	status, problem := c.factorProblem(err)
	if problem == "" {
		return err
	}
	return s.renderFactor(c, status, problem)
}

// factorProblem describes why a second factor was refused. It is empty for internal
// errors.
func (c *call) factorProblem(err error) (status int, problem string) {
	switch {
	case errors.Is(err, identity.ErrWrongFactor):
		return http.StatusUnprocessableEntity, c.words.T("console.factor.wrong")
	case errors.Is(err, identity.ErrPasskey):
		return http.StatusUnprocessableEntity, c.words.T("passkey.failed")
	}
	return account.SignInProblem(c.words, c.w.Header(), err)
}

func (s *Server) proveByPasskey(c *call) error {
	answer, err := c.form.Get("answer"), identity.ErrPasskey
	if r, usable := s.Sessions.RelyingParty(c.r); usable && len(answer) <= party.PasskeyAnswerMax {
		err = s.Processor.Identity.ProveByPasskey(c.r.Context(), r, c.Session, []byte(answer), s.Sessions.From(c.r))
	}
	return s.factorGiven(c, err)
}

// showNewApp shows the secret for a new authenticator app.
func (s *Server) showNewApp(c *call) error { return s.renderNewApp(c, http.StatusOK, "") }

func (s *Server) renderNewApp(c *call, status int, problem string) error {
	w := c.words
	f, err := s.Processor.Identity.SecondFactor(c.r.Context(), c.Party.ID)
	if err != nil {
		return err
	}
	if f.App {
		return c.redirect(address("yourself", nil))
	}
	app, err := s.Processor.Identity.BeginTOTP(c.r.Context(), c.Session)
	if errors.Is(err, identity.ErrUnproved) {
		return c.proveFirst()
	}
	if err != nil {
		return err
	}
	drawn, err := drawQR(app.URI(c.Party.Email, s.Sessions.Site(c.r)), w.T("console.factor.picture"))
	if err != nil {
		return err
	}
	form := webui.Form{
		Action: address(factorPath+"/app", nil), Hidden: given("to", c.form.Get("to")), Submit: w.T("console.factor.confirm"),
		Problem: problem, Fields: []webui.Field{{
			Name: "code", Label: w.T("console.factor.first-code"), Autocomplete: "one-time-code", InputMode: "numeric",
			Code: true,
		}},
	}
	return s.render(c, page{
		Status: status, Heading: w.T("console.factor.app-heading"), Lead: w.T("console.factor.app-lead"),
		Blocks: []block{
			{Text: w.T("console.factor.scan"), Picture: drawn, Facts: []fact{
				{Label: w.T("console.factor.secret"), cell: cell{Text: app.Grouped()}},
			}},
			{Form: &form},
		},
	})
}

// drawQR draws a text as a QR code.
func drawQR(text, label string) (*picture, error) {
	drawn, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("drawing a QR code: %w", err)
	}
	const quiet = 4 // modules around the code, which readers need
	var dark strings.Builder
	for y := range drawn.Size {
		for x := range drawn.Size {
			if drawn.Black(x, y) {
				fmt.Fprintf(&dark, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	return &picture{Label: label, Size: drawn.Size + 2*quiet, Dark: dark.String()}, nil
}

// confirmApp makes the new app valid, and shows the recovery codes once.
func (s *Server) confirmApp(c *call) error {
	recovery, err := s.Processor.Identity.ConfirmTOTP(c.r.Context(), c.Session, c.typedCode())
	switch {
	case err == nil:
		return s.showCodes(c, recovery)
	case errors.Is(err, identity.ErrUnproved):
		return c.proveFirst()
	}
	status, problem := c.factorProblem(err)
	if problem == "" {
		return err
	}
	return s.renderNewApp(c, status, problem)
}

func (s *Server) showCodes(c *call, recovery []string) error {
	w := c.words
	return s.render(c, page{
		Heading: w.T("console.factor.codes-heading"), Lead: w.T("console.factor.codes-lead"),
		Links:  []link{{Label: w.T("console.factor.codes-kept"), Address: c.onward()}},
		Blocks: []block{{Pre: strings.Join(recovery, "\n")}},
	})
}

// showYourself shows the second factors of the member.
func (s *Server) showYourself(c *call) error {
	w := c.words
	f, err := s.Processor.Identity.SecondFactor(c.r.Context(), c.Party.ID)
	if err != nil {
		return err
	}
	app := block{Heading: w.T("console.factor.app"), Text: w.T("console.factor.no-app"), Links: []link{
		{Label: w.T("console.factor.set-up"), Address: address(factorPath+"/app", given("to", Root+"yourself"))},
	}}
	if f.App {
		app = block{
			Heading: w.T("console.factor.app"), Chip: chip{w.T("console.factor.in-use"), good},
			Facts: []fact{factOf(w.T("console.factor.codes-left"), w.Count(int64(f.Codes)))},
			Links: []link{
				{Label: w.T("console.factor.new-codes"), Address: address("yourself/codes", nil)},
				{Label: w.T("console.factor.remove-app"), Address: address("yourself/app/remove", nil), Danger: true},
			},
		}
	}
	return s.render(c, page{
		Heading: w.T("console.factor.yourself"), Lead: c.Party.Email,
		Blocks: []block{app, {
			Heading: w.T("console.factor.passkeys"),
			Facts:   []fact{factOf(w.T("console.factor.passkeys-have"), w.Count(int64(f.Passkeys)))},
			Links:   []link{{Label: w.T("console.factor.manage-passkeys"), Address: account.Root + "security"}},
		}},
	})
}

func (c *call) yourself() link {
	return link{Label: c.words.T("console.factor.yourself"), Address: Root + "yourself"}
}

func (s *Server) askNewCodes(c *call) error { return s.newCodesPage(c, http.StatusOK, "") }

func (s *Server) newCodesPage(c *call, status int, problem string) error {
	w := c.words
	return s.confirm(c, status, confirmation{
		Heading: w.T("console.factor.new-codes"), Lead: w.T("console.factor.new-codes-lead"), Up: c.yourself(),
		Problem: problem, Form: webui.Form{Submit: w.T("console.factor.new-codes")},
	})
}

func (s *Server) newCodes(c *call) error {
	once, err := c.once()
	if err != nil {
		return err
	}
	recovery, err := s.Processor.Identity.NewRecoveryCodes(c.r.Context(), c.Session, once)
	if errors.Is(err, store.ErrFormUsed) {
		return s.newCodesPage(c, http.StatusConflict, c.words.T("console.factor.codes-repeated"))
	}
	if errors.Is(err, identity.ErrWrongFactor) {
		return errNotThere // there is no app
	}
	if err != nil {
		return err
	}
	return s.showCodes(c, recovery)
}

func (s *Server) askRemoveApp(c *call) error {
	w := c.words
	return s.confirm(c, http.StatusOK, confirmation{
		Heading: w.T("console.factor.remove-app"), Lead: w.T("console.factor.remove-lead"), Up: c.yourself(), Danger: true,
		Form: webui.Form{Submit: w.T("console.factor.remove-app")},
	})
}

func (s *Server) removeApp(c *call) error {
	if err := s.Processor.Identity.RemoveTOTP(c.r.Context(), c.Session); err != nil {
		return err
	}
	return c.did("console.done.factor-removed", Root+"yourself")
}
