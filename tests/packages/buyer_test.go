package packages

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// A buyer fills in the pages as a person with a browser does.
type buyer struct {
	t      *testing.T
	client http.Client
	typed  map[string]string // values by the name of their field
	stopAt string            // requests to this address are not sent; left keeps the address
	left   string
	at     *url.URL
	page   string
}

func newBuyer(t *testing.T, email, password string) *buyer {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &buyer{t: t, typed: map[string]string{
		"email": email, "password": password,
		"number": "4242 4242 4242 4242", "expiry": "12 / 30", "code": "123", "holder": "Ann Buyer",
		"country": "US", "addressName": "Ann Buyer", "addressLine1": "1 Main Street",
		"city": "Springfield", "state": "OR", "zip": "97477",
	}}
	b.client.Jar = jar
	b.client.CheckRedirect = func(next *http.Request, _ []*http.Request) error {
		if b.stopAt != "" && strings.HasPrefix(next.URL.String(), b.stopAt) {
			b.left = next.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}
	return b
}

func (b *buyer) open(address string) {
	b.t.Helper()
	response, err := b.client.Get(address)
	b.arrive(response, err)
}

// submit sends a form of the page, with what the buyer types into it.
func (b *buyer) submit(f holdfasttest.Form) {
	b.t.Helper()
	action, err := b.at.Parse(f.Action)
	if err != nil {
		b.t.Fatal(err)
	}
	fields := url.Values{}
	for _, field := range f.Fields {
		if typed, ok := b.typed[field.Name]; ok {
			field.Value = typed
		}
		fields.Add(field.Name, field.Value)
	}
	response, err := b.client.PostForm(action.String(), fields)
	b.arrive(response, err)
}

func (b *buyer) arrive(response *http.Response, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("after %v: %v", b.at, err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	b.at, b.page = response.Request.URL, string(page)
	if b.left == "" && (err != nil || response.StatusCode != http.StatusOK) {
		b.t.Fatalf("%s answers %s (%v):\n%s", b.at.Path, response.Status, err, page)
	}
}

// submitTo sends the form whose action has a prefix.
func (b *buyer) submitTo(action string) {
	b.t.Helper()
	forms := holdfasttest.Forms(b.page)
	at := slices.IndexFunc(forms, func(f holdfasttest.Form) bool { return strings.HasPrefix(f.Action, action) })
	if at < 0 {
		b.t.Fatalf("%s has no form to %s:\n%s", b.at.Path, action, b.page)
	}
	b.submit(forms[at])
}

// pay goes through the Co-Branded pages to the return URL.
func (b *buyer) pay() {
	b.t.Helper()
	const pagesMax = 8 // more than the pages of any pipeline
	for range pagesMax {
		if b.left != "" || !strings.HasPrefix(b.at.Path, "/cobranded-ui/") {
			return
		}
		forms := holdfasttest.Forms(b.page)
		if len(forms) == 0 {
			b.t.Fatalf("%s has no form that continues:\n%s", b.at.Path, b.page)
		}
		signIn := slices.IndexFunc(forms, func(f holdfasttest.Form) bool {
			return slices.ContainsFunc(f.Fields, func(p holdfast.Param) bool { return p.Name == "password" })
		})
		b.submit(forms[max(signIn, 0)])
	}
	b.t.Fatalf("the pages do not end; the last is %s:\n%s", b.at.Path, b.page)
}
