package holdfast_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
)

// answerFor answers VerifySignature. The caller, if any, is the one that owns
// the access key.
func answerFor(caller, status string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if caller != "" {
			w.Header().Set("Holdfast-Caller", caller)
		}
		answerResult("VerifySignature", "<VerificationStatus>"+status+"</VerificationStatus>")(w, r)
	}
}

// wantRefused checks that a message is refused both as a return URL and as a
// notification, and that the error's Unanswered is as wanted.
func wantRefused(t *testing.T, v holdfast.Verifier, p holdfast.Params, unanswered bool) {
	t.Helper()
	var unverified *holdfast.UnverifiedError
	back, err := v.ParseReturn(t.Context(), returnEndpoint+"?"+signUnnamed("GET", returnEndpoint, p))
	if !errors.As(err, &unverified) || unverified.Unanswered != unanswered || back.Status != "" || back.Params != nil {
		t.Errorf("return %v: %+v, %v", p, back, err)
	}
	n, err := v.ParseIPN(t.Context(), ipnEndpoint, []byte(signUnnamed("POST", ipnEndpoint, p)))
	if !errors.As(err, &unverified) || unverified.Unanswered != unanswered || n.Type != "" || n.Params != nil {
		t.Errorf("notification %v: %+v, %v", p, n, err)
	}
}

func named(p holdfast.Params, caller string) holdfast.Params {
	return append(p[:len(p):len(p)], holdfast.Param{Name: holdfast.CallerField, Value: caller})
}

func TestVerifierTakesOnlyItsCallersMessages(t *testing.T) {
	offline := offline(t)
	online := func(whose, status string) holdfast.Verifier {
		return holdfast.Verifier{Client: newFakeServer(t, answerFor(whose, status)).client()}
	}
	told := online("", "Success")
	told.CallerID = testCaller
	stranger := holdfast.Verifier{CallerID: "COTHER", Certificates: offline.Certificates}
	for _, kind := range []holdfast.Params{bareReturn, reservedIPN} {
		for name, v := range map[string]holdfast.Verifier{
			"offline": offline, "online, told": told, "online": online(testCaller, "Success"),
		} {
			t.Log(name)
			wantRefused(t, v, named(kind, "COTHER"), false)
			wantRefused(t, v, named(kind, ""), false)
			wantRefused(t, v, named(kind, strings.ToLower(testCaller)), false)
			wantRefused(t, v, kind, false)
			wantRefused(t, v, named(named(kind, testCaller), "COTHER"), false)
			wantRefused(t, v, named(named(kind, "COTHER"), testCaller), false)
		}
		wantRefused(t, stranger, named(kind, testCaller), false)
		wantRefused(t, online("COTHER", "Success"), named(kind, testCaller), false)
	}
	for name, v := range map[string]holdfast.Verifier{
		"offline": offline, "online, told": told, "online": online(testCaller, "Success"),
	} {
		back, err := v.ParseReturn(t.Context(), returnURL(bareReturn))
		if err != nil || back.CallerID != testCaller || back.TokenID != testToken {
			t.Errorf("%s: %+v, %v", name, back, err)
		}
		n, err := v.ParseIPN(t.Context(), ipnEndpoint, []byte(signMessage("POST", ipnEndpoint, reservedIPN)))
		if err != nil || n.CallerID != testCaller || n.TransactionID != testID {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
}

// A verifier that does not know which caller to expect refuses every message.
// The message can be verified again, because the mistake is in the program.
func TestVerifierWithoutACaller(t *testing.T) {
	anybody := &holdfast.Client{Endpoint: newFakeServer(t, answerFor("", "Success")).URL + "/"}
	for name, v := range map[string]holdfast.Verifier{
		"offline":                        {Certificates: []*x509.Certificate{testCert(t)}},
		"by a client without access key": {Client: anybody},
		"by a key that nobody has":       {Client: newFakeServer(t, answerFor("", "Success")).client()},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := v.ParseReturn(t.Context(), returnURL(bareReturn)); err == nil ||
				!strings.Contains(err.Error(), "CallerID") {
				t.Errorf("the error is %v, and does not say what to set", err)
			}
			var unverified *holdfast.UnverifiedError
			if _, err := v.ParseReturn(t.Context(), returnURL(bareReturn)); !errors.As(err, &unverified) ||
				!unverified.Unanswered {
				t.Errorf("return: %v", err)
			}
			if _, err := v.ParseIPN(t.Context(), ipnEndpoint,
				[]byte(signMessage("POST", ipnEndpoint, reservedIPN))); !errors.As(err, &unverified) || !unverified.Unanswered {
				t.Errorf("notification: %v", err)
			}
		})
	}
}

// otherKind are messages that were signed as one kind and are read as the
// other, or that mix the two. VerifySignature of the server would accept the
// former, because it does not get the verb.
func TestVerifierRefusesTheOtherKind(t *testing.T) {
	yes := holdfast.Verifier{CallerID: testCaller, Client: newFakeServer(t, answerFor(testCaller, "Success")).client()}
	mixed := func(p holdfast.Params, name string) holdfast.Params {
		return append(p[:len(p):len(p)], holdfast.Param{Name: name, Value: "x"})
	}
	for _, v := range []holdfast.Verifier{offline(t), yes} {
		var unverified *holdfast.UnverifiedError
		refused := func(what, verb string, p holdfast.Params) {
			t.Helper()
			var err error
			for _, signedAs := range []string{http.MethodGet, http.MethodPost} {
				if verb == http.MethodGet {
					_, err = v.ParseReturn(t.Context(), returnEndpoint+"?"+signMessage(signedAs, returnEndpoint, p))
				} else {
					_, err = v.ParseIPN(t.Context(), returnEndpoint, []byte(signMessage(signedAs, returnEndpoint, p)))
				}
				if !errors.As(err, &unverified) || unverified.Unanswered {
					t.Errorf("%s, signed as %s: %v", what, signedAs, err)
				}
			}
		}
		refused("a return URL as notification", http.MethodPost, bareReturn)
		refused("a notification as return URL", http.MethodGet, reservedIPN)
		refused("neither, as notification", http.MethodPost, holdfast.Params{
			{Name: "status", Value: "SUCCESS"}, {Name: "callerReference", Value: "order-1001"},
		})
		for _, name := range []string{
			"notificationType", "transactionId", "TRANSACTIONSTATUS", "statusCode", "operation", "tokenType",
		} {
			refused("a return URL with "+name, http.MethodGet, mixed(bareReturn, name))
			refused("a return URL with "+name+" as notification", http.MethodPost, mixed(bareReturn, name))
		}
		for _, name := range []string{"tokenID", "refundTokenID", "Expiry", "errorMessage", "settlementTokenID"} {
			refused("a notification with "+name, http.MethodPost, mixed(reservedIPN, name))
		}
	}
}

func TestMessageVerb(t *testing.T) {
	certs := []*x509.Certificate{testCert(t)}
	both := append(bareReturn[:len(bareReturn):len(bareReturn)], reservedIPN...)
	for _, row := range []struct {
		p    holdfast.Params
		want string
	}{{bareReturn, http.MethodGet}, {reservedIPN, http.MethodPost}, {nil, http.MethodGet}, {both, ""}} {
		if verb, err := holdfast.MessageVerb(row.p); verb != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%s: %q, %v, want %q", row.p.Encode(), verb, err, row.want)
		}
	}
	if hint := holdfast.ExplainMessage(certs, ipnEndpoint, signMessage("POST", ipnEndpoint, both)); !slices.Contains(hint,
		"No genuine message has fields of a return URL and of a notification.") {
		t.Errorf("the hint is %q", hint)
	}
}

// All parameters from which a Return or a Notification is read are reserved,
// except those that a request may also have.
func TestReservedFieldsAreAllThatIsRead(t *testing.T) {
	reserved := holdfast.ReservedFields()
	shared := []string{"callerReference", "paymentMethod", "paymentReason", "transactionAmount", "tokenId"}
	address := []string{"addressName", "addressLine1", "addressLine2", "city", "state", "country", "zip", "phoneNumber"}
	for _, p := range slices.Concat(reservedIPN, holdfast.Params{{Name: "callerId"}, {Name: "parentTransactionId"}}) {
		if !slices.Contains(reserved, p.Name) && !slices.Contains(shared, p.Name) {
			t.Errorf("the notification's %s is not reserved", p.Name)
		}
	}
	for _, name := range answerFields {
		if !slices.Contains(reserved, name) && !slices.Contains(shared, name) && !slices.Contains(address, name) {
			t.Errorf("the return URL's %s is not reserved", name)
		}
	}
	for _, name := range []string{"NotificationType", "transactionid", "callerId", "statusCode"} {
		_, err := (&holdfast.Client{
			CoBranded: "https://pay.example.test/", AccessKeyID: testAccessKey, SecretKey: holdfast.NewSecretKey(vectorSecret),
		}).RecipientURL(holdfast.RecipientRequest{CallerReference: "s", ReturnURL: returnEndpoint + "?" + name + "=x"})
		if err == nil || !strings.Contains(err.Error(), "which the server needs") {
			t.Errorf("a ReturnURL with %s: %v", name, err)
		}
	}
}

func TestNotificationNamesTokenAndParent(t *testing.T) {
	token := holdfast.Params{{Name: "notificationType", Value: "TokenCancellation"}, {Name: "tokenId", Value: testToken}}
	n, err := offline(t).ParseIPN(t.Context(), ipnEndpoint, []byte(signMessage("POST", ipnEndpoint, token)))
	if err != nil || n.TokenID != testToken {
		t.Errorf("got %+v, %v", n, err)
	}
	refund := append(reservedIPN[:len(reservedIPN):len(reservedIPN)], holdfast.Param{
		Name: "parentTransactionId", Value: "14PARENT",
	})
	n, err = offline(t).ParseIPN(t.Context(), ipnEndpoint, []byte(signMessage("POST", ipnEndpoint, refund)))
	if diff := compare.Diff(holdfast.TransactionID("14PARENT"), n.ParentTransactionID); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}
