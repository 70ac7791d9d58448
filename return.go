package holdfast

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// A Return is how a buyer came back from the Co-Branded pages.
type Return struct {
	Status          ReturnStatus
	TokenID         TokenID // when authorised
	CallerReference CallerReference
	Expiry          string // of the card, "MM/YYYY"
	ErrorMessage    string // when not authorised; for people
	Address         Address

	// Params are all parameters of the URL, signed like the rest: the shop's
	// own, and those of the Co-Branded request where the caller's account is
	// set to have them given back.
	Params Params
}

// Authorised reports whether there is a token to pay with.
func (r Return) Authorised() bool {
	switch r.Status {
	case ReturnSuccessABT, ReturnSuccessACH, ReturnSuccessCC:
		return true
	case ReturnSystemError, ReturnAbandoned, ReturnCallerError, ReturnPaymentError, ReturnAccountProblem, ReturnNotMarketplace:
	}
	return false
}

// A Verifier reads what the server sends out, and only if the server sent it.
type Verifier struct {
	Certificates []*x509.Certificate // offline, against these
	Client       *Client             // or, when there are none, by asking VerifySignature
}

// An UnverifiedError says that a message may not be the server's, and that
// nothing in it is to be believed.
type UnverifiedError struct {
	Err error

	// Unanswered is set when the server could not be asked: the message may
	// be genuine and can be tried again.
	Unanswered bool
}

func (e *UnverifiedError) Error() string { return "the message is not verified: " + e.Err.Error() }

// Unwrap returns what was wrong.
func (e *UnverifiedError) Unwrap() error { return e.Err }

// ParseReturn verifies and reads the URL with which a buyer came back. rawURL
// is the whole public address that the browser requested, query included;
// behind a proxy it is not what the shop's own server sees. It never returns
// data of an unverified URL; the error is then an [*UnverifiedError].
//
// The order is paid for only after Reserve or Pay: a Return is leave to ask.
func (v Verifier) ParseReturn(ctx context.Context, rawURL string) (Return, error) {
	rawURL, _, _ = strings.Cut(rawURL, "#")
	endpoint, query, _ := strings.Cut(rawURL, "?")
	p, err := v.verify(ctx, http.MethodGet, endpoint, query, returnFields)
	if err != nil {
		return Return{}, err
	}
	if p.Get("status") == "" {
		return Return{}, errors.New("reading the return URL: it has no status")
	}
	r := Return{
		Status:          ReturnStatus(p.Get("status")),
		TokenID:         TokenID(p.Get("tokenID")),
		CallerReference: CallerReference(p.Get("callerReference")),
		Expiry:          p.Get("expiry"),
		ErrorMessage:    p.Get("errorMessage"),
		Address: Address{
			Name: p.Get("addressName"), Line1: p.Get("addressLine1"), Line2: p.Get("addressLine2"),
			City: p.Get("city"), State: p.Get("state"), Country: p.Get("country"), Zip: p.Get("zip"),
			Phone: p.Get("phoneNumber"),
		},
		Params: p,
	}
	if r.Authorised() && r.TokenID == "" {
		return Return{}, errors.New("reading the return URL: it is a success without a token")
	}
	return r, nil
}

// verify returns the parameters of a message once it is known to be genuine
// and none of the named fields has two values.
func (v Verifier) verify(ctx context.Context, verb, endpoint, raw string, fields []string) (Params, error) {
	params, err := ParseParams(raw)
	if err == nil {
		err = checkSignatureFields(params)
	}
	if err == nil {
		err = checkUnambiguous(params, fields)
	}
	if err != nil {
		return nil, &UnverifiedError{Err: err}
	}
	if len(v.Certificates) > 0 {
		if err := VerifyMessage(v.Certificates, verb, endpoint, raw); err != nil {
			return nil, &UnverifiedError{Err: err}
		}
		return params, nil
	}
	if v.Client == nil {
		return nil, &UnverifiedError{Err: errors.New("the verifier has neither certificates nor a client"), Unanswered: true}
	}
	result, err := v.Client.VerifySignature(ctx, VerifySignatureRequest{URLEndPoint: endpoint, HTTPParameters: raw})
	if err != nil {
		refusal, refused := errors.AsType[*Error](err)
		return nil, &UnverifiedError{
			Err:        fmt.Errorf("asking the server: %w", err),
			Unanswered: !refused || refusal.Retriable(),
		}
	}
	if result.Status != VerificationSuccess {
		return nil, &UnverifiedError{Err: errForged}
	}
	return params, nil
}
