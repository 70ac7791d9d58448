package cobranded

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A distrusted request ends on the Invalid Request page and leads nowhere: who
// made it, or where it would return to, is not known.
type distrusted struct {
	reason string
	hints  []string // for the developer of a sandbox caller
	text   string   // that we verified the signature over, for the same
}

func (d *distrusted) Error() string { return d.reason }

// Reasons as recorded (public reports of the page).
const (
	invalidSignature = "Invalid Signature"
	invalidOrAbsent  = "The following input(s) are either invalid or absent:"
)

func absent(names ...string) *distrusted {
	return &distrusted{reason: invalidOrAbsent + "[" + strings.Join(names, ", ") + "]"}
}

// A started request is the caller's own and says where to return to.
type started struct {
	caller party.Caller
	params holdfast.Params // without the signature's fields
	target target
}

// start answers the link or form that a caller sends a sender with.
func (s *Server) start(w http.ResponseWriter, r *http.Request) {
	from, err := s.trust(r)
	if refused, ok := errors.AsType[*distrusted](err); ok {
		s.invalid(w, refused)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	visit, err := s.begin(r, from)
	if err == nil {
		redirect(w, r, pageURL("sign-in", visit.ID))
		return
	}
	end, ok := errors.AsType[*payment.PipelineEnd](err)
	if !ok {
		s.Log.Error("a pipeline could not begin", "caller", from.caller.ID, "error", err)
		end = payment.SystemError()
	}
	address, err := s.returnURL(from, failed(end))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	redirect(w, r, address)
}

// begin reads the pipeline's own parameters and makes the visit.
func (s *Server) begin(r *http.Request, from started) (payment.Visit, error) {
	if name := param(from.params, "pipelineName"); name != payment.PipelineSingleUse {
		return payment.Visit{}, payment.Malformed("pipelineName")
	}
	request, end := payment.ReadSingleUse(from.params)
	if end != nil {
		return payment.Visit{}, end
	}
	return s.Processor.StartVisit(r.Context(), from.caller, request, from.params)
}

// trust finds out whose request it is and where it returns to, or why neither
// can be believed.
func (s *Server) trust(r *http.Request) (started, error) {
	params, err := readParams(r)
	if err != nil {
		return started{}, &distrusted{reason: "The request cannot be read: " + err.Error()}
	}
	if name, twice := params.Duplicate(); twice {
		return started{}, absent(name)
	}
	if name, twice := foldedTwice(params); twice {
		return started{}, absent(name)
	}
	if d := checkForm(params); d != nil {
		return started{}, d
	}
	caller, key, err := s.callerOf(r, param(params, "callerKey"))
	if err != nil {
		return started{}, err
	}
	if d := s.checkSignature(r, params, caller, key); d != nil {
		return started{}, d
	}
	target, err := readTarget(params)
	if err != nil {
		return started{}, absent("returnURL")
	}
	for _, field := range []string{"signature", "signatureVersion", "signatureMethod"} {
		params = params.Without(field)
	}
	return started{caller: caller, params: params, target: target}, nil
}

// param reads a parameter in any spelling of its name.
func param(p holdfast.Params, name string) string {
	value, _ := payment.PipelineParam(p, name)
	return value
}

// foldedTwice finds a second spelling of what trust rests on: which of the two
// counts would be anybody's guess. Of other parameters it is allowed; programs
// send callerReference and CallerReference side by side.
func foldedTwice(p holdfast.Params) (name string, ok bool) {
	for _, name := range []string{"callerKey", "returnURL", "signature", "signatureVersion", "signatureMethod", "pipelineName"} {
		if len(p)-len(p.Without(name)) > 1 {
			return name, true
		}
	}
	return "", false
}

// checkForm looks for what a request must have before its caller can be asked
// for, and for versions that are not spoken here.
func checkForm(p holdfast.Params) *distrusted {
	var wrong []string
	for _, name := range []string{"callerKey", "pipelineName", "returnURL", "signature", "signatureVersion", "signatureMethod"} {
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
	case !slices.Contains(payment.Pipelines, param(p, "pipelineName")):
		wrong = append(wrong, "pipelineName")
	}
	if version := param(p, "version"); version != "" && version != holdfast.VersionCoBranded {
		wrong = append(wrong, "version")
	}
	if len(wrong) > 0 {
		return absent(wrong...)
	}
	return nil
}

// callerOf finds the caller by its key. A key that nobody has is answered like
// a wrong signature.
func (s *Server) callerOf(r *http.Request, keyID string) (caller party.Caller, key party.AccessKey, err error) {
	var found bool
	err = s.Store.View(r.Context(), func(tx *store.ReadTx) (err error) {
		caller, key, found, err = tx.CallerByKey(keyID)
		return err
	})
	if err != nil {
		return caller, key, fmt.Errorf("finding the caller of a link: %w", err)
	}
	if !found {
		return caller, key, &distrusted{reason: invalidSignature}
	}
	return caller, key, nil
}
