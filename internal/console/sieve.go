package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// The filter of a page is in the address of the page, so that a colleague can open the
// same list. An address stays in the browser's history and in logs of proxies. So the
// form of a filter is sent by POST, and leads to an address without any value that looks
// like a card number or a secret.

// sieved are the pages whose filter has a field that people type into. The search and the
// search for parties have routes of their own.
var sieved = []string{
	"audit", "reconciliation", "reports", "reports/days/{day}", "reports/ledger", "reports/statement", "risk",
}

// sieves are the routes of the filters.
func sieves(routes []route) (all []route) {
	for _, r := range routes {
		if r.Method == get && slices.Contains(sieved, r.Path) {
			r.Method, r.Nav, r.show = post, "", sift
			all = append(all, r)
		}
	}
	return all
}

// refusedField is the parameter with the name of the field whose value was left out.
const refusedField = "refused"

// sift leads to the page with the values of its filter.
func sift(c *call) error {
	var kept holdfast.Params
	for _, p := range c.form {
		if p.Value = strings.TrimSpace(p.Value); p.Value == "" || p.Name == refusedField {
			continue
		}
		if unfit(p.Value) {
			p = holdfast.Param{Name: refusedField, Value: p.Name}
		}
		kept = append(kept, p)
	}
	if unfit(kept.Get(refusedField)) { // somebody has put it into a name
		return webui.NewBadForm("a parameter has a wrong name")
	}
	return c.redirect(address(strings.TrimPrefix(c.r.URL.EscapedPath(), Root), kept))
}

// unfit reports whether a text must not get into an address.
func unfit(text string) bool {
	if q, err := payment.ParseQuery(text); err == nil && (q.Transaction != "" || q.Token != "") {
		return false // long ids have digits by chance
	}
	return party.LooksLikeSecret(text)
}

// sieveOf makes the filter of a page ready to be shown. If a value must not be in the
// address, clean is the address of the same page without it.
func (c *call) sieveOf(p *page) (clean string) {
	f := p.Filter
	if f == nil || !f.Get {
		return ""
	}
	for _, field := range f.Fields {
		if len(field.Options) > 0 {
			continue
		}
		f.Get = false
		if c.r.Method == http.MethodGet && unfit(c.form.Get(field.Name)) {
			return c.same(field.Name, "", refusedField, field.Name)
		}
		if field.Name == c.form.Get(refusedField) {
			f.Clear(field.Name)
			f.SetError(field.Name, c.words.T("console.refused"))
			p.Status = http.StatusUnprocessableEntity
		}
	}
	return ""
}
