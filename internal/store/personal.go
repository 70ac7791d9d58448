package store

import (
	"cmp"
	"context"
	"math"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// PartyPage reads a page of parties, guests among them: the newest first, behind the
// party with an id.
func (tx *ReadTx) PartyPage(after party.ID, limit int) ([]party.Party, error) {
	return list(tx, "reading parties", scanParty, pageOfParties, cmp.Or(after, lastID), limit)
}

var pageOfParties = `SELECT ` + partyColumns + ` FROM parties WHERE party_id < $1 ORDER BY party_id DESC LIMIT $2`

// FindParties finds the party with an id, or the account and at most limit guests with
// an e-mail address.
func (tx *ReadTx) FindParties(text string, limit int) (found []party.Party, err error) {
	if !strings.Contains(text, "@") {
		p, is, err := tx.Party(party.ID(text))
		if is {
			found = []party.Party{p}
		}
		return found, err
	}
	p, is, err := tx.PartyByEmail(text)
	if err != nil {
		return nil, err
	}
	guests, err := list(tx, "looking for guests", scanParty, guestsWithEmail, lower(text), limit)
	if is {
		guests = append([]party.Party{p}, guests...)
	}
	return guests, err
}

// EveryPayment makes EraseInput look through all payments and instruments of a party.
const EveryPayment = math.MaxInt64

// EraseInput reads what the erasure of a party's personal data depends on. Some open
// payments and balances are enough. It looks for them among the newest payments of the
// party, and among as many of its prepaid and credit instruments.
func (tx *ReadTx) EraseInput(p party.Party, some int, among int64) (in payment.EraseInput, err error) {
	in.Party = p
	if in.Open, err = list(tx, "reading a party's open payments", scanTransaction, `
		SELECT `+transactionColumns+` FROM (
			SELECT `+transactionColumns+` FROM transactions WHERE sender = $1 ORDER BY received DESC LIMIT $3) AS newest
		WHERE state IN ('Pending', 'Reserved', 'Settling')
		ORDER BY received DESC LIMIT $2`, p.ID, some, among); err != nil {
		return in, err
	}
	open, err := list(tx, "reading open payments to a party", scanTransaction, `
		SELECT `+transactionColumns+` FROM (
			SELECT `+transactionColumns+` FROM transactions
			WHERE recipient = $1 AND (recipient_token <> '' OR kind = 'Deposit') ORDER BY received DESC LIMIT $3) AS newest
		WHERE state IN ('Pending', 'Reserved', 'Settling')
		ORDER BY received DESC LIMIT $2`, p.ID, some, among)
	if err != nil {
		return in, err
	}
	in.Open = append(in.Open, open...)
	if in.Filled, err = list(tx, "reading a party's instruments", scanAggregate, `
		SELECT `+aggregateColumns+` FROM (
			SELECT `+aggregateColumns+` FROM aggregate_instruments WHERE sender = $1 LIMIT $3) AS among
		WHERE balance > 0 OR pending > 0 LIMIT $2`, p.ID, some, among); err != nil {
		return in, err
	}
	in.Callers, err = list(tx, "reading a party's callers", scanCaller, `
		SELECT `+callerColumns+` FROM callers WHERE owner = $1 ORDER BY caller_id`, p.ID)
	if err != nil {
		return in, err
	}
	members, err := tx.Memberships(p.ID)
	in.Member = len(members) > 0
	for _, one := range []struct {
		sandbox bool
		to      *money.Amount
	}{{true, &in.Sandbox}, {false, &in.Live}} {
		var micro int64
		if err == nil {
			micro, err = tx.AccountBalance(ledger.Party(string(p.ID)), one.sandbox)
		}
		*one.to = dollars(micro)
	}
	return in, err
}

// erasures remove the personal data of a party. The names that card networks have
// given to cards stay: refunds and disputes need them.
var erasures = []string{
	`UPDATE addresses SET name = '', line1 = '', line2 = '', city = '', state = '', zip = '', phone = '', is_default = 0,
		removed = 1 WHERE party_id = $1`,
	`UPDATE instruments SET brand = '', last4 = '', holder = '', expiry_month = 0, expiry_year = 0, fingerprint = '',
		is_default = 0, removed = 1 WHERE party_id = $1 AND method <> 'ABT'`,
	`UPDATE instruments SET holder = '' WHERE party_id = $1 AND method = 'ABT'`,
	`UPDATE deliveries SET body = '' WHERE body <> '' AND (caller_id, subject) IN (
		SELECT caller_id, transaction_id FROM transactions WHERE sender = $1)`,
	`UPDATE deliveries SET body = '' WHERE body <> '' AND (caller_id, subject) IN (
		SELECT caller_id, transaction_id FROM transactions
		WHERE recipient = $1 AND (recipient_token <> '' OR kind = 'Deposit'))`,
	`UPDATE deliveries SET body = '' WHERE body <> '' AND (caller_id, subject) IN (
		SELECT caller_id, token_id FROM tokens WHERE sender = $1 AND sender <> ''
			OR recipient = $1 AND token_use IN ('Receive', 'Refund'))`,
	`UPDATE sent_mails SET masked = '' WHERE (caller_id, object_id) IN (
		SELECT caller_id, transaction_id FROM transactions WHERE sender = $1)`,
	`UPDATE sent_mails SET masked = '' WHERE (caller_id, object_id) IN (
		SELECT caller_id, token_id FROM tokens WHERE sender = $1 AND sender <> '')`,
	`DELETE FROM signed_in WHERE party_id = $1`,
	`DELETE FROM passkeys WHERE party_id = $1`,
	`DELETE FROM passkey_challenges WHERE party_id = $1`,
	`DELETE FROM proofs WHERE party_id = $1`,
	`DELETE FROM totps WHERE party_id = $1`,
	`DELETE FROM recovery_codes WHERE party_id = $1`,
	`DELETE FROM network_customers WHERE party_id = $1`,
	`UPDATE parties SET name = '', email = '', email_key = 'erased ' || party_id, email_verified = 0, verify_by = 0,
		password_hash = '', standing = 'Closed', language = '' WHERE party_id = $1`,
}

// EraseParty removes a party's personal data. The party stays, without a name.
func (tx *Tx) EraseParty(p party.Party) error {
	if err := tx.eraseVisits(p.ID); err != nil {
		return err
	}
	proved := p.ProvedEmail()
	if _, err := tx.exec("erasing mails", `DELETE FROM mails WHERE `+mailsOf, p.ID, proved); err != nil {
		return err
	}
	if _, err := tx.exec("erasing invitations", `
		DELETE FROM invitations WHERE email_key = $1`, party.EmailKey(proved)); err != nil {
		return err
	}
	for _, text := range erasures {
		if _, err := tx.exec("erasing personal data", text, p.ID); err != nil {
			return err
		}
	}
	return nil
}

// visitsErased is how many visits are read at once, and erased in one commit.
const visitsErased = 200

// EraseVisits removes the addresses from the visits of a party, in several commits: from
// their answers, from their requests, and from the calls that made them. If it is cut
// short, it can be repeated.
func (db *DB) EraseVisits(ctx context.Context, id party.ID) error {
	for after, more := payment.VisitID(""), true; more; {
		var last payment.VisitID
		err := db.Update(ctx, func(tx *Tx) (err error) {
			last, more, err = tx.eraseVisitsAfter(id, after)
			return err
		})
		if err != nil {
			return err
		}
		after = last
	}
	return nil
}

// eraseVisits is EraseVisits in one commit, for the few visits that are left.
func (tx *Tx) eraseVisits(id party.ID) (err error) {
	for after, more := payment.VisitID(""), true; more; {
		if after, more, err = tx.eraseVisitsAfter(id, after); err != nil {
			return err
		}
	}
	return nil
}

// eraseVisitsAfter erases some visits of a party behind one. last is the last of them,
// and more says that there may be others behind it.
func (tx *Tx) eraseVisitsAfter(id party.ID, after payment.VisitID) (last payment.VisitID, more bool, err error) {
	some, err := tx.VisitsOf(id, after, visitsErased)
	if err != nil {
		return after, false, err
	}
	var made []string // visits whose call has an address
	for _, v := range some {
		after = v.ID
		bare, err := payment.WithoutAddress(v.Params)
		if err != nil {
			return after, false, err
		}
		if v.Answer == "" && bare == v.Params {
			continue
		}
		if _, err := tx.exec("erasing an address of a visit", `
			UPDATE visits SET answer = '', params = $1 WHERE visit_id = $2`, bare, v.ID); err != nil {
			return after, false, err
		}
		if v.IsCheckout() && bare != v.Params {
			made = append(made, string(v.ID))
		}
	}
	if len(made) > 0 {
		_, err = tx.exec("erasing an address of a call", eraseCalls+tx.dialect.keys(1), keyList(made))
	}
	return after, len(some) == visitsErased, err
}

// eraseCalls removes the bodies of the calls that made some checkouts.
const eraseCalls = `
	UPDATE calls SET body = '{}' WHERE action = 'POST /v1/checkouts' AND objects`

// EndAllSignedIn signs a party out everywhere, and reports in how many browsers.
func (tx *Tx) EndAllSignedIn(id party.ID) (ended int64, err error) {
	return tx.exec("signing a party out everywhere", `DELETE FROM signed_in WHERE party_id = $1`, id)
}

// A PaymentPlace is a position in the payments of a party. The zero PaymentPlace is
// the beginning.
type PaymentPlace struct {
	Received time.Time
	ID       holdfast.TransactionID
}

// PaidBy reads what a party has paid or was to pay, the oldest first, behind a place,
// at most limit.
func (tx *ReadTx) PaidBy(sender party.ID, after PaymentPlace, limit int) ([]payment.Transaction, error) {
	return list(tx, "reading a party's payments", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions
		WHERE sender = $1 AND (received, transaction_id) > ($2, $3) ORDER BY received, transaction_id LIMIT $4`,
		sender, micros(after.Received), after.ID, limit)
}

// PaidTo reads what was paid to a party, in the same way.
func (tx *ReadTx) PaidTo(recipient party.ID, after PaymentPlace, limit int) ([]payment.Transaction, error) {
	return list(tx, "reading payments to a party", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions
		WHERE recipient = $1 AND (recipient_token <> '' OR kind = 'Deposit')
			AND (received, transaction_id) > ($2, $3) ORDER BY received, transaction_id LIMIT $4`,
		recipient, micros(after.Received), after.ID, limit)
}
