package queryapi

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/url"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/signed"
)

// verifySignature reports whether this server signed a return URL or a
// notification (Query API Reference, VerifySignature). Anybody may ask.
var verifySignature = action{
	name: "VerifySignature",
	parameters: []parameter{
		{name: "UrlEndPoint", required: true, rule: endpoint},
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
		return holdfast.Errorf(holdfast.InvalidParams, "'HttpParameters' cannot be read: %s.",
			shownMost(err.Error(), messageMax/2))
	}
	status := holdfast.VerificationSuccess
	asker, err := s.asker(ctx, q)
	if err != nil {
		return err
	}
	if err = s.verify(at, raw, params); err == nil {
		err = q.checkFor(asker, params)
	}
	if err != nil {
		if refused, ok := errors.AsType[*holdfast.Error](err); ok {
			return refused
		}
		s.explainFailure(ctx, q, at, raw, err)
		status = holdfast.VerificationFailure
	}
	out.text("VerificationStatus", string(status))
	return nil
}

// verify checks a message with our own certificates. The message's fields
// decide which verb was signed, so a return URL never passes as a notification.
// The certificate's address is compared and never fetched, because a stranger
// may have written it.
func (s *Server) verify(at, raw string, params holdfast.Params) error {
	verb, neither := holdfast.MessageVerb(params)
	err := holdfast.VerifyMessage(s.certificates(), verb, at, raw)
	if err == nil {
		err = neither
	}
	if err == nil && (s.OwnCertificate == nil || !s.OwnCertificate(params.Get("certificateUrl"))) {
		err = errors.New("its certificateUrl is not one of ours")
	}
	return err
}

// errOthers says that a genuine message is for another caller.
var errOthers = errors.New("the message is for another caller")

// asker is the caller of the request's access key, or the zero Caller. Its
// signature need not be right, because knowing the asker can only make the
// answer stricter.
func (s *Server) asker(ctx context.Context, q *request) (party.CallerID, error) {
	key := q.params.Get("AWSAccessKeyId")
	if q.caller.ID != "" || key == "" {
		return q.caller.ID, nil
	}
	signer, err := s.Callers.ByKey(ctx, key)
	if errors.Is(err, signed.ErrUnknownKey) {
		return "", nil
	}
	return signer.Caller.ID, err
}

// checkFor checks that a genuine message is for the caller that asks, and names
// that caller in the answer's header. Messages that were signed by an older
// version name no caller.
func (q *request) checkFor(asker party.CallerID, message holdfast.Params) error {
	named, ok := message.Lookup(holdfast.CallerField)
	switch {
	case !ok || asker == "":
		return nil
	case party.CallerID(named) != asker:
		return errOthers
	}
	q.messageFor = asker
	return nil
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

// explainFailure writes into the log, and for a sandbox caller into a header,
// why a message is not verified. The usual reason is that the program changed
// the message before it asked.
func (s *Server) explainFailure(ctx context.Context, q *request, at, raw string, reason error) {
	if !q.caller.Sandbox && !s.log().Enabled(ctx, slog.LevelDebug) {
		return
	}
	hint := "The message is for another caller than the one whose access key asks."
	if !errors.Is(reason, errOthers) {
		hint = strings.Join(holdfast.ExplainMessage(s.certificates(), at, raw), " ")
	}
	s.log().DebugContext(ctx, "message not verified", "request", q.id, "caller", q.caller.ID, "reason", reason, "hint",
		hint)
	if q.caller.Sandbox {
		q.hint = hint[:min(len(hint), hintMax)]
	}
}

// endpoint reads the address that a message was sent to. Other faults, such as
// a query, only make the message fail.
var endpoint = rule{
	allowed: "an absolute address, by http, https or the scheme of an application",
	met: func(value string) bool {
		u, err := url.Parse(value)
		return err == nil && (u.Scheme == "http" || u.Scheme == "https" || holdfast.IsAppScheme(u.Scheme)) &&
			u.Hostname() != ""
	},
	refuse: func(_, value string) error {
		return holdfast.Errorf(holdfast.InvalidParams, "%s is an invalid URL", shown(value))
	},
}
