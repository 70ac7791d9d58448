package signed

import (
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
)

// The versions of signatures.
const (
	Version1 = "1" // for callers that are set so
	Version2 = "2"
)

// KnownMethod reports whether requests may be signed by a method.
func KnownMethod(m holdfast.SignatureMethod) bool {
	return m == holdfast.HmacSHA256 || m == holdfast.HmacSHA1
}

// A Request is a request with what its door read about the signature.
type Request struct {
	*http.Request

	Version string
	Method  holdfast.SignatureMethod // of version 2
	Params  holdfast.Params          // all of the query, then all of the form
	Field   string                   // the name of the parameter that is the signature
	Also07  bool                     // the text of 2007 counts as version 1, too

	// Verbs, Hosts and Paths are what the text of version 2 may contain, in
	// addition to the hosts of the request and those of FPS. Trying several texts
	// does not make forging easier, because each needs the key. The most likely
	// come first.
	Verbs, Hosts, Paths []string
}

// Check reports whether a caller's key made the signature. The error is nil,
// ErrVersion or ErrWrong.
func (r *Request) Check(s Signer) error {
	var match bool
	switch {
	case r.Version == Version2:
		match = r.isV2(s.Key.Secret)
	case r.Version == Version1 && s.Caller.SignatureV1:
		match = r.isV1(s.Key.Secret)
	default:
		return ErrVersion
	}
	if !match {
		return ErrWrong
	}
	return nil
}

func (r *Request) isV2(secret holdfast.SecretKey) bool {
	signature := r.Params.Get(r.Field)
	// The texts have the parameters in common, so these are encoded once.
	query := strings.TrimPrefix(holdfast.StringToSign("", "", "/", r.covered()), "\n\n/")
	for _, path := range r.Paths {
		path = holdfast.CanonicalPath(path)
		for _, verb := range r.Verbs {
			for host := range r.hosts() {
				if holdfast.VerifyHMAC(secret, r.Method, verb+"\n"+host+"\n"+path+query, signature) {
					return true
				}
			}
		}
	}
	return false
}

func (r *Request) isV1(secret holdfast.SecretKey) bool {
	covered, signature := r.covered(), r.Params.Get(r.Field)
	if holdfast.VerifyV1(secret, covered, signature) {
		return true
	}
	return r.Also07 && holdfast.VerifyHMAC(secret, holdfast.HmacSHA1,
		holdfast.StringToSign2007(r.Paths[0], covered), signature)
}

func (r *Request) hosts() iter.Seq[string] { return hosts(r.Request, r.Hosts) }

// covered returns the parameters that the signature covers: all others.
func (r *Request) covered() holdfast.Params { return r.without(r.Params) }

func (r *Request) without(p holdfast.Params) holdfast.Params {
	return slices.DeleteFunc(slices.Clone(p), func(param holdfast.Param) bool { return param.Name == r.Field })
}

// Refused returns everything that a wrong signature may have been made from, to
// explain the mistake to the developer of a sandbox caller.
func (r *Request) Refused() holdfast.RefusedSignature {
	refused := holdfast.RefusedSignature{
		Version: r.Version, Method: r.Method, Verbs: r.Verbs, Hosts: slices.Collect(r.hosts()), Path: r.Paths[0],
		Params: r.covered(), Parts: r.parts(), Signature: r.Params.Get(r.Field),
	}
	refused.Hosts[0] = r.Host // with its capitals
	return refused
}

// parts returns the parameters of the query and of the form separately, if a
// request has both.
func (r *Request) parts() []holdfast.Params {
	query, err := holdfast.ParseParams(r.URL.RawQuery)
	if err != nil {
		return nil
	}
	query, form := r.without(query), r.without(r.Params[len(query):])
	if len(query) == 0 || len(form) == 0 {
		return nil
	}
	return []holdfast.Params{query, form}
}
