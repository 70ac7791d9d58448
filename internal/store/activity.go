package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Listing reads transactions by the time at which they were received, a piece
// at a time: those of a caller, those that came to a recipient other than through
// its own callers, or those of a sender. Set one of the three.
type Listing struct {
	Caller    party.CallerID
	Recipient party.ID
	Sender    party.ID

	From, To  time.Time // from From on, and before To
	Ascending bool

	begun    bool
	received time.Time // of the last one read
	id       holdfast.TransactionID
}

// listings are the texts of a Listing: who, and in which direction.
var listings = func() map[string]map[bool]string {
	texts := map[string]map[bool]string{}
	for who, condition := range map[string]string{
		"caller": `caller_id = $1`, "recipient": `recipient = $1 AND (recipient_token <> '' OR kind = 'Deposit')`,
		"sender": `sender = $1`,
	} {
		texts[who] = map[bool]string{
			true: `
				SELECT ` + transactionColumns + ` FROM transactions
				WHERE ` + condition + ` AND received >= $2 AND received < $3 AND (received, transaction_id) > ($4, $5)
				ORDER BY received, transaction_id LIMIT $6`,
			false: `
				SELECT ` + transactionColumns + ` FROM transactions
				WHERE ` + condition + ` AND received >= $2 AND received < $3 AND (received, transaction_id) < ($4, $5)
				ORDER BY received DESC, transaction_id DESC LIMIT $6`,
		}
	}
	return texts
}()

// Next reads the next transactions of a listing, at most most of them; none
// means that there are no more.
func (tx *ReadTx) Next(l *Listing, most int) ([]payment.Transaction, error) {
	who, whose := "caller", string(l.Caller)
	switch {
	case l.Recipient != "":
		who, whose = "recipient", string(l.Recipient)
	case l.Sender != "":
		who, whose = "sender", string(l.Sender)
	}
	if !l.begun {
		if l.begun = true; l.Ascending {
			l.received = l.From.Add(-time.Microsecond)
		} else {
			l.received = l.To
		}
	}
	page, err := list(tx, "listing transactions", scanTransaction, listings[who][l.Ascending],
		whose, l.From.UnixMicro(), l.To.UnixMicro(), l.received.UnixMicro(), l.id, most)
	if n := len(page); n > 0 {
		l.received, l.id = page[n-1].Received, page[n-1].ID
	}
	return page, err
}
