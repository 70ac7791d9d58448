package holdfast

import (
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A ReserveRequest holds an amount on the sender's credit card (API action
// Reserve, docs/api/actions/Reserve.md).
type ReserveRequest struct {
	SenderTokenID          TokenID         // required; from the Return
	RecipientTokenID       TokenID         // marketplaces only
	TransactionAmount      money.Amount    // required; the total, tax and shipping included
	CallerReference        CallerReference // required; at most 128 bytes
	CallerDescription      string          // at most 160 characters
	SenderDescription      string          // at most 160 characters
	ChargeFeeTo            Role            // RoleRecipient (default) or RoleCaller
	SoftDescriptorType     string          // "Static" (default) or "Dynamic"
	CSOwner                string          // "Recipient" (default) or "Caller"
	TransactionTimeoutMins int             // minutes; zero means 10080, which is seven days
	MarketplaceFixedFee    money.Amount    // marketplaces only
	MarketplaceVariableFee string          // percent; marketplaces only
	OverrideIPNURL         string          // replaces the caller's own address; not in version 2008-09-17
}

// A SettleRequest charges a hold, in full or less (API action Settle).
type SettleRequest struct {
	ReserveTransactionID TransactionID // required
	TransactionAmount    money.Amount  // at most the held amount; the zero Amount means all of it
	OverrideIPNURL       string
}

// A CancelRequest gives up a Reserved or Pending transaction (API action
// Cancel).
type CancelRequest struct {
	TransactionID  TransactionID // required
	Description    string        // at most 160 characters
	OverrideIPNURL string
}

// A TransactionResult is the answer to Cancel and to every action that moves
// money.
type TransactionResult struct {
	TransactionID TransactionID
	Status        TransactionStatus
	Answer
}

// An Answer holds the fields that every answer has in addition to its result.
type Answer struct {
	RequestID string // "uuid:0", for support

	// ServerTime is the time of the caller's clock at the server. In a sandbox
	// that clock may have been moved. Compare deadlines with it, not with the
	// local clock.
	ServerTime time.Time
	// Deadline is the time at which the hold expires. It is zero when the answer
	// is not about a hold.
	Deadline time.Time
	// CallerID is the caller whose access key signed the request. Only
	// VerifySignature sets it, and only for a message that names a caller.
	CallerID CallerID
}

// A TransactionState is the answer to GetTransactionStatus.
type TransactionState struct {
	TransactionID   TransactionID
	Status          TransactionStatus
	CallerReference CallerReference
	StatusCode      StatusCode
	StatusMessage   string
	Answer
}

// A TransactionDetail is the answer to GetTransaction.
type TransactionDetail struct {
	TransactionID     TransactionID
	CallerReference   CallerReference
	CallerDescription string
	SenderDescription string
	DateReceived      time.Time
	DateCompleted     time.Time // zero while pending
	TransactionAmount money.Amount
	FPSFees           money.Amount // below zero for a refund
	MarketplaceFees   money.Amount // not given if there are none
	FPSFeesPaidBy     Role
	SenderTokenID     TokenID
	RecipientTokenID  TokenID
	// PrepaidInstrumentID and CreditInstrumentID name the instrument that the
	// transaction spent from, funded, settled or wrote off.
	PrepaidInstrumentID InstrumentID
	CreditInstrumentID  InstrumentID
	Operation           Operation
	PaymentMethod       PaymentMethod
	Status              TransactionStatus
	StatusCode          StatusCode
	StatusMessage       string
	SenderName          string
	SenderEmail         string // only when the caller is also the recipient
	CallerName          string
	RecipientName       string
	RecipientEmail      string
	Related             []RelatedTransaction
	History             []StatusChange
	Answer
}

// A RelatedTransaction is another transaction and its relation to this one.
type RelatedTransaction struct {
	TransactionID TransactionID
	Relation      RelationType
}

// A StatusChange is one row of a transaction's history.
type StatusChange struct {
	Date       time.Time
	Status     TransactionStatus
	StatusCode StatusCode
	Amount     money.Amount
}

// A VerifySignatureRequest asks whether a return URL or a notification is
// genuine (API action VerifySignature).
type VerifySignatureRequest struct {
	URLEndPoint    string // scheme, host and path exactly as used, without query
	HTTPParameters string // the raw query string or form body as received
}

// A VerifySignatureResult is the answer to VerifySignature.
type VerifySignatureResult struct {
	Status VerificationStatus
	Answer
}
