package cobranded

import (
	"net/http"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/signed"
)

// signedBy2 reads the signature of a request that is signed by version 2. The
// real method is tried before the other, because some form builders sign GET.
func signedBy2(r *http.Request, p holdfast.Params, hosts []string) *signed.Request {
	verbs := []string{http.MethodGet, http.MethodPost}
	if r.Method == http.MethodPost {
		slices.Reverse(verbs)
	}
	signature, _ := p.Fold("signature")
	return &signed.Request{
		Request: r, Version: signed.Version2, Method: holdfast.SignatureMethod(param(p, "signatureMethod")),
		Params: p, Field: signature.Name, Verbs: verbs, Hosts: hosts, Paths: []string{holdfast.CoBrandedPath},
	}
}

// signedBy1 reads the signature of a request that is signed by version 1. It is
// in the parameter signature (2009) or awsSignature, which signs the same text
// or the text of 2007.
func signedBy1(r *http.Request, p holdfast.Params) *signed.Request {
	signature, _ := p.Fold("signature")
	old := signature.Value == ""
	if old {
		signature, _ = p.Fold(awsSignature)
	}
	return &signed.Request{
		Request: r, Version: signed.Version1, Params: p, Field: signature.Name, Also07: old,
		Paths: []string{holdfast.CoBrandedPath},
	}
}

// explained refuses a signature. It explains the reason to sandbox callers
// only, because the usual mistakes cost developers days.
func explained(sent *signed.Request, by signed.Signer) *distrusted {
	d := &distrusted{reason: invalidSignature}
	if by.Caller.Sandbox {
		refused := sent.Refused()
		d.text, d.v1 = refused.StringToSign(), refused.Version == signed.Version1
		d.hints = refused.Explain(by.Key.Secret)
	}
	return d
}
