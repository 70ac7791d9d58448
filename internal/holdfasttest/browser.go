package holdfasttest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// A Browser opens pages and posts forms as a browser without JavaScript does. It
// keeps cookies and follows redirects. Any answer except 200 fails the test.
type Browser struct {
	Client http.Client
	At     *url.URL // the address of the page
	Page   string

	// StopAt is the prefix of addresses that are not requested. Left keeps such an
	// address when a redirect leads to it.
	StopAt string
	Left   string

	t testing.TB
}

// NewBrowser returns a browser without cookies.
func NewBrowser(t testing.TB) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &Browser{t: t}
	b.Client.Jar = jar
	b.Client.CheckRedirect = func(next *http.Request, _ []*http.Request) error {
		if b.StopAt != "" && strings.HasPrefix(next.URL.String(), b.StopAt) {
			b.Left = next.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}
	return b
}

// Open requests an address.
func (b *Browser) Open(address string) {
	b.t.Helper()
	response, err := b.Client.Get(address)
	b.arrive(response, err)
}

// Post sends the fields of a form to its action, which may be relative to the
// page.
func (b *Browser) Post(action string, fields url.Values) {
	b.t.Helper()
	address, err := b.At.Parse(action)
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := b.Client.PostForm(address.String(), fields)
	b.arrive(response, err)
}

func (b *Browser) arrive(response *http.Response, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("after %v: %v", b.At, err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	b.At, b.Page = response.Request.URL, string(page)
	if b.Left == "" && (err != nil || response.StatusCode != http.StatusOK) {
		b.t.Fatalf("%s answers %s (%v):\n%s", b.At.Path, response.Status, err, page)
	}
}
