package cobranded

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// checkSignature tries the texts that the caller may have signed by version 2:
// each host with and without port, and the real method before the other,
// because some form builders sign GET. Trying several texts does not make
// forging easier, because each needs the key.
func (s *Server) checkSignature(
	r *http.Request, p holdfast.Params, caller party.Caller, key party.AccessKey,
) *distrusted {
	method := holdfast.SignatureMethod(param(p, "signatureMethod"))
	signature := param(p, "signature")
	signed := p.Without("signature")
	verbs := []string{http.MethodGet, http.MethodPost}
	if r.Method == http.MethodPost {
		slices.Reverse(verbs)
	}
	hosts := s.signedHosts(r)
	// Only the first two lines of the text depend on the method and the host.
	rest := strings.TrimPrefix(holdfast.StringToSign("", "", holdfast.CoBrandedPath, signed), "\n")
	for _, verb := range verbs {
		for _, host := range hosts {
			if holdfast.VerifyHMAC(key.Secret, method, verb+"\n"+host+rest, signature) {
				return nil
			}
		}
	}
	return explained(caller, key, holdfast.RefusedSignature{
		Version: "2", Method: method, Verbs: verbs, Hosts: hosts, Path: holdfast.CoBrandedPath,
		Params: signed, Parts: parts(r, signed), Signature: signature,
	})
}

// checkSignatureV1 verifies a signature of version 1. It is in the parameter
// signature (2009) or awsSignature, which signs the same text or the text of
// 2007.
func checkSignatureV1(r *http.Request, p holdfast.Params, caller party.Caller, key party.AccessKey) *distrusted {
	name := "signature"
	if param(p, name) == "" {
		name = awsSignature
	}
	signature := param(p, name)
	signed := p.Without(name)
	if holdfast.VerifyV1(key.Secret, signed, signature) {
		return nil
	}
	if name == awsSignature &&
		holdfast.VerifyHMAC(key.Secret, holdfast.HmacSHA1, holdfast.StringToSign2007(holdfast.CoBrandedPath, signed),
			signature) {
		return nil
	}
	return explained(caller, key, holdfast.RefusedSignature{
		Version: "1", Params: signed, Parts: parts(r, signed), Signature: signature,
	})
}

// explained refuses a signature. It explains the reason to sandbox callers
// only, because the usual mistakes cost developers days.
func explained(caller party.Caller, key party.AccessKey, refused holdfast.RefusedSignature) *distrusted {
	d := &distrusted{reason: invalidSignature}
	if caller.Sandbox {
		d.text, d.v1 = refused.StringToSign(), refused.Version == "1"
		d.hints = refused.Explain(key.Secret)
	}
	return d
}

// parts returns the parameters of the query and of the form separately, if a
// request has both.
func parts(r *http.Request, signed holdfast.Params) []holdfast.Params {
	query, err := holdfast.ParseParams(r.URL.RawQuery)
	query = query.Without("signature").Without(awsSignature)
	if err != nil || len(query) == 0 || len(query) >= len(signed) {
		return nil
	}
	return []holdfast.Params{query, signed[len(query):]}
}

// signedHosts returns the hosts for which a caller may have signed: the host of
// the request, the configured hosts and FPS's own. Each is tried with its port,
// without a port, and with the port of the request.
func (s *Server) signedHosts(r *http.Request) []string {
	_, port, _ := net.SplitHostPort(r.Host)
	var all []string
	add := func(host string) {
		if !slices.Contains(all, host) {
			all = append(all, host)
		}
	}
	for _, host := range slices.Concat([]string{r.Host}, s.Hosts, holdfast.ServiceHosts) {
		host = strings.ToLower(host)
		add(host)
		bare := host
		if _, _, err := net.SplitHostPort(host); err == nil {
			bare = host[:strings.LastIndexByte(host, ':')] // keeps the brackets of an IPv6 address
		}
		add(bare)
		if port != "" {
			add(bare + ":" + port)
		}
	}
	return all
}
