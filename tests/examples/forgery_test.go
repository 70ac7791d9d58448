package examples

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
)

// A message is a return URL (GET) or a notification (POST).
type message struct {
	verb, path string
	raw        string // the query or the body
	params     holdfast.Params
}

// A forgery is a message that no program may accept.
type forgery struct {
	name string
	message
}

// A thief has a key, a certificate, and a server for the certificate. No
// program may fetch it.
type thief struct {
	key *rsa.PrivateKey
	url string
}

func newThief(t *testing.T) *thief {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "thief"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the program fetches the thief's certificate, %s", r.URL)
		if err := pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return &thief{key: key, url: server.URL}
}

// forgeries makes forged messages from a genuine one.
func (th *thief) forgeries(t *testing.T, d *demo, public string, genuine message) (all []forgery) {
	t.Helper()
	add := func(name string, p holdfast.Params) {
		m := genuine
		m.params, m.raw = p, p.Encode()
		all = append(all, forgery{name, m})
	}
	for i, param := range genuine.params {
		changed := slices.Clone(genuine.params)
		changed[i].Value = "x" + param.Value
		add("with another "+param.Name, changed)
	}
	for _, name := range []string{"status", "signature", "callerId", "callerReference", "certificateUrl"} {
		add("without "+name, genuine.params.Without(name))
	}
	for _, name := range []string{"status", "signature", "Signature", "anything"} {
		add("with one more "+name, append(holdfast.Params{{Name: name, Value: "SC"}}, genuine.params...))
	}
	add("with nothing", nil)
	if genuine.verb == http.MethodPost {
		line := genuine
		line.raw = strings.Replace(genuine.raw, "&", "\nstatusCode=Success&", 1)
		all = append(all, forgery{"with a line break", line})
	}
	kind := genuine // the message, sent as the other kind
	kind.verb, kind.path = http.MethodPost, "/ipn"
	if genuine.verb == http.MethodPost {
		kind.verb, kind.path = http.MethodGet, "/return"
	}
	all = append(all, forgery{"as the other kind", kind})

	for _, address := range []string{
		th.url + "/certs/1/PKICert.pem",
		strings.TrimSuffix(d.way.endpoint, "/") + "@" + strings.TrimPrefix(th.url, "http://") + "/certs/1/PKICert.pem",
		d.way.endpoint + "certs/../inbox/PKICert.pem",
		d.way.endpoint + "inbox/1/PKICert.pem",
		d.way.endpoint + "certs/_/PKICert.pem",
		d.way.endpoint + "certs/\u00e9/PKICert.pem",
	} {
		add("by the certificate "+address, th.sign(t, genuine.verb, public+genuine.path, genuine.params, address))
	}
	genuineURL := genuine.params.Get("certificateUrl")
	genuineURL, _, _ = strings.Cut(genuineURL, "?")
	for _, query := range []string{"", "?" + uncached, "?x=%20&" + uncached} {
		add("by the thief's key"+query, th.sign(t, genuine.verb, public+genuine.path, genuine.params, genuineURL+query))
	}
	return all
}

// strange makes forged messages with certificates that the way answers wrongly.
func (th *thief) strange(t *testing.T, d *demo, public string, genuine message) (all []forgery) {
	t.Helper()
	d.way.redirect.Store(&th.url)
	for _, path := range []string{redirectedPath, brokenPath} {
		address := strings.TrimSuffix(d.way.endpoint, "/") + path
		m := genuine
		m.params = th.sign(t, genuine.verb, public+genuine.path, genuine.params, address)
		m.raw = m.params.Encode()
		all = append(all, forgery{"by the certificate " + path, m})
	}
	return all
}

// sign signs a message with the thief's key.
func (th *thief) sign(t *testing.T, verb, address string, p holdfast.Params, certificateURL string) holdfast.Params {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p = slices.Clone(p.Without("signature"))
	for i := range p {
		if p[i].Name == "certificateUrl" {
			p[i].Value = certificateURL
		}
	}
	signature, err := holdfast.SignRSA(th.key, holdfast.StringToSign(verb, holdfast.SignedHost(u), u.EscapedPath(), p))
	if err != nil {
		t.Fatal(err)
	}
	return append(p, holdfast.Param{Name: "signature", Value: signature})
}
