package cobranded

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// The pages' own types.
type (
	networkCardPage struct {
		Frame   frame
		Problem string
		Network string
		Text    string
		Consent string
		Action  string
		Back    string // address of the payment page, or empty if there is no choice
	}
	onwardPage struct {
		Heading string
		Text    string
		Link    string
		Onward  template.URL
		Other   string // address of the page to choose another card; empty if there is none
	}
	waitingPage struct {
		Heading string
		Text    string
		Again   string
	}
)

// onNetwork reports whether the caller's cards are given on the page of a card
// network, and never on ours.
func (c *call) onNetwork() bool { return c.started.caller.Network != "" }

func (c *call) holdsOnPage() bool { return c.request.HoldsOnPage(c.started.caller) }

// brand is the card network's name.
func (c *call) brand() string { return c.network.Kind.Brand() }

// readNetwork reads the caller's account at a card network.
func (c *call) readNetwork(tx *store.ReadTx) (err error) {
	if !c.onNetwork() {
		return nil
	}
	var found bool
	if c.network, found, err = tx.NetworkAccountSettings(c.started.caller.Network); err == nil && !found {
		err = errors.New("the caller's account at a card network is missing")
	}
	return err
}

// opening says where the network's page sends the browser.
func (s *Server) opening(c *call) processor.PageOpening {
	back := s.at(c) + pageURL("back", c.visit.ID)
	return processor.PageOpening{Done: back + "&page={PAGE}", Back: back, Language: c.words.Tag()}
}

// at is the address under which browsers reach the pages, without a path.
func (s *Server) at(c *call) string {
	if s.Sessions.Public != nil {
		return s.Sessions.Public.Scheme + "://" + s.Sessions.Public.Host
	}
	return "http://" + c.r.Host // a test
}

// renderNetworkCard says that the network's page comes next. It has no field for a card.
func (s *Server) renderNetworkCard(c *call, status int, problem string) error {
	usable, err := s.usable(c)
	if err != nil {
		return err
	}
	page := networkCardPage{
		Frame: c.frame(), Problem: problem, Network: c.brand(), Action: actions + "card",
		Text:    c.words.T("network.next", "Network", c.brand(), "Caller", c.started.caller.Name),
		Consent: c.consent(),
	}
	if len(usable) > 0 {
		page.Back = pageURL("payment", c.visit.ID)
	}
	c.leads = c.network.PageOrigin()
	return c.render(status, "network-card", c.titled("network.heading", status, problem), stagePayment, page)
}

// titled is the title of a page that shows a problem of an earlier page, or none.
func (c *call) titled(heading string, status int, problem string) string {
	title := c.words.T(heading)
	if problem != "" && status == http.StatusOK {
		return c.words.T("layout.error", "Title", title)
	}
	return title
}

// keepCard sends the browser to the network's page, where the sender gives a card
// for later payments.
func (s *Server) keepCard(c *call) error {
	for _, p := range c.form {
		if p.Name != "visit" && party.HasCardDigits(p.Value) {
			s.lost(c.w, c.r, http.StatusBadRequest, pageBadForm)
			return nil
		}
	}
	if c.holdsOnPage() {
		return c.redirect("confirm")
	}
	v, address, err := s.Processor.KeepCard(c.r.Context(), c.visit.ID, c.sender.ID, s.opening(c))
	if problem := c.networkProblem(err); problem != "" {
		return s.renderNetworkCard(c, http.StatusServiceUnavailable, problem)
	}
	if err != nil {
		return err
	}
	if v.Over() {
		return s.proceed(c, v)
	}
	return s.leaveFor(c, address)
}

// networkProblem tells the sender why the network's page does not open. It is
// empty for other errors.
func (c *call) networkProblem(err error) string {
	switch {
	case errors.Is(err, processor.ErrNetwork):
		return c.words.T("network.unreachable", "Network", c.brand())
	case errors.Is(err, processor.ErrTooManyPages):
		return c.words.T("network.too-many")
	}
	return ""
}

// leaveFor sends the browser to a page of the card network. The policy of our pages
// names one origin of the network. Another address is reached through a page,
// because browsers would not follow a redirect to it after a form.
func (s *Server) leaveFor(c *call, address string) error {
	if address == c.network.PageOrigin() || strings.HasPrefix(address, c.network.PageOrigin()+"/") {
		webui.Redirect(c.w, c.r, address)
		return nil
	}
	w := c.words
	return s.renderOnward(c, onwardPage{
		Heading: w.T("onward.heading", "Network", c.brand()), Text: w.T("onward.text", "Network", c.brand()),
		Link: w.T("network.continue", "Network", c.brand()),
	}, address, true)
}

// renderOnward shows a page with a link to another site. With now, the browser
// goes there at once.
func (s *Server) renderOnward(c *call, page onwardPage, address string, now bool) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && !holdfast.OnThisMachine(u) {
		return errors.New("the card network names a page that no browser may open")
	}
	printable := payment.Printable(u.String())
	page.Onward = template.URL(printable) //nolint:gosec // the scheme is checked, and the rest is escaped
	l := webui.Layout{
		Words: c.words, Title: page.Heading, Sandbox: c.started.caller.Sandbox, Network: c.brand(), Content: page,
	}
	if now {
		l.Onward = page.Onward
	}
	return pages.Render(c.w, http.StatusOK, "onward", l)
}

// showBack serves the address to which the network's page sends the browser. It has
// the page's id if the sender has finished the page, and no id if the sender wants to
// choose again. The network is asked about the page, for the sender only. If the
// sender has signed out meanwhile, the server learns the outcome by itself.
func (s *Server) showBack(c *call) error {
	if c.visit.Over() {
		return s.goBack(c)
	}
	id, finished := c.form.Lookup("page")
	if !finished {
		return s.chooseAgain(c)
	}
	f, err := s.Processor.FinishVisitPage(c.r.Context(), c.visit.ID, c.sender.ID, id)
	switch {
	case errors.Is(err, processor.ErrNotSender):
		return c.redirect("sign-in")
	case errors.Is(err, processor.ErrNoPage):
		s.lost(c.w, c.r, http.StatusBadRequest, pageNoVisit)
		return nil
	case errors.Is(err, processor.ErrNetwork):
		return s.renderWaiting(c, pageURL("back", c.visit.ID)+"&page="+url.QueryEscape(id))
	case err != nil:
		return err
	}
	if err := s.readSender(c); err != nil {
		return err
	}
	switch {
	case f.Visit.Over():
	case f.Refused != "":
		return c.problem(string(f.Refused))
	case f.State == payment.PageExpired:
		return c.problem(problemLapsed)
	case f.State != payment.PageComplete:
		return c.problem(problemNotFinished)
	}
	return s.proceed(c, f.Visit)
}

// chooseAgain ends the pages that the sender has left, and shows the choice of
// cards.
func (s *Server) chooseAgain(c *call) error {
	if c.sender.ID == "" || c.visit.Sender != c.sender.ID {
		return c.redirect("sign-in")
	}
	err := s.Processor.CloseVisitPages(c.r.Context(), c.visit.ID)
	if err != nil && !errors.Is(err, processor.ErrNetwork) {
		return err
	}
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		c.visit, _, err = tx.Visit(c.visit.ID)
		return err
	})
	if err != nil {
		return err
	}
	if c.visit.Over() { // the sender had finished a page all the same
		return s.proceed(c, c.visit)
	}
	return c.redirect("payment")
}

// chooseCardOnPage chooses a card that the sender gives on the network's page, if
// there is no other to choose from.
func (s *Server) chooseCardOnPage(c *call) error {
	usable, err := s.usable(c)
	if err != nil {
		return err
	}
	if len(usable) > 0 {
		return c.redirect("payment")
	}
	v, err := s.Processor.ChooseInstrument(c.r.Context(), c.visit.ID, c.visit.Sender, payment.CardOnPage)
	if err != nil {
		return err
	}
	return s.proceed(c, v)
}

// readSender reads the sender again: a guest's name and e-mail address come from
// the network's page.
func (s *Server) readSender(c *call) error {
	if !c.sender.Guest {
		return nil
	}
	return s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		c.sender, _, err = tx.Party(c.sender.ID)
		return err
	})
}

// Problems that the payment page shows after another page. Those of
// processor.CardRefusal are the others.
const (
	problemDeclined    = "declined"
	problemLapsed      = "lapsed"
	problemNotFinished = "not-finished"
)

// problem leads to the choice of cards, with a reason.
func (c *call) problem(code string) error {
	webui.Redirect(c.w, c.r, pageURL("payment", c.visit.ID)+"&problem="+url.QueryEscape(code))
	return nil
}

// problemWords is the reason that the address of a page names.
func (c *call) problemWords() string {
	w, network := c.words, c.brand()
	switch c.form.Get("problem") {
	case problemDeclined:
		return w.T("network.declined")
	case problemLapsed:
		return w.T("network.lapsed", "Network", network)
	case problemNotFinished:
		return w.T("network.not-finished", "Network", network)
	case string(processor.RefusedByNetwork):
		return w.T("network.not-held")
	case string(processor.RefusedTooOften):
		return w.T("network.too-often")
	case string(processor.RefusedHere):
		return w.T("network.not-here")
	}
	return ""
}

// consent is the text about a card that is kept, to which the sender agrees. It is
// empty if no card is kept.
func (c *call) consent() string {
	if !c.onNetwork() || c.sender.Guest {
		return ""
	}
	w, named := c.words, []any{"Network", c.brand(), "Caller", c.started.caller.Name}
	var lead string
	terms := c.terms()
	switch c.request.Pipeline {
	case payment.PipelineSingleUse:
		if c.holdsOnPage() && c.visit.Instrument != payment.CardOnPage {
			return "" // the card was kept before
		}
		return w.T("consent.keep", named...)
	case payment.PipelineMultiUse:
		lead = w.T("consent.multi-use", named...)
	case payment.PipelineRecurring:
		lead = w.T("consent.recurring", append(named, "Amount", account.Amount(w, c.request.Amount), "Every",
			account.Every(w, c.request.Period))...)
	case payment.PipelineSetupPrepaid, payment.PipelineSetupPostpaid, payment.PipelineEditToken:
		lead = w.T("consent.terms", named...)
	case payment.PipelineRecipient:
		return ""
	}
	parts := []string{lead}
	for _, t := range terms {
		parts = append(parts, t.Label+": "+t.Value+".")
	}
	return strings.Join(append(parts, w.T("consent.end", named...)), " ")
}
