package queryapi

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/signed"
)

// credentials are the parameters that every signed request carries. Expires may
// be sent in place of Timestamp, as one old client does.
var credentials = []string{"AWSAccessKeyId", "Signature", "SignatureVersion", "SignatureMethod", "Timestamp", "Expires"}

// authenticate finds the request's caller and sets q.caller. The order of the
// checks is FPS's: missing parameters, the key, the age, and then the
// signature, over any of the paths.
func (s *Server) authenticate(r *http.Request, paths []string, q *request) error {
	p := q.params
	for _, name := range credentials {
		if needed(p, name) && p.Get(name) == "" {
			return holdfast.Errorf(holdfast.AuthFailure, "%s is missing.", name)
		}
	}
	signer, err := s.Callers.ByKey(r.Context(), p.Get("AWSAccessKeyId"))
	switch {
	case errors.Is(err, signed.ErrUnknownKey):
		return errUnknownKey
	case err != nil:
		return err
	}
	if err := s.checkTime(p, q.real); err != nil {
		return err
	}
	sent := signed.Request{
		Request: r, Version: p.Get("SignatureVersion"), Method: holdfast.SignatureMethod(p.Get("SignatureMethod")),
		Params: p, Field: "Signature", Verbs: []string{r.Method}, Hosts: s.Hosts, Paths: paths,
	}
	if err := checkSignature(&sent, signer, q); err != nil {
		return err
	}
	q.caller = signer.Caller
	s.Processor.NoteAccessKeyUse(signer.Key)
	q.by = party.Actor{Kind: party.ActorKey, ID: signer.Key.ID, From: s.from(r)}
	return nil
}

// checkSignature refuses a request that the signer did not sign, and gathers in
// q what explains the refusal.
func checkSignature(sent *signed.Request, by signed.Signer, q *request) error {
	if sent.Version == signed.Version2 && !signed.KnownMethod(sent.Method) {
		return holdfast.Errorf(holdfast.AuthFailure, "SignatureMethod %s is not supported; use %s or %s.",
			shown(string(sent.Method)), holdfast.HmacSHA256, holdfast.HmacSHA1)
	}
	switch err := sent.Check(by); {
	case err == nil:
		return nil
	case errors.Is(err, signed.ErrVersion):
		if sent.Version == signed.Version1 {
			q.v1 = refusedV1{by.Caller.ID, by.Caller.Sandbox}
		}
		return holdfast.Errorf(holdfast.AuthFailure, "SignatureVersion %s is not supported; use version 2.",
			shown(sent.Version))
	}
	if by.Caller.Sandbox {
		q.wrong = &wrongSignature{caller: by.Caller.ID, refused: sent.Refused(), secret: by.Key.Secret}
	}
	code := holdfast.InvalidSignature // as it was recorded after FPS had dropped version 1
	if sent.Version == signed.Version1 {
		code = holdfast.SignatureDoesNotMatch // as it was documented
	}
	return holdfast.Errorf(code, "The request signature we calculated does not match the signature you provided.")
}

var errUnknownKey = holdfast.Errorf(holdfast.InvalidClientTokenID,
	"The AWS Access Key Id you provided does not exist in our records.")

// needed reports whether a request must carry one of the credentials. Version 1
// has no method; its refusal names the version.
func needed(p holdfast.Params, name string) bool {
	switch name {
	case "SignatureMethod":
		return p.Get("SignatureVersion") == signed.Version2
	case "Timestamp":
		return p.Get("Expires") == ""
	case "Expires":
		return false
	}
	return true
}

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
