package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Settings that suit the caller's network account unless the form says otherwise. In
// the form of a new caller, each is a choice of three.
var suited = []string{"hold-on-page", "guests"}

// newCallerForm is the form of a new caller, with all settings that the command
// holdfast caller create has.
func newCallerForm(c *call, accounts []payment.NetworkAccount) webui.Form {
	w := c.words
	network := webui.Field{
		Name: "network", Label: w.T("console.settings.network"), Hint: w.T("console.settings.network-hint"),
		Options: []webui.Option{{Label: w.T("console.settings.sandbox-only")}}, MayBeEmpty: true,
	}
	for _, a := range accounts {
		label := w.T("console.settings.test-account", "Name", a.Name)
		if a.Mode == payment.NetworkLive {
			label = w.T("console.settings.live-account", "Name", a.Name)
		}
		network.Options = append(network.Options, webui.Option{Value: string(a.ID), Label: label})
	}
	fields := c.callerFields(party.Caller{})
	for i := range fields {
		if slices.Contains(suited, fields[i].Name) {
			fields[i].Type, fields[i].MayBeEmpty = "", true
			fields[i].Options = []webui.Option{
				{Label: w.T("console.settings.suited")},
				{Value: "yes", Label: w.T("console.settings.on")},
				{Value: "no", Label: w.T("console.settings.off")},
			}
		}
	}
	owner := webui.Field{
		Name: "owner", Label: w.T("console.settings.owner-email"), Hint: w.T("console.settings.owner-hint"), Type: "email",
		Autocomplete: "email",
	}
	return webui.Form{
		Submit: w.T("console.settings.new"), Fields: slices.Concat(fields[:1], []webui.Field{owner, network}, fields[1:]),
	}
}

// networkAccounts reads the accounts at card networks, without their secrets.
func (s *Server) networkAccounts(c *call) (all []payment.NetworkAccount, err error) {
	sealed, err := s.Store.NetworkAccounts(c.r.Context())
	for _, a := range sealed {
		all = append(all, a.NetworkAccount)
	}
	return all, err
}

func (s *Server) askCaller(c *call) error {
	accounts, err := s.networkAccounts(c)
	if err != nil {
		return err
	}
	f := newCallerForm(c, accounts)
	showCaller(f.Fields, party.Caller{Warnings: party.DefaultWarnings, WarningMails: true, BuyerMails: true})
	for i := range f.Fields {
		if slices.Contains(suited, f.Fields[i].Name) {
			f.Fields[i].Value = ""
		}
	}
	return s.newCallerPage(c, http.StatusOK, f)
}

func (s *Server) newCallerPage(c *call, status int, f webui.Form) error {
	w := c.words
	return s.confirm(c, status, confirmation{
		Heading: w.T("console.settings.new"), Lead: w.T("console.settings.new-lead"), Form: f,
	})
}

// readNewCaller reads the form of a new caller.
func (s *Server) readNewCaller(c *call) (n processor.NewCaller, f webui.Form, err error) {
	accounts, err := s.networkAccounts(c)
	if err != nil {
		return n, f, err
	}
	w := c.words
	f = newCallerForm(c, accounts)
	to := readCaller(c, party.Caller{}, &f)
	n = processor.NewCaller{
		Name: to.Name, Descriptor: to.Descriptor, IPNURL: to.IPNURL, Zone: to.Zone, BareReturn: to.BareReturn,
		PendingFirst: to.PendingFirst, PendingNotice: to.PendingNotice, SignatureV1: to.SignatureV1,
		Marketplace: to.Marketplace, Resume: to.Resume, ReuseCancelled: to.ReuseCancelled, ReturnSchemes: to.ReturnSchemes,
		Wait: to.Wait, GuestLimit: to.GuestLimit, Warnings: &to.Warnings, WarningMails: &to.WarningMails,
		BuyerMails: &to.BuyerMails, ApproveAbove: to.ApproveAbove, Sandbox: true, HoldOnPage: flagOf(c.form.Get("hold-on-page")),
		Guests: flagOf(c.form.Get("guests")),
	}
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		owner, found, err := tx.PartyByEmail(strings.TrimSpace(c.form.Get("owner")))
		if !found {
			f.SetError("owner", w.T("console.settings.no-owner"))
		}
		n.Owner = owner.ID
		return err
	})
	wanted := payment.NetworkAccountID(c.form.Get("network"))
	if err != nil || wanted == "" {
		return n, f, err
	}
	at := slices.IndexFunc(accounts, func(a payment.NetworkAccount) bool { return a.ID == wanted })
	if at < 0 {
		return n, f, webui.NewBadForm("the network account is none of the choices")
	}
	if n.Owner != "" && accounts[at].Owner != n.Owner {
		f.SetError("network", w.T("console.settings.foreign-account"))
	}
	if n.Marketplace {
		f.SetError("network", w.T("console.settings.no-marketplace"))
	}
	n.Network, n.Live = wanted, accounts[at].Mode == payment.NetworkLive
	return n, f, nil
}

// flagOf reads a choice of three. Nil is what suits the account.
func flagOf(value string) *bool {
	if value == "" {
		return nil
	}
	on := value == "yes"
	return &on
}

// createCaller makes a caller. The page that answers has its secret key.
func (s *Server) createCaller(c *call) error {
	once, err := c.once()
	if err != nil {
		return err
	}
	n, f, err := s.readNewCaller(c)
	if err != nil {
		return err
	}
	if f.Failed() {
		return s.newCallerPage(c, http.StatusUnprocessableEntity, f)
	}
	n.Once = once
	made, key, err := s.Processor.CreateCaller(c.r.Context(), n)
	switch problem := c.refusal(err); {
	case errors.Is(err, processor.ErrRepeated):
		f.Problem = c.words.T("console.settings.repeated")
		return s.newCallerPage(c, http.StatusConflict, f)
	case problem != "":
		f.Problem = problem
		return s.newCallerPage(c, http.StatusUnprocessableEntity, f)
	case err != nil:
		return err
	}
	return s.showNewCaller(c, made, key)
}

func (s *Server) showNewCaller(c *call, made party.Caller, key party.AccessKey) error {
	var missing []lack
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		owner, _, err := tx.Party(made.Owner)
		if err != nil {
			return err
		}
		account, _, err := tx.NetworkAccountSettings(made.Network)
		if err != nil {
			return err
		}
		missing, err = s.lacks(tx, c, made, owner, account)
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	p := page{
		Heading: w.T("console.settings.made", "Name", made.Name), Chip: liveChip(w, made.Sandbox),
		Alert: w.T("console.keys.once"),
		Blocks: []block{
			{Facts: []fact{
				factOf(w.T("console.settings.caller-id"), string(made.ID)), factOf(w.T("console.keys.access"), key.ID),
			}},
			{
				Heading: w.T("console.keys.secret"), Pre: string(key.Secret.Reveal()),
				Links: []link{{Label: w.T("console.settings.to-caller"), Address: callerLink(made.ID, "settings")}},
			},
		},
	}
	if len(missing) > 0 {
		p.Blocks = append(p.Blocks, lacksBlock(c, missing))
	}
	return s.render(c, p)
}
