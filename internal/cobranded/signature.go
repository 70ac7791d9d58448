package cobranded

import (
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// ownHosts are FPS's names of the Co-Branded service: old programs sign links
// for them however they get here.
var ownHosts = []string{"authorize.payments.amazon.com", "authorize.payments-sandbox.amazon.com"}

// checkSignature tries the texts that the caller may have signed: each host
// with and without port, and the real verb before the other, since some builders
// of forms sign GET. More texts do not make forging easier; each needs the key.
func (s *Server) checkSignature(r *http.Request, p holdfast.Params, caller party.Caller, key party.AccessKey) *distrusted {
	method := holdfast.SignatureMethod(param(p, "signatureMethod"))
	signature := param(p, "signature")
	signed := p.Without("signature")
	texts := s.textsToSign(r, signed)
	for _, text := range texts {
		if holdfast.VerifyHMAC(key.Secret, method, text, signature) {
			return nil
		}
	}
	refused := &distrusted{reason: invalidSignature}
	if caller.Sandbox {
		refused.text = texts[0]
		refused.hints = hints(key.Secret, method, texts, signature)
	}
	return refused
}

func (s *Server) textsToSign(r *http.Request, p holdfast.Params) []string {
	verbs := []string{http.MethodGet, http.MethodPost}
	if r.Method == http.MethodPost {
		slices.Reverse(verbs)
	}
	var texts []string
	for _, verb := range verbs {
		for _, host := range s.signedHosts(r) {
			texts = append(texts, holdfast.StringToSign(verb, host, holdfast.CoBrandedPath, p))
		}
	}
	return texts
}

// signedHosts are the names a caller may have signed for: the one the request
// came to, those configured and those of the time, each with its port, without,
// and with the port that the request came to.
func (s *Server) signedHosts(r *http.Request) []string {
	_, port, _ := net.SplitHostPort(r.Host)
	var all []string
	add := func(host string) {
		if !slices.Contains(all, host) {
			all = append(all, host)
		}
	}
	for _, host := range slices.Concat([]string{r.Host}, s.Hosts, ownHosts) {
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

// hints tell which well-known mistake makes the signature match. They are for
// sandbox callers: the usual slips cost their developers days.
func hints(secret holdfast.SecretKey, method holdfast.SignatureMethod, texts []string, signature string) []string {
	mistakes := []struct {
		hint   string
		change func(text string) string
	}{
		{"The signature matches with blanks written as +. Write %20 in the string to sign.", replacer("%20", "+")},
		{"The signature matches with * left as it is. Write %2A in the string to sign.", replacer("%2A", "*")},
		{"The signature matches with ~ encoded. Leave ~ as it is in the string to sign.", replacer("~", "%7E")},
		{"The signature matches with the path /. Sign the path " + holdfast.CoBrandedPath + ".", replacer("\n"+holdfast.CoBrandedPath+"\n", "\n/\n")},
		{"The signature matches without the line feeds. Keep them between verb, host, path and parameters.", replacer("\n", "")},
		{"The signature matches with lower-case escapes. Write %XX in upper case.", lowerEscapes},
	}
	var found []string
	for _, m := range mistakes {
		if slices.ContainsFunc(texts, func(text string) bool {
			return holdfast.VerifyHMAC(secret, method, m.change(text), signature)
		}) {
			found = append(found, m.hint)
		}
	}
	if decoded, err := base64.StdEncoding.DecodeString(signature); err == nil && isHex(decoded) {
		found = append(found, "The signature is the base64 of hexadecimal digits. Encode the MAC's bytes themselves.")
	}
	return found
}

func replacer(old, changed string) func(string) string {
	return func(text string) string { return strings.ReplaceAll(text, old, changed) }
}

func lowerEscapes(text string) string {
	b := []byte(text)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}

// isHex recognises a MAC of either kind written in hexadecimal.
func isHex(b []byte) bool {
	_, err := hex.DecodeString(string(b))
	return err == nil && (len(b) == 40 || len(b) == 64)
}
