package cobranded

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// madeFields are the fields with the ids of the tokens and instruments that a
// pipeline creates.
var madeFields = []string{
	"tokenID", "refundTokenID", "prepaidInstrumentID", "prepaidSenderTokenID", "fundingTokenID",
	"creditInstrumentID", "creditSenderTokenID", "settlementTokenID",
}

// readTarget reads the returnURL of a request.
func readTarget(caller party.Caller, request holdfast.Params) (payment.ReturnURL, error) {
	return payment.ReadReturnURL(caller, param(request, "returnURL"), payment.ReservedIn(request))
}

// targetHints tells a sandbox caller's developer why a returnURL cannot be
// used.
func targetHints(err error) []string {
	if bad, ok := errors.AsType[*payment.ReturnURLError](err); ok && bad.Why != "" {
		return []string{"The returnURL cannot be used: " + bad.Why + "."}
	}
	return nil
}

// failed returns the answer of a pipeline that ended without a token.
func failed(end *payment.PipelineEnd) holdfast.Params {
	return holdfast.Params{{Name: "status", Value: string(end.Status)}, {Name: "errorMessage", Value: end.Message}}
}

// given returns the fields that have a value.
func given(fields ...holdfast.Param) (p holdfast.Params) {
	for _, field := range fields {
		if field.Value != "" {
			p = append(p, field)
		}
	}
	return p
}

// collected returns the fields of the address that the sender chose.
func collected(a holdfast.Address) holdfast.Params {
	var p holdfast.Params
	for i, value := range []string{a.Name, a.Line1, a.Line2, a.City, a.State, a.Country, a.Zip, a.Phone} {
		p = append(p, given(holdfast.Param{Name: payment.AddressFields[i], Value: value})...)
	}
	return p
}

// returnURL composes the signed return URL. It has the caller's own query, the
// answer, and the parameters of the request unless the caller wants only the
// answer.
func (s *Server) returnURL(from started, answer holdfast.Params) (string, error) {
	reference := holdfast.Param{Name: "callerReference", Value: param(from.params, "callerReference")}
	if _, own := from.target.Own.Lookup(reference.Name); !own && reference.Value != "" {
		answer = append(answer, reference)
	}
	if !from.signatureV1 { // version 1 is signed with the caller's own key
		answer = append(answer, holdfast.Param{Name: holdfast.CallerField, Value: string(from.caller.ID)})
	}
	if from.checkout != "" {
		answer = append(answer, holdfast.Param{Name: payment.CheckoutField, Value: string(from.checkout)})
	}
	if !from.caller.BareReturn {
		answer = append(answer, givenBack(from, answer)...)
	}
	signed, err := s.sign(from, slices.Concat(from.target.Own, answer))
	if err != nil {
		return "", fmt.Errorf("signing a return URL: %w", err)
	}
	return from.target.With(recorded(signed, answer)), nil
}

// sign signs the answer with the signature version of the request. Version 1
// adds no field except the signature.
func (s *Server) sign(from started, p holdfast.Params) (holdfast.Params, error) {
	if !from.signatureV1 {
		return s.Sign(http.MethodGet, from.target.Endpoint, p)
	}
	signature, err := holdfast.SignV1(from.secret, p)
	return append(p, holdfast.Param{Name: "signature", Value: signature}), err
}

// givenBack returns the parameters of the request that the answer repeats. It
// omits names that, in any case, are reserved, in the answer, or in the
// caller's own query.
func givenBack(from started, answer holdfast.Params) holdfast.Params {
	p := from.params
	for _, name := range payment.ReservedIn(p) {
		p = p.Without(name)
	}
	return slices.DeleteFunc(slices.Clone(p), func(given holdfast.Param) bool {
		_, answered := answer.Fold(given.Name)
		_, own := from.target.Own.Fold(given.Name)
		return answered || own
	})
}

// recorded puts the fields of the answer into the order of recorded FPS
// answers: signature, expiry, the signature's fields, ids, status,
// callerReference, and then the rest.
func recorded(signed, answer holdfast.Params) holdfast.Params {
	order := slices.Concat([]string{"signature", "expiry", "signatureVersion", "signatureMethod", "certificateUrl"},
		madeFields, []string{"status"})
	var p holdfast.Params
	for _, name := range order {
		if value, ok := signed.Lookup(name); ok {
			p = append(p, holdfast.Param{Name: name, Value: value})
		}
	}
	for _, given := range answer {
		if !slices.Contains(order, given.Name) {
			p = append(p, given)
		}
	}
	return p
}
