package holdfast

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// signatureFields are parameters of every signed message.
var signatureFields = []string{"signature", "signatureVersion", "signatureMethod", "certificateUrl"}

// CallerField is the parameter of return URLs and notifications that names the
// caller for which the message is meant. It is signed like the others.
const CallerField = "callerId"

// notificationOnly are parameters that only notifications have. A message with
// one of them, in upper or lower case, is a notification.
var notificationOnly = []string{
	"notificationType", "transactionId", "transactionDate", "transactionStatus", "statusCode", "statusMessage",
	"operation", "parentTransactionId", "buyerName", "buyerEmail", "recipientName", "recipientEmail",
	"customerName", "customerEmail", "tokenType", "dateInstalled",
}

// returnOnly are parameters that only return URLs have. Their tokenID is not
// listed, because the tokenId of notifications differs from it only in case.
var returnOnly = []string{
	"expiry", "errorMessage", "buyerEmailAddress", "refundTokenID", "prepaidInstrumentID", "prepaidSenderTokenID",
	"fundingTokenID", "creditInstrumentID", "creditSenderTokenID", "settlementTokenID",
}

// ReservedFields returns the names that only the server may put into a message.
// A returnURL must not have them in its own query, in upper or lower case, and
// a return URL never repeats them from the request. Otherwise a caller could
// make the server sign any message.
func ReservedFields() []string {
	return slices.Concat(signatureFields, []string{CallerField, "status", "tokenID"}, returnOnly, notificationOnly)
}

// MessageVerb returns the HTTP verb with which a message is sent and signed:
// POST if its parameters are those of a notification, otherwise GET. It fails
// if the message has parameters of both kinds.
func MessageVerb(p Params) (string, error) {
	if !hasAny(p, notificationOnly) {
		return http.MethodGet, nil
	}
	if _, ok := p.Lookup("tokenID"); ok || hasAny(p, returnOnly) {
		return "", errors.New("the message has fields of a return URL and of a notification")
	}
	return http.MethodPost, nil
}

// checkKind refuses a message whose kind does not fit its verb.
func checkKind(verb string, p Params) error {
	switch kind, err := MessageVerb(p); {
	case err != nil:
		return err
	case kind == verb:
		return nil
	case kind == http.MethodPost:
		return errors.New("the message is a notification and no return URL")
	}
	return errors.New("the message is no notification")
}

func hasAny(p Params, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, has := p.Fold(name)
		return has
	})
}

// VerifyMessage checks the signature of a message from the server: a return URL
// (verb GET) or a notification (verb POST). It does not check for which caller
// the message is meant; a [Verifier] checks both. The endpoint is the address
// that the message arrived at, scheme://host[:port]/path; a query in it is
// ignored. rawParams is the raw query or form body with its signature fields.
// The error is nil, and the message genuine, if the key of any of the
// certificates made the signature.
//
// A missing signature field is refused with [InvalidParams]. The certificateUrl
// is required but not followed: only certs decide whose signature is valid.
func VerifyMessage(certs []*x509.Certificate, verb, endpoint, rawParams string) error {
	keys := make([]*rsa.PublicKey, 0, len(certs))
	for _, cert := range certs {
		if key, ok := cert.PublicKey.(*rsa.PublicKey); ok {
			keys = append(keys, key)
		}
	}
	return verifyMessage(keys, verb, endpoint, rawParams)
}

func verifyMessage(keys []*rsa.PublicKey, verb, endpoint, rawParams string) error {
	endpoint, _, _ = strings.Cut(endpoint, "?")
	u, err := parseEndpoint(endpoint)
	if err != nil {
		return err
	}
	params, err := ParseParams(rawParams)
	if err != nil {
		return err
	}
	if err := checkSignatureFields(params); err != nil {
		return err
	}
	if len(keys) == 0 {
		return errors.New("there is no certificate to verify the message with")
	}
	text := StringToSign(verb, SignedHost(u), u.EscapedPath(), params.Without("signature"))
	signature := params.Get("signature")
	for _, key := range keys {
		if err = verifyRSA(key, text, signature); err == nil {
			return nil
		}
	}
	return err
}

// checkSignatureFields requires that each signature field occurs once, with a
// value that this package can verify. A second signature parameter in another
// spelling is refused: it would not be part of the signed text, so anyone could
// add it.
func checkSignatureFields(params Params) error {
	for _, name := range signatureFields {
		if params.Get(name) == "" {
			return Errorf(InvalidParams, "%s is missing in 'HttpParameters'.", name)
		}
	}
	if len(params.Without("signature")) != len(params)-1 {
		return errors.New("the message has more than one signature")
	}
	if err := checkUnambiguous(params, append([]string{CallerField}, signatureFields...)); err != nil {
		return err
	}
	if v := params.Get("signatureVersion"); v != signatureVersion {
		return fmt.Errorf("signature version %q is not %s", v, signatureVersion)
	}
	if m := params.Get("signatureMethod"); m != string(RSASHA1) {
		return fmt.Errorf("signature method %q is not %s", m, RSASHA1)
	}
	return nil
}

// checkUnambiguous refuses parameters in which one of the names occurs twice
// with different values. Two readers could understand such a message
// differently.
func checkUnambiguous(params Params, names []string) error {
	for _, name := range names {
		first, _ := params.Lookup(name)
		for _, param := range params {
			if param.Name == name && param.Value != first {
				return fmt.Errorf("parameter %s occurs twice with different values", name)
			}
		}
	}
	return nil
}

// parseEndpoint reads an address that consists of scheme, host and path.
func parseEndpoint(endpoint string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil:
		return nil, errors.New("the endpoint is not an address")
	case u.Host == "" || !isHTTP(u) && !IsAppScheme(u.Scheme):
		return nil, errors.New("the endpoint is not an http or https address, or one of an application, with a host")
	case strings.ContainsAny(endpoint, "?#"):
		return nil, errors.New("the endpoint has a query or a fragment")
	}
	return u, nil
}

// isHTTP reports whether u is an http or https address. url.Parse has put the
// scheme in lower case.
func isHTTP(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }
