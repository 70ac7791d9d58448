package api

import (
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Code says why a request was refused, such as "token_used". Programs branch
// on it. A code never changes its meaning, and none is removed within /v1/.
type Code string

// The codes of the API itself.
const (
	KeyMissing            Code = "key_missing"
	KeyUnknown            Code = Code(party.ErrKeyUnknown)
	KeyExpired            Code = Code(party.ErrKeyExpired)
	KeyRevoked            Code = Code(party.ErrKeyRevoked)
	KeyWrongMode          Code = Code(party.ErrKeyWrongMode)
	ScopeMissing          Code = Code(payment.CallScopeMissing)
	NotFound              Code = "not_found"
	MethodNotAllowed      Code = "method_not_allowed"
	BodyTooLarge          Code = "body_too_large"
	BodyIncomplete        Code = "body_incomplete"
	MediaTypeNotSupported Code = "media_type_not_supported"
	InvalidJSON           Code = "invalid_json"
	DuplicateField        Code = "duplicate_field"
	InvalidRequest        Code = "invalid_request"
	InvalidCursor         Code = "invalid_cursor"
	CursorLost            Code = "cursor_lost"
	IdempotencyKeyMissing Code = "idempotency_key_missing"
	IdempotencyKeyInvalid Code = Code(payment.CallKeyInvalid)
	InternalError         Code = "internal_error"
	Unavailable           Code = "service_unavailable"
	TooManyRequests       Code = "too_many_requests"
)

// The codes of single faults of a request, in the errors of a problem.
const (
	UnknownField       Code = "unknown_field"
	MissingField       Code = "missing_field"
	WrongType          Code = "wrong_type"
	InvalidValue       Code = "invalid_value"
	UnknownParameter   Code = "unknown_parameter"
	DuplicateParameter Code = "duplicate_parameter"
)
