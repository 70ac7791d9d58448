package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// endpointForm is the form with the settings of an endpoint.
func endpointForm(w webui.Words) webui.Form {
	return webui.Form{Fields: []webui.Field{
		{
			Name: "url", Label: w.T("console.hooks.address"), Type: "url", Autocomplete: "off",
			Hint: w.T("console.hooks.address-hint"),
		},
		{Name: "description", Label: w.T("console.hooks.about"), Autocomplete: "off", Optional: true},
		{
			Name: "types", Label: w.T("console.hooks.types"), Hint: w.T("console.hooks.types-hint"), Autocomplete: "off",
			Optional: true,
		},
		{Name: "ordered", Label: w.T("console.hooks.ordered"), Type: "checkbox"},
	}}
}

func (c *call) typesGiven() []string {
	return strings.FieldsFunc(c.form.Get("types"), func(r rune) bool { return r == ' ' || r == ',' })
}

func (s *Server) askEndpoint(c *call) error {
	return s.newEndpointPage(c, http.StatusOK, endpointForm(c.words))
}

func (s *Server) newEndpointPage(c *call, status int, f webui.Form) error {
	w := c.words
	f.Submit = w.T("console.hooks.add")
	return s.confirm(c, status, confirmation{
		Heading: w.T("console.hooks.add"), Lead: w.T("console.hooks.add-lead"),
		Up: link{Label: w.T("console.hooks.heading"), Address: c.link("webhooks")}, Form: f,
	})
}

func (s *Server) addEndpoint(c *call) error {
	once, err := c.once()
	if err != nil {
		return err
	}
	e, secret, err := s.Processor.CreateEndpoint(c.r.Context(), c.caller, processor.NewEndpoint{
		URL: c.form.Get("url"), Description: c.form.Get("description"), Types: c.typesGiven(),
		Ordered: c.form.Get("ordered") != "", Once: once,
	})
	if f, refused := c.refusedEndpoint(err); refused {
		return s.newEndpointPage(c, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	return s.showEndpointSecret(c, e, secret)
}

// refusedEndpoint returns the form again if the processor refuses its settings.
func (c *call) refusedEndpoint(err error) (f webui.Form, refused bool) {
	why, coded := errors.AsType[*holdfast.Error](err)
	f = endpointForm(c.words)
	f.Fill(c.form)
	switch {
	case errors.Is(err, processor.ErrRepeated):
		f.Problem = c.words.T("console.hooks.repeated")
	case coded && why.Code == holdfast.InvalidParams:
		f.Problem = c.words.T("console.hooks.refused", "Why", why.Message)
	default:
		return f, false
	}
	return f, true
}

// showEndpointSecret shows a secret, which is shown only here.
func (s *Server) showEndpointSecret(c *call, e payment.Endpoint, secret holdfast.SecretKey) error {
	w := c.words
	return s.render(c, page{
		Heading: w.T("console.hooks.endpoint"), Lead: withoutQuery(e.URL), Up: c.upToEndpoint(e),
		Alert: w.T("console.keys.once"),
		Blocks: []block{{
			Heading: w.T("console.hooks.secret"), Pre: string(secret.Reveal()),
			Links: []link{{Label: w.T("console.back"), Address: c.endpointLink(e.ID, "")}},
		}},
	})
}

func (s *Server) askEndpointSettings(c *call) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	f := settingsForm(c.words)
	for i := range f.Fields {
		to := &f.Fields[i].Value
		switch f.Fields[i].Name {
		case "url":
			*to = e.URL
		case "description":
			*to = e.Description
		case "types":
			*to = strings.Join(e.Types, " ")
		case "ordered":
			*to = checked(e.Ordered)
		case "paused":
			*to = checked(e.Pause != payment.NotPaused)
		}
	}
	return s.endpointSettingsPage(c, http.StatusOK, e, f)
}

// settingsForm is the form of an endpoint that there is, which can be paused.
func settingsForm(w webui.Words) webui.Form {
	f := endpointForm(w)
	f.Fields = append(f.Fields, webui.Field{Name: "paused", Label: w.T("console.hooks.pause"), Type: "checkbox"})
	return f
}

// checked is the value of a checkbox.
func checked(on bool) string {
	if on {
		return "yes"
	}
	return ""
}

func (s *Server) endpointSettingsPage(c *call, status int, e payment.Endpoint, f webui.Form) error {
	w := c.words
	f.Submit = w.T("console.hooks.save")
	return s.confirm(c, status, confirmation{
		Heading: w.T("console.hooks.settings"), Lead: w.T("console.hooks.settings-lead"), Up: c.upToEndpoint(e),
		Chip: endpointChip(w, e), Form: f,
	})
}

func (s *Server) changeEndpoint(c *call) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	address, description, types := c.form.Get("url"), c.form.Get("description"), c.typesGiven()
	ordered, paused := c.form.Get("ordered") != "", c.form.Get("paused") != ""
	change := processor.EndpointChange{URL: &address, Description: &description, Types: &types, Ordered: &ordered}
	if paused != (e.Pause != payment.NotPaused) {
		change.Paused = &paused
	}
	_, err = s.Processor.UpdateEndpoint(c.r.Context(), c.caller, e.ID, change)
	if f, refused := c.refusedEndpoint(err); refused {
		again := settingsForm(c.words)
		again.Fill(c.form)
		again.Problem = f.Problem
		return s.endpointSettingsPage(c, http.StatusUnprocessableEntity, e, again)
	}
	if err != nil {
		return gone(err)
	}
	return c.did("console.done.endpoint-changed", c.endpointLink(e.ID, ""))
}

func (s *Server) askEndpointSecret(c *call) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	return s.secretPage(c, http.StatusOK, e, "")
}

func (s *Server) secretPage(c *call, status int, e payment.Endpoint, problem string) error {
	w := c.words
	field := overlapField(w)
	field.Label, field.Hint = w.T("console.hooks.overlap"), w.T("console.hooks.overlap-hint")
	return s.confirm(c, status, confirmation{
		Heading: w.T("console.hooks.new-secret"), Lead: w.T("console.hooks.new-secret-lead"), Up: c.upToEndpoint(e),
		Facts: endpointFacts(w, e), Problem: problem,
		Form: webui.Form{Submit: w.T("console.hooks.new-secret"), Fields: []webui.Field{field}},
	})
}

func (s *Server) rotateEndpointSecret(c *call) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	overlap, err := c.overlap()
	if err != nil {
		return err
	}
	once, err := c.once()
	if err != nil {
		return err
	}
	after, secret, err := s.Processor.RotateEndpointSecret(c.r.Context(), c.caller, e.ID, overlap, once)
	if errors.Is(err, store.ErrFormUsed) {
		return s.secretPage(c, http.StatusConflict, e, c.words.T("console.hooks.secret-repeated"))
	}
	if why, ok := errors.AsType[*holdfast.Error](err); ok && why.Code == holdfast.InvalidParams {
		return s.secretPage(c, http.StatusConflict, e, c.words.T("console.hooks.refused", "Why", why.Message))
	}
	if err != nil {
		return gone(err)
	}
	return s.showEndpointSecret(c, after, secret)
}

func (s *Server) askRemoveEndpoint(c *call) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	w := c.words
	return s.confirm(c, http.StatusOK, confirmation{
		Heading: w.T("console.hooks.remove"), Lead: w.T("console.hooks.remove-lead"), Up: c.upToEndpoint(e),
		Chip: endpointChip(w, e), Facts: endpointFacts(w, e), Note: w.T("console.hooks.remove-note"),
		Form: webui.Form{Submit: w.T("console.hooks.remove")}, Danger: true,
	})
}

// removeEndpoint removes an endpoint. It is the same for one that was removed
// already.
func (s *Server) removeEndpoint(c *call) error {
	err := s.Processor.RemoveEndpoint(c.r.Context(), c.caller, payment.EndpointID(c.r.PathValue("endpoint")))
	if err != nil {
		return gone(err)
	}
	return c.did("console.done.endpoint-removed", c.link("webhooks"))
}
