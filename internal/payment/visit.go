package payment

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A VisitID names a visit, such as "V01K…". It cannot be guessed: who has it
// has been sent here with it.
type VisitID string

// A Visit is one browser on its way through a pipeline. What the sender chose
// is kept here and not in the browser.
type Visit struct {
	ID          VisitID
	Caller      party.CallerID
	Reference   holdfast.CallerReference
	Params      string                // of the Co-Branded request, encoded, without its signature fields
	SignatureV1 bool                  // the request was signed by version 1, and so will its answer be
	Sender      party.ID              // empty until somebody signed in
	Instrument  InstrumentID          // empty until chosen
	Address     party.AddressID       // empty until chosen
	Status      holdfast.ReturnStatus // empty until it has ended
	Message     string                // why it ended without a token
	Token       holdfast.TokenID
	Created     time.Time // real time, as is Ended
	Ended       time.Time
}

// Over reports whether the visit has ended: what it came to no longer changes.
func (v Visit) Over() bool { return !v.Ended.IsZero() }

// End is the visit with its end.
func (v Visit) End(status holdfast.ReturnStatus, message string, now time.Time) Visit {
	v.Status, v.Message, v.Ended = status, message, now
	return v
}

// A PipelineEnd is how a pipeline ends without a token: the status and the
// errorMessage of the return URL.
type PipelineEnd struct { //nolint:errname // most often it is an answer, and an error only on its way there
	Status  holdfast.ReturnStatus
	Message string
}

func (e *PipelineEnd) Error() string {
	return fmt.Sprintf("pipeline ends with %s: %s", e.Status, e.Message)
}

// What callers are told. Programs look at the status; the wording of the first
// two is recorded (Co-Branded Service, captured answers).
const (
	malformed        = "The following input(s) are not well formed: "
	messageRestarted = "User Error: The pipeline was aborted and restarted"
	messageAbandoned = "User Error: The sender left the pipeline"
	messageNoMethod  = "User Error: The sender has none of the payment methods asked for"
)

// Malformed is the end of a request with parameters that cannot be used.
func Malformed(names ...string) *PipelineEnd {
	return &PipelineEnd{Status: holdfast.ReturnCallerError, Message: malformed + list(names)}
}

// Restarted is the end of a pipeline started again after its sender gave it up.
func Restarted() *PipelineEnd {
	return &PipelineEnd{Status: holdfast.ReturnAccountProblem, Message: messageRestarted}
}

// Abandoned is the end that a sender chooses.
func Abandoned() *PipelineEnd {
	return &PipelineEnd{Status: holdfast.ReturnAbandoned, Message: messageAbandoned}
}

// NoMethod is the end for a sender who has none of the methods asked for.
func NoMethod() *PipelineEnd {
	return &PipelineEnd{Status: holdfast.ReturnPaymentError, Message: messageNoMethod}
}

// SystemError is the end when we failed; the same request may be tried again.
func SystemError() *PipelineEnd {
	return &PipelineEnd{Status: holdfast.ReturnSystemError, Message: "System error. Please try again"}
}

// AccountProblem tells why a sender cannot pay a recipient, or is nil.
func AccountProblem(sender, recipient party.Party) *PipelineEnd {
	problem := ""
	switch {
	case sender.ID == recipient.ID:
		problem = "User Error: The sender and the recipient are the same account"
	case sender.Standing != party.Active:
		problem = "User Error: The sender's account is not active"
	case !sender.EmailVerified:
		problem = "User Error: The sender's e-mail address is not verified"
	case recipient.Standing != party.Active:
		problem = "User Error: The recipient's account is not active"
	default:
		return nil
	}
	return &PipelineEnd{Status: holdfast.ReturnAccountProblem, Message: problem}
}
