package store

import (
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

const attemptColumns = `
	caller_id, transaction_id, step, amount, instrument_id, authorization_ref, descriptor, state, asked`

func scanAttempt(row scanner) (a payment.Attempt, err error) {
	var amount int64
	err = row.Scan(&a.Caller, &a.Transaction, &a.Step, &amount, &a.Instrument, &a.Authorization, &a.Descriptor, &a.State,
		&a.Asked)
	a.Amount = dollars(amount)
	return a, err
}

// Attempts reads all questions asked for a transaction.
func (tx *ReadTx) Attempts(c party.CallerID, id holdfast.TransactionID) ([]payment.Attempt, error) {
	return list(tx, "reading attempts", scanAttempt, `
		SELECT `+attemptColumns+` FROM attempts
		WHERE caller_id = $1 AND transaction_id = $2 ORDER BY created, step`, c, id)
}

// insertAttempt writes a question before it is asked. nextAsk is when it counts
// as in doubt and is asked again, in real time: a network's patience does not
// follow a sandbox clock.
func (tx *Tx) insertAttempt(a payment.Attempt, now, nextAsk time.Time) error {
	return tx.write(addAttempt, nil, attemptRow(a, now, nextAsk, time.Time{})...)
}

func attemptRow(a payment.Attempt, now, nextAsk, decided time.Time) []any {
	return []any{
		a.Caller, a.Transaction, a.Step, a.Amount.Micro, a.Instrument, a.Authorization, a.Descriptor, a.State, 1,
		micros(nextAsk), micros(now), micros(decided),
	}
}

var (
	addAttempt = insertion("adding an attempt", "attempts", "",
		columns(text, "caller_id, transaction_id, step"), columns(number, "amount"),
		columns(text, "instrument_id, authorization_ref, descriptor, state"),
		columns(number, "asked, next_ask, created, decided"))
	decideAttempt = update{
		doing: "deciding an attempt", table: "attempts",
		set: []column{{"state", text}, {"decided", number}}, key: columns(text, "caller_id, transaction_id, step"),
		guard: columns(text, "state"),
	}.change()
	claimAttempt = update{
		doing: "claiming an attempt", table: "attempts",
		set: columns(number, "asked, next_ask"), key: columns(text, "caller_id, transaction_id, step"),
	}.change()
)

// An attemptKey names a question.
type attemptKey struct {
	caller      party.CallerID
	transaction holdfast.TransactionID
	step        payment.Step
}

// DecideAttempt writes what the network answered, and reports whether this was
// the first answer: a second one changes nothing. Beside others an answer counts
// as the first, and where it is not, none of them is committed and each runs
// again by itself.
func (tx *Tx) DecideAttempt(a payment.Attempt, answer payment.Answer, now time.Time) (first bool, err error) {
	state := payment.AttemptDeclined
	if answer.Approved {
		state = payment.AttemptApproved
	}
	key := attemptKey{a.Caller, a.Transaction, a.Step}
	err = tx.write(decideAttempt, key, state, micros(now), a.Caller, a.Transaction, a.Step, payment.AttemptOpen)
	if errors.Is(err, ErrStale) {
		return false, nil
	}
	return err == nil, err
}

// AttemptsDue reports whether ClaimAttempts would find anything. It keeps an
// idle server from writing.
func (tx *ReadTx) AttemptsDue(now time.Time) (bool, error) {
	due, err := list(tx, "looking for attempts in doubt", scanAttempt, `
		SELECT `+attemptColumns+` FROM attempts WHERE state = 'Open' AND next_ask <= $1 LIMIT 1`, micros(now))
	return len(due) > 0, err
}

// Asking reports whether the network has not answered something of a caller. It
// goes through all of the caller's questions.
func (tx *ReadTx) Asking(c party.CallerID) (bool, error) {
	open, err := list(tx, "looking for open attempts", scanAttempt, `
		SELECT `+attemptColumns+` FROM attempts WHERE caller_id = $1 AND state = 'Open' LIMIT 1`, c)
	return len(open) > 0, err
}

// ClaimAttempts takes questions that are in doubt at now, at most most of them,
// and puts their next turn off to nextAsk of how often each was asked, so that
// nobody else asks meanwhile. It reads no other table: PostgreSQL would join all
// that are in doubt before it takes the first few.
func (tx *Tx) ClaimAttempts(now time.Time, most int, nextAsk func(asked int) time.Time) ([]payment.Attempt, error) {
	claimed, err := list(tx.Unlocked(claimsLock), "reading attempts in doubt", scanAttempt, `
		SELECT `+attemptColumns+` FROM attempts
		WHERE state = 'Open' AND next_ask <= $1
		ORDER BY next_ask LIMIT $2`+tx.dialect.claiming("attempts"), micros(now), most)
	if err != nil || len(claimed) == 0 {
		return nil, err
	}
	rows := make([][]any, len(claimed))
	for i := range claimed {
		a := &claimed[i]
		a.Asked++
		rows[i] = []any{a.Asked, micros(nextAsk(a.Asked)), a.Caller, a.Transaction, a.Step}
	}
	return claimed, tx.writeMany(claimAttempt, rows)
}

// A Doubt is a question that nobody has answered, with the transaction as it
// stands.
type Doubt struct {
	payment.Attempt
	Of payment.Transaction
}

// Doubts reads what questions are about. One about what is not there is left out,
// so that it keeps no other from being asked.
func (tx *ReadTx) Doubts(asked []payment.Attempt) ([]Doubt, error) {
	of := make(map[transactionKey]row[payment.Transaction])
	for _, a := range asked {
		of[transactionKey{a.Caller, a.Transaction}] = row[payment.Transaction]{}
	}
	if err := transactions.readAll(tx, of); err != nil {
		return nil, err
	}
	with := make(map[instrumentKey]row[payment.Instrument])
	for _, a := range asked {
		sender := of[transactionKey{a.Caller, a.Transaction}].value.Sender
		with[instrumentKey{sender, a.Instrument}] = row[payment.Instrument]{}
	}
	if err := instruments.readAll(tx, with); err != nil {
		return nil, err
	}
	doubts := make([]Doubt, 0, len(asked))
	for _, a := range asked {
		t := of[transactionKey{a.Caller, a.Transaction}]
		instrument := with[instrumentKey{t.value.Sender, a.Instrument}]
		if !t.found || !instrument.found {
			continue
		}
		a.CardRef = instrument.value.NetworkRef
		doubts = append(doubts, Doubt{a, t.value})
	}
	return doubts, nil
}
