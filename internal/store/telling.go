package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Telling has what a notification tells of. Its values have the fields that
// the message needs, and no others.
type Telling struct {
	Missing     error          // says which row is missing; nil if all were found
	Caller      party.Caller   // has its owner, its address and its clock
	Token       *payment.Token // nil for a notification about a transaction
	Transaction payment.Transaction
	Step        payment.HistoryRow
	Sender      party.Party // has its name and its address, as has Recipient
	Recipient   party.Party
	TokenReason string
}

const tellingText = `
	SELECT c.owner, c.ipn_url, c.clock_offset,
		t.kind, t.method, t.reference, t.parent, t.caller_description, t.received, t.recipient,
		h.verb, h.after_state, h.status_code, h.status_message, h.amount,
		s.name, s.email, r.name, r.email, k.reason
	FROM steps h
	JOIN transactions t ON t.caller_id = h.caller_id AND t.transaction_id = h.transaction_id
	JOIN callers c ON c.caller_id = h.caller_id
	JOIN parties s ON s.party_id = t.sender
	JOIN parties r ON r.party_id = t.recipient
	LEFT JOIN tokens k ON k.caller_id = t.caller_id AND k.token_id = t.token_id
	WHERE h.caller_id = $1 AND h.transaction_id = $2 AND h.seq = $3`

// Tellings reads what deliveries tell of, those of transactions all together. A
// telling with a missing row is no error.
func (tx *ReadTx) Tellings(of []Delivery) ([]Telling, error) {
	all := make([]Telling, len(of))
	var reads []engine.Statement
	for i, d := range of {
		if d.About == AboutToken {
			if err := tx.readTokenTelling(d, &all[i]); err != nil {
				return nil, err
			}
			continue
		}
		all[i].Missing = errors.New("the transaction, its step or one of its parties is missing")
		reads = append(reads, engine.Statement{
			Doing: "reading what a notification tells of", Text: tellingText, Args: []any{d.Caller, d.Transaction, d.Seq},
			Row: func(row scanner) error { return all[i].scan(row, d) },
		})
	}
	return all, tx.sql.Run(reads...)
}

func (t *Telling) scan(row scanner, d Delivery) error {
	var offset, received, amount int64
	var status implied
	var reason sql.NullString
	err := row.Scan(
		&t.Caller.Owner, &t.Caller.IPNURL, &offset,
		&t.Transaction.Kind, &t.Transaction.Method, &t.Transaction.Reference, &t.Transaction.Parent,
		&t.Transaction.CallerDescription, &received, &t.Transaction.Recipient,
		&t.Step.Verb, &t.Step.After, &status.code, &status.message, &amount,
		&t.Sender.Name, &t.Sender.Email, &t.Recipient.Name, &t.Recipient.Email, &reason)
	t.Missing = nil
	t.Caller.ID, t.Caller.ClockOffset = d.Caller, time.Duration(offset)*time.Microsecond
	t.Transaction.ID, t.Transaction.Received = d.Transaction, when(received)
	t.Step.Seq, t.Step.Amount = d.Seq, dollars(amount)
	status.read(t.Step.After, &t.Step.StatusCode, &t.Step.StatusMessage)
	t.TokenReason = reason.String
	return err
}

// readTokenTelling reads a cancelled token, its holder and its caller.
func (tx *ReadTx) readTokenTelling(d Delivery, t *Telling) error {
	caller, found, err := tx.Caller(d.Caller)
	if err != nil || !found {
		t.Missing = fmt.Errorf("caller %s is missing", d.Caller)
		return err
	}
	token, found, err := tx.Token(d.Token)
	if err != nil || !found {
		t.Missing = errors.New("the token is missing")
		return err
	}
	t.Caller, t.Token = caller, &token
	if t.Sender, found, err = tx.Party(token.Holder()); err == nil && !found {
		t.Missing = errors.New("the token's holder is missing")
	}
	return err
}
