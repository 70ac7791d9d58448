package cobranded

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Limits of a link. Real links are far smaller. Larger ones would only cost
// time, because the parameters are sorted, encoded and hashed for every text
// that the caller may have signed.
const (
	linkBytesMax  = 16 << 10
	linkParamsMax = 200
)

// readLink reads the parameters of the link or form with which a caller sends a
// sender here.
func readLink(r *http.Request) (holdfast.Params, error) {
	tooLong := fmt.Errorf("the request is larger than %d KiB", linkBytesMax>>10)
	if n := len(r.URL.RawQuery); n > linkBytesMax && n <= webui.FormBytesMax {
		return nil, tooLong
	}
	params, err := webui.ReadParams(r)
	if err != nil {
		return nil, err
	}
	bytes := 0
	for _, p := range params {
		bytes += len(p.Name) + len(p.Value)
	}
	switch {
	case bytes > linkBytesMax:
		return nil, tooLong
	case len(params) > linkParamsMax:
		return nil, fmt.Errorf("there are more than %d parameters", linkParamsMax)
	}
	return params, nil
}

// ambiguous finds a parameter that the answer could not return unambiguously,
// because it is repeated or has two spellings with different values. The
// parameters that establish trust may not have a second spelling at all.
// Parameters that the answer does not return may have several spellings with
// different values. So may callerReference, because some programs send both
// callerReference and CallerReference; the answer has one of them.
func ambiguous(p holdfast.Params) (name string, ok bool) {
	if name, twice := p.Duplicate(); twice {
		return name, true
	}
	values := make(map[string]holdfast.Param, len(p))
	for _, one := range p {
		folded := holdfast.FoldName(one.Name)
		if first, twice := values[folded]; twice && first.Value != one.Value && !notCarried(p, folded) {
			return first.Name, true
		}
		values[folded] = one
	}
	return foldedTwice(p)
}

// notCarried reports whether the answer omits a parameter of the request in
// every spelling, or sets it itself.
func notCarried(p holdfast.Params, name string) bool {
	return holdfast.SameName(name, "callerReference") ||
		slices.ContainsFunc(payment.ReservedIn(p), func(reserved string) bool { return holdfast.SameName(name, reserved) })
}
