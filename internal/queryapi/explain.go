package queryapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

const (
	hintMax  = 1024 // bytes
	lateHint = "Too many requests with wrong signatures come in to look for the mistake. Send the request again in a " +
		"second."
	noHint = "No usual mistake explains the signature. Check the secret key, and compare your string to sign with the " +
		"one in the server's log."
)

// A wrongSignature is a signature that was not made with the sandbox caller's
// key.
type wrongSignature struct {
	caller  party.CallerID
	refused holdfast.RefusedSignature
	secret  holdfast.SecretKey
}

func isWrongSignature(err error) bool {
	refused, ok := errors.AsType[*holdfast.Error](err)
	return ok && (refused.Code == holdfast.InvalidSignature || refused.Code == holdfast.SignatureDoesNotMatch)
}

// explain finds the usual mistake behind a wrong signature of a sandbox caller.
// The caller gets it in a header, the operator in the log, with our string to
// sign. During a flood nothing is explained. Anybody can send such requests, so
// the log lines of each caller are limited.
func (s *Server) explain(w http.ResponseWriter, r *http.Request, q *request, may bool) {
	if q.wrong == nil {
		return
	}
	if !may {
		w.Header().Set(holdfast.HeaderSignatureHint, lateHint)
		return
	}
	hint := strings.Join(q.wrong.refused.Explain(q.wrong.secret), " ")
	if hint == "" {
		hint = noHint
	}
	w.Header().Set(holdfast.HeaderSignatureHint, hint[:min(len(hint), hintMax)])
	if !s.unsigned().wrongLogged.Allow(string(q.wrong.caller), s.Now()) {
		return
	}
	s.log().InfoContext(r.Context(), "a sandbox caller's signature is wrong", "request", q.id, "caller", q.wrong.caller,
		"hint", hint, "stringToSign", shownMost(q.wrong.refused.StringToSign(), textMax))
}

// A refusedV1 is the caller of a request with signature version 1 that may not
// use it.
type refusedV1 struct {
	caller  party.CallerID
	sandbox bool
}

// explainV1 says how to allow signature version 1: to a sandbox caller in a
// header, and to the operator in the log, once an hour.
func (s *Server) explainV1(w http.ResponseWriter, r *http.Request, q *request, may bool) {
	if q.v1.caller == "" {
		return
	}
	hint := party.SignatureV1Hint(q.v1.caller)
	if q.v1.sandbox {
		w.Header().Set(holdfast.HeaderSignatureHint, hint)
	}
	if may && s.unsigned().v1Logged.Allow(string(q.v1.caller), s.Now()) {
		s.log().InfoContext(r.Context(), "signature version 1 is refused", "request", q.id, "caller", q.v1.caller, "hint",
			hint)
	}
}

const textMax = 2 << 10 // characters of a string to sign that are logged
