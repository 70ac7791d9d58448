package holdfast

// Versions of the Query API. The server answers a later version that is not
// listed as [VersionNewest].
const (
	Version2008   = "2008-09-17"
	Version2010   = "2010-08-28"
	VersionNewest = Version2010

	// VersionCoBranded is the version of the Co-Branded service, which is numbered
	// separately.
	VersionCoBranded = "2009-01-09"
)

// CoBrandedPath is the path of the Co-Branded service. It is part of the text
// that a caller signs.
const CoBrandedPath = "/cobranded-ui/actions/start"

// ServiceHosts are the host names of Amazon FPS. Old programs sign for these
// hosts even if a hosts file or a proxy leads their requests to this server.
var ServiceHosts = []string{
	"fps.amazonaws.com", "fps.sandbox.amazonaws.com",
	"authorize.payments.amazon.com", "authorize.payments-sandbox.amazon.com",
}

// HTTP headers of answers. They hold values for which the schema of the XML has
// no element.
const (
	HeaderTime     = "Holdfast-Time"     // the caller's clock, RFC 3339
	HeaderDeadline = "Holdfast-Deadline" // of the hold that the answer is about, RFC 3339
	HeaderCaller   = "Holdfast-Caller"   // the caller that asked VerifySignature, if the message names a caller

	HeaderSignatureHint = "Holdfast-Signature-Hint" // the common mistake behind a wrong signature, for sandbox callers
)

// A CallerID names a caller's account at the server, such as "C01K…".
type CallerID string

// A TransactionID names a transaction: 35 characters of [0-9A-Z], made by the
// server, such as "1HZ5Q0T7K2A8DB3C6E9F0G1H2J3K4L5M6N7". It begins with a
// timestamp, so ids sort in the order in which they were made.
type TransactionID string

// A TokenID names a payment token: 64 characters of [0-9A-Z].
type TokenID string

// A CallerReference is the caller's own name for a request, such as
// "order-4711": at most 128 bytes. A request that is sent twice with the same
// reference is carried out once (docs/api/idempotency.md).
type CallerReference string

// A TransactionStatus is the status of a transaction that callers see.
type TransactionStatus string

// The only statuses. Old programs know no others.
const (
	StatusReserved  TransactionStatus = "Reserved"
	StatusSuccess   TransactionStatus = "Success"
	StatusFailure   TransactionStatus = "Failure"
	StatusPending   TransactionStatus = "Pending"
	StatusCancelled TransactionStatus = "Cancelled"
)

// A StatusCode is the reason for a transaction's status.
type StatusCode string

// Status codes of GetTransactionStatus. A failure may carry an error code
// instead, such as "InactiveInstrument".
const (
	CodeSuccess                StatusCode = "Success"
	CodeCanceled               StatusCode = "Canceled" // with one l; the status has two
	CodeExpired                StatusCode = "Expired"
	CodePendingNetworkResponse StatusCode = "PendingNetworkResponse"
	CodeTransactionDenied      StatusCode = "TransactionDenied"
)

// An Operation is the kind of a transaction.
type Operation string

// All operations (data type FPSOperation). A marketplace's fee is a separate
// Pay.
const (
	OperationPay          Operation = "Pay"
	OperationRefund       Operation = "Refund"
	OperationSettle       Operation = "Settle"
	OperationSettleDebt   Operation = "SettleDebt"
	OperationWriteOffDebt Operation = "WriteOffDebt"
	OperationFundPrepaid  Operation = "FundPrepaid"
	OperationReserve      Operation = "Reserve"
)

// A Role is a party's part in a transaction.
type Role string

// The three roles.
const (
	RoleSender    Role = "Sender"
	RoleCaller    Role = "Caller"
	RoleRecipient Role = "Recipient"
)

// A PaymentMethod is the kind of instrument that pays.
type PaymentMethod string

// All methods: a credit card, which is the only one that Reserve accepts; a
// bank debit (ACH); the account's balance (ABT); a prepaid instrument; and a
// credit instrument (Debt).
const (
	MethodCC      PaymentMethod = "CC"
	MethodACH     PaymentMethod = "ACH"
	MethodABT     PaymentMethod = "ABT"
	MethodPrepaid PaymentMethod = "Prepaid"
	MethodDebt    PaymentMethod = "Debt"
)

// An InstrumentID names a prepaid or a credit instrument: 64 characters of
// [0-9A-Z].
type InstrumentID string

// A RefundPolicy says which parts of a marketplace's payment are paid back, and
// by whom (data type MarketplaceRefundPolicy).
type RefundPolicy string

// The policies. RefundMasterOnly: the payment is paid back, and the marketplace
// keeps its fee at the recipient's expense. RefundMarketplaceOnly: only the
// marketplace's fee is paid back, to the recipient. RefundMasterAndMarketplace:
// both are paid back.
const (
	RefundMasterOnly           RefundPolicy = "MasterTxnOnly"
	RefundMarketplaceOnly      RefundPolicy = "MarketplaceTxnOnly"
	RefundMasterAndMarketplace RefundPolicy = "MasterAndMarketplaceTxn"
)

// A RelationType is the relation of another transaction to this one.
type RelationType string

// All relations. RelationRefundReversal is the relation of a refund to the
// transaction that gave its amount back to the recipient, because the refund
// failed at a real card network after its success. A dispute is related to its
// payment by no word of FPS: its RelationType is empty.
const (
	RelationRefund         RelationType = "Refund"
	RelationParent         RelationType = "Parent"
	RelationMarketplaceFee RelationType = "MarketplaceFee"
	RelationRefundReversal RelationType = "RefundReversal"
)

// A SortOrder is the direction of a listing by date.
type SortOrder string

// Both orders; Descending is the default.
const (
	SortAscending  SortOrder = "Ascending"
	SortDescending SortOrder = "Descending"
)

// TokenStatus and TokenType are enumerations of the schema's type Token.
type (
	TokenStatus string
	TokenType   string
)

// Values of TokenStatus and TokenType.
const (
	TokenActive   TokenStatus = "Active"
	TokenInactive TokenStatus = "Inactive"

	TokenSingleUse    TokenType = "SingleUse"
	TokenMultiUse     TokenType = "MultiUse"
	TokenRecurring    TokenType = "Recurring"
	TokenUnrestricted TokenType = "Unrestricted" // also of recipients
)

// An AmountType says how a token's TransactionAmount bounds each payment
// (docs/api/pipelines/MultiUse.md; FPS Advanced Guide).
type AmountType string

// The types. A payment must have exactly, at most or at least the
// TransactionAmount.
const (
	AmountExact   AmountType = "Exact"
	AmountMaximum AmountType = "Maximum"
	AmountMinimum AmountType = "Minimum"
)

// A RecipientVerificationStatus says how far a recipient's account is verified.
type RecipientVerificationStatus string

// The values of version 2010-08-28: verified, with a limit on what the account
// may receive; not yet verified; verified, without a limit.
const (
	VerificationComplete         RecipientVerificationStatus = "VerificationComplete"
	VerificationPending          RecipientVerificationStatus = "VerificationPending"
	VerificationCompleteNoLimits RecipientVerificationStatus = "VerificationCompleteNoLimits"
)

// SubscriptionStatus and TimeUnit are enumerations of the subscription actions.
type (
	SubscriptionStatus string
	TimeUnit           string
)

// Values of SubscriptionStatus and TimeUnit.
const (
	SubscriptionActive    SubscriptionStatus = "Active"
	SubscriptionCancelled SubscriptionStatus = "Cancelled"
	SubscriptionCompleted SubscriptionStatus = "Completed"

	UnitDay   TimeUnit = "day"
	UnitWeek  TimeUnit = "week"
	UnitMonth TimeUnit = "month"
	UnitYear  TimeUnit = "year"
)

// VerificationStatus is the result of VerifySignature.
type VerificationStatus string

// The results of VerifySignature.
const (
	VerificationSuccess VerificationStatus = "Success"
	VerificationFailure VerificationStatus = "Failure"
)

// A ReturnStatus is the status code of a Co-Branded return URL.
type ReturnStatus string

// Status codes of the pipelines (docs/api/return-url.md). Only EditToken
// returns those from ReturnTokenUnchanged on.
const (
	ReturnSuccessABT       ReturnStatus = "SA"
	ReturnSuccessACH       ReturnStatus = "SB"
	ReturnSuccessCC        ReturnStatus = "SC"
	ReturnSuccessRecipient ReturnStatus = "SR"
	ReturnSystemError      ReturnStatus = "SE"
	ReturnAbandoned        ReturnStatus = "A"
	ReturnCallerError      ReturnStatus = "CE"
	ReturnPaymentError     ReturnStatus = "PE"
	ReturnAccountProblem   ReturnStatus = "NP"
	ReturnNotMarketplace   ReturnStatus = "NM"
	ReturnTokenUnchanged   ReturnStatus = "SU"
	ReturnInvalidToken     ReturnStatus = "IT"
	ReturnOthersToken      ReturnStatus = "UT"
	ReturnNoAccount        ReturnStatus = "NA"
)
