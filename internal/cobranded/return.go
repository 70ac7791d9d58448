package cobranded

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A target is a parsed returnURL.
type target struct {
	endpoint string          // scheme://host[:port]/path, as it is signed
	rawQuery string          // the caller's own query
	own      holdfast.Params // the parameters of rawQuery
	fragment string          // never signed
}

const returnURLMax = 2048 // bytes

var errTarget = errors.New("the returnURL cannot be used")

// reservedFields are the names of the server's own parameters, including those
// of notifications. Neither the returnURL nor the returned parameters of the
// request may have them, because the answer could then be misread.
var reservedFields = holdfast.ReservedFields()

// reservedIn returns the reserved fields of the answer to a request.
func reservedIn(request holdfast.Params) []string {
	if holdfast.SameName(param(request, "collectShippingAddress"), "true") {
		return slices.Concat(reservedFields, addressFields)
	}
	return reservedFields
}

// madeFields are the fields with the ids of the tokens and instruments that a
// pipeline creates.
var madeFields = []string{
	"tokenID", "refundTokenID", "prepaidInstrumentID", "prepaidSenderTokenID", "fundingTokenID",
	"creditInstrumentID", "creditSenderTokenID", "settlementTokenID",
}

var addressFields = []string{
	"addressName", "addressLine1", "addressLine2", "city", "state", "country", "zip", "phoneNumber",
}

// readTarget reads the returnURL of a request. It must be an absolute address
// that a browser can open, and none of its parameters may have a reserved name.
// Its characters are checked here, because parts of it go into headers.
func readTarget(caller party.Caller, request holdfast.Params) (target, error) {
	raw := param(request, "returnURL")
	if raw == "" || len(raw) > returnURLMax {
		return target{}, errTarget
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil {
		return target{}, errTarget
	}
	host, err := targetHost(caller, u)
	if err != nil {
		return target{}, err
	}
	own, err := holdfast.ParseParams(u.RawQuery)
	if err != nil {
		return target{}, errTarget
	}
	if len(own) > linkParamsMax || doubled(own) {
		return target{}, &badTargetError{"its query repeats a parameter, or has too many"}
	}
	for _, name := range reservedIn(request) {
		if _, taken := own.Fold(name); taken {
			return target{}, errTarget
		}
	}
	origin := u.Scheme + "://" + host
	t := target{
		endpoint: origin + printable(u.EscapedPath()), rawQuery: printable(u.RawQuery), own: own,
		fragment: printable(u.EscapedFragment()),
	}
	if u.Path == "" {
		t.endpoint = origin + "/"
	}
	return t, nil
}

// printable escapes characters that an address in a header or on a page must
// not contain. Its parameters keep their values.
func printable(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\'' {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
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
		p = append(p, given(holdfast.Param{Name: addressFields[i], Value: value})...)
	}
	return p
}

// returnURL composes the signed return URL. It has the caller's own query, the
// answer, and the parameters of the request unless the caller wants only the
// answer.
func (s *Server) returnURL(from started, answer holdfast.Params) (string, error) {
	reference := holdfast.Param{Name: "callerReference", Value: param(from.params, "callerReference")}
	if _, own := from.target.own.Lookup(reference.Name); !own && reference.Value != "" {
		answer = append(answer, reference)
	}
	if !from.signatureV1 { // version 1 is signed with the caller's own key
		answer = append(answer, holdfast.Param{Name: holdfast.CallerField, Value: string(from.caller.ID)})
	}
	if !from.caller.BareReturn {
		answer = append(answer, givenBack(from, answer)...)
	}
	signed, err := s.sign(from, slices.Concat(from.target.own, answer))
	if err != nil {
		return "", fmt.Errorf("signing a return URL: %w", err)
	}
	return from.target.endpoint + "?" + join(from.target.rawQuery, recorded(signed, answer).Encode()) + from.target.hash(),
		nil
}

// sign signs the answer with the signature version of the request. Version 1
// adds no field except the signature.
func (s *Server) sign(from started, p holdfast.Params) (holdfast.Params, error) {
	if !from.signatureV1 {
		return s.Sign(http.MethodGet, from.target.endpoint, p)
	}
	signature, err := holdfast.SignV1(from.secret, p)
	return append(p, holdfast.Param{Name: "signature", Value: signature}), err
}

func (t target) hash() string {
	if t.fragment == "" {
		return ""
	}
	return "#" + t.fragment
}

func join(own, answer string) string {
	if own == "" {
		return answer
	}
	return own + "&" + answer
}

// givenBack returns the parameters of the request that the answer repeats. It
// omits names that, in any case, are reserved, in the answer, or in the
// caller's own query.
func givenBack(from started, answer holdfast.Params) holdfast.Params {
	p := from.params
	for _, name := range reservedIn(p) {
		p = p.Without(name)
	}
	return slices.DeleteFunc(slices.Clone(p), func(given holdfast.Param) bool {
		_, answered := answer.Fold(given.Name)
		_, own := from.target.own.Fold(given.Name)
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
