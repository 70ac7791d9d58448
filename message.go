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

// signatureFields come with every signed message.
var signatureFields = []string{"signature", "signatureVersion", "signatureMethod", "certificateUrl"}

// CallerField is the field of return URLs and notifications that names the
// caller that the message is for. It is signed like the others.
const CallerField = "callerId"

// notificationOnly are fields that notifications have and return URLs do not. A
// message that has one of them, in any case, is a notification.
var notificationOnly = []string{
	"notificationType", "transactionId", "transactionDate", "transactionStatus", "statusCode", "statusMessage",
	"operation", "parentTransactionId", "buyerName", "buyerEmail", "recipientName", "recipientEmail",
	"customerName", "customerEmail", "tokenType", "dateInstalled",
}

// returnOnly are fields that return URLs have and notifications do not. Their
// tokenID differs from the notifications' tokenId in case alone.
var returnOnly = []string{
	"expiry", "errorMessage", "buyerEmailAddress", "refundTokenID", "prepaidInstrumentID", "prepaidSenderTokenID",
	"fundingTokenID", "creditInstrumentID", "creditSenderTokenID", "settlementTokenID",
}

// ReservedFields are the names that only the server may put into a message. A
// returnURL may not have them in its own query, in whatever case, and a return
// URL does not give them back from a request: else a caller could have the
// server sign a message that says what it likes.
func ReservedFields() []string {
	return slices.Concat(signatureFields, []string{CallerField, "status", "tokenID"}, returnOnly, notificationOnly)
}

// MessageVerb returns the verb that a message is sent and signed with, by the
// fields it has: POST if it is a notification, else GET. One with fields of both
// kinds is neither.
func MessageVerb(p Params) (string, error) {
	if !hasAny(p, notificationOnly) {
		return http.MethodGet, nil
	}
	if _, ok := p.Lookup("tokenID"); ok || hasAny(p, returnOnly) {
		return "", errors.New("the message has fields of a return URL and of a notification")
	}
	return http.MethodPost, nil
}

// checkKind refuses a message that is of the other kind than its verb says.
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

// VerifyMessage checks a message that the server sent out: a return URL (verb
// GET) or a notification (verb POST). It looks at the signature alone, and not at
// the caller that the message is for; a [Verifier] looks at both. The endpoint is the address it arrived
// at, scheme://host[:port]/path, and a query in it is not looked at; rawParams is the raw query or
// form body with its signature fields. The message is genuine, and the error
// nil, when any one of the certificates made its signature.
//
// A field that is missing is refused with [InvalidParams]. The certificateUrl
// has to be there but is not followed: who may sign is given by certs alone.
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

// checkSignatureFields insists that each field be there once and say what this
// package verifies. A second spelling of signature would be left out of the
// signed text and so could be anything.
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
// with different values: two readers could then see two different messages.
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

// parseEndpoint reads an address of scheme, host and path.
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

// isHTTP reports whether u is an http or https address; parsing has put the
// scheme into lower case.
func isHTTP(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }
