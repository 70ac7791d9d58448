package account

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A guest has no account. The link in its mails shows its payments to any reader, so
// the page shows neither the name, the addresses nor the e-mail address. An account
// can be made only with a letter that goes to the guest's e-mail address.

// guestMax is the number of approvals, and of payments, that the page shows. A guest
// approves one payment, which may have a few refunds.
const guestMax = 50

// guestLink is the link with which a page was opened. It is empty if it is too long.
func (c *call) guestLink() string {
	if link := c.form.Get("link"); len(link) <= party.LinkMax {
		return link
	}
	return ""
}

// A guestView is all that a guest's link shows.
type guestView struct {
	approvals []givenToken // without a payment
	payments  []shownPayment
	sandbox   bool
}

func (s *Server) readGuest(c *call, guest party.Party) (v guestView, err error) {
	real := processor.Micro(s.Now())
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		tokens, _, err := tx.TokensOf(store.PartyTokens{Party: guest.ID}, store.TokenPlace{}, guestMax)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			caller, found, err := tx.Caller(t.Caller)
			if err != nil || !found {
				return errors.Join(err, fmt.Errorf("reading the caller of a guest's token (found %t)", found))
			}
			v.sandbox = caller.Sandbox
			if t.UsedBy == "" {
				v.approvals = append(v.approvals, givenToken{Token: t, caller: caller, now: caller.Now(real)})
			}
		}
		page := processor.ActivityPage{
			Activity: payment.Activity{
				Filter:  payment.ActivityFilter{End: endOfTime, BatchMax: guestMax, Ascending: true},
				Account: guest.ID, Own: true,
			},
			Sandbox: v.sandbox, Real: real,
		}
		if err := page.Read(tx); err != nil {
			return err
		}
		for _, t := range page.Rows {
			p := shownPayment{Transaction: t, page: page}
			if err := p.read(tx); err != nil {
				return err
			}
			v.payments = append(v.payments, p)
		}
		return nil
	})
	return v, err
}

// showGuest shows the payments of a guest.
func (s *Server) showGuest(c *call) error {
	guest, err := s.Processor.GuestBy(c.r.Context(), c.guestLink())
	if errors.Is(err, identity.ErrLinkOver) {
		return s.renderGuestOver(c)
	}
	if err != nil {
		return err
	}
	v, err := s.readGuest(c, guest)
	if err != nil {
		return err
	}
	w := c.words
	page := listPage{Heading: w.T("guest-page.heading"), Lead: w.T("guest-page.lead")}
	for _, g := range v.approvals {
		page.Groups = append(page.Groups, g.group(w))
	}
	for _, p := range v.payments {
		page.Groups = append(page.Groups, p.groups(w)...)
	}
	if s.Processor.Identity.Letters != nil && guest.Email != "" {
		page.Groups = append(page.Groups, group{
			Heading: w.T("guest-page.account"), Text: w.T("guest-page.account-text"),
			Buttons: []action{post(w.T("guest-page.account-ask"), "", "guest/ask", "link", c.guestLink())},
		})
	}
	return s.render(c, view{page: "list", place: "-", title: page.Heading, real: !v.sandbox, content: page})
}

// group shows an approval that no payment has used.
func (g givenToken) group(w webui.Words) group {
	mark := tag{w.T("guest-page.approved"), wait}
	if state := tokenState(w, g.Token, g.now); state != "" {
		mark = tag{state, quiet}
	}
	facts := []Term{
		{w.T("term.paid-to"), g.caller.Name},
		{Bound(w, g.AmountType), Amount(w, g.Amount)},
		{w.T("term.until"), w.Moment(g.Expires)},
	}
	if reason := reasonText(g.Reason); reason != "" {
		facts = append([]Term{{w.T("authorisations.reason"), reason}}, facts...)
	}
	return group{Heading: g.caller.Name, Text: w.T("guest-page.not-used"), Mark: mark, Facts: facts}
}

// groups show a payment or a refund with its steps.
func (p shownPayment) groups(w webui.Words) []group {
	r := historyRow(w, p.page, p.Transaction)
	return []group{
		{Heading: r.Title, Text: r.Amount, Large: true, Mark: r.Mark, Facts: p.facts(w)},
		{Heading: w.T("history.steps"), Facts: p.steps(w)},
	}
}

func (s *Server) renderGuestOver(c *call) error {
	return s.renderLinkOver(c, c.words.T("guest-page.over"))
}

// renderLinkOver is the page for a link that can no longer be used. It does not say
// why: the link may be forged.
func (s *Server) renderLinkOver(c *call, lead string) error {
	w := c.words
	return s.renderForm(c, http.StatusGone, "-", formPage{
		Heading: w.T("reset.over"), Lead: lead,
		Links: []link{{Label: w.T("account.sign-in"), Address: Root + "sign-in"}},
	})
}

// askClaim sends the letter with which a guest gets an account. The answer does not
// say whether the address has an account already.
func (s *Server) askClaim(c *call) error {
	w, secret := c.words, c.guestLink()
	page := formPage{
		Heading: w.T("forgotten.sent"), Lead: w.T("guest-page.sent"), Aside: w.T("guest-page.sent-aside"),
		Links: []link{{Label: w.T("guest-page.back"), Address: pageURL("guest", given("link", secret)...)}},
	}
	err := s.Processor.AskClaim(c.r.Context(), secret, s.Sessions.From(c.r))
	switch {
	case err == nil:
		return s.renderForm(c, http.StatusOK, "-", page)
	case errors.Is(err, identity.ErrLinkOver), errors.Is(err, identity.ErrNoMail):
		return s.renderGuestOver(c)
	}
	status, problem := LettersProblem(w, c.w.Header(), err)
	if problem == "" {
		return err
	}
	page.Heading, page.Lead, page.Aside, page.Problem = w.T("guest-page.account"), "", "", problem
	return s.renderForm(c, status, "-", page)
}

func (s *Server) showClaim(c *call) error { return s.renderClaim(c, http.StatusOK, webui.Form{}) }

// renderClaim asks for the password or the passkey of the new account.
func (s *Server) renderClaim(c *call, status int, typed webui.Form) error {
	w, secret := c.words, c.form.Get("link")
	guest, err := s.Processor.ClaimableBy(c.r.Context(), secret)
	if errors.Is(err, identity.ErrLinkOver) {
		return s.renderGuestOver(c)
	}
	if err != nil {
		return err
	}
	hidden := given("link", secret)
	form := webui.Form{
		Action: Root + "guest/account", Submit: w.T("account.sign-up"), Hidden: hidden, Username: guest.Email,
		Problem: typed.Problem, Fields: []webui.Field{newPasswordField(w)},
	}
	for _, wrong := range typed.Wrong() {
		form.SetError(wrong.Name, wrong.Error)
	}
	page := formPage{
		Heading: w.T("sign-up.heading"), Lead: w.T("guest-page.claim-lead", "Email", guest.Email), Form: &form,
	}
	if _, ok := s.Sessions.RelyingParty(c.r); !ok {
		return s.renderForm(c, status, "-", page)
	}
	page.Passkey = &webui.PasskeyForm{Action: Root + "guest/passkey", Hidden: hidden, Passkey: webui.Passkey{
		Makes: true, Ask: Root + "guest/passkey/ask", Label: w.T("guest-page.passkey"), Working: w.T("passkey.working"),
		Failed: w.T("passkey.not-made"),
	}}
	return s.renderForm(c, status, "-", page, webui.PasskeyScript)
}

// claim makes the account with a password, and signs its owner in.
func (s *Server) claim(c *call) error {
	password := c.form.Get("new-password")
	if message := passwordProblem(c.words, party.ValidPassword(password)); message != "" {
		form := webui.Form{Fields: []webui.Field{newPasswordField(c.words)}}
		form.SetError("new-password", message)
		return s.renderClaim(c, http.StatusUnprocessableEntity, form)
	}
	account, err := s.Processor.Claim(store.Unbound(c.r.Context()), c.form.Get("link"), password)
	return s.claimed(c, account, err)
}

func (s *Server) claimed(c *call, account party.Party, err error) error {
	switch {
	case err == nil:
		if err := s.begin(c, account); err != nil {
			return err
		}
		return c.redirect("", did("claimed"))
	case errors.Is(err, identity.ErrEmailTaken): // since the letter was sent
		return s.renderClaim(c, http.StatusConflict, webui.Form{Problem: c.words.T("sign-up.email-taken")})
	case errors.Is(err, identity.ErrPasskey):
		return s.renderClaim(c, http.StatusUnprocessableEntity, webui.Form{Problem: c.words.T("passkey.not-made")})
	case errors.Is(err, identity.ErrLinkOver):
		return s.renderGuestOver(c)
	}
	return err
}

// askClaimPasskey asks the browser to make the passkey of the new account.
func (s *Server) askClaimPasskey(c *call) error {
	refused := passkeyAnswer{Refused: c.words.T("passkey.not-made")}
	r, ok := s.Sessions.RelyingParty(c.r)
	if !ok {
		return c.answerScript(http.StatusNotFound, refused)
	}
	options, err := s.Processor.BeginClaimPasskey(store.Unbound(c.r.Context()), r, c.form.Get("link"))
	if errors.Is(err, identity.ErrLinkOver) {
		return c.answerScript(http.StatusGone, refused)
	}
	if err != nil {
		return err
	}
	return c.answerScript(http.StatusOK, passkeyAnswer{Options: options})
}

// claimByPasskey makes the account with a passkey. The passkey is named after the
// browser; its owner may add more of them later.
func (s *Server) claimByPasskey(c *call) error {
	r, ok := s.Sessions.RelyingParty(c.r)
	answer, err := c.form.Get("answer"), identity.ErrPasskey
	var account party.Party
	if ok && len(answer) <= party.PasskeyAnswerMax {
		device := s.Sessions.device(c.r)
		name := strings.TrimSpace(device.Browser + " " + device.System)
		if name == "" {
			name = "Passkey"
		}
		account, err = s.Processor.ClaimByPasskey(store.Unbound(c.r.Context()), r, c.form.Get("link"), name, []byte(answer))
	}
	return s.claimed(c, account, err)
}
