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
)

// credentials are the parameters that every signed request carries. Expires may
// be sent in place of Timestamp, as one old client does.
var credentials = []string{"AWSAccessKeyId", "Signature", "SignatureVersion", "SignatureMethod", "Timestamp", "Expires"}

const (
	signatureVersion  = "2"
	signatureVersion1 = "1" // for callers that are set so
	accessKeyMax      = 128 // bytes; longer ones are nobody's
)

// authenticate finds the request's caller and sets q.caller. The order of the
// checks is FPS's: missing parameters, the key, the age, and then the
// signature, over any of the paths.
func (s *Server) authenticate(r *http.Request, paths []string, q *request) error {
	p := q.params
	version := p.Get("SignatureVersion")
	for _, name := range credentials {
		if needed(p, name) && p.Get(name) == "" {
			return holdfast.Errorf(holdfast.AuthFailure, "%s is missing.", name)
		}
	}
	caller, key, err := s.callerByKey(r, p.Get("AWSAccessKeyId"))
	if err != nil {
		return err
	}
	if err := s.checkTime(p, q.real); err != nil {
		return err
	}
	switch {
	case version == signatureVersion:
		err = s.checkSignature(r, paths, p, key.Secret)
	case version == signatureVersion1 && caller.SignatureV1:
		err = checkSignatureV1(p, key.Secret)
	default:
		if version == signatureVersion1 {
			q.v1 = refusedV1{caller.ID, caller.Sandbox}
		}
		return holdfast.Errorf(holdfast.AuthFailure, "SignatureVersion %s is not supported; use version 2.", shown(version))
	}
	if err != nil {
		if caller.Sandbox && isWrongSignature(err) {
			q.wrong = &wrongSignature{caller: caller.ID, refused: s.refusedSignature(r, paths[0], p), secret: key.Secret}
		}
		return err
	}
	q.caller = caller
	return nil
}

// needed reports whether a request must carry one of the credentials. Version 1
// has no method; its refusal names the version.
func needed(p holdfast.Params, name string) bool {
	switch name {
	case "SignatureMethod":
		return p.Get("SignatureVersion") == signatureVersion
	case "Timestamp":
		return p.Get("Expires") == ""
	case "Expires":
		return false
	}
	return true
}

func (s *Server) callerByKey(r *http.Request, id string) (party.Caller, party.AccessKey, error) {
	if len(id) > accessKeyMax {
		return party.Caller{}, party.AccessKey{}, errUnknownKey
	}
	caller, key, found, err := s.Store.CallerByKey(r.Context(), id)
	if err != nil {
		return caller, key, fmt.Errorf("finding the caller: %w", err)
	}
	if !found {
		return caller, key, errUnknownKey
	}
	return caller, key, nil
}

var errUnknownKey = holdfast.Errorf(holdfast.InvalidClientTokenID,
	"The AWS Access Key Id you provided does not exist in our records.")

// timestampLayouts are ISO 8601 as it is sent: with or without fractions, in
// UTC or with an offset, the offset with or without its colon.
var timestampLayouts = []string{time.RFC3339, "2006-01-02T15:04:05Z0700"}

// checkTime compares with real time, not with the caller's clock, because the
// caller's program knows only real time. A refusal names the server's time, for
// programs on machines with a wrong clock.
func (s *Server) checkTime(p holdfast.Params, real time.Time) error {
	window := s.Window
	if window == 0 {
		window = windowDefault
	}
	if value := p.Get("Timestamp"); value != "" {
		sent, err := parseTimestamp("Timestamp", value)
		if err != nil {
			return err
		}
		if age := real.Sub(sent); age > window || age < -window {
			return expired("Timestamp", sent, real)
		}
	}
	if value := p.Get("Expires"); value != "" {
		until, err := parseTimestamp("Expires", value)
		if err != nil {
			return err
		}
		switch {
		case !real.Before(until):
			return expired("Expires", until, real)
		case until.Sub(real) > expiresMax:
			return holdfast.Errorf(holdfast.InvalidParameterValue,
				"Value (%s) for parameter Expires is invalid. Must be at most a day ahead.", shown(value))
		}
	}
	return nil
}

// expiresMax is how far ahead a request may expire.
const expiresMax = 24 * time.Hour

func parseTimestamp(name, value string) (time.Time, error) {
	for _, layout := range timestampLayouts {
		if at, err := time.Parse(layout, value); err == nil {
			return at, nil
		}
	}
	return time.Time{}, holdfast.Errorf(holdfast.InvalidParameterValue,
		"Value (%s) for parameter %s is invalid. Must be in ISO8601 format.", shown(value), name)
}

// expired refuses with the recorded message and adds the server's time.
func expired(name string, at, real time.Time) error {
	const layout = "2006-01-02T15:04:05.000Z"
	return holdfast.Errorf(holdfast.RequestExpired, "Request has expired. %s date is %s; here it is %s",
		name, at.UTC().Format(layout), real.UTC().Format(layout))
}

// checkSignature verifies signature version 2 over the parameters as they were
// decoded, for any of the hosts and paths the caller may have meant.
func (s *Server) checkSignature(r *http.Request, paths []string, p holdfast.Params, secret holdfast.SecretKey) error {
	method := holdfast.SignatureMethod(p.Get("SignatureMethod"))
	if method != holdfast.HmacSHA256 && method != holdfast.HmacSHA1 {
		return holdfast.Errorf(holdfast.AuthFailure, "SignatureMethod %s is not supported; use %s or %s.",
			shown(string(method)), holdfast.HmacSHA256, holdfast.HmacSHA1)
	}
	signed := unsigned(p)
	verb := r.Method + "\n"
	for _, path := range paths {
		// The texts of different hosts differ only in the second line.
		rest := strings.TrimPrefix(holdfast.StringToSign(r.Method, "", path, signed), verb)
		for host := range s.signedHosts(r) {
			if holdfast.VerifyHMAC(secret, method, verb+host+rest, p.Get("Signature")) {
				return nil
			}
		}
	}
	return wrongSignatureError(holdfast.InvalidSignature)
}

// signedPaths are the paths that may be in the signed text: the request's path;
// the root, which SDKs sign even if a proxy adds a prefix; and configured
// paths.
func (s *Server) signedPaths(path string) []string {
	paths := []string{or(path, apiPath)}
	for _, other := range append([]string{apiPath}, s.Paths...) {
		if !slices.Contains(paths, other) {
			paths = append(paths, other)
		}
	}
	return paths
}

func or(path, otherwise string) string {
	if path == "" {
		return otherwise
	}
	return path
}

// checkSignatureV1 verifies signature version 1, whose text has neither verb
// nor host nor path.
func checkSignatureV1(p holdfast.Params, secret holdfast.SecretKey) error {
	if !holdfast.VerifyV1(secret, unsigned(p), p.Get("Signature")) {
		return wrongSignatureError(holdfast.SignatureDoesNotMatch)
	}
	return nil
}

// wrongSignatureError has the documented code for version 1. For version 2 it
// has the code that was recorded after FPS had dropped version 1.
func wrongSignatureError(code holdfast.Code) error {
	return holdfast.Errorf(code, "The request signature we calculated does not match the signature you provided.")
}

// unsigned returns the parameters without the signature: those that it covers.
func unsigned(p holdfast.Params) holdfast.Params {
	return slices.DeleteFunc(slices.Clone(p), func(param holdfast.Param) bool { return param.Name == "Signature" })
}

// signedHosts are the hosts that may be in the signed text, the most likely
// first. Clients drop the port, or keep it when the Host header has none, and
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

// splitPort removes the port from a host; an IPv6 address keeps its brackets.
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
