package stripefake

import (
	"encoding/json"
	"fmt"
)

// The types of errors.
const (
	typeAPI         = "api_error"
	typeCard        = "card_error"
	typeIdempotency = "idempotency_error"
	typeInvalid     = "invalid_request_error"
)

// An apiError is an error of the API, as its body shows it.
type apiError struct {
	Type                string `json:"type"`
	Code                string `json:"code,omitempty"`
	DeclineCode         string `json:"decline_code,omitempty"`
	AdviceCode          string `json:"advice_code,omitempty"`
	NetworkDeclineCode  string `json:"network_decline_code,omitempty"`
	NetworkAdviceCode   string `json:"network_advice_code,omitempty"`
	Message             string `json:"message"`
	Param               string `json:"param,omitempty"`
	Charge              string `json:"charge,omitempty"`
	PaymentIntent       object `json:"payment_intent,omitempty"`
	PaymentMethod       object `json:"payment_method,omitempty"`
	SetupIntent         object `json:"setup_intent,omitempty"`
	DocURL              string `json:"doc_url,omitempty"`
	RequestLogURL       string `json:"request_log_url,omitempty"`
	status              int
	unstored            bool // the request was not begun: its key stays unused
	header, headerValue string
}

func (e *apiError) Error() string { return e.Message }

func (e *apiError) body() []byte {
	text, err := json.MarshalIndent(map[string]any{"error": e}, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("stripefake: writing an error: %v", err))
	}
	return text
}

// invalid refuses a request that is wrong in itself. It is not begun, so its key
// stays unused.
func invalid(param, format string, args ...any) error { return invalidCode("", param, format, args...) }

func invalidCode(code, param, format string, args ...any) error {
	return &apiError{
		status: 400, Type: typeInvalid, Code: code, Param: param, Message: fmt.Sprintf(format, args...), unstored: true,
	}
}

// refused refuses what is not possible in an object's present state.
func refused(code, format string, args ...any) *apiError {
	return &apiError{status: 400, Type: typeInvalid, Code: code, Message: fmt.Sprintf(format, args...)}
}

func missing(kind, id, param string) error {
	return &apiError{
		status: 404, Type: typeInvalid, Code: "resource_missing", Param: param,
		Message: fmt.Sprintf("No such %s: '%s'", kind, id),
	}
}

func serverError() *apiError {
	return &apiError{
		status: 500, Type: typeAPI,
		Message: "An unknown error occurred. Stripe has been notified of it.",
	}
}
