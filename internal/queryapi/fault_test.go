package queryapi_test

import (
	"bytes"
	"crypto/x509"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/pace"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
	"github.com/holdfast-pay/holdfast/internal/store"
)

var errorShape = regexp.MustCompile(`^<\?xml version="1\.0"\?>\n<Response><Errors><Error><Code>(\w+)</Code><Message>([^<>\n]+)</Message></Error></Errors><RequestID>([0-9a-f-]{36})</RequestID></Response>$`)

func reserve(w *world) holdfast.Params {
	return w.signed("POST", "/", "shop", holdfast.Params{
		{Name: "Action", Value: "Reserve"},
		{Name: "SenderTokenId", Value: string(tokenID("A"))},
		{Name: "TransactionAmount.CurrencyCode", Value: "USD"},
		{Name: "TransactionAmount.Value", Value: "5"},
		{Name: "CallerReference", Value: "order-1001"},
	})
}

// An internal error is in the log; the caller gets only a request id to ask
// with.
func TestFaults(t *testing.T) {
	verify := func(*world) holdfast.Params {
		return holdfast.Params{
			{Name: "Action", Value: "VerifySignature"},
			{Name: "UrlEndPoint", Value: "http://shop.example.test/"},
			{Name: "HttpParameters", Value: "signature=AAAA&signatureVersion=2&signatureMethod=RSA-SHA1&certificateUrl=" +
				vectorCertificateURL},
		}
	}
	for _, row := range []struct {
		name   string
		ask    func(*world) holdfast.Params
		harm   func(*world)
		status int
		code   string
		logged string
		result queryapi.Result
	}{
		{"a panic", reserve, func(w *world) {
			w.token("A", payment.Token{})
			w.p.Hook = func(string) { panic("the roof") }
		}, 500, "InternalError", "the roof", queryapi.Failed},
		{"a panic of VerifySignature, whose programs know another code", verify, func(w *world) {
			w.server.Certificates = func() []*x509.Certificate { panic("the roof") }
		}, 500, "InternalServerError", "the roof", queryapi.Failed},
		{"a row that changed under our feet", reserve, func(w *world) {
			w.token("A", payment.Token{})
			w.sql(`CREATE TRIGGER gone BEFORE UPDATE ON tokens BEGIN SELECT RAISE(IGNORE); END`)
		}, 400, "ConcurrentModification", "", queryapi.Refused},
		{"a failure", reserve, func(w *world) {
			w.token("A", payment.Token{Instrument: "nowhere"})
		}, 500, "InternalError", "instrument nowhere of token is missing", queryapi.Failed},
		{"a caller with too many requests", reserve, func(w *world) {
			for range pace.InFlightMax {
				w.server.Enter("CSHOP")
			}
		}, 503, "ServiceUnavailable", "", queryapi.Unavailable},
		{"the store is closed to writers", reserve, func(w *world) {
			// Requests that only read are still answered for a moment while a server
			// stops.
			again, err := store.Open(t.Context(), store.Config{Address: w.address})
			if err != nil {
				t.Fatal(err)
			}
			w.t.Cleanup(func() { again.Close() })
			w.server.Store, w.server.Callers.Find = again.Reader, again.CallerByKey
			w.db.Close()
		}, 503, "ServiceUnavailable", "the store is closed", queryapi.Unavailable},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			p := row.ask(w)
			var log bytes.Buffer
			w.server.Log = slog.New(slog.NewTextHandler(&log, nil))
			var counted []queryapi.Answered
			w.server.Answered = func(a queryapi.Answered) { counted = append(counted, a) }
			row.harm(w)
			answer := w.exchange("POST", "/", p)
			m := errorShape.FindStringSubmatch(answer.Body.String())
			if m == nil || answer.Code != row.status || m[1] != row.code {
				t.Fatalf("answered %d %s, want %d %s", answer.Code, answer.Body, row.status, row.code)
			}
			want := []queryapi.Answered{{Action: p.Get("Action"), Result: row.result, Code: holdfast.Code(row.code)}}
			if diff := cmp.Diff(want, counted); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
			if row.logged == "" {
				return // a refusal, which is no fault
			}
			if !strings.Contains(log.String(), row.logged) || !strings.Contains(log.String(), m[3]) {
				t.Errorf("the log does not say %q with request %s: %s", row.logged, m[3], &log)
			}
			if strings.Contains(answer.Body.String(), row.logged) || strings.Contains(log.String(), secret) {
				t.Error("the answer or the log tells too much")
			}
		})
	}
}

func TestRandomRequestIDs(t *testing.T) {
	w := newWorld(t)
	w.server.NewRequestID = nil
	seen := map[string]bool{}
	for range 100 {
		m := errorShape.FindStringSubmatch(w.exchange("GET", "/", nil).Body.String())
		if m == nil || seen[m[3]] || m[3][14] != '4' || !strings.ContainsRune("89ab", rune(m[3][19])) {
			t.Fatalf("request id %v", m)
		}
		seen[m[3]] = true
	}
}

func TestWindowAndBodyAreSettings(t *testing.T) {
	w := newWorld(t)
	w.server.Window, w.server.BodyMax = time.Minute, 1000
	w.wait(2 * time.Minute)
	p := w.signed("POST", "/", "shop", holdfast.Params{{Name: "Timestamp", Value: "2026-11-23T10:15:30Z"}})
	if got := w.exchange("POST", "/", p).Body.String(); !strings.Contains(got, "RequestExpired") {
		t.Errorf("two minutes late in a window of one: %s", got)
	}
	p = append(p, holdfast.Param{Name: "CallerDescription", Value: strings.Repeat("x", 1000)})
	if got := w.exchange("POST", "/", p).Body.String(); !strings.Contains(got, "too large") {
		t.Errorf("more than 1000 bytes: %s", got)
	}
}

// A server without certificates verifies no message.
func TestVerifySignatureWithoutCertificates(t *testing.T) {
	w := newWorld(t)
	w.server.Certificates, w.server.OwnCertificate = nil, nil
	got := w.exchange("GET", "/", holdfast.Params{
		{Name: "Action", Value: "VerifySignature"},
		{Name: "UrlEndPoint", Value: "http://shop.example.test/"},
		{Name: "HttpParameters", Value: "signature=AAAA&signatureVersion=2&signatureMethod=RSA-SHA1&certificateUrl=x"},
	}).Body.String()
	if !strings.Contains(got, "<VerificationStatus>Failure</VerificationStatus>") {
		t.Errorf("answered %s", got)
	}
}

// Moving a clock writes to the store like an action.
func TestAClockTakesAPlace(t *testing.T) {
	w := newWorld(t)
	for range pace.InFlightMax {
		w.server.Enter("CSHOP")
	}
	p := w.signed("POST", "/sandbox/clock", "shop", holdfast.Params{{Name: "Advance", Value: "1h"}})
	if answer := w.exchange("POST", "/sandbox/clock", p); answer.Code != 503 {
		t.Errorf("answered %d %s", answer.Code, answer.Body)
	}
}

// While another program has the SQLite file locked, a caller is answered with 503 as
// soon as the store has waited long enough, and reads go on. The same request succeeds
// afterwards.
func TestALockedStoreIsServiceUnavailable(t *testing.T) {
	const wait = 50 * time.Millisecond // ten seconds where a server runs
	w := newWorldWith(t, store.Config{Address: holdfasttest.Addresses(t)["SQLite"](t), LockWait: wait})
	w.token("A", payment.Token{})
	p := reserve(w)
	var log bytes.Buffer
	w.server.Log = slog.New(slog.NewTextHandler(&log, nil))
	letGo := holdfasttest.Lock(t, w.address)
	began := time.Now() //nolint:forbidigo // another program holds a lock for real
	answer := w.exchange("POST", "/", p)
	if took := time.Since(began); took > 100*wait { //nolint:forbidigo // as above
		t.Errorf("it is answered after %v", took)
	}
	m := errorShape.FindStringSubmatch(answer.Body.String())
	if m == nil || answer.Code != http.StatusServiceUnavailable || m[1] != "ServiceUnavailable" {
		t.Fatalf("answered %d %s", answer.Code, answer.Body)
	}
	if !strings.Contains(log.String(), "another process has locked the database") {
		t.Errorf("the log does not say why: %s", &log)
	}
	if strings.Contains(answer.Body.String(), "database") {
		t.Errorf("the answer tells too much: %s", answer.Body)
	}
	read := w.signed("POST", "/", "shop", holdfast.Params{{Name: "Action", Value: "GetTokens"}})
	if answer := w.exchange("POST", "/", read); answer.Code != http.StatusOK {
		t.Errorf("a read is answered with %d %s", answer.Code, answer.Body)
	}
	letGo()
	if answer := w.exchange("POST", "/", p); answer.Code != http.StatusOK {
		t.Errorf("after the lock: %d %s", answer.Code, answer.Body)
	}
}
