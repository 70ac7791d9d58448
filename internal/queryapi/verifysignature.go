package queryapi

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-pay/holdfast"
)

// verifySignature tells whether a return URL or a notification is ours (Query
// API Reference, VerifySignature). Anybody may ask.
var verifySignature = action{
	name: "VerifySignature",
	parameters: []parameter{
		{name: "UrlEndPoint", required: true, check: endpoint},
		{name: "HttpParameters", required: true},
	},
	public: true,
	answer: (*Server).verifySignature,
}

func (s *Server) verifySignature(ctx context.Context, q *request, out *document) error {
	at, raw := q.params.Get("UrlEndPoint"), q.params.Get("HttpParameters")
	params, err := holdfast.ParseParams(raw)
	if err == nil && len(params) == 1 && params[0].Value == "" && strings.Contains(params[0].Name, "=") {
		// One client encodes the whole twice.
		raw = params[0].Name
		params, err = holdfast.ParseParams(raw)
	}
	if err != nil {
		return holdfast.Errorf(holdfast.InvalidParams, "'HttpParameters' cannot be read: %s.", shownMost(err.Error(), messageMax/2))
	}
	status := holdfast.VerificationSuccess
	if err := s.verify(at, raw, params.Get("certificateUrl")); err != nil {
		if refused, ok := errors.AsType[*holdfast.Error](err); ok {
			return refused
		}
		s.explainFailure(ctx, q, at, raw, err)
		status = holdfast.VerificationFailure
	}
	out.text("VerificationStatus", string(status))
	return nil
}

// verify checks a message against our own certificates. It is not told the
// verb, so it tries a return URL's and a notification's. The certificate's
// address is compared and never fetched: a stranger wrote it.
func (s *Server) verify(at, raw, certificateURL string) error {
	certs := s.certificates()
	err := holdfast.VerifyMessage(certs, http.MethodGet, at, raw)
	if _, refused := errors.AsType[*holdfast.Error](err); err != nil && !refused {
		err = holdfast.VerifyMessage(certs, http.MethodPost, at, raw)
	}
	if err == nil && (s.OwnCertificate == nil || !s.OwnCertificate(certificateURL)) {
		err = errors.New("its certificateUrl is not one of ours")
	}
	return err
}

func (s *Server) certificates() []*x509.Certificate {
	if s.Certificates == nil {
		return nil
	}
	return s.Certificates()
}

// headerVerificationHint tells a sandbox caller, if it signed the request, why a
// message is not verified.
const headerVerificationHint = "Holdfast-Verification-Hint"

// explainFailure says in the log why a message is not verified, and to a sandbox
// caller in a header: mostly its program changed the message before it asked.
func (s *Server) explainFailure(ctx context.Context, q *request, at, raw string, reason error) {
	if !q.caller.Sandbox && !s.log().Enabled(ctx, slog.LevelDebug) {
		return
	}
	hint := strings.Join(holdfast.ExplainMessage(s.certificates(), at, raw), " ")
	s.log().DebugContext(ctx, "message not verified", "request", q.id, "caller", q.caller.ID, "reason", reason, "hint", hint)
	if q.caller.Sandbox {
		q.hint = hint[:min(len(hint), hintMax)]
	}
}

// endpoint is an address that a message may have been sent to. What is wrong
// beyond that, such as a query, makes a message that is not verified.
func endpoint(_, value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return holdfast.Errorf(holdfast.InvalidParams, "%s is an invalid URL", shown(value))
	}
	return nil
}
