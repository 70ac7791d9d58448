package holdfast

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// A Return is how somebody came back from the Co-Branded pages. Which ids it has
// tells which pipeline it was.
type Return struct {
	CallerID CallerID // that the message is for: whom the Verifier expects

	Status        ReturnStatus
	TokenID       TokenID // of all pipelines but the two of instruments
	RefundTokenID TokenID // of the Recipient pipeline

	// Of the SetupPrepaid pipeline: the instrument, the token that spends its
	// balance, and the one that raises it.
	PrepaidInstrumentID  InstrumentID
	PrepaidSenderTokenID TokenID
	FundingTokenID       TokenID

	// Of the SetupPostpaid pipeline: the instrument, the token that spends its
	// credit, and the one that settles the debt.
	CreditInstrumentID  InstrumentID
	CreditSenderTokenID TokenID
	SettlementTokenID   TokenID

	CallerReference CallerReference // empty in the answers of those two
	Expiry          string          // of the card, "MM/YYYY"
	ErrorMessage    string          // when not authorised; for people
	Address         Address         // if it was collected
	BuyerEmail      string          // if it was collected

	// Params are all parameters of the URL, signed like the rest: the shop's
	// own, and those of the Co-Branded request where the caller's account is
	// set to have them given back.
	Params Params
}

// returnFields are what the server adds to a return URL and a Return is read
// from. None can stand in a ReturnURL or come with two values.
var returnFields = []string{
	CallerField, "status", "callerReference", "expiry", "errorMessage", "buyerEmailAddress",
	"tokenID", "refundTokenID",
	"prepaidInstrumentID", "prepaidSenderTokenID", "fundingTokenID",
	"creditInstrumentID", "creditSenderTokenID", "settlementTokenID",
	"addressName", "addressLine1", "addressLine2", "city", "state", "country", "zip", "phoneNumber",
}

// Authorised reports whether what was asked for was agreed to: there is a token
// or an instrument. After EditToken it may be the token as it was.
func (r Return) Authorised() bool {
	switch r.Status {
	case ReturnSuccessABT, ReturnSuccessACH, ReturnSuccessCC, ReturnSuccessRecipient, ReturnTokenUnchanged:
		return true
	case ReturnSystemError, ReturnAbandoned, ReturnCallerError, ReturnPaymentError, ReturnAccountProblem,
		ReturnNotMarketplace, ReturnInvalidToken, ReturnOthersToken, ReturnNoAccount:
	}
	return false
}

// A Verifier reads return URLs and notifications, and only those that the server
// signed for the expected caller. The server signs for many callers, and each of
// them chooses the addresses that its messages are sent to: a genuine message
// may be another caller's.
type Verifier struct {
	// CallerID is whose messages to expect, as "holdfast caller list" and the demo
	// print it. It may be left empty with a Client that has an access key and no
	// Certificates: the server then says whose the key is. In all other cases
	// an empty CallerID refuses every message.
	CallerID CallerID

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

// ParseReturn verifies and reads the URL with which somebody came back. rawURL
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

// verify returns the parameters of a message once it is known to be genuine,
// of the kind that is sent by the verb, and for the expected caller, and none of
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

// errNobodyExpected is a fault of the program: nothing says whose messages it
// takes.
var errNobodyExpected = &UnverifiedError{
	Err: errors.New("nothing says which caller's messages to expect: set the Verifier's CallerID"), Unanswered: true,
}

// genuine returns the caller whose messages are expected, once the message is
// known to be the server's. The caller is never empty then.
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
