package console

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// errChanged: somebody else has changed the object since the form was shown.
var errChanged = errors.New("it was changed meanwhile")

// refusal says in words why an action was refused. It is empty for an error that the
// form cannot explain.
func (c *call) refusal(err error) string {
	if errors.Is(err, errChanged) {
		return c.words.T("console.settings.changed")
	}
	why, ok := errors.AsType[*holdfast.Error](err)
	if ok && (why.Code == holdfast.InvalidParams || why.Code == holdfast.AccessFailure) {
		return c.words.T("console.hooks.refused", "Why", why.Message)
	}
	return ""
}

// settingsDigest changes with each setting that the form has.
func settingsDigest(c party.Caller) string {
	c.ClockOffset, c.Stopped, c.Events = 0, time.Time{}, false
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v", c))
	return hex.EncodeToString(sum[:8])
}

func (c *call) settingsForm() webui.Form {
	w := c.words
	f := webui.Form{Submit: w.T("console.hooks.save"), Fields: []webui.Field{
		{Name: "name", Label: w.T("console.callers.name"), Autocomplete: "off"},
		{
			Name: "descriptor", Label: w.T("console.settings.descriptor"), Hint: w.T("console.settings.descriptor-hint"),
			Autocomplete: "off", Optional: true,
		},
		{
			Name: "ipn-url", Label: w.T("console.settings.ipn-url"), Hint: w.T("console.settings.ipn-hint"), Type: "url",
			Autocomplete: "off", Optional: true,
		},
		{
			Name: "return-schemes", Label: w.T("console.settings.return-schemes"), Hint: w.T("console.settings.schemes-hint"),
			Autocomplete: "off", Optional: true,
		},
		{
			Name: "warnings", Label: w.T("console.settings.warnings"), Hint: w.T("console.settings.warnings-hint"),
			Autocomplete: "off", Optional: true,
		},
		{
			Name: "approve-above", Label: w.T("console.settings.approve-above"),
			Hint: w.T("console.settings.approve-above-hint"), InputMode: "decimal", Autocomplete: "off", Optional: true,
		},
	}}
	if c.mayInServer(party.MayChangeCaller) {
		f.Fields = append(f.Fields, webui.Field{
			Name: "guest-limit", Label: w.T("console.settings.guest-limit"), InputMode: "decimal", Autocomplete: "off",
			Optional: true,
		})
	}
	for _, t := range toggles {
		if !t.server || c.mayInServer(party.MayChangeCaller) {
			f.Fields = append(f.Fields, webui.Field{Name: t.name, Label: toggleWord(w, t.name), Type: "checkbox"})
		}
	}
	return f
}

func (s *Server) askSettings(c *call) error {
	f := c.settingsForm()
	caller := c.caller
	for i := range f.Fields {
		to := &f.Fields[i].Value
		switch f.Fields[i].Name {
		case "name":
			*to = caller.Name
		case "descriptor":
			*to = caller.Descriptor
		case "ipn-url":
			*to = caller.IPNURL
		case "return-schemes":
			*to = caller.ReturnSchemes
		case "warnings":
			*to = caller.Warnings.String()
		case "guest-limit":
			*to = limitValue(caller.GuestLimit)
		case "approve-above":
			*to = limitValue(caller.ApproveAbove)
		default:
			for _, t := range toggles {
				if t.name == f.Fields[i].Name {
					*to = checked(*t.of(&caller))
				}
			}
		}
	}
	f.Hidden = holdfast.Params{{Name: "seen", Value: settingsDigest(caller)}}
	return s.settingsPage(c, http.StatusOK, f)
}

func (s *Server) settingsPage(c *call, status int, f webui.Form) error {
	w := c.words
	return s.confirm(c, status, confirmation{
		Heading: w.T("console.settings.change"), Lead: w.T("console.settings.change-lead"),
		Up: link{Label: w.T("console.settings.heading"), Address: c.link("settings")}, Form: f,
	})
}

// webAddress reports whether a text is empty or an address that can be posted to.
func webAddress(text string) bool {
	u, err := url.Parse(text)
	return text == "" || err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.Fragment == "" &&
		u.User == nil
}

// readSettings puts the form's values into a caller, with the errors of what was
// typed. Settings that the member may not change stay.
func readSettings(c *call, to party.Caller) (party.Caller, webui.Form) {
	w := c.words
	f := c.settingsForm()
	f.Fill(c.form)
	f.Hidden = holdfast.Params{{Name: "seen", Value: c.form.Get("seen")}}
	to.Name, to.IPNURL = c.form.Get("name"), strings.TrimSpace(c.form.Get("ipn-url"))
	if !party.ValidName(to.Name) {
		f.SetError("name", w.T("console.keys.wrong-name", "Most", party.NameMax))
	}
	if !webAddress(to.IPNURL) {
		f.SetError("ipn-url", w.T("console.settings.wrong-address"))
	}
	var err error
	if to.Descriptor, err = payment.CheckDescriptor(c.form.Get("descriptor"), to.Name); err != nil {
		f.SetError("descriptor", w.T("console.settings.wrong-descriptor"))
	}
	var schemes []string
	for scheme := range strings.FieldsSeq(c.form.Get("return-schemes")) {
		scheme = holdfast.FoldName(scheme)
		if schemes = append(schemes, scheme); !holdfast.IsAppScheme(scheme) {
			f.SetError("return-schemes", w.T("console.settings.wrong-schemes"))
		}
	}
	to.ReturnSchemes = strings.Join(schemes, " ")
	if to.Warnings, err = party.ParseWarnings(orNone(c.form.Get("warnings"))); err != nil {
		f.SetError("warnings", w.T("console.settings.wrong-warnings"))
	}
	for _, t := range toggles {
		if !t.server || c.mayInServer(party.MayChangeCaller) {
			*t.of(&to) = c.form.Get(t.name) != ""
		}
	}
	to.ApproveAbove = readLimit(c, &f, "approve-above")
	if c.mayInServer(party.MayChangeCaller) {
		to.GuestLimit = readLimit(c, &f, "guest-limit")
	}
	return to, f
}

// limitValue is a limit as a field shows it. It is empty for none.
func limitValue(a money.Amount) string {
	if !a.Positive() {
		return ""
	}
	return a.Value()
}

// readLimit reads a field with a limit. The zero amount is none.
func readLimit(c *call, f *webui.Form, name string) (limit money.Amount) {
	typed := strings.TrimSpace(c.form.Get(name))
	if typed == "" {
		return limit
	}
	limit, ok := readAmount(typed)
	if !ok {
		f.SetError(name, c.words.T("console.not-an-amount"))
	}
	return limit
}

// orNone is the word for no warnings, if a text is empty.
func orNone(text string) string {
	if strings.TrimSpace(text) == "" {
		return "none"
	}
	return text
}

// changeSettings writes the settings. The form names the settings that it began
// with, so that nobody undoes what somebody else has just changed.
func (s *Server) changeSettings(c *call) error {
	_, f := readSettings(c, c.caller)
	if f.Failed() {
		return s.settingsPage(c, http.StatusUnprocessableEntity, f)
	}
	_, err := s.Processor.ChangeCaller(c.r.Context(), c.caller.ID, func(now party.Caller) (party.Caller, error) {
		wanted, _ := readSettings(c, now)
		if settingsDigest(now) != c.form.Get("seen") && wanted != now {
			return now, errChanged
		}
		return wanted, nil
	})
	if problem := c.refusal(err); problem != "" {
		f.Problem = problem
		return s.settingsPage(c, http.StatusConflict, f)
	}
	if err != nil {
		return err
	}
	return c.did("console.done.settings-changed", c.link("settings"))
}

func newCallerForm(w webui.Words) webui.Form {
	return webui.Form{Submit: w.T("console.settings.new"), Fields: []webui.Field{
		{Name: "name", Label: w.T("console.callers.name"), Autocomplete: "off"},
		{
			Name: "owner", Label: w.T("console.settings.owner-email"), Hint: w.T("console.settings.owner-hint"), Type: "email",
			Autocomplete: "email",
		},
		{
			Name: "ipn-url", Label: w.T("console.settings.ipn-url"), Hint: w.T("console.settings.ipn-hint"), Type: "url",
			Autocomplete: "off", Optional: true,
		},
	}}
}

func (s *Server) askCaller(c *call) error {
	return s.newCallerPage(c, http.StatusOK, newCallerForm(c.words))
}

func (s *Server) newCallerPage(c *call, status int, f webui.Form) error {
	w := c.words
	return s.confirm(c, status, confirmation{
		Heading: w.T("console.settings.new"), Lead: w.T("console.settings.new-lead"), Form: f,
	})
}

// createCaller makes a sandbox caller. Real money needs a network account, which the
// operator names by command.
func (s *Server) createCaller(c *call) error {
	once, err := c.once()
	if err != nil {
		return err
	}
	w := c.words
	f := newCallerForm(w)
	f.Fill(c.form)
	n := processor.NewCaller{
		Name: c.form.Get("name"), IPNURL: strings.TrimSpace(c.form.Get("ipn-url")), Sandbox: true, Once: once,
	}
	if !party.ValidName(n.Name) {
		f.SetError("name", w.T("console.keys.wrong-name", "Most", party.NameMax))
	}
	if !webAddress(n.IPNURL) {
		f.SetError("ipn-url", w.T("console.settings.wrong-address"))
	}
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		owner, found, err := tx.PartyByEmail(strings.TrimSpace(c.form.Get("owner")))
		if !found {
			f.SetError("owner", w.T("console.settings.no-owner"))
		}
		n.Owner = owner.ID
		return err
	})
	if err != nil {
		return err
	}
	if f.Failed() {
		return s.newCallerPage(c, http.StatusUnprocessableEntity, f)
	}
	made, key, err := s.Processor.CreateCaller(c.r.Context(), n)
	switch problem := c.refusal(err); {
	case errors.Is(err, processor.ErrRepeated):
		f.Problem = w.T("console.settings.repeated")
		return s.newCallerPage(c, http.StatusConflict, f)
	case problem != "":
		f.Problem = problem
		return s.newCallerPage(c, http.StatusUnprocessableEntity, f)
	case err != nil:
		return err
	}
	return s.render(c, page{
		Heading: w.T("console.settings.made", "Name", made.Name), Alert: w.T("console.keys.once"),
		Blocks: []block{
			{Facts: []fact{
				factOf(w.T("console.settings.caller-id"), string(made.ID)), factOf(w.T("console.keys.access"), key.ID),
			}},
			{
				Heading: w.T("console.keys.secret"), Pre: string(key.Secret.Reveal()),
				Links: []link{{Label: w.T("console.settings.to-caller"), Address: callerLink(made.ID, "settings")}},
			},
		},
	})
}
