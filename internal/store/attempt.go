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

// Attempts reads all questions to the network about a transaction.
func (tx *ReadTx) Attempts(c party.CallerID, id holdfast.TransactionID) ([]payment.Attempt, error) {
	return list(tx, "reading attempts", scanAttempt, `
		SELECT `+attemptColumns+` FROM attempts
		WHERE caller_id = $1 AND transaction_id = $2 ORDER BY created, step`, c, id)
}

// insertAttempt records a question before it is asked. From nextAsk on it is in
// doubt and is asked again. nextAsk is real time, because the network does not
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

// An attemptKey identifies a question to the network.
type attemptKey struct {
	caller      party.CallerID
	transaction holdfast.TransactionID
	step        payment.Step
}

// DecideAttempt records the network's answer, and reports whether it is the
// first. A second answer changes nothing. In a round, each answer counts as the
// first until its row is written. If the row then turns out to be decided, the
// group fails and each of its actions runs again by itself.
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

// AttemptsDue reports whether ClaimAttempts would find anything, so that an
// idle server does not write.
func (tx *ReadTx) AttemptsDue(now time.Time) (bool, error) {
	due, err := list(tx, "looking for attempts in doubt", scanAttempt, `
		SELECT `+attemptColumns+` FROM attempts WHERE state = 'Open' AND next_ask <= $1 LIMIT 1`, micros(now))
	return len(due) > 0, err
}

// Asking reports whether a question of a caller to the network is open. It may
// read all of the caller's questions.
func (tx *ReadTx) Asking(c party.CallerID) (bool, error) {
	open, err := list(tx, "looking for open attempts", scanAttempt, `
		SELECT `+attemptColumns+` FROM attempts WHERE caller_id = $1 AND state = 'Open' LIMIT 1`, c)
	return len(open) > 0, err
}

// ClaimAttempts takes at most limit questions that are in doubt at now. It
// moves the next turn of each to nextAsk, given how often it was asked, so that
// no other server asks meanwhile. It reads no other table, because PostgreSQL
// would join all questions in doubt before it takes the first few.
func (tx *Tx) ClaimAttempts(now time.Time, limit int, nextAsk func(asked int) time.Time) ([]payment.Attempt, error) {
	claimed, err := list(tx.Unlocked(claimsLock), "reading attempts in doubt", scanAttempt, `
		SELECT `+attemptColumns+` FROM attempts
		WHERE state = 'Open' AND next_ask <= $1
		ORDER BY next_ask LIMIT $2`+tx.dialect.claiming("attempts"), micros(now), limit)
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

// A Doubt is a question that the network has not answered, with the current
// state of its transaction.
type Doubt struct {
	payment.Attempt
	Of payment.Transaction
}

// Doubts reads the transactions and cards of questions. It leaves out a
// question whose transaction or card does not exist, so that the other
// questions are still asked.
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
