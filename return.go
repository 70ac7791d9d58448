package holdfast

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// A Return is the result of a visit to the Co-Branded pages
// (docs/api/return-url.md). The ids in it depend on the pipeline.
type Return struct {
	CallerID CallerID // the caller that the Verifier expects

	Status        ReturnStatus
	TokenID       TokenID // of all pipelines except SetupPrepaid and SetupPostpaid
	RefundTokenID TokenID // of the Recipient pipeline

	// Of the SetupPrepaid pipeline: the instrument, the token that spends its
	// balance, and the token that funds it.
	PrepaidInstrumentID  InstrumentID
	PrepaidSenderTokenID TokenID
	FundingTokenID       TokenID

	// Of the SetupPostpaid pipeline: the instrument, the token that spends its
	// credit, and the token that settles the debt.
	CreditInstrumentID  InstrumentID
	CreditSenderTokenID TokenID
	SettlementTokenID   TokenID

	CallerReference CallerReference // empty after SetupPrepaid and SetupPostpaid
	Expiry          string          // of the card, "MM/YYYY"
	ErrorMessage    string          // a text for people if the Return is not authorised
	Address         Address         // if it was collected
	BuyerEmail      string          // if it was collected

	// Params are all parameters of the URL. They include the shop's own and, if
	// the caller's account is set so, those of the Co-Branded request. All of them
	// are signed.
	Params Params
}

// returnFields are the parameters that the server adds to a return URL, and
// from which a Return is read. A ReturnURL must not have them, and none may
// occur with two values.
var returnFields = []string{
	CallerField, "status", "callerReference", "expiry", "errorMessage", "buyerEmailAddress",
	"tokenID", "refundTokenID",
	"prepaidInstrumentID", "prepaidSenderTokenID", "fundingTokenID",
	"creditInstrumentID", "creditSenderTokenID", "settlementTokenID",
	"addressName", "addressLine1", "addressLine2", "city", "state", "country", "zip", "phoneNumber",
}

// Authorised reports whether the sender or recipient agreed, so that there is a
// token or an instrument. After EditToken, it may be the old token, unchanged.
func (r Return) Authorised() bool {
	switch r.Status {
	case ReturnSuccessABT, ReturnSuccessACH, ReturnSuccessCC, ReturnSuccessRecipient, ReturnTokenUnchanged:
		return true
	case ReturnSystemError, ReturnAbandoned, ReturnCallerError, ReturnPaymentError, ReturnAccountProblem,
		ReturnNotMarketplace, ReturnInvalidToken, ReturnOthersToken, ReturnNoAccount:
	}
	return false
}

// A Verifier reads return URLs and notifications. It accepts only those that
// the server signed for the expected caller. A valid signature is not enough:
// the server signs for many callers, each chooses the addresses of its
// messages, and one caller's message could be sent to another caller.
type Verifier struct {
	// CallerID names the caller whose messages are expected; "holdfast caller
	// list" and the demo print it. It may be empty if there are no Certificates
	// and the Client has an access key: the server then says which caller owns the
	// key. In all other cases, a Verifier with an empty CallerID refuses every
	// message.
	CallerID CallerID

	Certificates []*x509.Certificate // verify with these, without asking the server
	Client       *Client             // without Certificates: ask the server (VerifySignature)
}

// An UnverifiedError says that a message may not come from the server. Trust
// nothing in it.
type UnverifiedError struct {
	Err error

	// Unanswered is set when the server could not be asked. The message may be
	// genuine; verify it again later.
	Unanswered bool
}

func (e *UnverifiedError) Error() string { return "the message is not verified: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *UnverifiedError) Unwrap() error { return e.Err }

// ParseReturn verifies and reads a return URL. rawURL is the whole public
// address that the browser requested, with its query. Behind a proxy, this
// differs from the address that the shop's own server sees. If the URL cannot
// be verified, ParseReturn returns no data and an [*UnverifiedError].
//
// A Return is only a permission to charge. The order is paid after a successful
// Reserve or Pay.
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
		CallerID:             CallerID(p.Get(CallerField)),
		Status:               ReturnStatus(p.Get("status")),
		TokenID:              TokenID(p.Get("tokenID")),
		RefundTokenID:        TokenID(p.Get("refundTokenID")),
		PrepaidInstrumentID:  InstrumentID(p.Get("prepaidInstrumentID")),
		PrepaidSenderTokenID: TokenID(p.Get("prepaidSenderTokenID")),
		FundingTokenID:       TokenID(p.Get("fundingTokenID")),
		CreditInstrumentID:   InstrumentID(p.Get("creditInstrumentID")),
		CreditSenderTokenID:  TokenID(p.Get("creditSenderTokenID")),
		SettlementTokenID:    TokenID(p.Get("settlementTokenID")),
		CallerReference:      CallerReference(p.Get("callerReference")),
		Expiry:               p.Get("expiry"),
		ErrorMessage:         p.Get("errorMessage"),
		BuyerEmail:           p.Get("buyerEmailAddress"),
		Address: Address{
			Name: p.Get("addressName"), Line1: p.Get("addressLine1"), Line2: p.Get("addressLine2"),
			City: p.Get("city"), State: p.Get("state"), Country: p.Get("country"), Zip: p.Get("zip"),
			Phone: p.Get("phoneNumber"),
		},
		Params: p,
	}
	if r.Authorised() && r.TokenID == "" && r.PrepaidInstrumentID == "" && r.CreditInstrumentID == "" {
		return Return{}, errors.New("reading the return URL: it is a success without a token or an instrument")
	}
	return r, nil
}

// verify returns the parameters of a message if it is genuine, meant for the
// expected caller and of the kind that is sent with the verb, and if none of
// the named fields has two values.
func (v Verifier) verify(ctx context.Context, verb, endpoint, raw string, fields []string) (Params, error) {
	params, err := ParseParams(raw)
	if err == nil {
		err = checkSignatureFields(params)
	}
	if err == nil {
		err = checkKind(verb, params)
	}
	if err == nil {
		err = checkUnambiguous(params, fields)
	}
	if err != nil {
		return nil, &UnverifiedError{Err: err}
	}
	expected, err := v.genuine(ctx, verb, endpoint, raw)
	if err != nil {
		return nil, err
	}
	if named := CallerID(params.Get(CallerField)); named != expected {
		return nil, &UnverifiedError{Err: fmt.Errorf("it is for the caller %q, and %q is expected", named, expected)}
	}
	return params, nil
}

// errNobodyExpected is a mistake in the program: it does not say which caller's
// messages it accepts.
var errNobodyExpected = &UnverifiedError{
	Err: errors.New("it is not known which caller's messages to expect: set the Verifier's CallerID"), Unanswered: true,
}

// genuine returns the expected caller, which is never empty, if the server
// signed the message.
func (v Verifier) genuine(ctx context.Context, verb, endpoint, raw string) (CallerID, error) {
	if len(v.Certificates) > 0 {
		if v.CallerID == "" {
			return "", errNobodyExpected
		}
		if err := VerifyMessage(v.Certificates, verb, endpoint, raw); err != nil {
			return "", &UnverifiedError{Err: err}
		}
		return v.CallerID, nil
	}
	if v.Client == nil {
		return "", &UnverifiedError{Err: errors.New("the verifier has neither certificates nor a client"), Unanswered: true}
	}
	result, err := v.Client.VerifySignature(ctx, VerifySignatureRequest{URLEndPoint: endpoint, HTTPParameters: raw})
	if err != nil {
		refusal, refused := errors.AsType[*Error](err)
		return "", &UnverifiedError{
			Err:        fmt.Errorf("asking the server: %w", err),
			Unanswered: !refused || refusal.Retriable(),
		}
	}
	switch {
	case result.Status != VerificationSuccess:
		return "", &UnverifiedError{Err: errForged}
	case v.CallerID != "":
		return v.CallerID, nil
	case result.CallerID == "":
		return "", errNobodyExpected
	}
	return result.CallerID, nil
}
