package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A Question is a question to a card network that has no answer yet.
type Question struct {
	Caller      party.CallerID
	Transaction holdfast.TransactionID
	Reference   holdfast.CallerReference
	Amount      money.Amount
	Step        payment.Step
	Asked       int       // how often
	Since       time.Time // when the transaction began to wait for the answer, by the caller's clock
	Next        time.Time // from then on any server asks again; real time
}

// doubtSpan is how soon a question in doubt is asked again: see inDoubt.
const doubtSpan = 10 * time.Minute

// InDoubt reports whether the outcome of the question is not known at a real time. The
// others were accepted by the network, or are about holds that are left to lapse.
func (q Question) InDoubt(real time.Time) bool { return !q.Next.After(real.Add(doubtSpan)) }

// A QuestionPlace is a place in the pages of questions. The zero place is the beginning.
type QuestionPlace struct {
	Next        time.Time
	Caller      party.CallerID
	Transaction holdfast.TransactionID
}

// Place is the place of the question.
func (q Question) Place() QuestionPlace { return QuestionPlace{q.Next, q.Caller, q.Transaction} }

// pageOfQuestions reads questions of all callers. Open questions have no index by their
// caller.
const pageOfQuestions = `
	SELECT caller_id, transaction_id, reference, amount, asking, asked, next_ask, COALESCE((
		SELECT at FROM steps s
		WHERE s.caller_id = q.caller_id AND s.transaction_id = q.transaction_id AND s.seq = q.steps), 0)
	FROM (
		SELECT caller_id, transaction_id, reference, amount, asking, asked, next_ask, steps FROM transactions
		WHERE (next_ask, caller_id, transaction_id) > ($1, $2, $3) AND asking <> ''
			AND (CAST($4 AS BIGINT) = 0 OR next_ask <= $4)
		ORDER BY next_ask, caller_id, transaction_id LIMIT $5
	) AS q ORDER BY next_ask, caller_id, transaction_id`

// Questions reads a page of the questions to card networks that have no answer, the one
// that is asked again first at the beginning: at most limit of a caller, or of all callers
// if it is empty. With doubts, it reads only those in doubt at a real time. next is the
// place after which the next page begins, or nil. A page reads a bounded number of rows
// and may be short.
func (tx *ReadTx) Questions(
	of party.CallerID, doubts bool, real time.Time, after QuestionPlace, limit int,
) (page []Question, next *QuestionPlace, err error) {
	until := time.Time{}
	if doubts {
		until = real.Add(doubtSpan)
	}
	page, last, err := bounded(limit, func(last *Question, n int) ([]Question, error) {
		place := after
		if last != nil {
			place = last.Place()
		}
		return list(tx, "reading questions without an answer", func(row scanner) (q Question, err error) {
			return q, row.Scan(&q.Caller, &q.Transaction, &q.Reference, dollarsDest{&q.Amount}, &q.Step, &q.Asked,
				timeDest{&q.Next}, timeDest{&q.Since})
		}, pageOfQuestions, micros(place.Next), place.Caller, place.Transaction, micros(until), n)
	}, func(q *Question) bool { return of == "" || q.Caller == of })
	if last != nil {
		place := last.Place()
		next = &place
	}
	return page, next, err
}
