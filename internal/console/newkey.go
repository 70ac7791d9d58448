package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// newKeyForm is the form for a key of one kind, with the scopes that the visitor may
// grant.
func (c *call) newKeyForm(kind party.KeyKind) webui.Form {
	w := c.words
	f := webui.Form{
		Submit: w.T("console.keys.make"), Hidden: holdfast.Params{{Name: "kind", Value: string(kind)}},
		Fields: []webui.Field{{
			Name: "name", Label: w.T("console.keys.name"), Hint: w.T("console.keys.name-hint"), Autocomplete: "off",
		}},
	}
	if kind == party.KindJSON {
		for _, scope := range c.grantable() {
			f.Fields = append(f.Fields, webui.Field{
				Name: "scope-" + string(scope), Type: "checkbox", Label: scopeWord(w, scope),
			})
		}
		f.Fields = append(f.Fields,
			webui.Field{
				Name: "hold-limit", Label: w.T("console.keys.hold-limit"), InputMode: "decimal", Autocomplete: "off",
				Optional: true,
				Half:     true,
			},
			webui.Field{
				Name: "day-limit", Label: w.T("console.keys.day-limit"), InputMode: "decimal", Autocomplete: "off", Optional: true,
				Half: true,
			})
	}
	f.Fields = append(f.Fields, webui.Field{
		Name: "days", Label: w.T("console.keys.days"), InputMode: "numeric", Autocomplete: "off", Optional: true,
	})
	return f
}

// grantable are the scopes that the visitor may give to a key.
func (c *call) grantable() []party.Scope {
	return slices.DeleteFunc(slices.Clone(party.AllScopes), func(s party.Scope) bool { return !c.mayGrant(s) })
}

func scopeWord(w webui.Words, s party.Scope) string {
	switch s {
	case party.ScopeRead:
		return w.T("console.keys.scope-read")
	case party.ScopeHold:
		return w.T("console.keys.scope-hold")
	case party.ScopeSettle:
		return w.T("console.keys.scope-settle")
	case party.ScopeRefund:
		return w.T("console.keys.scope-refund")
	case party.ScopeManage:
	}
	return w.T("console.keys.scope-manage")
}

// keyKind reads the kind of a new key. An access key may do everything that FPS has.
func (c *call) keyKind() (party.KeyKind, error) {
	switch kind := party.KeyKind(c.form.Get("kind")); kind {
	case party.KindAccess:
		if !c.mayGrant(party.AllScopes...) {
			return "", errForbidden
		}
		return kind, nil
	case party.KindJSON:
		return kind, nil
	case "":
		return party.KindJSON, nil
	}
	return "", errNotThere
}

func (s *Server) askNewKey(c *call) error {
	kind, err := c.keyKind()
	if err != nil {
		return err
	}
	f := c.newKeyForm(kind)
	for i := range f.Fields {
		if name := f.Fields[i].Name; name == "scope-read" || name == "scope-hold" || name == "scope-settle" {
			f.Fields[i].Value = "yes"
		}
	}
	return s.newKeyPage(c, http.StatusOK, kind, f)
}

func (s *Server) newKeyPage(c *call, status int, kind party.KeyKind, f webui.Form) error {
	w := c.words
	v := confirmation{
		Heading: w.T("console.keys.add-json"), Lead: w.T("console.keys.add-json-lead"), Up: c.upToKeys(), Form: f,
	}
	if kind == party.KindAccess {
		v.Heading, v.Lead = w.T("console.keys.add-access"), w.T("console.keys.add-access-lead")
	}
	return s.confirm(c, status, v)
}

func (c *call) upToKeys() link {
	return link{Label: c.words.T("console.keys.heading"), Address: c.link("keys")}
}

// readNewKey reads the form for a new key, with the errors of what was typed.
func readNewKey(c *call, kind party.KeyKind) (n processor.NewKey, f webui.Form) {
	w := c.words
	f = c.newKeyForm(kind)
	f.Fill(c.form)
	n.Name = c.form.Get("name")
	if !party.ValidName(n.Name) {
		f.SetError("name", w.T("console.keys.wrong-name", "Most", party.NameMax))
	}
	if kind == party.KindJSON {
		var names []string
		for _, scope := range c.grantable() {
			if c.form.Get("scope-"+string(scope)) != "" {
				names = append(names, string(scope))
			}
		}
		var err error
		if n.Scopes, err = party.ParseScopes(names); err != nil {
			f.Problem = w.T("console.keys.no-scope")
		}
		for name, to := range map[string]*money.Amount{"hold-limit": &n.HoldLimit, "day-limit": &n.DayLimit} {
			typed := strings.TrimSpace(c.form.Get(name))
			if typed == "" {
				continue
			}
			var ok bool
			if *to, ok = readAmount(typed); !ok {
				f.SetError(name, w.T("console.not-an-amount"))
			}
		}
	}
	if typed := strings.TrimSpace(c.form.Get("days")); typed != "" {
		days, err := strconv.Atoi(typed)
		if err != nil || days < 1 || days > keyDaysMax {
			f.SetError("days", w.T("console.keys.wrong-days", "Most", keyDaysMax))
		}
		n.Life = time.Duration(days) * 24 * time.Hour
	}
	return n, f
}

const keyDaysMax = 3650

func (s *Server) addKey(c *call) error {
	kind, err := c.keyKind()
	if err != nil {
		return err
	}
	once, err := c.once()
	if err != nil {
		return err
	}
	n, f := readNewKey(c, kind)
	if f.Failed() {
		return s.newKeyPage(c, http.StatusUnprocessableEntity, kind, f)
	}
	n.Once = once
	var made keyView
	var secret string
	if kind == party.KindAccess {
		var key party.AccessKey
		key, err = s.Processor.AddAccessKey(c.r.Context(), c.caller.ID,
			processor.NewAccessKey{Name: n.Name, Life: n.Life, Once: once})
		made, secret = viewAccessKey(key, c.real), string(key.Secret.Reveal())
	} else {
		var key party.JSONKey
		key, secret, err = s.Processor.AddKey(c.r.Context(), c.caller.ID, n)
		made = viewJSONKey(key, c.real)
	}
	if errors.Is(err, processor.ErrRepeated) {
		f.Problem = c.words.T("console.keys.repeated")
		return s.newKeyPage(c, http.StatusConflict, kind, f)
	}
	if err != nil {
		return err
	}
	return s.showNewKey(c, made, secret, "")
}
