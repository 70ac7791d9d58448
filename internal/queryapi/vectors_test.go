package queryapi_test

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// The requests in docs/api/signing.md are accepted, and their signatures fit no
// other request.
func TestPublishedRequests(t *testing.T) {
	w := newWorld(t)
	n := 0
	for _, v := range holdfasttest.PublishedVectors(t).Vectors {
		if v.Kind != "request" {
			continue
		}
		n++
		for _, row := range []struct {
			sent string
			good bool
		}{
			{v.Sent, true}, {strings.Replace(v.Sent, "Version=20", "Version=30", 1), false},
		} {
			var r *http.Request
			if v.Verb == http.MethodGet {
				r = httptest.NewRequest(v.Verb, row.sent, nil)
			} else {
				r = httptest.NewRequest(v.Verb, v.Address, strings.NewReader(row.sent))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			answer := httptest.NewRecorder()
			w.handler.ServeHTTP(answer, r)
			// The objects that the requests name do not exist here.
			good := strings.Contains(answer.Body.String(), "<Code>InvalidT")
			if good != row.good || !good && answer.Code != http.StatusForbidden {
				t.Errorf("%s: %d %s", v.Name, answer.Code, answer.Body)
			}
		}
	}
	if n < 3 {
		t.Errorf("there are %d requests", n)
	}
}

// VerifySignature accepts the messages in docs/api/signing.md.
func TestPublishedMessages(t *testing.T) {
	w, all := newWorld(t), holdfasttest.PublishedVectors(t)
	w.server.Certificates = func() []*x509.Certificate { return all.Certificates(t) }
	w.server.OwnCertificate = func(url string) bool { return url == "https://pay.example.com/certs/112326/PKICert.pem" }
	n := 0
	for _, v := range all.Vectors {
		if v.SignatureMethod != string(holdfast.RSASHA1) {
			continue
		}
		n++
		raw := strings.TrimPrefix(v.Sent, v.Address+"?")
		for parameters, status := range map[string]string{raw: "Success", raw + "&x=1": "Failure"} {
			answer := w.send(http.MethodGet, "/", holdfast.Params{
				{Name: "Action", Value: "VerifySignature"},
				{Name: "UrlEndPoint", Value: v.Address},
				{Name: "HttpParameters", Value: parameters},
			})
			if !strings.Contains(answer, "<VerificationStatus>"+status+"<") {
				t.Errorf("%s: %s, want %s", v.Name, answer, status)
			}
		}
	}
	if n < 3 {
		t.Errorf("there are %d messages", n)
	}
}
