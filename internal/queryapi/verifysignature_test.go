package queryapi_test

import (
	"crypto/x509"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

const (
	messageAt  = "https://shop.example.test/hear"
	verified   = "<VerificationStatus>Success</VerificationStatus>"
	unverified = "<VerificationStatus>Failure</VerificationStatus>"
)

// A messageWorld verifies messages that [holdfasttest.Sign] signs.
func newMessageWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.server.Certificates = func() []*x509.Certificate { return holdfasttest.Verifier("").Certificates }
	w.server.OwnCertificate = func(url string) bool { return url == holdfasttest.CertificateURL }
	return w
}

// message signs "name=value" fields for an address.
func message(t *testing.T, verb string, fields ...string) string {
	t.Helper()
	var p holdfast.Params
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		p = append(p, holdfast.Param{Name: name, Value: value})
	}
	p, err := holdfasttest.Sign(verb, messageAt, p)
	if err != nil {
		t.Fatal(err)
	}
	return p.Encode()
}

// verification asks as a caller or without a signature. More parameters may be
// given.
func (w *world) verification(caller, message string, more ...holdfast.Param) (status, header, hint string) {
	w.t.Helper()
	p := append(holdfast.Params{
		{Name: "Action", Value: "VerifySignature"},
		{Name: "UrlEndPoint", Value: messageAt},
		{Name: "HttpParameters", Value: message},
	}, more...)
	answer := w.exchange(http.MethodPost, "/", w.signed(http.MethodPost, "/", caller, p))
	for _, status := range []string{verified, unverified} {
		if answer.Code == http.StatusOK && strings.Contains(answer.Body.String(), status) {
			return status, answer.Header().Get(holdfast.HeaderCaller), answer.Header().Get("Holdfast-Verification-Hint")
		}
	}
	w.t.Fatalf("answered with %d %s", answer.Code, answer.Body)
	return "", "", ""
}

// A message passes only as the kind that it was signed as, for every asker.
// Fields that only notifications have are verified for POST alone.
func TestVerifySignatureTellsTheKindsApart(t *testing.T) {
	w := newMessageWorld(t)
	back := []string{"tokenID=T", "status=SC", "callerReference=order-1", "callerId=CSHOP"}
	notice := []string{
		"notificationType=TransactionStatus", "transactionId=X", "transactionStatus=CANCELLED", "status=CANCELLED",
		"callerId=CSHOP",
	}
	for _, row := range []struct {
		name, verb string
		fields     []string
		want       string
	}{
		{"a return URL", "GET", back, verified},
		{"a return URL that failed", "GET", []string{"status=A", "callerId=CSHOP"}, verified},
		{"a notification", "POST", notice, verified},
		{
			"a notification of a token", "POST",
			[]string{"notificationType=TokenCancellation", "tokenId=T", "callerId=CSHOP"},
			verified,
		},
		{"a return URL, signed for POST", "POST", back, unverified},
		{"a notification, signed for GET", "GET", notice, unverified},
		{"a redirect with a notification's fields", "GET", append(back, notice[:3]...), unverified},
		{"a redirect with one of them", "GET", append(back, "transactionId=X"), unverified},
		{"a redirect with one of them in other letters", "GET", append(back, "TransactionID=X"), unverified},
		{"a notification with a return URL's fields", "POST", append(notice, "tokenID=T"), unverified},
		{"a notification with a card's expiry", "POST", append(notice, "expiry=12/2030"), unverified},
		{"two callers", "POST", append(notice, "callerId=COTHER"), unverified},
	} {
		for _, caller := range []string{"nobody", "shop"} {
			if status, _, _ := w.verification(caller, message(t, row.verb, row.fields...)); status != row.want {
				t.Errorf("%s, asked by %s: %s, want %s", row.name, caller, status, row.want)
			}
		}
	}
}

// A request with an access key verifies only messages for that key's caller,
// whether or not its own signature is right.
func TestVerifySignatureIsTheCallers(t *testing.T) {
	w := newMessageWorld(t)
	other := func(caller string) []holdfast.Param {
		return []holdfast.Param{{Name: "AWSAccessKeyId", Value: keys[caller]}}
	}
	wrong := func(caller string) []holdfast.Param {
		return append(other(caller), holdfast.Param{Name: "Signature", Value: "AAAA"})
	}
	old := holdfast.Param{Name: "Timestamp", Value: "2009-01-01T00:00:00Z"}
	for _, row := range []struct {
		name, caller string
		more         []holdfast.Param
		ours, theirs string
		header       string
	}{
		{"unsigned", "nobody", nil, verified, verified, ""},
		{
			"a key that nobody has", "nobody",
			[]holdfast.Param{{Name: "AWSAccessKeyId", Value: "HFAAAAAAAAAAAAAAAAAA"}},
			verified, verified, "",
		},
		{
			"a key that is too long", "nobody",
			[]holdfast.Param{{Name: "AWSAccessKeyId", Value: strings.Repeat("H", 4000)}},
			verified, verified, "",
		},
		{"signed", "shop", nil, verified, unverified, "CSHOP"},
		{"signed by the other", "other", nil, unverified, verified, "COTHER"},
		{"signed by a live caller", "live", nil, unverified, unverified, ""},
		{"a key without signature", "nobody", other("shop"), verified, unverified, "CSHOP"},
		{"a wrong signature", "shop", wrong("shop"), verified, unverified, "CSHOP"},
		{"an old timestamp", "shop", []holdfast.Param{old}, verified, unverified, "CSHOP"},
	} {
		for _, kind := range []struct {
			verb   string
			fields []string
		}{
			{"GET", []string{"tokenID=T", "status=SC"}},
			{"POST", []string{"notificationType=TransactionStatus", "transactionId=X"}},
		} {
			status, header, _ := w.verification(row.caller, message(t, kind.verb, append(kind.fields, "callerId=CSHOP")...),
				row.more...)
			if status != row.ours || status == verified && row.header == "CSHOP" != (header == "CSHOP") {
				t.Errorf("%s, %s for the shop: %s, Holdfast-Caller %q", row.name, kind.verb, status, header)
			}
			status, header, hint := w.verification(row.caller, message(t, kind.verb, append(kind.fields, "callerId=COTHER")...),
				row.more...)
			if status != row.theirs || status == unverified && header != "" {
				t.Errorf("%s, %s for the other: %s, Holdfast-Caller %q", row.name, kind.verb, status, header)
			}
			if row.name == "signed" && !strings.Contains(hint, "for another caller") {
				t.Errorf("the hint is %q", hint)
			}
			if row.caller == "nobody" && hint != "" {
				t.Errorf("%s: a stranger is told %q", row.name, hint)
			}
		}
	}
	// Messages that were signed by an older version name no caller.
	if status, header, _ := w.verification("shop", message(t, "GET", "tokenID=T", "status=SC")); status != verified ||
		header != "" {
		t.Errorf("a message without a caller: %s, Holdfast-Caller %q", status, header)
	}
}
