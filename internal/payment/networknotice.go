package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A NetworkNotice is the content of a letter to the operator and to a recipient
// about what a card network has done by itself.
type NetworkNotice struct {
	About       NetworkAbout
	Language    string // of the reader's pages, "de-CH"; empty if unknown
	Caller      party.Caller
	Transaction Transaction // the payment; zero if no payment is known
	Amount      money.Amount
	Reference   string // the network's name for the dispute, the refund or the payment
	Reason      string // as the network spells it; may be empty
	Due         time.Time
}

// A NetworkAbout is the subject of a NetworkNotice.
type NetworkAbout string

// The subjects.
const (
	AboutInquiry       NetworkAbout = "inquiry"        // the issuer asks, no money has moved
	AboutDispute       NetworkAbout = "dispute"        // the amount was taken back
	AboutDisputeWon    NetworkAbout = "dispute-won"    // the amount is the recipient's again
	AboutDisputeLost   NetworkAbout = "dispute-lost"   // the amount is lost
	AboutWarning       NetworkAbout = "warning"        // the issuer suspects fraud
	AboutRefundFailed  NetworkAbout = "refund-failed"  // after its success
	AboutOutsideRefund NetworkAbout = "outside-refund" // made at the network
	AboutAttention     NetworkAbout = "attention"      // a person must look at the payment
	AboutUnknown       NetworkAbout = "unknown"        // money was taken for a payment that nobody knows
)

// NetworkAbouts lists every subject.
var NetworkAbouts = []NetworkAbout{
	AboutInquiry, AboutDispute, AboutDisputeWon, AboutDisputeLost, AboutWarning, AboutRefundFailed, AboutOutsideRefund,
	AboutAttention, AboutUnknown,
}
