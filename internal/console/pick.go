package console

import (
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A pick lets a member select rows of a table. Its form leads to a page that asks
// before it acts on the selected rows. It is a link with parameters, so it works
// without scripts.
type pick struct {
	Action string
	Hidden holdfast.Params
	Submit string
}

// pickPrefix is what the names of the checkboxes begin with. Each row has a name of its
// own, because a form has no parameter twice.
const pickPrefix = "pick-"

// PickName is the name of the row's checkbox.
func (r tableRow) PickName() string { return pickPrefix + r.Pick }

// picks are the parameters of the rows that were selected.
func (c *call) picks() (all holdfast.Params) {
	for _, p := range c.form {
		if strings.HasPrefix(p.Name, pickPrefix) && p.Value != "" {
			all = append(all, p)
		}
	}
	return all
}

// picked are the ids of the rows that were selected, at most as many as one request may
// name.
func (c *call) picked() (ids []string, err error) {
	for _, p := range c.picks() {
		ids = append(ids, strings.TrimPrefix(p.Name, pickPrefix))
	}
	if len(ids) > processor.NoticesAgainMost {
		return nil, webui.NewBadForm("too many rows are selected")
	}
	return ids, nil
}

// pickedFacts name each row that was selected.
func (c *call) pickedFacts(label string) (facts []fact) {
	for _, p := range c.picks() {
		facts = append(facts, factOf(label, strings.TrimPrefix(p.Name, pickPrefix)))
	}
	return facts
}

// nonePicked is the page after a click without a selection.
func (s *Server) nonePicked(c *call, up link) error {
	return s.render(c, page{
		Heading: c.words.T("console.lists.none-picked"), Lead: c.words.T("console.lists.pick-some"), Up: up,
		Links: []link{{Label: c.words.T("console.back"), Address: up.Address}},
	})
}
