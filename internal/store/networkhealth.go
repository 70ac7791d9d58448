package store

import (
	"context"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A NetworkHealth is when a card network has last answered a question about an account,
// and when it has last failed to. Its times are real time and exact to a minute; zero
// is never.
type NetworkHealth struct {
	Answered, Failed time.Time
	Failure          string // such as "POST /v1/payment_intents: no answer"
}

// NetworkHealth reads the health of an account.
func (tx *ReadTx) NetworkHealth(a payment.NetworkAccountID) (h NetworkHealth, err error) {
	all, err := list(tx, "reading the health of an account at a card network",
		func(row scanner) (h NetworkHealth, err error) {
			return h, row.Scan(timeDest{&h.Answered}, timeDest{&h.Failed}, &h.Failure)
		}, `SELECT answered, failed, failure FROM network_health WHERE account_id = $1`, a)
	if len(all) > 0 {
		h = all[0]
	}
	return h, err
}

// NoteNetworkHealth notes the health of an account as a server knows it. Later times of
// another server stay.
func (db *DB) NoteNetworkHealth(ctx context.Context, a payment.NetworkAccountID, h NetworkHealth) error {
	return db.Background(ctx, func(tx *Tx) error {
		_, err := tx.exec("noting the health of an account at a card network", `
			INSERT INTO network_health (account_id, answered, failed, failure) VALUES ($1, $2, $3, $4)
			ON CONFLICT (account_id) DO UPDATE SET
				answered = CASE WHEN excluded.answered > network_health.answered
					THEN excluded.answered ELSE network_health.answered END,
				failure = CASE WHEN excluded.failed > network_health.failed
					THEN excluded.failure ELSE network_health.failure END,
				failed = CASE WHEN excluded.failed > network_health.failed
					THEN excluded.failed ELSE network_health.failed END`,
			a, micros(h.Answered), micros(h.Failed), h.Failure)
		return err
	})
}

// QuestionsMost is how many questions to card networks [ReadTx.OpenQuestions] looks at.
const QuestionsMost = backlogOldest

// OpenQuestions counts the questions without an answer to the network of an account, of
// the callers that use the account, and how long the oldest waits. It looks at the
// first 1,000 questions of all accounts.
func (tx *ReadTx) OpenQuestions(a payment.NetworkAccountID, real time.Time) (w Waiting, err error) {
	const head = ` FROM (SELECT caller_id, transaction_id, steps FROM transactions
			WHERE ` + inDoubt + ` ORDER BY next_ask LIMIT $3) AS head
		JOIN callers ON callers.caller_id = head.caller_id AND callers.network = $2`
	n, err := tx.number(`SELECT COUNT(*)`+head, micros(real), a, QuestionsMost)
	if err != nil || n == 0 {
		return w, err
	}
	w.Rows = int(n)
	w.Oldest, err = tx.oldest(`SELECT MAX($1 + callers.clock_offset - steps.at)`+head+`
		JOIN steps ON steps.caller_id = head.caller_id AND steps.transaction_id = head.transaction_id
			AND steps.seq = head.steps`, micros(real), a, QuestionsMost)
	return w, err
}
