package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A Consent is what a sender agreed to about a card that is kept for later
// payments: when it may be charged, how the amount is found, and how to end it.
type Consent struct {
	Caller   party.CallerID
	Token    holdfast.TokenID
	Language string // of the text, such as "de-CH"
	Text     string // as it was shown
	At       time.Time
}
