// Package api is the door for callers' programs of today: the JSON API under
// /v1/. Keys are bearer keys, bodies are JSON, refusals are problems (RFC 9457).
// docs/api/json-api.md describes it. A caller of the Query API and the caller's
// JSON keys see the same transactions.
//
// # How to add a resource
//
// A resource has one file, such as hold.go. It has these parts, in this order:
//
//  1. The JSON types of the resource, such as [Hold], with a function that makes
//     one from the types of package payment. Names of fields are lower case with
//     underscores. Each field that is not clear from its name has a doc tag.
//     Amounts are [Money]; times are time.Time in UTC; a field that may be
//     missing has omitempty, and a pointer if its zero value means something.
//
//  2. A function that registers its operations. Add it to resources.
//
//  3. For each operation its input, and a method of [Server] that answers it:
//
//     func (s *Server) createHold(ctx context.Context, q *request, in *createHold) (*holdAnswer, error)
//
// The frame has checked the key and its scope, the names and forms of all
// parameters and fields, and the Idempotency-Key. q has the caller, the key and
// the call. The method asks s.Processor for a change, or reads with s.view, and
// returns the answer or an error:
//
//   - A *holdfast.Error or a *payment.CallError of the processor is answered with
//     its code. refusal.go and meaning.go have a row for each.
//   - A refusal of the door is a [Problem]: newProblem(NotFound, "…").
//   - Every other error is logged, and answered as internal_error.
//
// Read with the caller of the request only (q.caller.ID), so that an object of
// another caller is not_found. Show states at the caller's time: q.now().
//
// Input that is embedded must have an exported name, such as [ByID]: huma does not
// see other embedded fields.
//
// A list embeds [Paged] in its input and answers a [List]. Its cursor comes from
// [cursor].text, which binds it to the caller and the filters.
//
// An operation needs examples/ID.answer.json and, if it has a body,
// examples/ID.request.json. The test TestExamples sends the request, validates
// the answer against the document, and with -update writes the answer. A test
// asks for every object with another caller's key, and for every operation with
// a key that lacks its scope, so a new operation needs no test of its own for
// that.
package api

// resources register the operations of the API, one function for each resource.
var resources = []func(*Server){
	addCheckouts,
	addTokens,
	addHolds,
	addHoldActions,
	addPayments,
	addRefunds,
	addEvents,
	addEndpoints,
	addBalances,
	addClock,
}
