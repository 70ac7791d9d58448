package payment

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A ReturnURL is the address to which a pipeline sends the browser at its end.
type ReturnURL struct {
	Endpoint string          // scheme://host[:port]/path, as it is signed
	RawQuery string          // the caller's own query
	Own      holdfast.Params // the parameters of RawQuery
	Fragment string          // never signed
}

const (
	returnURLMax   = 2048 // bytes
	returnQueryMax = 200  // parameters; the answer has those of the request, too
)

// A ReturnURLError says why an address cannot be a ReturnURL. Why is empty if
// the address is not one at all, or if its query has a reserved name.
type ReturnURLError struct{ Why string }

func (e *ReturnURLError) Error() string {
	if e.Why == "" {
		return "the returnURL cannot be used"
	}
	return "the returnURL cannot be used: " + e.Why
}

// AddressFields are the fields of a return URL with the address that the sender
// chose.
var AddressFields = []string{
	"addressName", "addressLine1", "addressLine2", "city", "state", "country", "zip", "phoneNumber",
}

// WithoutAddress returns the parameters of a request without an address that the
// caller gave.
func WithoutAddress(params string) (string, error) {
	p, err := holdfast.ParseParams(params)
	if err != nil {
		return "", fmt.Errorf("reading the parameters of a visit: %w", err)
	}
	bare := p
	for _, name := range AddressFields {
		bare = bare.Without(name)
	}
	if len(bare) == len(p) {
		return params, nil
	}
	return bare.Encode(), nil
}

// ReservedIn are the names of the server's own parameters in the answer to a
// request, including those of notifications. Neither the returnURL nor the returned
// parameters of the request may have them, because the answer could then be misread.
func ReservedIn(request holdfast.Params) []string {
	reserved := holdfast.ReservedFields()
	if collects, _ := PipelineParam(request, "collectShippingAddress"); holdfast.SameName(collects, "true") {
		reserved = append(reserved, AddressFields...)
	}
	return reserved
}

// ReadReturnURL reads the returnURL of a request. It must be an absolute address
// that a browser can open, and none of its parameters may have a reserved name.
// Its characters are checked here, because parts of it go into headers.
func ReadReturnURL(caller party.Caller, raw string, reserved []string) (ReturnURL, error) {
	if raw == "" || len(raw) > returnURLMax {
		return ReturnURL{}, &ReturnURLError{}
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil {
		return ReturnURL{}, &ReturnURLError{}
	}
	host, err := returnHost(caller, u)
	if err != nil {
		return ReturnURL{}, err
	}
	own, err := holdfast.ParseParams(u.RawQuery)
	if err != nil {
		return ReturnURL{}, &ReturnURLError{}
	}
	if len(own) > returnQueryMax || doubled(own) {
		return ReturnURL{}, &ReturnURLError{Why: "its query repeats a parameter, or has too many"}
	}
	for _, name := range reserved {
		if _, taken := own.Fold(name); taken {
			return ReturnURL{}, &ReturnURLError{}
		}
	}
	origin := u.Scheme + "://" + host
	r := ReturnURL{
		Endpoint: origin + Printable(u.EscapedPath()), RawQuery: Printable(u.RawQuery), Own: own,
		Fragment: Printable(u.EscapedFragment()),
	}
	if u.Path == "" {
		r.Endpoint = origin + "/"
	}
	return r, nil
}

// With is the address with an answer added to its query.
func (r ReturnURL) With(answer holdfast.Params) string {
	query := answer.Encode()
	if r.RawQuery != "" {
		query = r.RawQuery + "&" + query
	}
	address := r.Endpoint + "?" + query
	if r.Fragment != "" {
		address += "#" + r.Fragment
	}
	return address
}

// doubled finds a name that occurs twice in a return URL's own query, in any
// case. One program that verifies the answer would read the first value, and
// another the second.
func doubled(own holdfast.Params) bool {
	for i, one := range own {
		for _, other := range own[:i] {
			if holdfast.SameName(other.Name, one.Name) {
				return true
			}
		}
	}
	return false
}

// Printable escapes characters that an address in a header or on a page must
// not contain. Its parameters keep their values.
func Printable(s string) string {
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
