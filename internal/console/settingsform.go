package console

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
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

// waitChoices are the choices of how long a caller waits for the card network.
var waitChoices = []time.Duration{
	time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
}

// waitOptions are the choices, with the one that a command has set.
func waitOptions(w webui.Words, now time.Duration) []webui.Option {
	all := []webui.Option{{Label: w.T("console.settings.by-server")}}
	choices := waitChoices
	if now > 0 && !slices.Contains(choices, now) {
		choices = append([]time.Duration{now}, choices...)
	}
	for _, d := range choices {
		all = append(all, webui.Option{Value: d.String(), Label: d.String()})
	}
	return all
}

// callerFields are the fields of a caller's settings that the visitor may change.
func (c *call) callerFields(caller party.Caller) []webui.Field {
	w := c.words
	fields := []webui.Field{
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
			Name: "zone", Label: w.T("console.settings.zone"), Hint: w.T("console.settings.zone-hint"), Autocomplete: "off",
			Optional: true,
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
			Name: "wait", Label: w.T("console.settings.wait"), Hint: w.T("console.settings.wait-hint"), MayBeEmpty: true,
			Options: waitOptions(w, caller.Wait),
		},
		{
			Name: "approve-above", Label: w.T("console.settings.approve-above"),
			Hint: w.T("console.settings.approve-above-hint"), InputMode: "decimal", Autocomplete: "off", Optional: true,
		},
	}
	if c.mayInServer(party.MayChangeCaller) {
		fields = append(fields, webui.Field{
			Name: "guest-limit", Label: w.T("console.settings.guest-limit"), InputMode: "decimal", Autocomplete: "off",
			Optional: true,
		})
	}
	for _, t := range toggles {
		if !t.server || c.mayInServer(party.MayChangeCaller) {
			fields = append(fields, webui.Field{Name: t.name, Label: toggleWord(w, t.name), Type: "checkbox"})
		}
	}
	return fields
}

func (c *call) settingsForm(caller party.Caller) webui.Form {
	return webui.Form{Submit: c.words.T("console.hooks.save"), Fields: c.callerFields(caller)}
}

// showCaller puts the settings of a caller into the fields of a form.
func showCaller(fields []webui.Field, caller party.Caller) {
	values := map[string]string{
		"name": caller.Name, "descriptor": caller.Descriptor, "ipn-url": caller.IPNURL, "zone": caller.Zone.String(),
		"return-schemes": caller.ReturnSchemes, "warnings": caller.Warnings.String(),
		"guest-limit": limitValue(caller.GuestLimit), "approve-above": limitValue(caller.ApproveAbove),
	}
	if caller.Wait > 0 {
		values["wait"] = caller.Wait.String()
	}
	for _, t := range toggles {
		values[t.name] = checked(*t.of(&caller))
	}
	for i := range fields {
		fields[i].Value = values[fields[i].Name]
	}
}

func (s *Server) askSettings(c *call) error {
	f := c.settingsForm(c.caller)
	showCaller(f.Fields, c.caller)
	f.Hidden = holdfast.Params{{Name: "seen", Value: settingsDigest(c.caller)}}
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
	f := c.settingsForm(to)
	f.Hidden = holdfast.Params{{Name: "seen", Value: c.form.Get("seen")}}
	return readCaller(c, to, &f), f
}

// readCaller is readSettings for a form that has the fields of a caller.
func readCaller(c *call, to party.Caller, f *webui.Form) party.Caller {
	w := c.words
	f.Fill(c.form)
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
	if to.Zone, err = party.ParseZone(strings.TrimSpace(c.form.Get("zone"))); err != nil {
		f.SetError("zone", w.T("console.settings.wrong-zone"))
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
	if to.Wait, err = readWait(c.form.Get("wait")); err != nil {
		f.SetError("wait", w.T("console.settings.wrong-wait"))
	}
	for _, t := range toggles {
		if !t.server || c.mayInServer(party.MayChangeCaller) {
			*t.of(&to) = c.form.Get(t.name) != ""
		}
	}
	to.ApproveAbove = readLimit(c, f, "approve-above")
	if c.mayInServer(party.MayChangeCaller) {
		to.GuestLimit = readLimit(c, f, "guest-limit")
	}
	return to
}

// readWait reads the value of the field with waitOptions.
func readWait(value string) (d time.Duration, err error) {
	if value == "" {
		return 0, nil
	}
	if d, err = time.ParseDuration(value); err != nil {
		return 0, webui.NewBadForm("the wait is no time")
	}
	return d, payment.CheckWait(d)
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
	typed, f := readSettings(c, c.caller)
	if f.Failed() {
		return s.settingsPage(c, http.StatusUnprocessableEntity, f)
	}
	call, err := c.changesSettings(typed.ApproveAbove)
	if err != nil {
		return err
	}
	_, asked, err := s.Processor.ChangeSettings(c.r.Context(), c.caller.ID, call, func(
		now party.Caller,
	) (party.Caller, error) {
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
	if asked != nil {
		return c.did("console.done.limit-asked", c.link("approvals/"+url.PathEscape(string(asked.ID))))
	}
	return c.did("console.done.settings-changed", c.link("settings"))
}

// changesSettings is the call of the member that has sent the form of the settings. The
// same form with another limit, after a step back in the browser, is another call.
func (c *call) changesSettings(limit money.Amount) (*processor.Call, error) {
	key, err := c.once()
	if err != nil {
		return nil, err
	}
	by, err := processor.ByPerson(key+" "+limit.String(), "console limit", limit.String())
	if err == nil {
		by.Member = c.Party.ID
	}
	return by, err
}
