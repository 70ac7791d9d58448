package shop_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
)

const (
	certURL    = "https://fps.example.test/certs/1/PKICert.pem"
	testCaller = "CSHOP"
)

var testNow = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func testCert(t testing.TB) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fps.example.test"},
		NotBefore: testNow.AddDate(-1, 0, 0), NotAfter: testNow.AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, testKey().Public(), testKey())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// signed signs parameters as the payment service does. It adds the shop's
// caller unless they name another.
func signed(verb, endpoint string, p holdfast.Params) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		panic(err)
	}
	if _, named := p.Lookup(holdfast.CallerField); !named {
		p = append(p, holdfast.Param{Name: holdfast.CallerField, Value: testCaller})
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

// A fakeFPS is a small payment service that can fail in every way that matters
// to a shop.
type fakeFPS struct {
	*httptest.Server
	mu     sync.Mutex
	now    time.Time
	tokens map[string]string // by CallerReference
	held   map[string]*hold  // by TransactionId
	count  int
	asked  []string // "Action subject"

	// How it answers the next requests.
	reserveAs   holdfast.TransactionStatus // what Reserve answers
	reserveCode string                     // StatusCode, when it fails
	refuse      map[string]string          // action → code
	lose        map[string]int             // action → number of answers that are lost after the action was carried out
	down        bool                       // no request is answered
	before      map[string]func()          // action → runs once, before the action is carried out
	tokensAre   holdfast.TokenStatus
}

type hold struct {
	id, reference, amount string
	status                holdfast.TransactionStatus
	code                  string
	deadline              time.Time
	settled               string
}

func newFakeFPS(t *testing.T) *fakeFPS {
	t.Helper()
	f := &fakeFPS{
		tokensAre: holdfast.TokenActive,
		now:       testNow, tokens: map[string]string{}, held: map[string]*hold{},
		reserveAs: holdfast.StatusReserved, refuse: map[string]string{}, lose: map[string]int{}, before: map[string]func(){},
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeFPS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	p, err := holdfast.ParseParams(string(body))
	if err != nil {
		panic(err)
	}
	action := p.Get("Action")
	f.mu.Lock()
	happens := f.before[action]
	delete(f.before, action)
	f.mu.Unlock()
	if happens != nil {
		happens()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked,
		strings.TrimSpace(action+" "+p.Get("CallerReference")+p.Get("TransactionId")+p.Get("ReserveTransactionId")))
	if f.down {
		panic(http.ErrAbortHandler)
	}
	if code := f.refuse[action]; code != "" {
		fail(w, code)
		return
	}
	for _, h := range f.held {
		if h.status == holdfast.StatusReserved && !f.now.Before(h.deadline) {
			h.status, h.code = holdfast.StatusCancelled, "Expired"
		}
	}
	result, h, code := f.act(action, p)
	if f.lose[action] > 0 {
		f.lose[action]--
		panic(http.ErrAbortHandler)
	}
	if code != "" {
		fail(w, code)
		return
	}
	w.Header().Set("Holdfast-Time", f.now.Format(time.RFC3339Nano))
	if h != nil {
		w.Header().Set("Holdfast-Deadline", h.deadline.Format(time.RFC3339Nano))
	}
	fmt.Fprintf(w, `<%[1]sResponse xmlns="http://fps.amazonaws.com/doc/2010-08-28/"><%[1]sResult>%[2]s</%[1]sResult><ResponseMetadata><RequestId>request-%[3]d:0</RequestId></ResponseMetadata></%[1]sResponse>`,
		action, result, len(f.asked))
}

func fail(w http.ResponseWriter, code string) {
	w.WriteHeader(holdfast.Code(code).HTTPStatus())
	fmt.Fprintf(w, `<Response><Errors><Error><Code>%s</Code><Message>no</Message></Error></Errors><RequestID>request-refused</RequestID></Response>`, code)
}

func (f *fakeFPS) act(action string, p holdfast.Params) (result string, h *hold, code string) {
	switch action {
	case "Reserve":
		for _, old := range f.held {
			if old.reference == p.Get("CallerReference") {
				return outcome(old.id, f.reserveAs), old, ""
			}
		}
		f.count++
		h = &hold{
			id: fmt.Sprintf("TXN%032d", f.count), reference: p.Get("CallerReference"), amount: p.Get("TransactionAmount.Value"),
			status: f.reserveAs, code: f.reserveCode, deadline: f.now.Add(7 * 24 * time.Hour),
		}
		f.held[h.id] = h
		return outcome(h.id, h.status), h, ""
	case "GetTokenByCaller":
		token := f.tokens[p.Get("CallerReference")]
		if token == "" {
			return "", nil, "InvalidCallerReference"
		}
		return "<Token><TokenId>" + token + "</TokenId><FriendlyName>F</FriendlyName><TokenStatus>" + string(f.tokensAre) +
			"</TokenStatus><DateInstalled>2026-11-23T10:00:00.000Z</DateInstalled><CallerReference>" +
			p.Get("CallerReference") + "</CallerReference><TokenType>SingleUse</TokenType></Token>", nil, ""
	}
	h = f.held[p.Get("TransactionId")+p.Get("ReserveTransactionId")]
	if h == nil {
		return "", nil, "InvalidTransactionId"
	}
	switch action {
	case "GetTransactionStatus":
		return fmt.Sprintf("<TransactionId>%s</TransactionId><TransactionStatus>%s</TransactionStatus>"+
			"<CallerReference>%s</CallerReference><StatusCode>%s</StatusCode><StatusMessage>words</StatusMessage>",
			h.id, h.status, h.reference, h.code), h, ""
	case "GetTransaction":
		return fmt.Sprintf("<Transaction><TransactionId>%s</TransactionId><TransactionStatus>%s</TransactionStatus>"+
			"<SenderName>Ann Buyer</SenderName><SenderEmail>ann@example.test</SenderEmail></Transaction>", h.id, h.status), h, ""
	case "Settle":
		amount := p.Get("TransactionAmount.Value")
		if h.status == holdfast.StatusReserved {
			h.status, h.settled = holdfast.StatusSuccess, amount
		} else if h.status != holdfast.StatusSuccess || h.settled != amount {
			return "", nil, "InvalidTransactionState"
		}
		return outcome(h.id, h.status), h, ""
	case "Cancel":
		if h.status != holdfast.StatusReserved && h.status != holdfast.StatusPending {
			return "", nil, "InvalidTransactionState"
		}
		h.status, h.code = holdfast.StatusCancelled, "Canceled"
		return outcome(h.id, h.status), h, ""
	}
	return "", nil, "InvalidRequest"
}

func outcome(id string, status holdfast.TransactionStatus) string {
	return fmt.Sprintf("<TransactionId>%s</TransactionId><TransactionStatus>%s</TransactionStatus>", id, status)
}

// set changes the payment service's behaviour.
func (f *fakeFPS) set(change func(*fakeFPS)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// only returns the hold, of which there must be exactly one.
func (f *fakeFPS) only(t *testing.T) hold {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.held) != 1 {
		t.Fatalf("%d holds, want one", len(f.held))
	}
	for _, h := range f.held {
		return *h
	}
	return hold{}
}

// times counts the requests for an action.
func (f *fakeFPS) times(action string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, a := range f.asked {
		if first, _, _ := strings.Cut(a, " "); first == action {
			n++
		}
	}
	return n
}
