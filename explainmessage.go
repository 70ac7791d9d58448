package holdfast

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// removedMax is the number of parameters that ExplainMessage leaves out, one at
// a time, to see whether the message verifies without it.
const removedMax = 40

// ExplainMessage looks for a common change to a message on its way from the
// server to the program that verifies it. It returns sentences in ASCII; one
// says so if no common change explains the failure. Its arguments are those of
// [VerifyMessage] without the verb.
func ExplainMessage(certs []*x509.Certificate, endpoint, rawParams string) []string {
	verifies := func(endpoint, rawParams string) bool {
		return VerifyMessage(certs, http.MethodGet, endpoint, rawParams) == nil ||
			VerifyMessage(certs, http.MethodPost, endpoint, rawParams) == nil
	}
	params, err := ParseParams(rawParams)
	if err != nil {
		return []string{"HttpParameters cannot be read: an escape is broken, or it is not UTF-8."}
	}
	if _, err := MessageVerb(params); err != nil {
		return []string{"No genuine message has fields of a return URL and of a notification."}
	}
	if verifies(endpoint, rawParams) {
		return []string{"The signature is right; certificateUrl is not one of this server's."}
	}
	for _, v := range endpointVariants(endpoint) {
		if verifies(v.endpoint, rawParams) {
			return []string{v.hint}
		}
	}
	for _, v := range paramsVariants(params) {
		if verifies(endpoint, v.params.Encode()) {
			return []string{v.hint}
		}
	}
	return []string{
		"No usual change explains it. UrlEndPoint is the address without its query, HttpParameters the query or the form " +
			"as it came, encoded once more.",
	}
}

type endpointVariant struct{ endpoint, hint string }

func endpointVariants(endpoint string) (variants []endpointVariant) {
	address, _, _ := strings.Cut(endpoint, "?")
	if bare, slash := strings.CutSuffix(address, "/"); slash {
		variants = append(variants, endpointVariant{bare, "It verifies without the slash at the end of UrlEndPoint."})
	} else {
		variants = append(variants, endpointVariant{address + "/", "It verifies with a slash at the end of UrlEndPoint."})
	}
	u, err := url.Parse(address)
	if err != nil {
		return variants
	}
	scheme := *u
	scheme.Scheme = map[string]string{"http": "https", "https": "http"}[u.Scheme]
	variants = append(variants, endpointVariant{
		scheme.String(), "It verifies with " + scheme.Scheme + " in UrlEndPoint: that is how the message was sent.",
	})
	if u.Port() != "" {
		bare := *u
		bare.Host = u.Hostname()
		variants = append(variants, endpointVariant{bare.String(), "It verifies without the port in UrlEndPoint."})
	}
	return variants
}

type paramsVariant struct {
	params Params
	hint   string
}

func paramsVariants(params Params) (variants []paramsVariant) {
	each := func(change func(string) string, hint string) {
		changed := make(Params, len(params))
		for i, p := range params {
			changed[i] = Param{Name: p.Name, Value: change(p.Value)}
		}
		variants = append(variants, paramsVariant{changed, hint})
	}
	each(func(value string) string {
		if once, err := url.PathUnescape(value); err == nil {
			return once
		}
		return value
	}, "It verifies with every value decoded once more: HttpParameters was encoded once too often.")
	each(func(value string) string { return strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\"`, `"`).Replace(value) },
		"It verifies without the backslashes that were put before quotes.")
	each(strings.TrimSpace, "It verifies without the blanks around values.")
	for i := range params[:min(len(params), removedMax)] {
		without := append(params[:i:i], params[i+1:]...)
		variants = append(variants, paramsVariant{
			without, fmt.Sprintf("It verifies without the parameter %.60s, which was added after the message was signed.",
				asciiOnly(params[i].Name)),
		})
	}
	return variants
}

// asciiOnly replaces all characters that an HTTP header cannot hold.
func asciiOnly(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, text)
}
