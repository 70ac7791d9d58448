package queryapi

import (
	"fmt"
	"iter"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// credentials are the parameters that every signed request carries.
var credentials = []string{"AWSAccessKeyId", "Signature", "SignatureVersion", "SignatureMethod", "Timestamp"}

const (
	signatureVersion  = "2"
	signatureVersion1 = "1" // for callers that are set so
	accessKeyMax      = 128 // bytes; longer ones are nobody's
)

// authenticate finds out whose request it is and sets q.caller. The order of
// the checks is the API's: what is missing, whose key, how old, and then
// whether the signature is right.
func (s *Server) authenticate(r *http.Request, path string, q *request) error {
	p := q.params
	version := p.Get("SignatureVersion")
	for _, name := range credentials {
		// Version 1 had no method; its sender is told of the version below.
		needed := name != "SignatureMethod" || version == signatureVersion
		if needed && p.Get(name) == "" {
			return holdfast.Errorf(holdfast.AuthFailure, "%s is missing.", name)
		}
	}
	caller, key, err := s.callerByKey(r, p.Get("AWSAccessKeyId"))
	if err != nil {
		return err
	}
	if err := s.checkTimestamp(p.Get("Timestamp"), q.real); err != nil {
		return err
	}
	switch {
	case version == signatureVersion:
		err = s.checkSignature(r, path, p, key.Secret)
	case version == signatureVersion1 && caller.SignatureV1:
		err = checkSignatureV1(p, key.Secret)
	default:
		return holdfast.Errorf(holdfast.AuthFailure, "SignatureVersion %s is not supported; use version 2.", shown(version))
	}
	if err != nil {
		if caller.Sandbox && isWrongSignature(err) {
			q.wrong = &wrongSignature{caller: caller.ID, refused: s.refusedSignature(r, path, p), secret: key.Secret}
		}
		return err
	}
	q.caller = caller
	return nil
}

func (s *Server) callerByKey(r *http.Request, id string) (party.Caller, party.AccessKey, error) {
	var caller party.Caller
	var key party.AccessKey
	found := false
	if len(id) <= accessKeyMax {
		err := s.Store.View(r.Context(), func(tx *store.ReadTx) (err error) {
			caller, key, found, err = tx.CallerByKey(id)
			return err
		})
		if err != nil {
			return caller, key, fmt.Errorf("finding the caller: %w", err)
		}
	}
	if !found {
		return caller, key, holdfast.Errorf(holdfast.InvalidClientTokenID, "The AWS Access Key Id you provided does not exist in our records.")
	}
	return caller, key, nil
}

// timestampLayouts are ISO 8601 as it is sent: with or without fractions, in
// UTC or with an offset, the offset with or without its colon.
var timestampLayouts = []string{time.RFC3339, "2006-01-02T15:04:05Z0700"}

// checkTimestamp compares with real time, whatever the caller's clock shows:
// the caller's program has no other.
func (s *Server) checkTimestamp(value string, real time.Time) error {
	window := s.Window
	if window == 0 {
		window = windowDefault
	}
	for _, layout := range timestampLayouts {
		sent, err := time.Parse(layout, value)
		if err != nil {
			continue
		}
		if age := real.Sub(sent); age > window || age < -window {
			return holdfast.Errorf(holdfast.RequestExpired, "Request has expired. Timestamp date is %s", sent.UTC().Format("2006-01-02T15:04:05.000Z"))
		}
		return nil
	}
	return holdfast.Errorf(holdfast.InvalidParameterValue, "Value (%s) for parameter Timestamp is invalid. Must be in ISO8601 format.", shown(value))
}

// checkSignature verifies signature version 2 over the parameters as they were
// decoded, for any of the hosts the caller may have meant.
func (s *Server) checkSignature(r *http.Request, path string, p holdfast.Params, secret holdfast.SecretKey) error {
	method := holdfast.SignatureMethod(p.Get("SignatureMethod"))
	if method != holdfast.HmacSHA256 && method != holdfast.HmacSHA1 {
		return holdfast.Errorf(holdfast.AuthFailure, "SignatureMethod %s is not supported; use %s or %s.", shown(string(method)), holdfast.HmacSHA256, holdfast.HmacSHA1)
	}
	signed := unsigned(p)
	// The text is the same for every host but for its second line.
	verb := r.Method + "\n"
	rest := strings.TrimPrefix(holdfast.StringToSign(r.Method, "", path, signed), verb)
	for host := range s.signedHosts(r) {
		if holdfast.VerifyHMAC(secret, method, verb+host+rest, p.Get("Signature")) {
			return nil
		}
	}
	return wrongSignatureError(holdfast.InvalidSignature)
}

// checkSignatureV1 verifies signature version 1, whose text has neither verb
// nor host nor path.
func checkSignatureV1(p holdfast.Params, secret holdfast.SecretKey) error {
	if !holdfast.VerifyV1(secret, unsigned(p), p.Get("Signature")) {
		return wrongSignatureError(holdfast.SignatureDoesNotMatch)
	}
	return nil
}

// wrongSignatureError has the documented code for version 1, and for version 2
// the one that was recorded once version 1 was no more.
func wrongSignatureError(code holdfast.Code) error {
	return holdfast.Errorf(code, "The request signature we calculated does not match the signature you provided.")
}

// unsigned are the parameters that a signature covers.
func unsigned(p holdfast.Params) holdfast.Params {
	return slices.DeleteFunc(slices.Clone(p), func(param holdfast.Param) bool { return param.Name == "Signature" })
}

// signedHosts are the hosts that may stand in the signed text, the likeliest
// first: clients drop the port, or keep it when the Host header has none, and
// proxies change the name.
func (s *Server) signedHosts(r *http.Request) iter.Seq[string] {
	return func(yield func(string) bool) {
		name, port := splitPort(strings.ToLower(r.Host))
		if port == "" {
			port = localPort(r)
		}
		both := func(host string) bool {
			return yield(host) && (port == "" || yield(host+":"+port))
		}
		if strings.Contains(r.Host, ":") && !yield(strings.ToLower(r.Host)) {
			return
		}
		if !both(name) {
			return
		}
		for _, alias := range slices.Concat(s.Hosts, holdfast.ServiceHosts) {
			alias = strings.ToLower(alias)
			bare, aliasPort := splitPort(alias)
			if aliasPort != "" && !yield(alias) || !both(bare) {
				return
			}
		}
	}
}

// splitPort takes the port off a host; an IPv6 address keeps its brackets.
func splitPort(host string) (name, port string) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || i < strings.LastIndexByte(host, ']') {
		return host, ""
	}
	return host[:i], host[i+1:]
}

// localPort is the port the request came in by.
func localPort(r *http.Request) string {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return ""
	}
	_, port := splitPort(addr.String())
	return port
}
