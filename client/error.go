package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// A Code says why a call was refused, such as "token_used". Programs branch on it.
// The reference page of the server lists all codes.
type Code string

// Codes that most programs handle.
const (
	CodeNotFound       Code = "not_found"
	CodeKeyReused      Code = "idempotency_key_reused"
	CodeReferenceInUse Code = "reference_in_use"
	CodeScopeMissing   Code = "scope_missing"
)

// An Error is a refusal (RFC 9457). Nothing was done.
type Error struct {
	Status    int     `json:"status"` // of HTTP
	Code      Code    `json:"code"`
	Title     string  `json:"title"`            // one sentence about the code
	Detail    string  `json:"detail"`           // what is wrong with this call
	Type      string  `json:"type"`             // a page about the code
	Scope     string  `json:"scope,omitempty"`  // that the key lacks
	RequestID string  `json:"request_id"`       // for questions to the operator
	Faults    []Fault `json:"errors,omitempty"` // each field that is wrong
}

// A Fault is one field or parameter that is wrong. It has one of Pointer,
// Parameter and Header.
type Fault struct {
	Pointer   string `json:"pointer,omitempty"` // a JSON pointer into the body
	Parameter string `json:"parameter,omitempty"`
	Header    string `json:"header,omitempty"`
	Code      Code   `json:"code"`
	Detail    string `json:"detail"`
}

func (e *Error) Error() string {
	said := e.Detail
	if said == "" {
		said = e.Title
	}
	return fmt.Sprintf("%s: %s (request %s)", e.Code, said, e.RequestID)
}

// IsCode reports whether an error is a refusal with a code.
func IsCode(err error, code Code) bool {
	refused, ok := errors.AsType[*Error](err)
	return ok && refused.Code == code
}

// An InDoubtError says that the outcome of a call is unknown: it was sent, but no
// try got a readable answer. Money may have moved. Make the same call again, with
// the same idempotency key and the same fields: it is carried out once. Never make
// it with a new key.
type InDoubtError struct {
	Operation      string // such as "POST /v1/holds"
	IdempotencyKey string
	Err            error // of the last try
}

func (e *InDoubtError) Error() string {
	return fmt.Sprintf("the outcome of %s %q is in doubt: %v", e.Operation, e.IdempotencyKey, e.Err)
}

// Unwrap returns the error of the last try.
func (e *InDoubtError) Unwrap() error { return e.Err }

func (r call) operation() string { return r.method + " /v1/" + r.path }

// lost is the error of a call without a readable answer.
func (r call) lost(err error) error {
	if r.method == http.MethodGet {
		return fmt.Errorf("%s: %w", r.operation(), err)
	}
	return &InDoubtError{Operation: r.operation(), IdempotencyKey: r.key, Err: err}
}

// failed is the error of a call whose last try was answered with rep, or failed
// with err. An answer that says that the server was busy is a refusal. One that
// says that it failed is not.
func (r call) failed(rep reply, err error) error {
	if err != nil {
		return r.lost(err)
	}
	var refused Error
	if json.Unmarshal(rep.body, &refused) != nil || refused.Code == "" {
		return r.lost(fmt.Errorf("the answer has the status %d and is no problem document", rep.status))
	}
	refused.Status = rep.status
	if rep.status >= http.StatusInternalServerError {
		return r.lost(&refused)
	}
	return &refused
}
