package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// webhookRoutes are the pages of a caller's webhook endpoints and of their
// deliveries.
func (s *Server) webhookRoutes() []route {
	page := func(method, path string, may party.Permission, show func(*call) error) route {
		return route{Method: method, Path: path, In: ofCaller, Permission: may, show: show}
	}
	list := page(get, "webhooks", party.MayRead, s.showEndpoints)
	list.Nav = "console.hooks.nav"
	const manage, one = party.MayManageWebhooks, "webhooks/{endpoint}/events/{position}"
	return []route{
		list,
		page(get, "webhooks/new", manage, s.askEndpoint),
		page(post, "webhooks/new", manage, s.addEndpoint),
		page(get, "webhooks/{endpoint}", party.MayRead, s.showEndpoint),
		page(get, "webhooks/{endpoint}/settings", manage, s.askEndpointSettings),
		page(post, "webhooks/{endpoint}/settings", manage, s.changeEndpoint),
		page(get, "webhooks/{endpoint}/secret", manage, s.askEndpointSecret),
		page(post, "webhooks/{endpoint}/secret", manage, s.rotateEndpointSecret),
		page(get, "webhooks/{endpoint}/remove", manage, s.askRemoveEndpoint),
		page(post, "webhooks/{endpoint}/remove", manage, s.removeEndpoint),
		page(get, "webhooks/{endpoint}/again", party.MayResend, s.askRedeliver),
		page(post, "webhooks/{endpoint}/again", party.MayResend, s.redeliver),
		page(get, "webhooks/{endpoint}/selected", party.MayResend, s.askRedeliverSome),
		page(post, "webhooks/{endpoint}/selected", party.MayResend, s.redeliverSome),
		page(get, one, party.MayRead, s.showDelivery),
		page(get, one+"/again", party.MayResend, s.askRedeliverOne),
		page(post, one+"/again", party.MayResend, s.redeliverOne),
	}
}

const deliveryRows = 50

func (s *Server) showEndpoints(c *call) error {
	var all []store.HookCount
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		endpoints, err := tx.Endpoints(c.caller.ID)
		if err != nil {
			return err
		}
		all, err = tx.CountHooks(endpoints)
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	t := &table{
		Caption: w.T("console.hooks.heading"), Empty: w.T("console.hooks.none"),
		Columns: []column{
			{Label: w.T("console.hooks.address")},
			{Label: w.T("console.hooks.state")},
			{Label: w.T("console.notices.waiting"), Shape: number},
			{Label: w.T("console.notices.failing"), Shape: number},
			{Label: w.T("console.notices.given-up"), Shape: number},
			{Label: w.T("console.hooks.types")},
			{Label: w.T("console.hooks.order")},
			{Label: w.T("console.hooks.endpoint-id"), Shape: code},
		},
	}
	for _, h := range all {
		e := h.Endpoint
		where := linked(withoutQuery(e.URL), c.endpointLink(e.ID, ""))
		where.Detail = e.Description
		t.Rows = append(t.Rows, tableRow{Tone: toneOf(h.ReceiverCount), Cells: []cell{
			where, state(endpointChip(w, e)), few(w, h.Waiting), few(w, h.Failing), few(w, h.GivenUp),
			text(typesOf(w, e)), text(orderWord(w, e)), text(string(e.ID)),
		}})
	}
	p := page{
		Heading: w.T("console.hooks.heading"), Lead: w.T("console.hooks.lead"), Blocks: []block{{Wide: true, Table: t}},
	}
	if c.may(party.MayManageWebhooks) {
		p.Links = []link{{Label: w.T("console.hooks.add"), Address: c.link("webhooks/new")}}
	}
	return s.render(c, p)
}

func (c *call) endpointLink(id payment.EndpointID, more string) string {
	return c.link("webhooks/" + url.PathEscape(string(id)) + more)
}

func (c *call) deliveryLink(d store.EventDelivery, more string) string {
	return c.endpointLink(d.Endpoint, "/events/"+strconv.FormatInt(d.Position, 10)+more)
}

// withoutQuery is an address without its query, which may be secret.
func withoutQuery(address string) string {
	before, _, _ := strings.Cut(address, "?")
	return before
}

func typesOf(w webui.Words, e payment.Endpoint) string {
	if len(e.Types) == 0 {
		return w.T("console.hooks.all-types")
	}
	return strings.Join(e.Types, " ")
}

func orderWord(w webui.Words, e payment.Endpoint) string {
	if e.Ordered {
		return w.T("console.hooks.in-order")
	}
	return w.T("console.hooks.any-order")
}

func endpointChip(w webui.Words, e payment.Endpoint) chip {
	switch e.Pause {
	case payment.NotPaused:
		return chip{w.T("console.hooks.sends"), good}
	case payment.PausedByWish:
		return chip{w.T("console.hooks.paused"), wait}
	case payment.PausedGone:
		return chip{w.T("console.hooks.gone"), wrong}
	case payment.PausedFailing:
	}
	return chip{w.T("console.hooks.failing"), wrong}
}

// endpointOf reads the endpoint that the path names. Another caller's is not there.
func (s *Server) endpointOf(c *call) (e payment.Endpoint, err error) {
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		var found bool
		e, found, err = tx.Endpoint(c.caller.ID, payment.EndpointID(c.r.PathValue("endpoint")))
		if err == nil && !found {
			err = errNotThere
		}
		return err
	})
	return e, err
}

func (c *call) upToEndpoint(e payment.Endpoint) link {
	return link{Label: c.words.T("console.hooks.endpoint"), Address: c.endpointLink(e.ID, "")}
}

// outcomes are the choices of the filter of deliveries.
var outcomes = []store.WebhookOutcome{store.WebhookWaiting, store.WebhookGivenUp, store.WebhookDelivered}

func outcomeWord(w webui.Words, o store.WebhookOutcome) string {
	switch o {
	case store.WebhookWaiting:
		return w.T("console.notices.waiting")
	case store.WebhookGivenUp:
		return w.T("console.notices.given-up")
	case store.WebhookDelivered:
	}
	return w.T("console.notices.delivered")
}

// readDeliveryFilter reads which deliveries to show.
func readDeliveryFilter(c *call) (f store.WebhookFilter, form webui.Form, err error) {
	w := c.words
	choices := []webui.Option{{Label: w.T("console.hooks.all")}}
	known := c.form.Get("outcome") == ""
	for _, o := range outcomes {
		choices = append(choices, webui.Option{Value: string(o), Label: outcomeWord(w, o)})
		known = known || c.form.Get("outcome") == string(o)
	}
	form = webui.Form{
		Action: c.r.URL.EscapedPath(), Get: true, Submit: w.T("console.show"), Fields: []webui.Field{
			{Name: "outcome", Label: w.T("console.hooks.deliveries"), Options: choices, MayBeEmpty: true},
		},
	}
	form.Fill(c.form)
	f.Outcome = store.WebhookOutcome(c.form.Get("outcome"))
	if before := c.form.Get("before"); before != "" {
		if f.Before, err = strconv.ParseInt(before, 10, 64); err != nil || f.Before < 1 {
			known = false
		}
	}
	if !known {
		return f, form, errNotThere
	}
	return f, form, nil
}

func (s *Server) showEndpoint(c *call) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	f, form, err := readDeliveryFilter(c)
	if err != nil {
		return err
	}
	var found []store.EventDelivery
	var next int64
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		found, next, err = tx.Webhooks(e, f, deliveryRows)
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	p := page{
		Heading: w.T("console.hooks.endpoint"), Chip: endpointChip(w, e), Lead: withoutQuery(e.URL), Filter: &form,
		Up: link{Label: w.T("console.hooks.heading"), Address: c.link("webhooks")},
		Blocks: []block{
			{Facts: endpointFacts(w, e)},
			{Heading: w.T("console.hooks.deliveries"), Wide: true, Table: deliveryTable(c, f, found, next)},
		},
	}
	if c.may(party.MayResend) {
		p.Links = append(p.Links, link{Label: w.T("console.hooks.again-all"), Address: c.endpointLink(e.ID, "/again")})
	}
	if c.may(party.MayManageWebhooks) {
		p.Links = append(p.Links,
			link{Label: w.T("console.hooks.settings"), Address: c.endpointLink(e.ID, "/settings")},
			link{Label: w.T("console.hooks.new-secret"), Address: c.endpointLink(e.ID, "/secret")},
			link{Label: w.T("console.hooks.remove"), Address: c.endpointLink(e.ID, "/remove"), Danger: true})
	}
	return s.render(c, p)
}

func endpointFacts(w webui.Words, e payment.Endpoint) []fact {
	return []fact{
		factOf(w.T("console.hooks.endpoint-id"), string(e.ID)), factOf(w.T("console.hooks.about"), e.Description),
		factOf(w.T("console.hooks.types"), typesOf(w, e)), factOf(w.T("console.hooks.order"), orderWord(w, e)),
		{w.T("console.notices.created"), moment(e.Created)},
	}
}

func deliveryTable(c *call, f store.WebhookFilter, found []store.EventDelivery, next int64) *table {
	w := c.words
	t := &table{
		Caption: w.T("console.hooks.deliveries"), Empty: w.T("console.hooks.no-deliveries"),
		Columns: []column{
			{Label: w.T("console.hooks.event")},
			{Label: w.T("console.hooks.object"), Shape: code},
			{Label: w.T("console.notices.state")},
			{Label: w.T("console.notices.tries"), Shape: number},
			{Label: w.T("console.hooks.tried")},
			{Label: w.T("console.notices.next")},
			{Label: w.T("console.notices.answer")},
		},
	}
	if c.may(party.MayResend) && len(found) > 0 {
		t.Pick = &pick{
			Action: c.endpointLink(found[0].Endpoint, "/selected"), Hidden: given("outcome", string(f.Outcome)),
			Submit: w.T("console.lists.again"),
		}
	}
	for _, d := range found {
		row := tableRow{Pick: string(d.Event.ID), Cells: []cell{
			linked(string(d.Event.Type), c.deliveryLink(d, "")), text(d.Event.ObjectID), state(deliveryChip(w, d)),
			text(strconv.Itoa(d.Tries)), momentOr(d.LastTry.At, ""),
			{},
			text(d.LastTry.Result),
		}}
		row.Cells[0].Of = string(d.Event.ID)
		if d.Outcome == store.WebhookWaiting {
			row.Cells[5] = moment(d.NextAt)
		}
		t.Rows = append(t.Rows, row)
	}
	if next > 0 {
		t.Older = c.same("before", strconv.FormatInt(next, 10))
		if len(found) < deliveryRows {
			t.Count = w.T("console.lists.read-part", "N", w.Count(store.DeliveriesReadMost))
		}
	}
	if f.Before > 0 {
		t.Newer = c.same("before", "")
	}
	return t
}

func deliveryChip(w webui.Words, d store.EventDelivery) chip {
	switch d.Outcome {
	case store.WebhookDelivered:
		return chip{outcomeWord(w, d.Outcome), good}
	case store.WebhookGivenUp:
		return chip{outcomeWord(w, d.Outcome), wrong}
	case store.WebhookWaiting:
	}
	if d.Tries > 0 {
		return chip{w.T("console.notices.failing"), wait}
	}
	return chip{outcomeWord(w, d.Outcome), busy}
}

// deliveryOf reads the delivery that the path names, with its endpoint.
func (s *Server) deliveryOf(c *call) (d store.EventDelivery, e payment.Endpoint, err error) {
	if e, err = s.endpointOf(c); err != nil {
		return d, e, err
	}
	position, wrong := strconv.ParseInt(c.r.PathValue("position"), 10, 64)
	if wrong != nil || position < 1 {
		return d, e, errNotThere
	}
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		found, _, err := tx.Webhooks(e, store.WebhookFilter{Before: position + 1}, 1)
		if err == nil && (len(found) == 0 || found[0].Position != position) {
			err = errNotThere
		}
		if err == nil {
			d = found[0]
		}
		return err
	})
	return d, e, err
}

func (s *Server) showDelivery(c *call) error {
	d, e, err := s.deliveryOf(c)
	if err != nil {
		return err
	}
	w := c.words
	p := page{
		Heading: string(d.Event.Type), Chip: deliveryChip(w, d), Up: c.upToEndpoint(e),
		Blocks: []block{
			{Facts: deliveryFacts(w, d)},
			{Heading: w.T("console.hooks.request"), Pre: string(d.Event.JSON())},
			{Heading: w.T("console.hooks.response"), Pre: d.LastTry.Answer},
		},
	}
	if d.LastTry.Answer == "" {
		p.Blocks = p.Blocks[:2]
	}
	if c.may(party.MayResend) {
		p.Links = []link{{Label: w.T("console.notices.again"), Address: c.deliveryLink(d, "/again")}}
	}
	return s.render(c, p)
}

func deliveryFacts(w webui.Words, d store.EventDelivery) []fact {
	facts := []fact{
		factOf(w.T("console.hooks.event-id"), string(d.Event.ID)), factOf(w.T("console.hooks.object"), d.Event.ObjectID),
		{w.T("console.notices.created"), moment(d.Created)},
		factOf(w.T("console.notices.tries"), strconv.Itoa(d.Tries)),
	}
	if d.Outcome == store.WebhookWaiting {
		facts = append(facts, fact{w.T("console.notices.next"), moment(d.NextAt)})
	}
	if !d.LastTry.At.IsZero() {
		facts = append(facts, fact{w.T("console.hooks.tried"), moment(d.LastTry.At)},
			factOf(w.T("console.notices.answer"), d.LastTry.Result), factOf(w.T("console.hooks.took"), d.LastTry.Took.String()))
	}
	return facts
}

func (s *Server) askRedeliverOne(c *call) error {
	d, _, err := s.deliveryOf(c)
	if err != nil {
		return err
	}
	w := c.words
	return s.confirm(c, http.StatusOK, confirmation{
		Heading: w.T("console.hooks.again-heading"), Lead: w.T("console.hooks.again-lead"), Chip: deliveryChip(w, d),
		Up: link{Label: string(d.Event.Type), Address: c.deliveryLink(d, "")}, Facts: deliveryFacts(w, d),
		Form: webui.Form{Submit: w.T("console.notices.again")},
	})
}

// redeliverOne makes a delivery due. A double click changes nothing more.
func (s *Server) redeliverOne(c *call) error {
	d, e, err := s.deliveryOf(c)
	if err != nil {
		return err
	}
	if _, err := s.Processor.Redeliver(c.r.Context(), c.caller, e.ID,
		processor.Redelivery{Events: []payment.EventID{d.Event.ID}}); err != nil {
		return gone(err)
	}
	return c.did("console.done.event-again", c.deliveryLink(d, ""))
}

// pickedEvents are the endpoint that the path names and the events that were selected.
func (s *Server) pickedEvents(c *call) (e payment.Endpoint, events []payment.EventID, err error) {
	if e, err = s.endpointOf(c); err != nil {
		return e, nil, err
	}
	ids, err := c.picked()
	for _, id := range ids {
		events = append(events, payment.EventID(id))
	}
	return e, events, err
}

func (s *Server) askRedeliverSome(c *call) error {
	e, events, err := s.pickedEvents(c)
	if err != nil {
		return err
	}
	up := c.upToEndpoint(e)
	if len(events) == 0 {
		return s.nonePicked(c, up)
	}
	w := c.words
	facts := append([]fact{factOf(w.T("console.hooks.address"), withoutQuery(e.URL))},
		c.pickedFacts(w.T("console.hooks.event-id"))...)
	return s.confirm(c, http.StatusOK, confirmation{
		Heading: w.N("console.lists.again-events", len(events)), Lead: w.T("console.hooks.again-lead"), Up: up,
		Facts: facts, Form: webui.Form{Submit: w.T("console.notices.again"), Hidden: c.picks()},
	})
}

// redeliverSome makes the selected deliveries due. A double click changes nothing more.
func (s *Server) redeliverSome(c *call) error {
	e, events, err := s.pickedEvents(c)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return errNotThere
	}
	if _, err := s.Processor.Redeliver(c.r.Context(), c.caller, e.ID, processor.Redelivery{Events: events}); err != nil {
		return gone(err)
	}
	return c.did("console.done.events-again", c.endpointLink(e.ID, ""))
}

func (s *Server) askRedeliver(c *call) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	w := c.words
	field := sinceField(w)
	field.Options = field.Options[1:] // not all events that there ever were
	return s.confirm(c, http.StatusOK, confirmation{
		Heading: w.T("console.hooks.again-all"), Lead: w.T("console.hooks.again-lead"), Up: c.upToEndpoint(e),
		Facts: endpointFacts(w, e), Note: w.T("console.hooks.again-note"),
		Form: webui.Form{Submit: w.T("console.hooks.again-all"), Fields: []webui.Field{field}},
	})
}

func (s *Server) redeliver(c *call) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	since, err := readSpan(c.form.Get("since"), c.real)
	if err != nil {
		return err
	}
	if since.IsZero() {
		return webui.NewBadForm("the time is missing")
	}
	if _, err := s.Processor.Redeliver(c.r.Context(), c.caller, e.ID, processor.Redelivery{Since: since}); err != nil {
		return gone(err)
	}
	return c.did("console.done.events-again", c.endpointLink(e.ID, ""))
}

// gone is a page's error for an endpoint or event that was removed meanwhile.
func gone(err error) error {
	if errors.Is(err, processor.ErrNoEndpoint) || errors.Is(err, processor.ErrNoEvent) {
		return errNotThere
	}
	return err
}
