package holdfast

// Versions of the Query API. An unlisted later version is answered as
// [VersionNewest].
const (
	Version2008   = "2008-09-17"
	Version2010   = "2010-08-28"
	VersionNewest = Version2010

	// VersionCoBranded is the version of the Co-Branded service, a line of its own.
	VersionCoBranded = "2009-01-09"
)

// CoBrandedPath is where the Co-Branded service begins; it is part of what a
// caller signs.
const CoBrandedPath = "/cobranded-ui/actions/start"

// ServiceHosts are the host names of the service of the time. Old programs sign
// for them however they get here, by a hosts file or a proxy.
var ServiceHosts = []string{
	"fps.amazonaws.com", "fps.sandbox.amazonaws.com",
	"authorize.payments.amazon.com", "authorize.payments-sandbox.amazon.com",
}

// Headers of answers, beside the XML, which holds no more than its schema has.
const (
	HeaderTime     = "Holdfast-Time"     // the caller's clock, RFC 3339
	HeaderDeadline = "Holdfast-Deadline" // of the hold that the answer is about, RFC 3339
	HeaderCaller   = "Holdfast-Caller"   // whose access key asked VerifySignature, if the message names a caller

	HeaderSignatureHint = "Holdfast-Signature-Hint" // which usual mistake explains a wrong signature, for sandbox callers
)

// A CallerID names a caller's account at the server, such as "C01K…".
type CallerID string

// A TransactionID names a transaction: 35 characters of [0-9A-Z], made by the
// server, such as "1HZ5Q0T7K2A8DB3C6E9F0G1H2J3K4L5M6N7". It starts with time,
// so that ids sort in the order in which they were made.
type TransactionID string

// A TokenID names a payment token: 64 characters of [0-9A-Z].
type TokenID string

// A CallerReference is the caller's own name for a request, such as
// "order-4711": at most 128 bytes. Sending one twice is asking once.
type CallerReference string

// A TransactionStatus is where a transaction stands, as callers see it.
type TransactionStatus string

// All there are; old programs know no other.
const (
	StatusReserved  TransactionStatus = "Reserved"
	StatusSuccess   TransactionStatus = "Success"
	StatusFailure   TransactionStatus = "Failure"
	StatusPending   TransactionStatus = "Pending"
	StatusCancelled TransactionStatus = "Cancelled"
)

// A StatusCode says why a transaction stands where it does.
type StatusCode string

// Status codes of GetTransactionStatus. A failure may carry an error code
// instead, such as "InactiveInstrument".
const (
	CodeSuccess                StatusCode = "Success"
	CodeCanceled               StatusCode = "Canceled" // one l; the status has two
	CodeExpired                StatusCode = "Expired"
	CodePendingNetworkResponse StatusCode = "PendingNetworkResponse"
	CodeTransactionDenied      StatusCode = "TransactionDenied"
)

// An Operation is what a transaction does.
type Operation string

// All operations there are (data type FPSOperation). A marketplace's fee is a
// Pay of its own.
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

// A PaymentMethod is what kind of instrument pays.
type PaymentMethod string

// All methods there are: a credit card, the only one that Reserve takes; a bank
// debit; the account's balance; and for purchases that are added up, what a
// prepaid instrument is good for and what is owed on a credit instrument.
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

// A RefundPolicy says who gives back what when a marketplace's payment is
// refunded (data type MarketplaceRefundPolicy).
type RefundPolicy string

// The policies: the marketplace keeps its fee, and the recipient pays for it;
// only the marketplace's fee goes back, to the recipient; both go back.
const (
	RefundMasterOnly           RefundPolicy = "MasterTxnOnly"
	RefundMarketplaceOnly      RefundPolicy = "MarketplaceTxnOnly"
	RefundMasterAndMarketplace RefundPolicy = "MasterAndMarketplaceTxn"
)

// A RelationType says what another transaction is to this one.
type RelationType string

// All relations there are; this server makes no RefundReversal.
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

// TokenStatus and TokenType are the Token type's enumerations.
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
	TokenUnrestricted TokenType = "Unrestricted" // of recipients, too
)

// An AmountType says how a token's TransactionAmount bounds each payment
// (Advanced Guide, MultiUse pipeline).
type AmountType string

// The types: no other amount, no larger one, no smaller one.
const (
	AmountExact   AmountType = "Exact"
	AmountMaximum AmountType = "Maximum"
	AmountMinimum AmountType = "Minimum"
)

// A RecipientVerificationStatus says how far a recipient's account is verified.
type RecipientVerificationStatus string

// The words of 2010-08-28: verified, with and without a limit on what it may
// receive, and not yet.
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

// VerificationStatus is VerifySignature's answer.
type VerificationStatus string

// Both answers there are.
const (
	VerificationSuccess VerificationStatus = "Success"
	VerificationFailure VerificationStatus = "Failure"
)

// A ReturnStatus is the status code of a Co-Branded return URL.
type ReturnStatus string

// Status codes of the pipelines. Those from ReturnTokenUnchanged on are
// EditToken's alone.
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
