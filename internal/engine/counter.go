package engine

import (
	"database/sql/driver"
	"math/rand/v2"
)

// Shards is the largest number of rows that hold one counter. Each writer of
// each server draws one at random, so that servers mostly use different rows.
const Shards = 32

func drawShards(n int) []int { return rand.Perm(Shards)[:n] } //nolint:gosec // spreads rows, no secret

// otherShard draws another shard after a conflict with a server that may use the
// same one.
func otherShard(shard int) int {
	return (shard + 1 + rand.IntN(Shards-1)) % Shards //nolint:gosec // spreads rows, no secret
}

// A Counter is a table of amounts to which Works only add. A row of the table
// has the key R and a shard. A sum has the key S and adds up rows of all shards,
// and perhaps of several keys R.
//
// Works that add to the same row do not wait for each other: the amounts of a
// group are added in one statement. A Work that reads a sum sees what earlier
// Works of its group have added.
type Counter[R, S comparable] struct {
	sums *Source[S, Total[S]]
	add  write
	row  func(R) []any
}

// A Total is a sum with its key.
type Total[S comparable] struct {
	Key    S
	Amount int64
}

// NewCounter makes a counter. The columns of the insertion are those of row, the
// shard and the amount. It adds the amount to a row that exists.
func NewCounter[R, S comparable](sums *Source[S, Total[S]], i Insertion, row func(R) []any) *Counter[R, S] {
	return &Counter[R, S]{sums: sums, add: write{i.texts()}, row: row}
}

// A Sum is the result of an addition. It can be a value of a later change of the
// same Work, because the sum is known before the change is sent.
type Sum struct {
	known bool
	after int64
}

// Value is called by the database's driver.
func (s *Sum) Value() (driver.Value, error) {
	if !s.known {
		return nil, nil
	}
	return s.after, nil
}

// Read reads a sum.
func (c *Counter[R, S]) Read(tx *Tx, s S) (amount int64, err error) {
	total, _, err := c.sums.Get(tx, s)
	return total.Amount, err
}

// Expect announces a Read.
func (c *Counter[R, S]) Expect(tx *Tx, s S) { c.sums.Expect(tx, s) }

// Add adds an amount to the row r, which the sum s includes.
func (c *Counter[R, S]) Add(tx *Tx, r R, s S, amount int64) (*Sum, error) {
	st := tx.strand
	if st.left != nil {
		return nil, st.left
	}
	sums := rowsOf(st.t, c.sums)
	a := &addition[R, S]{counter: c, key: r, of: sums.of(s), amount: amount}
	st.writes = true
	if !st.atOnce {
		st.adds = append(st.adds, a)
		return &a.sum, nil
	}
	if err := st.send(c.add.statement(st.t.database, a.values(st.t, amount), false)); err != nil {
		return nil, err
	}
	a.of.known = false
	total, err := c.Read(tx, s)
	a.sum = Sum{known: true, after: total}
	return &a.sum, err
}

// An added is an addition, without its types.
type added interface {
	row() *rowState
	// collect adds the amount to what the transaction adds to the same row.
	collect(t *transaction)
	// settle computes the sum. The sums before are known.
	settle()
}

type addition[R, S comparable] struct {
	counter *Counter[R, S]
	key     R
	of      *row[S, Total[S]]
	amount  int64
	sum     Sum
}

func (a *addition[R, S]) row() *rowState { return &a.of.rowState }

func (a *addition[R, S]) values(t *transaction, amount int64) []any {
	return append(a.counter.row(a.key), t.shard, amount)
}

func (a *addition[R, S]) collect(t *transaction) {
	sums, _ := t.counters[a.counter].(*counted[R, S])
	if sums == nil {
		sums = &counted[R, S]{counter: a.counter, at: make(map[R]int)}
		t.counters[a.counter] = sums
		t.counting = append(t.counting, sums)
	}
	i, ok := sums.at[a.key]
	if !ok {
		i = len(sums.rows)
		sums.at[a.key] = i
		sums.rows = append(sums.rows, a.values(t, 0))
		sums.amounts = append(sums.amounts, 0)
	}
	sums.amounts[i] += a.amount
	rowsOf(t, a.counter.sums).want(a.of)
}

func (a *addition[R, S]) settle() {
	a.of.value.Amount += a.amount
	a.of.found, a.of.taken = true, false
	a.sum = Sum{known: true, after: a.of.value.Amount}
}

// counted is what a transaction adds to the rows of one counter.
type counted[R, S comparable] struct {
	counter *Counter[R, S]
	at      map[R]int // the index of a row
	rows    [][]any
	amounts []int64
}

// A counting is what a transaction adds to one counter, without its types.
type counting interface {
	statements(all []Statement, t *transaction) []Statement
	reset()
}

// statements appends the additions, and begins anew.
func (c *counted[R, S]) statements(all []Statement, t *transaction) []Statement {
	for i, values := range c.rows {
		values[len(values)-1] = c.amounts[i]
	}
	all = c.counter.add.statements(all, t.database, c.rows, true)
	c.reset()
	return all
}

func (c *counted[R, S]) reset() {
	clear(c.at)
	c.rows, c.amounts = nil, c.amounts[:0]
}
