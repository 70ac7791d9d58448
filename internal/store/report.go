package store

import (
	"cmp"
	"container/heap"
	"context"
	"database/sql"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Movements calls fn with each movement in the books of a caller from a time
// until before another, in the order of time, transaction and step. It reads one
// consistent state of the store. It ends with the first error of fn.
//
// In memory, it keeps a page of movements, and the places of those that are later than
// the transactions read so far. These come within [payment.StepReach].
func (r Reader) Movements(
	ctx context.Context, c party.CallerID, from, to time.Time, fn func(*payment.Movement) error,
) error {
	return r.ViewLong(ctx, func(tx *ReadTx) error { return tx.Movements(c, from, to, fn) })
}

// Movements is [Reader.Movements] in a transaction.
func (tx *ReadTx) Movements(c party.CallerID, from, to time.Time, fn func(*payment.Movement) error) error {
	s := newMovementStream(tx, c, from, to)
	return s.pages(func(page []*payment.Movement, until int64) error {
		for _, m := range page {
			one := movementAhead{micros(m.At), m.Transaction, m.Step, m}
			if one.at >= until {
				one.read = nil // and is read again when its time has come
			}
			heap.Push(&s.ahead, one)
		}
		return s.pass(until, fn)
	})
}

// anyOrder calls fn with the same movements as Movements, in no order. It keeps a
// page of transactions in memory.
func (tx *ReadTx) anyOrder(c party.CallerID, from, to time.Time, fn func(*payment.Movement)) error {
	s := newMovementStream(tx, c, from, to)
	err := s.pages(func(page []*payment.Movement, _ int64) error {
		for _, m := range page {
			fn(m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.rest(fn)
}

// A movementStream merges the steps of transactions, which it reads by the time
// at which they were received, with late steps, which it reads by their own time.
type movementStream struct {
	tx       *ReadTx
	caller   party.CallerID
	from, to int64
	begin    bookmark // the last transaction that was read
	ended    bool     // all transactions were read
	ahead    movementHeap
	ready    []*payment.Movement // in their order, before those ahead
	late     lateSteps
}

func newMovementStream(tx *ReadTx, c party.CallerID, from, to time.Time) *movementStream {
	s := &movementStream{tx: tx, caller: c, from: micros(from), to: micros(to)}
	s.begin.received = max(s.from-payment.StepReach.Microseconds(), 1)
	s.ended = s.from >= s.to
	s.late.at = s.from // and no id, so the first is not left out
	return s
}

// pages calls fn with the movements of each page of transactions.
func (s *movementStream) pages(fn func(page []*payment.Movement, until int64) error) error {
	for !s.ended {
		page, until, err := s.next()
		if err != nil {
			return err
		}
		if err := fn(page, until); err != nil {
			return err
		}
	}
	return nil
}

// next reads the movements of the next page of transactions. All movements before
// the time until are in this page and those before it, except the late ones.
func (s *movementStream) next() (moved []*payment.Movement, until int64, err error) {
	if s.ended {
		return nil, s.to, nil
	}
	page, err := s.movers(s.begin)
	if err != nil {
		return nil, 0, err
	}
	if moved, err = s.read(page); err != nil {
		return nil, 0, err
	}
	if len(page) < booksPage {
		s.ended = true
		return moved, s.to, nil
	}
	last := page[booksPage-1]
	s.begin = bookmark{last.received, last.Transaction}
	return moved, last.received, nil // steps come no earlier than their transactions
}

// rest calls fn with the movements that no page has: the late ones.
func (s *movementStream) rest(fn func(*payment.Movement)) error {
	return s.pass(s.to, func(m *payment.Movement) error {
		fn(m)
		return nil
	})
}

// A mover is a transaction as movements show it.
type mover struct {
	payment.Movement
	received int64
}

const moverColumns = `transaction_id, received, kind, reference, sender, recipient, owner, method, fee_by, policy, parent,
	caller_description, commission`

func scanMover(row scanner) (m mover, err error) {
	var commission sql.NullInt64
	err = row.Scan(&m.Transaction, &m.received, &m.Kind, &m.Reference, &m.Sender, &m.Recipient, &m.Owner, &m.Method,
		&m.FeeBy, &m.Policy, &m.Parent, &m.Description, &commission)
	m.Commission = dollars(commission.Int64)
	return m, err
}

const pageOfMovers = `
	SELECT ` + moverColumns + ` FROM transactions
	WHERE (received, transaction_id) > ($2, $3) AND caller_id = $1 AND received > 0 AND received < $4
		AND NOT (state = 'Success' AND completed < $6)
	ORDER BY received, transaction_id LIMIT $5`

// movers reads the next transactions of the stream after one. It leaves out those
// that succeeded before the window: they take no further step.
func (s *movementStream) movers(after bookmark) ([]mover, error) {
	return list(s.tx, "reading what has moved", scanMover, pageOfMovers,
		s.caller, after.received, after.id, s.to, booksPage, s.from)
}

// moving chooses the steps that are movements.
const moving = ` AND (s.postings IS NOT NULL OR s.verb IN ('Decline', 'CaptureDecline'))`

const moveColumns = `s.transaction_id, s.seq, s.at, s.verb, s.before_state, s.postings`

// A move is a step that is a movement.
type move struct {
	id       holdfast.TransactionID
	seq      int
	at       int64
	verb     payment.Verb
	before   payment.State
	postings sql.NullString
}

func (m *move) dest() []any { return []any{&m.id, &m.seq, &m.at, &m.verb, &m.before, &m.postings} }

func scanMove(row scanner) (m move, err error) { return m, row.Scan(m.dest()...) }

// of completes the movement of a transaction's step.
func (m *move) of(t payment.Movement, c party.CallerID) (_ *payment.Movement, err error) {
	t.Caller, t.Step, t.At, t.Verb, t.Before = c, m.seq, when(m.at), m.verb, m.before
	if m.postings.Valid {
		t.Postings, err = readPostings(m.postings.String)
	}
	return &t, err
}

// selectMoved reads steps with their transactions, for scanMoved.
var selectMoved = `
	SELECT ` + moveColumns + `, ` + joined("t", moverColumns) + `
	FROM steps s JOIN transactions t ON t.caller_id = s.caller_id AND t.transaction_id = s.transaction_id`

// scanMoved reads the movements of steps, each with the time at which its transaction was
// received.
func scanMoved(c party.CallerID) func(scanner) (mover, error) {
	return func(row scanner) (mover, error) {
		var step move
		m, err := scanMover(behind{row, step.dest()})
		if err != nil {
			return m, err
		}
		of, err := step.of(m.Movement, c)
		m.Movement = *of
		return m, err
	}
}

// read reads the movements of a page of transactions, in no order.
func (s *movementStream) read(page []mover) ([]*payment.Movement, error) {
	if len(page) == 0 {
		return nil, nil
	}
	of, ids := make(map[holdfast.TransactionID]*mover, len(page)), make([]string, len(page))
	for i := range page {
		of[page[i].Transaction], ids[i] = &page[i], string(page[i].Transaction)
	}
	moves, err := list(s.tx, "reading movements", scanMove, `
		SELECT `+moveColumns+` FROM steps s
		WHERE s.caller_id = $1 AND s.transaction_id`+s.tx.dialect.keys(2)+`
			AND s.at >= $3 AND s.at < $4 AND s.late IS NULL`+moving, s.caller, keyList(ids), s.from, s.to)
	if err != nil {
		return nil, err
	}
	moved := make([]*payment.Movement, len(moves))
	for i, m := range moves {
		if moved[i], err = m.of(of[m.id].Movement, s.caller); err != nil {
			return nil, err
		}
	}
	return moved, nil
}

// pass hands on all movements before a time.
func (s *movementStream) pass(before int64, fn func(*payment.Movement) error) error {
	for {
		late, err := s.late.first(s)
		if err != nil {
			return err
		}
		if err := s.prepare(before); err != nil {
			return err
		}
		next := late
		if len(s.ready) > 0 && (late == nil || earlier(s.ready[0], late)) {
			next = s.ready[0]
		}
		if next == nil || micros(next.At) >= before {
			return nil
		}
		if next == late {
			s.late.some = s.late.some[1:]
		} else {
			s.ready = s.ready[1:]
		}
		if err := fn(next); err != nil {
			return err
		}
	}
}

// prepare makes the next movements before a time ready, if none is. It reads again
// those of which only the place was kept.
func (s *movementStream) prepare(before int64) error {
	if len(s.ready) > 0 {
		return nil
	}
	var next []movementAhead
	var ids []string
	for len(s.ahead) > 0 && len(next) < booksPage && s.ahead[0].at < before {
		one := heap.Pop(&s.ahead).(movementAhead) //nolint:forcetypeassert // has one type
		if next = append(next, one); one.read == nil {
			ids = append(ids, string(one.id))
		}
	}
	again, err := s.again(ids)
	if err != nil {
		return err
	}
	for _, one := range next {
		if one.read == nil {
			one.read = again[stepPlace{one.id, one.step}]
		}
		s.ready = append(s.ready, one.read)
	}
	return nil
}

// A stepPlace names a step of a caller's transaction.
type stepPlace struct {
	id   holdfast.TransactionID
	step int
}

// again reads the movements of transactions in the window a second time.
func (s *movementStream) again(ids []string) (map[stepPlace]*payment.Movement, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	some, err := list(s.tx, "reading movements again", scanMoved(s.caller), selectMoved+`
		WHERE s.caller_id = $1 AND s.transaction_id`+s.tx.dialect.keys(2)+`
			AND s.at >= $3 AND s.at < $4 AND s.late IS NULL`+moving, s.caller, keyList(ids), s.from, s.to)
	if err != nil {
		return nil, err
	}
	all := make(map[stepPlace]*payment.Movement, len(some))
	for i := range some {
		all[stepPlace{some[i].Transaction, some[i].Step}] = &some[i].Movement
	}
	return all, nil
}

// lateSteps are the late steps of a caller, read some at a time. at, id and seq are
// the place of the last one that was read.
type lateSteps struct {
	at    int64
	id    holdfast.TransactionID
	seq   int
	some  []mover
	ended bool
}

var pageOfLate = selectMoved + `
	WHERE (s.at, s.transaction_id, s.seq) > ($2, $3, $4) AND s.caller_id = $1 AND s.late = 1 AND s.at < $5` + moving + `
	ORDER BY s.at, s.transaction_id, s.seq LIMIT $6`

// first returns the next late step, or nil if there is none.
func (l *lateSteps) first(s *movementStream) (*payment.Movement, error) {
	if len(l.some) > 0 {
		return &l.some[0].Movement, nil
	}
	if l.ended {
		return nil, nil //nolint:nilnil // there is none
	}
	some, err := list(s.tx, "reading late movements", scanMoved(s.caller), pageOfLate,
		s.caller, l.at, l.id, l.seq, s.to, booksPage)
	l.some, l.ended = some, len(some) < booksPage
	if err != nil || len(some) == 0 {
		return nil, err
	}
	last := some[len(some)-1]
	l.at, l.id, l.seq = micros(last.At), last.Transaction, last.Step
	return &some[0].Movement, nil
}

// earlier is the order of movements.
func earlier(a, b *payment.Movement) bool {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Transaction, b.Transaction), cmp.Compare(a.Step, b.Step)) < 0
}

// A movementAhead is the place of a movement, and the movement unless only its place
// is kept.
type movementAhead struct {
	at   int64
	id   holdfast.TransactionID
	step int
	read *payment.Movement
}

// A movementHeap has the earliest movement first.
type movementHeap []movementAhead

func (h movementHeap) Len() int { return len(h) }

func (h movementHeap) Less(i, j int) bool {
	a, b := &h[i], &h[j]
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id), cmp.Compare(a.step, b.step)) < 0
}

func (h movementHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is for package heap.
func (h *movementHeap) Push(x any) { *h = append(*h, x.(movementAhead)) } //nolint:forcetypeassert // has one type

// Pop is for package heap.
func (h *movementHeap) Pop() any {
	all := *h
	last := all[len(all)-1]
	all[len(all)-1] = movementAhead{}
	*h = all[:len(all)-1]
	return last
}
