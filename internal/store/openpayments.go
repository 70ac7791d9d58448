package store

import (
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// OpenPaymentsRead is how many payments of a party are searched for open ones, the
// newest, so that a page costs the same for each party. Open payments are seldom
// older. An index of them would cost each change of state more than it saves.
const OpenPaymentsRead = 5000

// Payments of parties, of which a query reads the first ones.
const (
	newestOfSender    = ` FROM transactions WHERE sender = $1 ORDER BY received DESC, transaction_id DESC`
	newestOfRecipient = ` FROM transactions WHERE recipient = $1 AND (recipient_token <> '' OR kind = 'Deposit')
		ORDER BY received DESC, transaction_id DESC`
	dueOfCaller = ` FROM transactions WHERE caller_id = $1 AND due > 0 ORDER BY due`
)

var (
	openOfSender = `
		SELECT ` + transactionColumns + ` FROM (SELECT ` + transactionColumns + newestOfSender + ` LIMIT $2) AS newest
		WHERE state IN ('Pending', 'Reserved', 'Settling') AND kind <> 'Part'
		ORDER BY received DESC, transaction_id DESC LIMIT $3`
	lastWith = `
		SELECT ` + transactionColumns + ` FROM (SELECT ` + transactionColumns + newestOfSender + ` LIMIT $2) AS newest
		WHERE instrument_id = $3 AND kind IN ('Pay', 'Reserve') AND state <> 'Pending'
		ORDER BY received DESC, transaction_id DESC LIMIT 1`
	heldForRecipient = `
		SELECT ` + transactionColumns + ` FROM (SELECT ` + transactionColumns + newestOfRecipient + ` LIMIT $2) AS newest
		WHERE owner <> $1 AND state = 'Reserved' ORDER BY received DESC, transaction_id DESC LIMIT $3`
	heldByCaller = `
		SELECT ` + transactionColumns + ` FROM (SELECT due, ` + transactionColumns + dueOfCaller + ` LIMIT $2) AS first
		WHERE recipient = $3 AND state = 'Reserved' ORDER BY due LIMIT $4`
)

// OpenOf reads a sender's open payments, the newest first, at most limit. They
// are holds, and payments that a card network is being asked for. Parts of holds
// are left out. Some may be past their deadline. It looks only at the newest
// OpenPaymentsRead payments.
func (tx *ReadTx) OpenOf(sender party.ID, limit int) ([]payment.Transaction, error) {
	return list(tx, "reading open payments", scanTransaction, openOfSender, sender, OpenPaymentsRead, limit)
}

// HeldBy reads a caller's holds for a recipient, the nearest deadline first, at
// most limit. Some may be past their deadline. It looks only at the OpenPaymentsRead
// holds with the nearest deadlines; all reports whether the caller has no others.
func (tx *ReadTx) HeldBy(
	c party.CallerID, recipient party.ID, limit int,
) (held []payment.Transaction, all bool, err error) {
	held, err = list(tx, "reading the holds of a caller", scanTransaction, heldByCaller,
		c, OpenPaymentsRead, recipient, limit)
	if err != nil {
		return nil, false, err
	}
	n, err := tx.upTo(`SELECT 1`+dueOfCaller, OpenPaymentsRead+1, c)
	return held, n <= OpenPaymentsRead, err
}

// HeldFor reads the holds that callers of others have made for a recipient with
// its recipient token, the newest first, at most limit. It looks only at the newest
// OpenPaymentsRead payments; all reports whether there are no others.
func (tx *ReadTx) HeldFor(recipient party.ID, limit int) (held []payment.Transaction, all bool, err error) {
	held, err = list(tx, "reading the holds for a recipient", scanTransaction, heldForRecipient,
		recipient, OpenPaymentsRead, limit)
	if err != nil {
		return nil, false, err
	}
	n, err := tx.upTo(`SELECT 1`+newestOfRecipient, OpenPaymentsRead+1, recipient)
	return held, n <= OpenPaymentsRead, err
}

// OpenWith reads a sender's open payments with an instrument, the newest first,
// at most limit. It searches all of the sender's payments: an instrument that one of
// them needs is not removed.
func (tx *ReadTx) OpenWith(sender party.ID, with payment.InstrumentID, limit int) ([]payment.Transaction, error) {
	return list(tx, "reading open payments of an instrument", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions
		WHERE sender = $1 AND state IN ('Pending', 'Reserved', 'Settling') AND instrument_id = $2
		ORDER BY received DESC, transaction_id DESC LIMIT $3`, sender, with, limit)
}

// LastWith reads a sender's last payment with an instrument whose outcome is
// known. It looks only at the newest OpenPaymentsRead payments.
func (tx *ReadTx) LastWith(sender party.ID, with payment.InstrumentID) (t payment.Transaction, found bool, err error) {
	all, err := list(tx, "reading an instrument's last payment", scanTransaction, lastWith,
		sender, OpenPaymentsRead, with)
	if err != nil || len(all) == 0 {
		return t, false, err
	}
	return all[0], true, nil
}
