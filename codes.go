package holdfast

import (
	"fmt"
	"net/http"
)

// A Code names why a request was refused, in the words of the API's table of
// error codes, such as "InvalidTokenId_Sender". Programs branch on it; only
// documented codes are ever sent, because an unknown one breaks old clients.
type Code string

// The codes of the API's error table (Query API Reference, "Errors"), of pages
// that name further ones, and of recorded answers. BadRule,
// CannotSpecifyUsageForSingleUseToken, PaymentInstrumentMissing, UsageNotDefined
// and the InvalidUsage… codes are InstallPaymentInstruction's.
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

// unauthenticated codes are answered 403, as query services of the time did.
var unauthenticated = map[Code]bool{
	AuthFailure: true, InvalidClientTokenID: true, InvalidSignature: true, SignatureDoesNotMatch: true,
}

// retriable is the table's own flag: the same request may succeed later.
var retriable = map[Code]bool{
	AccessFailure: true, AccountClosed: true, AccountLimitsExceeded: true, AuthFailure: true,
	ConcurrentModification: true, InsufficientBalance: true, InternalError: true, InternalServerError: true,
	InvalidAccountState: true, InvalidAccountStateCaller: true, InvalidAccountStateRecipient: true,
	InvalidAccountStateSender: true, NotMarketplaceApp: true, OriginalTransactionIncomplete: true,
	PrepaidFundingLimitExceeded: true, ServiceUnavailable: true,
}

// HTTPStatus is the status an answer with this code carries: 500 and 503 only
// for faults worth retrying at once, since clients repeat those by themselves.
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

	// Hint says which usual mistake explains a wrong signature. Only a server of this
	// make sends it, and only to sandbox callers.
	Hint string
}

// Errorf makes a refusal. The message goes to the caller as it stands.
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
