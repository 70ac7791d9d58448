package holdfast

import (
	"fmt"
	"net/http"
)

// A Code says why a request was refused, such as "InvalidTokenId_Sender".
// Programs branch on it. docs/api/errors.md lists all codes. The server sends
// no others, because an unknown code breaks old clients.
type Code string

// The error codes (docs/api/errors.md). They come from FPS's Query API
// Reference ("Errors" and the pages of single actions) and from recorded
// answers. Only InstallPaymentInstruction answers BadRule,
// CannotSpecifyUsageForSingleUseToken, PaymentInstrumentMissing,
// UsageNotDefined and the InvalidUsage… codes.
const (
	AccessFailure                        Code = "AccessFailure"
	AccountClosed                        Code = "AccountClosed"
	AccountLimitsExceeded                Code = "AccountLimitsExceeded"
	AmountOutOfRange                     Code = "AmountOutOfRange"
	AuthFailure                          Code = "AuthFailure"
	BadRule                              Code = "BadRule"
	CannotSpecifyUsageForSingleUseToken  Code = "CannotSpecifyUsageForSingleUseToken"
	ConcurrentModification               Code = "ConcurrentModification"
	DuplicateRequest                     Code = "DuplicateRequest"
	InactiveInstrument                   Code = "InactiveInstrument"
	IncompatibleTokens                   Code = "IncompatibleTokens"
	InstrumentAccessDenied               Code = "InstrumentAccessDenied"
	InstrumentExpired                    Code = "InstrumentExpired"
	InsufficientBalance                  Code = "InsufficientBalance"
	InternalError                        Code = "InternalError"
	InternalServerError                  Code = "InternalServerError"
	InvalidAccountState                  Code = "InvalidAccountState"
	InvalidAccountStateCaller            Code = "InvalidAccountState_Caller"
	InvalidAccountStateRecipient         Code = "InvalidAccountState_Recipient"
	InvalidAccountStateSender            Code = "InvalidAccountState_Sender"
	InvalidCallerReference               Code = "InvalidCallerReference"
	InvalidClientTokenID                 Code = "InvalidClientTokenId"
	InvalidDateRange                     Code = "InvalidDateRange"
	InvalidParameterValue                Code = "InvalidParameterValue"
	InvalidParams                        Code = "InvalidParams"
	InvalidPaymentInstrument             Code = "InvalidPaymentInstrument"
	InvalidPaymentMethod                 Code = "InvalidPaymentMethod"
	InvalidRecipientForCCTransaction     Code = "InvalidRecipientForCCTransaction"
	InvalidRequest                       Code = "InvalidRequest"
	InvalidSenderRoleForAccountType      Code = "InvalidSenderRoleForAccountType"
	InvalidSignature                     Code = "InvalidSignature"
	InvalidSubscriptionState             Code = "InvalidSubscriptionState"
	InvalidTokenID                       Code = "InvalidTokenId"
	InvalidTokenIDRecipient              Code = "InvalidTokenId_Recipient"
	InvalidTokenIDSender                 Code = "InvalidTokenId_Sender"
	InvalidTokenType                     Code = "InvalidTokenType"
	InvalidTransactionID                 Code = "InvalidTransactionId"
	InvalidTransactionState              Code = "InvalidTransactionState"
	InvalidUsageDuration                 Code = "InvalidUsageDuration"
	InvalidUsageLimitCount               Code = "InvalidUsageLimitCount"
	InvalidUsageStartTime                Code = "InvalidUsageStartTime"
	InvalidUsageType                     Code = "InvalidUsageType"
	NotMarketplaceApp                    Code = "NotMarketplaceApp"
	OriginalTransactionFailed            Code = "OriginalTransactionFailed"
	OriginalTransactionIncomplete        Code = "OriginalTransactionIncomplete"
	PaymentInstrumentMissing             Code = "PaymentInstrumentMissing"
	PaymentInstrumentNotCC               Code = "PaymentInstrumentNotCC"
	PaymentMethodNotDefined              Code = "PaymentMethodNotDefined"
	PrepaidFundingLimitExceeded          Code = "PrepaidFundingLimitExceeded"
	RefundAmountExceeded                 Code = "RefundAmountExceeded"
	RequestExpired                       Code = "RequestExpired"
	SameSenderAndRecipient               Code = "SameSenderAndRecipient"
	SameTokenIDUsedMultipleTimes         Code = "SameTokenIdUsedMultipleTimes"
	SenderNotOriginalRecipient           Code = "SenderNotOriginalRecipient"
	ServiceUnavailable                   Code = "ServiceUnavailable"
	SettleAmountGreaterThanDebt          Code = "SettleAmountGreaterThanDebt"
	SettleAmountGreaterThanReserveAmount Code = "SettleAmountGreaterThanReserveAmount"
	SignatureDoesNotMatch                Code = "SignatureDoesNotMatch"
	TokenAccessDenied                    Code = "TokenAccessDenied"
	TokenNotActive                       Code = "TokenNotActive"
	TokenNotActiveRecipient              Code = "TokenNotActive_Recipient"
	TokenNotActiveSender                 Code = "TokenNotActive_Sender"
	TokenUsageError                      Code = "TokenUsageError"
	TransactionDenied                    Code = "TransactionDenied"
	TransactionFullyRefundedAlready      Code = "TransactionFullyRefundedAlready"
	TransactionTypeNotRefundable         Code = "TransactionTypeNotRefundable"
	UnverifiedAccountRecipient           Code = "UnverifiedAccount_Recipient"
	UnverifiedAccountSender              Code = "UnverifiedAccount_Sender"
	UnverifiedBankAccount                Code = "UnverifiedBankAccount"
	UnverifiedEmailAddressCaller         Code = "UnverifiedEmailAddress_Caller"
	UnverifiedEmailAddressRecipient      Code = "UnverifiedEmailAddress_Recipient"
	UnverifiedEmailAddressSender         Code = "UnverifiedEmailAddress_Sender"
	UsageNotDefined                      Code = "UsageNotDefined"
)

// unauthenticated codes have HTTP status 403, as in FPS and similar services of
// its years.
var unauthenticated = map[Code]bool{
	AuthFailure: true, InvalidClientTokenID: true, InvalidSignature: true, SignatureDoesNotMatch: true,
}

// retriable codes are those with FPS's own flag: the same request may succeed
// later.
var retriable = map[Code]bool{
	AccessFailure: true, AccountClosed: true, AccountLimitsExceeded: true, AuthFailure: true,
	ConcurrentModification: true, InsufficientBalance: true, InternalError: true, InternalServerError: true,
	InvalidAccountState: true, InvalidAccountStateCaller: true, InvalidAccountStateRecipient: true,
	InvalidAccountStateSender: true, NotMarketplaceApp: true, OriginalTransactionIncomplete: true,
	PrepaidFundingLimitExceeded: true, ServiceUnavailable: true,
}

// HTTPStatus returns the HTTP status of an answer with this code. It is 500 or
// 503 only if an immediate retry makes sense, because clients then retry by
// themselves.
func (c Code) HTTPStatus() int {
	switch {
	case c == InternalError, c == InternalServerError:
		return http.StatusInternalServerError
	case c == ServiceUnavailable:
		return http.StatusServiceUnavailable
	case unauthenticated[c]:
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// Retriable reports whether the same request may be sent again, according to
// the table in docs/api/errors.md.
func (c Code) Retriable() bool { return retriable[c] }

// An Error is a refusal: an answer with a code for programs and one sentence
// for people. The SDK returns it for every refused call; find it with
// errors.As. In the server, the code that checks a rule makes it.
type Error struct {
	Code    Code
	Message string // one line for the caller; it never contains a secret

	// RequestID and Status are set by the SDK from the answer it read.
	RequestID string
	Status    int

	// Hint says which usual mistake explains a wrong signature. Only a server of this
	// make sends it, and only to sandbox callers.
	Hint string
}

// Errorf makes a refusal. The caller gets the message unchanged.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s", e.Code, e.Message)
	if e.RequestID != "" {
		text += fmt.Sprintf(" (request %s)", e.RequestID)
	}
	if e.Hint != "" {
		text += " Hint: " + e.Hint
	}
	return text
}

// Retriable reports whether the same request, sent again unchanged, may
// succeed.
func (e *Error) Retriable() bool {
	return e.Code.Retriable() || e.Status == http.StatusInternalServerError || e.Status == http.StatusServiceUnavailable
}
