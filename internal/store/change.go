package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A columnType is what PostgreSQL must be told of an array of values.
type columnType string

const (
	text   columnType = "text"
	number columnType = "bigint"
	blob   columnType = "bytea"
)

// A column is one value of a change.
type column struct {
	name string
	kind columnType
}

// columns names columns of one type, as a list with commas.
func columns(kind columnType, names string) (all []column) {
	for name := range strings.SplitSeq(names, ",") {
		all = append(all, column{strings.TrimSpace(name), kind})
	}
	return all
}

// A change is a statement that writes one row of a table, and is written for
// many rows at once where actions share a commit. Its arguments are its columns'
// values, in order.
type change struct {
	doing   string
	columns []column
	one     string // for one row
	many    string // for arrays of the columns' values, on PostgreSQL
	// SQLite finds a place with a number by its name, which takes it longer than
	// the rest of a small change. Its own texts have places alone.
	oneBare string // for one row
	some    string // for someRows rows; empty where there is no such statement
}

// someRows is how many rows go into one statement on SQLite, read or written: each
// costs a third less than by itself, and more would gain little.
const someRows = 16

// insertion is a change that adds a row. otherwise says what happens where there
// is one already; empty means that there must not be.
func insertion(doing, table, otherwise string, cols ...[]column) *change {
	c := &change{doing: doing}
	for _, some := range cols {
		c.columns = append(c.columns, some...)
	}
	var names []string
	for _, col := range c.columns {
		names = append(names, col.name)
	}
	into := "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") "
	c.oneBare = strings.TrimSpace(into + "VALUES " + c.values(1) + " " + otherwise)
	c.one = numbered(c.oneBare)
	c.some = strings.TrimSpace(into + "VALUES " + c.values(someRows) + " " + otherwise)
	c.many = strings.TrimSpace(into + "SELECT * FROM " + c.unnest() + " " + otherwise)
	return c
}

// values has a place for each value of some rows.
func (c *change) values(rows int) string {
	all := make([]string, rows)
	for row := range rows {
		places := make([]string, len(c.columns))
		for i := range c.columns {
			places[i] = "?"
		}
		all[row] = "(" + strings.Join(places, ", ") + ")"
	}
	return strings.Join(all, ", ")
}

// An update is a change of a row that is there: what is set, and which row. Of a
// guard the row must still have the values that the action had read.
type update struct {
	doing, table string
	set          []column
	keep         []column // set where the value is not null
	key          []column
	guard        []column
}

// change makes the statement. Its arguments are in the order set, keep, key,
// guard.
func (u update) change() *change {
	c := &change{doing: u.doing}
	var setOne, setMany, whereOne, whereMany []string
	place := func(col column, prefix string) (one, many string) {
		c.columns = append(c.columns, column{prefix + col.name, col.kind})
		return "?", "v." + prefix + col.name
	}
	for _, col := range u.set {
		one, many := place(col, "new_")
		setOne, setMany = append(setOne, col.name+" = "+one), append(setMany, col.name+" = "+many)
	}
	for _, col := range u.keep {
		one, many := place(col, "new_")
		setOne = append(setOne, col.name+" = COALESCE("+one+", "+col.name+")")
		setMany = append(setMany, col.name+" = COALESCE("+many+", r."+col.name+")")
	}
	for _, col := range append(u.key[:len(u.key):len(u.key)], u.guard...) {
		one, many := place(col, "old_")
		whereOne, whereMany = append(whereOne, col.name+" = "+one), append(whereMany, "r."+col.name+" = "+many)
	}
	c.oneBare = "UPDATE " + u.table + " SET " + strings.Join(setOne, ", ") + " WHERE " + strings.Join(whereOne, " AND ")
	c.one = numbered(c.oneBare)
	c.many = "UPDATE " + u.table + " AS r SET " + strings.Join(setMany, ", ") + " FROM " + c.unnest() + " WHERE " +
		strings.Join(whereMany, " AND ")
	return c
}

// numbered gives the places of a text their numbers, as PostgreSQL wants them.
func numbered(bare string) string {
	var b strings.Builder
	n := 0
	for _, c := range bare {
		if c != '?' {
			b.WriteRune(c)
			continue
		}
		n++
		b.WriteString("$" + strconv.Itoa(n))
	}
	return b.String()
}

// bare takes the numbers off the places of a text, which must be there once each
// and in order.
func bare(numbered string) string {
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(numbered, "$"+strconv.Itoa(n))
		b.WriteString(before)
		if !found {
			break
		}
		b.WriteByte('?')
		numbered = after
	}
	if text := b.String(); !strings.Contains(text, "$") {
		return text
	}
	panic("the places of a query are out of order: " + numbered)
}

// unnest makes rows of the arguments, which are arrays.
func (c *change) unnest() string {
	var arrays, names []string
	for i, col := range c.columns {
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, col.kind))
		names = append(names, col.name)
	}
	return "unnest(" + strings.Join(arrays, ", ") + ") AS v(" + strings.Join(names, ", ") + ")"
}

// write makes a change: now, where the action is in no round, and when the
// round ends where it is. key names the row for other actions that read or
// write it in the same commit; nil when no other action can know it yet.
func (tx *Tx) write(c *change, key any, args ...any) error {
	if tx.strand == nil {
		tx.sql.rests.wrote(key)
		return tx.sql.run(tx.ctx, c.statement(tx.dialect, args))
	}
	tx.strand.write(c, key, args)
	return nil
}

// writeMany makes the same change of many rows.
func (tx *Tx) writeMany(c *change, rows [][]any) error {
	return tx.sql.run(tx.ctx, c.statements(tx.dialect, rows)...)
}

// statement makes the change of one row.
func (c *change) statement(d dialect, args []any) statement {
	text := c.oneBare
	if d.arrays {
		text = c.one
	}
	return statement{doing: c.doing, text: text, args: args, want: 1}
}

// statements make the change of many rows: one statement, or on SQLite some that
// take as many rows as one takes there, and one for each row of the rest.
func (c *change) statements(d dialect, rows [][]any) (all []statement) {
	if d.arrays && len(rows) > 1 {
		return []statement{{doing: c.doing, text: c.many, args: columnsOf(rows), want: int64(len(rows))}}
	}
	for ; len(rows) >= someRows && c.some != "" && !d.arrays; rows = rows[someRows:] {
		all = append(all, statement{doing: c.doing, text: c.some, args: slices.Concat(rows[:someRows]...), want: someRows})
	}
	for _, args := range rows {
		all = append(all, c.statement(d, args))
	}
	return all
}
