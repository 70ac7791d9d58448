package cobranded

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A link has far less than this. More would only cost time: its parameters are
// sorted, encoded and hashed for every text that may have been signed.
const (
	linkBytesMax  = 16 << 10
	linkParamsMax = 200 // of the link, and of its returnURL: the answer may carry both
)

// readLink reads the parameters of a link or form that a caller sends a sender
// with.
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

// ambiguous finds a parameter that the answer could not give back without doubt:
// one that stands there twice, or in two spellings with different values. Of what
// trust rests on there may be no second spelling at all. What is never given back
// may have many, and so may callerReference, of which the answer has one: programs
// send callerReference and CallerReference side by side.
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

// notCarried reports whether the answer leaves a parameter of the request out,
// however it is spelt, or has it once.
func notCarried(p holdfast.Params, name string) bool {
	return holdfast.SameName(name, "callerReference") ||
		slices.ContainsFunc(reservedIn(p), func(reserved string) bool { return holdfast.SameName(name, reserved) })
}

// doubled finds a name that stands twice in a return URL's own query, in whatever
// case. Programs that verify the answer read one of the two values, and another
// program the other.
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
