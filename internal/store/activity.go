package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Listing reads transactions in pages, in the order in which they were
// received. Set one of Caller, Recipient and Sender. A recipient's listing has
// deposits and the payments through a recipient token, not those through its
// own callers.
type Listing struct {
	Caller    party.CallerID
	Recipient party.ID
	Sender    party.ID

	From, To  time.Time // From is included, To is not
	Ascending bool

	begun    bool
	received time.Time // of the last transaction that was read
	id       holdfast.TransactionID
}

// lastID is behind every id in the order of both databases. A page that begins with
// the newest object comes after it.
const lastID = "zzzz"

// listings are the queries of a Listing, by the field that is set and by
// whether the order is ascending. A query that reads pages begins with the
// comparison with the last row of the previous page. SQLite uses the first of
// several bounds. With another one, it would read all earlier rows again for each
// page.
var listings = func() map[string]map[bool]string {
	texts := map[string]map[bool]string{}
	for field, condition := range map[string]string{
		"caller":    `caller_id = $1 AND received > 0`,
		"recipient": `recipient = $1 AND (recipient_token <> '' OR kind = 'Deposit')`,
		"sender":    `sender = $1`,
	} {
		texts[field] = map[bool]string{
			true: `
				SELECT ` + transactionColumns + ` FROM transactions
				WHERE (received, transaction_id) > ($4, $5) AND ` + condition + ` AND received >= $2 AND received < $3
				ORDER BY received, transaction_id LIMIT $6`,
			false: `
				SELECT ` + transactionColumns + ` FROM transactions
				WHERE (received, transaction_id) < ($4, $5) AND ` + condition + ` AND received >= $2 AND received < $3
				ORDER BY received DESC, transaction_id DESC LIMIT $6`,
		}
	}
	return texts
}()

// Next reads the next transactions of a listing, at most limit. An empty page
// means that there are no more.
func (tx *ReadTx) Next(l *Listing, limit int) ([]payment.Transaction, error) {
	field, id := "caller", string(l.Caller)
	switch {
	case l.Recipient != "":
		field, id = "recipient", string(l.Recipient)
	case l.Sender != "":
		field, id = "sender", string(l.Sender)
	}
	if !l.begun {
		if l.begun = true; l.Ascending {
			l.received = l.From.Add(-time.Microsecond)
		} else {
			l.received = l.To
		}
	}
	page, err := list(tx, "listing transactions", scanTransaction, listings[field][l.Ascending],
		id, l.From.UnixMicro(), l.To.UnixMicro(), l.received.UnixMicro(), l.id, limit)
	if n := len(page); n > 0 {
		l.received, l.id = page[n-1].Received, page[n-1].ID
	}
	return page, err
}
