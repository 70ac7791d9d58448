package engine

import "slices"

// A Change writes one row of a table that has keys of type K. The changes that
// the Works of a group make are written together, many rows in one statement.
type Change[K comparable] struct {
	write
	row func(*transaction, K) *rowState
}

// A write is a change without the type of its keys.
type write struct{ texts }

// Change makes a change of the source's rows.
func (s *Source[K, V]) Change(d Definition) *Change[K] {
	return &Change[K]{write{d.texts()}, func(t *transaction, k K) *rowState { return &rowsOf(t, s).of(k).rowState }}
}

// Write makes a change of the row with a key. The values are in the order of the
// definition's columns. In a round it is sent at the end of the round.
func (c *Change[K]) Write(tx *Tx, k K, values ...any) error {
	return c.WriteAlso(tx, k, nil, values...)
}

// WriteAlso is Write for a row that other sources know by other keys.
func (c *Change[K]) WriteAlso(tx *Tx, k K, also []Row, values ...any) error {
	st := tx.strand
	if st.left != nil {
		return st.left
	}
	names := make([]*rowState, 1, 1+len(also))
	names[0] = c.row(st.t, k)
	for _, other := range also {
		names = append(names, other.in(st.t))
	}
	return st.write(&c.write, names, values)
}

// WriteMany makes the same change of many rows, now. The Work must have claimed
// the rows by a statement of its own, so the rows have no names.
func (c *Change[K]) WriteMany(tx *Tx, rows [][]any) error {
	return tx.Run(c.statements(nil, tx.database, rows, false)...)
}

// Now makes a change of one row, now, and reports how many rows it changed. The
// row has no name, so a Work of a group leaves its round for it.
func (c *Change[K]) Now(tx *Tx, values ...any) (rows int64, err error) {
	one := c.statement(tx.database, values, false)
	one.Touched = &rows
	err = tx.Run(one)
	return rows, err
}

// A NewRow adds rows that no other Work can know yet, such as rows of a history.
// They have no key, so they are invisible to the other Works of the group.
type NewRow struct{ write }

// NewRows makes a NewRow of an [Insertion] or a [Transfer].
func NewRows(d Definition) *NewRow { return &NewRow{write{d.texts()}} }

// Add adds a row.
func (n *NewRow) Add(tx *Tx, values ...any) error {
	if tx.strand.left != nil {
		return tx.strand.left
	}
	return tx.strand.write(&n.write, nil, values)
}

// AddMany adds many rows, now.
func (n *NewRow) AddMany(tx *Tx, rows [][]any) error {
	return tx.Run(n.statements(nil, tx.database, rows, false)...)
}

// statement makes the change of one row. If sure is true, a wrong number of rows
// fails in the database.
func (w *write) statement(d *Database, values []any, sure bool) Statement {
	s := Statement{Doing: w.doing, Text: w.oneBare, Args: values, Want: 1}
	switch {
	case d.arrays && sure:
		s.Text, s.sure = w.oneSure, true
	case d.arrays:
		s.Text = w.one
	}
	return s
}

// statements appends the change of many rows: one statement on PostgreSQL. On
// SQLite, each someRows rows are one statement, and so is each row of the rest.
func (w *write) statements(all []Statement, d *Database, rows [][]any, sure bool) []Statement {
	if d.arrays && len(rows) > 1 {
		s := Statement{Doing: w.doing, Text: w.many, Args: columnsOf(rows), Want: int64(len(rows))}
		if sure {
			s.Text, s.sure = w.manySure, true
			if w.manySure != w.many {
				s.Args, s.Want = append(s.Args, len(rows)), 1
			}
		}
		return append(all, s)
	}
	for ; len(rows) >= someRows && w.some != "" && !d.arrays; rows = rows[someRows:] {
		all = append(all, Statement{
			Doing: w.doing, Text: w.some, Args: slices.Concat(rows[:someRows]...), Want: someRows,
		})
	}
	for _, values := range rows {
		all = append(all, w.statement(d, values, sure))
	}
	return all
}
