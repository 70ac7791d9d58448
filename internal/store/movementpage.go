package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A MovementPlace is the place of a movement in the pages of a window. The pages have
// the transactions that were received last first, and then the late steps.
type MovementPlace struct {
	Late bool
	At   time.Time // when the transaction was received, or the time of a late step
	ID   holdfast.TransactionID
	Step int
}

// A placedMovement is a movement with its place. A transaction without a movement in
// the window has a row, too, without a step.
type placedMovement struct {
	payment.Movement
	place MovementPlace
}

// MovementPage reads a page of what moved in the books of a caller from a time until
// before another, at most limit movements that are selected. It begins after a place;
// the zero place is the beginning. next is the place after which the next page begins,
// or nil. Steps have no index by their time, so they are in the order in which their
// transactions were received. Each page costs the same, however much has moved: it reads
// a bounded number of rows, and may be short.
func (tx *ReadTx) MovementPage(
	c party.CallerID, from, to time.Time, after MovementPlace, limit int, selects func(*payment.Movement) bool,
) (page []payment.Movement, next *MovementPlace, err error) {
	p := movementPager{tx, c, from, to, selects}
	if !after.Late {
		if page, next, err = p.read(after, limit, p.recent); err != nil || next != nil {
			return page, next, err
		}
		if after = (MovementPlace{Late: true, At: to}); len(page) == limit {
			one, more, err := p.read(after, 1, p.late)
			if err != nil || len(one) == 0 && more == nil {
				return page, nil, err
			}
			return page, &after, nil
		}
	}
	late, next, err := p.read(after, limit-len(page), p.late)
	return append(page, late...), next, err
}

type movementPager struct {
	tx       *ReadTx
	caller   party.CallerID
	from, to time.Time
	selects  func(*payment.Movement) bool
}

func (p movementPager) read(
	after MovementPlace, limit int, some func(after MovementPlace, n int) ([]placedMovement, error),
) (page []payment.Movement, next *MovementPlace, err error) {
	rows, last, err := bounded(limit, func(last *placedMovement, n int) ([]placedMovement, error) {
		if last != nil {
			return some(last.place, n)
		}
		return some(after, n)
	}, func(m *placedMovement) bool { return m.Step > 0 && p.selects(&m.Movement) })
	for i := range rows {
		page = append(page, rows[i].Movement)
	}
	if last != nil {
		next = &last.place
	}
	return page, next, err
}

// The transactions without a movement are read, too, so that one query reads no more
// than it returns.
var (
	pageOfRecentMovements = `
		SELECT t.transaction_id, COALESCE(s.seq, 0), COALESCE(s.at, 0), COALESCE(s.verb, ''), COALESCE(s.before_state, ''),
			s.postings, ` + joined("t", moverColumns) + `
		FROM (
			SELECT ` + moverColumns + `, state, completed FROM transactions
			WHERE (received, transaction_id) <= ($2, $3) AND caller_id = $1 AND received > 0 AND received >= $5
			ORDER BY received DESC, transaction_id DESC LIMIT $8
		) AS t LEFT JOIN steps s ON s.caller_id = $1 AND s.transaction_id = t.transaction_id
			AND s.at >= $6 AND s.at < $7 AND s.late IS NULL AND NOT (t.state = 'Success' AND t.completed < $6)` + moving + `
		WHERE (t.received, t.transaction_id, COALESCE(s.seq, 0)) < ($2, $3, $4)
		ORDER BY t.received DESC, t.transaction_id DESC, s.seq DESC LIMIT $9`
	pageOfLateMovements = selectMoved + `
		WHERE (s.at, s.transaction_id, s.seq) < ($2, $3, $4) AND s.caller_id = $1 AND s.late = 1 AND s.at >= $5` + moving + `
		ORDER BY s.at DESC, s.transaction_id DESC, s.seq DESC LIMIT $6`
)

// recent reads the movements of the transactions that were received before a place.
func (p movementPager) recent(after MovementPlace, n int) ([]placedMovement, error) {
	at := micros(after.At)
	if after.At.IsZero() {
		at = micros(p.to) // and no id, so it is before all that was received then
	}
	return list(p.tx, "reading a page of what has moved", p.scan(false), pageOfRecentMovements, p.caller, at, after.ID,
		after.Step, micros(p.from.Add(-payment.StepReach)), micros(p.from), micros(p.to), n+1, n)
}

// late reads the late steps before a place.
func (p movementPager) late(after MovementPlace, n int) ([]placedMovement, error) {
	return list(p.tx, "reading a page of late movements", p.scan(true), pageOfLateMovements, p.caller, micros(after.At),
		after.ID, after.Step, micros(p.from), n)
}

func (p movementPager) scan(late bool) func(scanner) (placedMovement, error) {
	moved := scanMoved(p.caller)
	return func(row scanner) (placedMovement, error) {
		m, err := moved(row)
		at := when(m.received)
		if late {
			at = m.At
		}
		return placedMovement{m.Movement, MovementPlace{late, at, m.Transaction, m.Step}}, err
	}
}
