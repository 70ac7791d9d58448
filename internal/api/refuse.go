package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Result is a class of answers.
type Result string

// The results. They are those of package queryapi.
const (
	Success    Result = "success"
	Refused    Result = "refused"     // the request is wrong
	Busy       Result = "unavailable" // the server was too busy, or its store was away
	Failed     Result = "failed"      // a fault of the server
	ClientGone Result = "gone"        // the client did not wait for the answer
)

// An Answered describes an answer, so that it can be counted. It has nothing
// that the client made up.
type Answered struct {
	Operation string // such as "create-hold"; empty if there is no such operation
	Result    Result
	Code      Code // of the problem; empty if the request succeeded
	Took      time.Duration
}

var errCallerBusy = errors.New("the caller has too many requests under way")

// refuse turns an error into the problem that is answered. An error that is not
// a refusal goes to the log, and the caller gets the request's id to ask with.
func (s *Server) refuse(ctx context.Context, q *request, err error) *Problem {
	p, refused := problemFor(err)
	q.result = Refused
	switch {
	case refused && q.caller.ID == "":
		s.log().DebugContext(ctx, "refused", "request", q.id, "operation", q.operation(), "code", p.Code)
	case refused: // the detail may repeat what was sent
		s.log().InfoContext(ctx, "refused", "request", q.id, "operation", q.operation(), "caller", q.caller.ID, "key",
			q.key.ID, "code", p.Code)
	case errors.Is(err, errCallerBusy): // there may be thousands a second
		s.say(ctx, s.log().DebugContext, "too busy", q, err)
		q.result, p = Busy, newProblem(TooManyRequests, "")
	case errors.Is(err, store.ErrFull):
		s.say(ctx, s.log().DebugContext, "too busy", q, err)
		q.result, p = Busy, newProblem(Unavailable, "")
	case errors.Is(err, context.Canceled) && ctx.Err() != nil: // nobody waits for the answer
		s.say(ctx, s.log().DebugContext, "client gone", q, err)
		q.result, p = ClientGone, newProblem(Unavailable, "")
	case store.IsUnavailable(err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		s.say(ctx, s.log().WarnContext, "request not carried out", q, err)
		q.result, p = Busy, newProblem(Unavailable, "")
	default:
		s.say(ctx, s.log().ErrorContext, "request failed", q, err)
		q.result, p = Failed, newProblem(InternalError, "")
	}
	p.Type, p.RequestID = s.pageOf(p.Code), q.id
	q.problem = p
	return p
}

func (s *Server) say(
	ctx context.Context, at func(context.Context, string, ...any), message string, q *request, err error,
) {
	at(ctx, message, "request", q.id, "operation", q.operation(), "caller", q.caller.ID, "error", err)
}

// ownNames are the names of this API for parameters that the engine's messages
// name as FPS did.
var ownNames = strings.NewReplacer(
	"SenderTokenId", "token", "RecipientTokenId", "recipient_token", "TransactionAmount", "amount", "RefundAmount",
	"amount", "CallerReference", "reference", "CallerDescription", "description", "SenderDescription",
	"buyer_description", "sender token", "token",
)

// problemFor is the problem of an error that is a refusal.
func problemFor(err error) (p *Problem, refused bool) {
	if own, ok := errors.AsType[*Problem](err); ok {
		return own, true
	}
	if call, ok := errors.AsType[*payment.CallError](err); ok {
		p := newProblem(Code(call.Code), sentence(call.Message))
		p.Scope = string(call.Scope)
		for _, field := range call.Fields {
			p.Errors = append(p.Errors, Fault{Pointer: field, Code: InvalidValue, Detail: p.Detail})
		}
		return p, true
	}
	if key, ok := errors.AsType[party.KeyError](err); ok { // revoked since the door read it
		return newProblem(Code(key), sentence(key.Error())), true
	}
	if engine, ok := errors.AsType[*holdfast.Error](err); ok {
		code := refusals[engine.Code]
		if meaningOf[code].status >= http.StatusInternalServerError {
			return nil, false
		}
		return newProblem(code, sentence(ownNames.Replace(engine.Message))), true
	}
	return nil, false
}

// answered counts an answer, and logs money that moved.
func (s *Server) answered(q *request) {
	took := s.Now().Sub(q.began)
	a := Answered{Operation: q.operation(), Result: Success, Took: took}
	if q.problem != nil {
		a.Result, a.Code = q.result, q.problem.Code
	}
	if s.Answered != nil {
		s.Answered(a)
	}
	if q.problem == nil && s.LogMoves && q.move.Transaction != "" {
		q.move.Log(context.Background(), s.log(), q.operation(), q.id, took)
	}
}
