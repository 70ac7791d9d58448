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
	"status", "callerReference", "expiry", "errorMessage", "buyerEmailAddress",
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
	case ReturnSystemError, ReturnAbandoned, ReturnCallerError, ReturnPaymentError, ReturnAccountProblem, ReturnNotMarketplace,
		ReturnInvalidToken, ReturnOthersToken, ReturnNoAccount:
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
