package queryapi

import (
	"time"

	"github.com/holdfast-pay/holdfast"
)

// A Result is a class of answers.
type Result string

// The results.
const (
	Success     Result = "success"
	Refused     Result = "refused"     // the request is wrong
	Unavailable Result = "unavailable" // the server was too busy, or its store was away
	Failed      Result = "failed"      // a fault of the server
	Gone        Result = "gone"        // the client did not wait for the answer
)

// An Answered describes an answer, so that it can be counted. It has nothing
// that the client made up.
type Answered struct {
	Action string // of the API; "Clock" for the sandbox clock; empty if there is no such action
	Result Result
	Code   holdfast.Code // of the error document; empty if the request succeeded
	Took   time.Duration // since the request arrived
}

func (s *Server) answered(q *request, result Result, code holdfast.Code) {
	if s.Answered != nil {
		s.Answered(Answered{Action: q.action, Result: result, Code: code, Took: s.Now().Sub(q.began)})
	}
}
