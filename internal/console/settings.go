package console

import (
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// settingsRoutes are the pages of a caller's settings and clock, and of a new caller.
func (s *Server) settingsRoutes() []route {
	return []route{
		{
			Method: get, Path: "settings", In: ofCaller, Permission: party.MayRead, Nav: "console.settings.nav",
			show: s.showSettings,
		},
		{Method: get, Path: "settings/change", In: ofCaller, Permission: party.MayChangeCaller, show: s.askSettings},
		{Method: post, Path: "settings/change", In: ofCaller, Permission: party.MayChangeCaller, show: s.changeSettings},
		{Method: get, Path: "settings/clock", In: ofCaller, Permission: party.MayMoveClock, show: s.askClock},
		{Method: post, Path: "settings/clock", In: ofCaller, Permission: party.MayMoveClock, show: s.moveClock},
		{
			Method: get, Path: "callers/new", In: ofServer, Permission: party.MayCreateCallers, Nav: "console.settings.new",
			show: s.askCaller,
		},
		{Method: post, Path: "callers/new", In: ofServer, Permission: party.MayCreateCallers, show: s.createCaller},
	}
}

func (s *Server) showSettings(c *call) error {
	var owner party.Party
	var account payment.NetworkAccount
	var health accountState
	var missing []lack
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		if owner, _, err = tx.Party(c.caller.Owner); err != nil {
			return err
		}
		if c.caller.Network != "" {
			if account, _, err = tx.NetworkAccountSettings(c.caller.Network); err != nil {
				return err
			}
			if err := health.read(tx, account.ID, c.real); err != nil {
				return err
			}
		}
		missing, err = s.lacks(tx, c, c.caller, owner, account)
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	p := page{
		Heading: w.T("console.settings.heading"), Chip: liveChip(w, c.caller.Sandbox),
		Blocks: []block{
			{Heading: w.T("console.settings.about"), Facts: aboutFacts(c, owner)},
			{Heading: w.T("console.settings.addresses"), Facts: addressFacts(c)},
			{Heading: w.T("console.settings.behaviour"), Facts: behaviourFacts(c)},
			s.accountBlock(c, account, health),
		},
	}
	if len(missing) > 0 {
		p.Blocks = append([]block{lacksBlock(c, missing)}, p.Blocks...)
	}
	if c.may(party.MayChangeCaller) {
		p.Links = append(p.Links, link{Label: w.T("console.settings.change"), Address: c.link("settings/change")})
	}
	if c.may(party.MayMoveClock) && clockMoves(c.caller) {
		p.Links = append(p.Links, link{Label: w.T("console.settings.move-clock"), Address: c.link("settings/clock")})
	}
	if c.caller.SignatureV1 {
		p.Alert = w.T("console.settings.v1-risk")
	}
	return s.render(c, p)
}

func aboutFacts(c *call, owner party.Party) []fact {
	w := c.words
	facts := []fact{
		factOf(w.T("console.callers.name"), c.caller.Name), factOf(w.T("console.settings.caller-id"), string(c.caller.ID)),
		{w.T("console.settings.owner"), cell{Text: owner.Name, Detail: owner.Email}},
		{w.T("console.notices.created"), moment(c.caller.Created)},
		factOf(w.T("console.settings.zone"), c.caller.Zone.String()),
	}
	if c.caller.Descriptor != "" {
		facts = append(facts, factOf(w.T("console.settings.descriptor"), c.caller.Descriptor))
	}
	if c.caller.ClockOffset != 0 {
		facts = append(facts, fact{w.T("console.settings.clock"), moment(c.now())})
	}
	return facts
}

func addressFacts(c *call) []fact {
	w := c.words
	ipn := withoutQuery(c.caller.IPNURL)
	if ipn == "" {
		ipn = w.T("console.settings.none")
	}
	facts := []fact{factOf(w.T("console.settings.ipn-url"), ipn)}
	if c.caller.ReturnSchemes != "" {
		facts = append(facts, factOf(w.T("console.settings.return-schemes"), c.caller.ReturnSchemes))
	}
	return facts
}

// A toggle is a setting that is on or off.
type toggle struct {
	name string // of the form's field
	of   func(*party.Caller) *bool
	// server says that only members of the server change it: it is a right that the
	// operator grants.
	server bool
}

var toggles = []toggle{
	{"bare-return", func(c *party.Caller) *bool { return &c.BareReturn }, false},
	{"pending-first", func(c *party.Caller) *bool { return &c.PendingFirst }, false},
	{"pending-notice", func(c *party.Caller) *bool { return &c.PendingNotice }, false},
	{"resume", func(c *party.Caller) *bool { return &c.Resume }, false},
	{"reuse-cancelled", func(c *party.Caller) *bool { return &c.ReuseCancelled }, false},
	{"hold-on-page", func(c *party.Caller) *bool { return &c.HoldOnPage }, false},
	{"warning-mails", func(c *party.Caller) *bool { return &c.WarningMails }, false},
	{"buyer-mails", func(c *party.Caller) *bool { return &c.BuyerMails }, false},
	{"signature-v1", func(c *party.Caller) *bool { return &c.SignatureV1 }, true},
	{"marketplace", func(c *party.Caller) *bool { return &c.Marketplace }, true},
	{"guests", func(c *party.Caller) *bool { return &c.Guests }, true},
}

// toggleWord is what a toggle does.
func toggleWord(w webui.Words, name string) string {
	switch name {
	case "bare-return":
		return w.T("console.settings.bare-return")
	case "pending-first":
		return w.T("console.settings.pending-first")
	case "pending-notice":
		return w.T("console.settings.pending-notice")
	case "resume":
		return w.T("console.settings.resume")
	case "reuse-cancelled":
		return w.T("console.settings.reuse-cancelled")
	case "hold-on-page":
		return w.T("console.settings.hold-on-page")
	case "warning-mails":
		return w.T("console.settings.warning-mails")
	case "buyer-mails":
		return w.T("console.settings.buyer-mails")
	case "signature-v1":
		return w.T("console.settings.signature-v1")
	case "marketplace":
		return w.T("console.settings.marketplace")
	}
	return w.T("console.settings.guests")
}

func behaviourFacts(c *call) []fact {
	w := c.words
	caller := c.caller
	var facts []fact
	for _, t := range toggles {
		on := chip{w.T("console.settings.off"), quiet}
		if *t.of(&caller) {
			on = chip{w.T("console.settings.on"), busy}
		}
		facts = append(facts, fact{toggleWord(w, t.name), state(on)})
	}
	limit := w.T("console.settings.none")
	if caller.GuestLimit.Positive() {
		limit = w.Dollars(caller.GuestLimit)
	}
	wait := w.T("console.settings.by-server")
	if caller.Wait > 0 {
		wait = caller.Wait.String()
	}
	approve := w.T("console.settings.approve-never")
	if caller.ApproveAbove.Given() {
		approve = w.Dollars(caller.ApproveAbove)
	}
	return append(facts, factOf(w.T("console.settings.guest-limit"), limit),
		factOf(w.T("console.settings.approve-above"), approve), factOf(w.T("console.settings.wait"), wait),
		factOf(w.T("console.settings.warnings"), caller.Warnings.String()))
}

// clockMoves reports whether a caller's clock can be moved.
func clockMoves(c party.Caller) bool { return c.Sandbox && c.Network == "" }

// clockSteps are the choices of how far the clock is moved, in hours.
var clockSteps = []int{1, 24, 72, 168, 720}

func (s *Server) askClock(c *call) error { return s.clockPage(c, http.StatusOK, "") }

func (s *Server) clockPage(c *call, status int, problem string) error {
	w := c.words
	v := confirmation{
		Heading: w.T("console.settings.move-clock"), Lead: w.T("console.settings.clock-lead"), Problem: problem,
		Up:    link{Label: w.T("console.settings.heading"), Address: c.link("settings")},
		Facts: []fact{{w.T("console.settings.clock"), moment(c.now())}}, Note: w.T("console.settings.clock-note"),
	}
	if !clockMoves(c.caller) {
		v.Note = ""
		v.Lead = w.T("console.settings.clock-fixed")
	}
	steps := hourOptions(clockSteps, func(d time.Duration) string { return span(w, d) })
	field := webui.Field{
		Name: "by", Label: w.T("console.settings.forward"),
		Options: append(steps, webui.Option{Value: "reset", Label: w.T("console.settings.reset")}),
	}
	v.Form = webui.Form{
		Submit: w.T("console.settings.move-clock"), Fields: []webui.Field{field},
		Hidden: holdfast.Params{{Name: "offset", Value: c.caller.ClockOffset.String()}},
	}
	return s.confirm(c, status, v)
}

// moveClock moves the clock of a sandbox caller. The form names the offset that it
// begins with, so that a double click moves it once.
func (s *Server) moveClock(c *call) error {
	moved := c.caller
	_, err := s.Processor.ChangeCaller(c.r.Context(), c.caller.ID, func(now party.Caller) (party.Caller, error) {
		if now.ClockOffset.String() != c.form.Get("offset") {
			moved = now
			return now, errChanged
		}
		if c.form.Get("by") == "reset" {
			return now.ResetClock()
		}
		step, ok := readHours(clockSteps, c.form.Get("by"))
		if !ok {
			return now, webui.NewBadForm("the time is none of the choices")
		}
		return now.Advance(step)
	})
	if problem := c.refusal(err); problem != "" {
		c.caller = moved
		return s.clockPage(c, http.StatusConflict, problem)
	}
	if err != nil {
		return err
	}
	return c.did("console.done.clock-moved", c.link("settings"))
}
