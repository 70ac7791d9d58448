package packages

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// A buyer fills in the pages as a person with a browser does.
type buyer struct {
	*holdfasttest.Browser
	t     *testing.T
	typed map[string]string // values by the name of their field
}

func newBuyer(t *testing.T, email, password string) *buyer {
	t.Helper()
	return &buyer{holdfasttest.NewBrowser(t), t, map[string]string{
		"email": email, "password": password,
		"number": "4242 4242 4242 4242", "expiry": "12 / 30", "code": "123", "holder": "Ann Buyer",
		"country": "US", "addressName": "Ann Buyer", "addressLine1": "1 Main Street",
		"city": "Springfield", "state": "OR", "zip": "97477",
	}}
}

// submit sends a form of the page, with what the buyer types into it.
func (b *buyer) submit(f holdfasttest.Form) {
	b.t.Helper()
	fields := url.Values{}
	for _, field := range f.Fields {
		if typed, ok := b.typed[field.Name]; ok {
			field.Value = typed
		}
		fields.Add(field.Name, field.Value)
	}
	b.Post(f.Action, fields)
}

// submitTo sends the form whose action has a prefix.
func (b *buyer) submitTo(action string) {
	b.t.Helper()
	forms := holdfasttest.Forms(b.Page)
	at := slices.IndexFunc(forms, func(f holdfasttest.Form) bool { return strings.HasPrefix(f.Action, action) })
	if at < 0 {
		b.t.Fatalf("%s has no form to %s:\n%s", b.At.Path, action, b.Page)
	}
	b.submit(forms[at])
}

// pay goes through the Co-Branded pages to the return URL.
func (b *buyer) pay() {
	b.t.Helper()
	const pagesMax = 8 // more than the pages of any pipeline
	for range pagesMax {
		if b.Left != "" || !strings.HasPrefix(b.At.Path, "/cobranded-ui/") {
			return
		}
		forms := holdfasttest.Forms(b.Page)
		if len(forms) == 0 {
			b.t.Fatalf("%s has no form that continues:\n%s", b.At.Path, b.Page)
		}
		signIn := slices.IndexFunc(forms, func(f holdfasttest.Form) bool {
			return slices.ContainsFunc(f.Fields, func(p holdfast.Param) bool { return p.Name == "password" })
		})
		b.submit(forms[max(signIn, 0)])
	}
	b.t.Fatalf("the pages do not end; the last is %s:\n%s", b.At.Path, b.Page)
}
