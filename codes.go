package holdfast

import (
	"fmt"
	"net/http"
)

// A Code names why a request was refused, in the words of the API's table of
// error codes, such as "InvalidTokenId_Sender". Programs branch on it; only
// documented codes are ever sent, because an unknown one breaks old clients.
type Code string

// The codes of the API's error table (Query API Reference, "Errors").
const (
	AccessFailure                        Code = "AccessFailure"
	AccountClosed                        Code = "AccountClosed"
	AccountLimitsExceeded                Code = "AccountLimitsExceeded"
	AmountOutOfRange                     Code = "AmountOutOfRange"
	AuthFailure                          Code = "AuthFailure"
	ConcurrentModification               Code = "ConcurrentModification"
	DuplicateRequest                     Code = "DuplicateRequest"
	InactiveInstrument                   Code = "InactiveInstrument"
	IncompatibleTokens                   Code = "IncompatibleTokens"
	InsufficientBalance                  Code = "InsufficientBalance"
	InternalError                        Code = "InternalError"
	InvalidAccountStateCaller            Code = "InvalidAccountState_Caller"
	InvalidAccountStateRecipient         Code = "InvalidAccountState_Recipient"
	InvalidAccountStateSender            Code = "InvalidAccountState_Sender"
	InvalidCallerReference               Code = "InvalidCallerReference"
	InvalidClientTokenID                 Code = "InvalidClientTokenId"
	InvalidParameterValue                Code = "InvalidParameterValue"
	InvalidParams                        Code = "InvalidParams"
	InvalidPaymentInstrument             Code = "InvalidPaymentInstrument"
	InvalidRecipientForCCTransaction     Code = "InvalidRecipientForCCTransaction"
	InvalidRequest                       Code = "InvalidRequest"
	InvalidSignature                     Code = "InvalidSignature"
	InvalidTokenID                       Code = "InvalidTokenId"
	InvalidTokenIDRecipient              Code = "InvalidTokenId_Recipient"
	InvalidTokenIDSender                 Code = "InvalidTokenId_Sender"
	InvalidTransactionID                 Code = "InvalidTransactionId"
	InvalidTransactionState              Code = "InvalidTransactionState"
	NotMarketplaceApp                    Code = "NotMarketplaceApp"
	OriginalTransactionFailed            Code = "OriginalTransactionFailed"
	PaymentInstrumentNotCC               Code = "PaymentInstrumentNotCC"
	RequestExpired                       Code = "RequestExpired"
	SameSenderAndRecipient               Code = "SameSenderAndRecipient"
	SameTokenIDUsedMultipleTimes         Code = "SameTokenIdUsedMultipleTimes"
	ServiceUnavailable                   Code = "ServiceUnavailable"
	SettleAmountGreaterThanReserveAmount Code = "SettleAmountGreaterThanReserveAmount"
	SignatureDoesNotMatch                Code = "SignatureDoesNotMatch"
	TokenNotActiveSender                 Code = "TokenNotActive_Sender"
	TransactionDenied                    Code = "TransactionDenied"
	UnverifiedEmailAddressCaller         Code = "UnverifiedEmailAddress_Caller"
	UnverifiedEmailAddressRecipient      Code = "UnverifiedEmailAddress_Recipient"
	UnverifiedEmailAddressSender         Code = "UnverifiedEmailAddress_Sender"
)

// unauthenticated codes are answered 403, as query services of the time did.
var unauthenticated = map[Code]bool{
	AuthFailure: true, InvalidClientTokenID: true, InvalidSignature: true, SignatureDoesNotMatch: true,
}

// retriable is the table's own flag: the same request may succeed later.
var retriable = map[Code]bool{
	AccessFailure: true, AccountClosed: true, AccountLimitsExceeded: true, AuthFailure: true,
	ConcurrentModification: true, InsufficientBalance: true, InternalError: true,
	InvalidAccountStateCaller: true, InvalidAccountStateRecipient: true, InvalidAccountStateSender: true,
	NotMarketplaceApp: true, ServiceUnavailable: true,
}

// HTTPStatus is the status an answer with this code carries: 500 and 503 only
// for faults worth retrying at once, since clients repeat those by themselves.
func (c Code) HTTPStatus() int {
	switch {
	case c == InternalError:
		return http.StatusInternalServerError
	case c == ServiceUnavailable:
		return http.StatusServiceUnavailable
	case unauthenticated[c]:
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// Retriable reports whether the error table says that the same request may be
// sent again.
func (c Code) Retriable() bool { return retriable[c] }

// An Error is a refusal: an answer to the caller with a code to branch on and
// one sentence to read. The server makes it where the rule is; the SDK returns
// it for every refused call, to be found with errors.As.
type Error struct {
	Code    Code
	Message string // one line, meant for the caller; never holds a secret

	// RequestID and Status are set by the SDK from the answer it read.
	RequestID string
	Status    int
}

// Errorf makes a refusal. The message goes to the caller as it stands.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	if e.RequestID != "" {
		return fmt.Sprintf("%s: %s (request %s)", e.Code, e.Message, e.RequestID)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Retriable reports whether the same request, sent again unchanged, may
// succeed.
func (e *Error) Retriable() bool {
	return e.Code.Retriable() || e.Status == http.StatusInternalServerError || e.Status == http.StatusServiceUnavailable
}
