package cobranded

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/signed"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A distrusted request ends on the Invalid Request page, which does not lead
// back: its caller or its return address is not known.
type distrusted struct {
	reason string
	hints  []string // for the developer of a sandbox caller
	text   string   // the text that was signed, for the same developer
	v1     bool     // the signature's version is 1
}

func (d *distrusted) Error() string { return d.reason }

// The error messages of FPS, from public reports of the page.
const (
	invalidSignature = "Invalid Signature"
	invalidOrAbsent  = "The following input(s) are either invalid or absent:"
)

func absent(names ...string) *distrusted {
	return &distrusted{reason: invalidOrAbsent + "[" + strings.Join(names, ", ") + "]"}
}

// A started request has a verified caller and a valid return address.
type started struct {
	caller party.Caller
	params holdfast.Params // without the signature's fields
	target payment.ReturnURL

	// secret signs the answer to a request that was signed by version 1. It is
	// zero for other requests, whose answers are signed with the server's own key.
	secret      holdfast.SecretKey
	signatureV1 bool

	checkout payment.VisitID // empty for a request that a caller has signed
}

// start answers the link or form with which a caller sends a sender here.
func (s *Server) start(w http.ResponseWriter, r *http.Request) {
	from, err := s.trust(r)
	if refused, ok := errors.AsType[*distrusted](err); ok {
		s.invalid(w, r, refused)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	visit, err := s.begin(r, from)
	if err == nil {
		s.lendKey(w, visit)
		webui.Redirect(w, r, pageURL("sign-in", visit.ID))
		return
	}
	end, ok := errors.AsType[*payment.PipelineEnd](err)
	if !ok && r.Context().Err() != nil {
		s.fail(w, r, err)
		return
	}
	if !ok {
		s.Log.Error("a pipeline could not begin", "caller", from.caller.ID, "error", err)
		end = payment.SystemError()
	}
	address, err := s.returnURL(from, failed(end))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	webui.Redirect(w, r, address)
}

// begin reads the pipeline's parameters and opens a visit.
func (s *Server) begin(r *http.Request, from started) (payment.Visit, error) {
	request, end := payment.ReadPipeline(from.params)
	if end != nil {
		return payment.Visit{}, end
	}
	return s.Processor.OpenVisit(r.Context(), from.caller, request, from.params, from.signatureV1)
}

// trust finds the caller and the return address of a request, or the reason why
// they cannot be trusted.
func (s *Server) trust(r *http.Request) (started, error) {
	params, err := readLink(r)
	if err != nil {
		return started{}, &distrusted{reason: "The request cannot be read: " + err.Error()}
	}
	if name, found := ambiguous(params); found {
		return started{}, absent(name)
	}
	from := started{signatureV1: isV1(params)}
	if from.signatureV1 {
		err = s.authenticateV1(r, params, &from)
	} else {
		err = s.authenticate(r, params, &from)
	}
	if err != nil {
		return started{}, err
	}
	if from.target, err = readTarget(from.caller, params); err != nil {
		refused := absent("returnURL")
		if from.caller.Sandbox {
			refused.hints = targetHints(err)
		}
		return started{}, refused
	}
	for _, field := range []string{"signature", "signatureVersion", "signatureMethod"} {
		params = params.Without(field)
	}
	if from.signatureV1 {
		params = params.Without(awsSignature)
	}
	from.params = params
	return from, nil
}

// authenticate finds the caller of a request that is signed by version 2.
func (s *Server) authenticate(r *http.Request, params holdfast.Params, from *started) error {
	if d := checkForm(params); d != nil {
		return d
	}
	signer, err := s.Callers.ByKey(r.Context(), param(params, "callerKey"))
	switch {
	case errors.Is(err, signed.ErrUnknownKey):
		return &distrusted{reason: invalidSignature}
	case err != nil:
		return err
	}
	sent := signedBy2(r, params, s.Hosts)
	if sent.Check(signer) != nil {
		return explained(sent, signer)
	}
	from.caller = signer.Caller
	s.Processor.NoteAccessKeyUse(signer.Key)
	return nil
}

// awsSignature is the name of the signature in links of 2007.
const awsSignature = "awsSignature"

// isV1 reports whether a request is signed by version 1. Most of these have no
// signatureVersion.
func isV1(p holdfast.Params) bool {
	version := param(p, "signatureVersion")
	return version == "" || version == "1"
}

// authenticateV1 finds the caller of a request that is signed by version 1, if
// the caller may use it. All others are told to use version 2. Live callers
// whose signature is wrong are told the same, so that the answer does not
// reveal whether a key exists.
func (s *Server) authenticateV1(r *http.Request, params holdfast.Params, from *started) error {
	refused := checkForm(params) // it is at least without signatureVersion
	if checkNamed(params) != nil || (param(params, "signature") == "") == (param(params, awsSignature) == "") {
		return refused
	}
	signer, err := s.Callers.ByKey(r.Context(), param(params, "callerKey"))
	switch {
	case errors.Is(err, signed.ErrUnknownKey):
		return refused
	case err != nil:
		return err
	}
	sent := signedBy1(r, params)
	switch err := sent.Check(signer); {
	case err == nil:
		from.caller, from.secret = signer.Caller, signer.Key.Secret
		s.Processor.NoteAccessKeyUse(signer.Key)
		return nil
	case errors.Is(err, signed.ErrVersion):
		return s.hintV1(signer.Caller, refused)
	case !signer.Caller.Sandbox:
		return refused
	}
	return explained(sent, signer)
}

// hintV1 adds to a refusal how an old program can be allowed to use version 1.
// Sandbox callers see it, and the log gets it once an hour.
func (s *Server) hintV1(caller party.Caller, refused *distrusted) error {
	hint := party.SignatureV1Hint(caller.ID)
	if s.v1Logged.Allow(string(caller.ID), s.Now()) { // anybody can send such links
		s.Log.Info("signature version 1 is refused", "caller", caller.ID, "hint", hint)
	}
	if caller.Sandbox && refused != nil {
		refused.hints = append(refused.hints, hint)
	}
	return refused
}

// param returns a parameter by its name in any case.
func param(p holdfast.Params, name string) string {
	value, _ := payment.PipelineParam(p, name)
	return value
}

// foldedTwice finds a parameter that establishes trust and occurs in two
// spellings. It would not be clear which of them counts.
func foldedTwice(p holdfast.Params) (name string, ok bool) {
	for _, name := range []string{
		"callerKey", "returnURL", "signature", awsSignature, "signatureVersion", "signatureMethod", "pipelineName",
	} {
		if len(p)-len(p.Without(name)) > 1 {
			return name, true
		}
	}
	return "", false
}

// checkForm checks that a request has the parameters that are needed to find
// its caller, and refuses unknown versions.
func checkForm(p holdfast.Params) *distrusted {
	var wrong []string
	for _, name := range []string{
		"callerKey", "pipelineName", "returnURL", "signature", "signatureVersion", "signatureMethod",
	} {
		if param(p, name) == "" {
			wrong = append(wrong, name)
		}
	}
	switch method := holdfast.SignatureMethod(param(p, "signatureMethod")); {
	case len(wrong) > 0:
	case param(p, "signatureVersion") != "2":
		wrong = append(wrong, "signatureVersion")
	case method != holdfast.HmacSHA256 && method != holdfast.HmacSHA1:
		wrong = append(wrong, "signatureMethod")
	case !isPipeline(p):
		wrong = append(wrong, "pipelineName")
	}
	if !isVersion(p) {
		wrong = append(wrong, "version")
	}
	if len(wrong) > 0 {
		return absent(wrong...)
	}
	return nil
}

// checkNamed is checkForm without the parameters that only version 2 has.
func checkNamed(p holdfast.Params) error {
	for _, name := range []string{"callerKey", "returnURL"} {
		if param(p, name) == "" {
			return absent(name)
		}
	}
	switch {
	case !isPipeline(p):
		return absent("pipelineName")
	case !isVersion(p):
		return absent("version")
	}
	return nil
}

func isPipeline(p holdfast.Params) bool {
	return slices.Contains(payment.Pipelines, payment.Pipeline(param(p, "pipelineName")))
}

func isVersion(p holdfast.Params) bool {
	version := param(p, "version")
	return version == "" || version == holdfast.VersionCoBranded
}
