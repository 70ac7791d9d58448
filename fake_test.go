package holdfast_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
)

const (
	testAccessKey = "FPSTESTACCESSKEY0001"
	testCaller    = "CSHOP"
	testToken     = "Q5TESTTOKEN0000000000000000000000000000000000000000000000000SU01"
	testID        = "14TESTTXN00000000000000000000000P01"
	certURL       = "https://fps.example.test/certs/112326/PKICert.pem"
)

var testNow = time.Date(2026, 11, 23, 10, 15, 30, 44_000_000, time.UTC)

// testKey is the fake server's key.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

var testCertDER = sync.OnceValue(func() []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fps.example.test"},
		NotBefore: testNow, NotAfter: testNow.AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, testKey().Public(), testKey())
	if err != nil {
		panic(err)
	}
	return der
})

func testCert(t testing.TB) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(testCertDER())
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func testCertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: testCertDER()})
}

// signMessage signs parameters as the server does. It adds testCaller unless
// they name a caller.
func signMessage(verb, endpoint string, p holdfast.Params) string {
	if _, named := p.Lookup(holdfast.CallerField); !named {
		p = append(p[:len(p):len(p)], holdfast.Param{Name: holdfast.CallerField, Value: testCaller})
	}
	return signUnnamed(verb, endpoint, p)
}

// signUnnamed signs parameters without adding a caller.
func signUnnamed(verb, endpoint string, p holdfast.Params) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		panic(err)
	}
	p = append(
		p,
		holdfast.Param{Name: "signatureVersion", Value: "2"},
		holdfast.Param{Name: "signatureMethod", Value: "RSA-SHA1"},
		holdfast.Param{Name: "certificateUrl", Value: certURL},
	)
	signature, err := holdfast.SignRSA(testKey(), holdfast.StringToSign(verb, holdfast.SignedHost(u), u.EscapedPath(), p))
	if err != nil {
		panic(err)
	}
	return append(p, holdfast.Param{Name: "signature", Value: signature}).Encode()
}

// A fakeServer answers with the given handlers in turn, and then always with
// the last one. It records all requests.
type fakeServer struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []asked
	pauses []time.Duration
}

type asked struct {
	verb, uri, host, contentType, body string
}

func newFakeServer(t *testing.T, answers ...http.HandlerFunc) *fakeServer {
	t.Helper()
	f := &fakeServer{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading the request: %v", err)
		}
		f.mu.Lock()
		f.asked = append(f.asked, asked{r.Method, r.RequestURI, r.Host, r.Header.Get("Content-Type"), string(body)})
		answer := answers[min(len(f.asked), len(answers))-1]
		f.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

// client returns a client that never sleeps. The fake server records its
// pauses.
func (f *fakeServer) client() *holdfast.Client {
	return &holdfast.Client{
		Endpoint: f.URL + "/", AccessKeyID: testAccessKey, SecretKey: holdfast.NewSecretKey(vectorSecret),
		Now: func() time.Time { return testNow },
		Pause: func(ctx context.Context, d time.Duration) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.pauses = append(f.pauses, d)
			return ctx.Err()
		},
	}
}

func (f *fakeServer) requests() []asked {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func answerWith(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		io.WriteString(w, body) //nolint:errcheck // the client may have gone
	}
}

func answerResult(action, result string) http.HandlerFunc {
	return answerWith(http.StatusOK, resultXML(action, result))
}

func resultXML(action, result string) string {
	return fmt.Sprintf(`<?xml version="1.0"?>`+"\n"+
		`<%[1]sResponse xmlns="http://fps.amazonaws.com/doc/2010-08-28/"><%[1]sResult>%[2]s</%[1]sResult>`+
		`<ResponseMetadata><RequestId>9a1d43d4-47c8-4b8a-9fd6-b4cbf4b3a6bd:0</RequestId></ResponseMetadata></%[1]sResponse>`,
		action, result)
}

func answerError(status int, code holdfast.Code, message string) http.HandlerFunc {
	return answerWith(status, fmt.Sprintf(`<?xml version="1.0"?>`+"\n"+
		`<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>9a1d43d4-47c8-4b8a-9fd6-b4cbf4b3a6bd</RequestID></Response>`, code, message))
}

// answerNothing breaks the connection after the request was received.
func answerNothing(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
