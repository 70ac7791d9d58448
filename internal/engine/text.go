package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A ColumnType is the type of a column, for arrays of its values.
type ColumnType string

// The types of columns.
const (
	Text   ColumnType = "text"
	Number ColumnType = "bigint"
	Blob   ColumnType = "bytea"
)

// A Column is one column that a change writes or compares.
type Column struct {
	Name string
	Type ColumnType
}

// Columns names columns of one type, as a list with commas.
func Columns(kind ColumnType, names string) (all []Column) {
	for name := range strings.SplitSeq(names, ",") {
		all = append(all, Column{strings.TrimSpace(name), kind})
	}
	return all
}

// A Definition is the SQL of a change: an [Insertion], a [Transfer] or an [Update].
type Definition interface{ texts() texts }

// texts are the statements of one change.
type texts struct {
	doing   string
	columns []Column
	one     string // for one row
	many    string // for arrays of the columns' values, on PostgreSQL
	// On PostgreSQL, oneSure and manySure fail if they change another number of rows
	// than they are given.
	oneSure  string
	manySure string
	// SQLite finds a parameter with a number by its name, which takes longer than
	// the rest of a small change. Its texts have parameters without numbers.
	oneBare string // for one row
	some    string // for someRows rows; empty if there is no such statement
}

// An Insertion adds a row. Otherwise says what happens if there is one already;
// empty means that there must not be.
type Insertion struct {
	Doing, Table string
	Otherwise    string
	Columns      []Column
}

func (i Insertion) texts() texts {
	t := texts{doing: i.Doing, columns: i.Columns}
	var names []string
	for _, col := range i.Columns {
		names = append(names, col.Name)
	}
	into := "INSERT INTO " + i.Table + " (" + strings.Join(names, ", ") + ") "
	t.oneBare = strings.TrimSpace(into + "VALUES " + t.values(1) + " " + i.Otherwise)
	t.one = numbered(t.oneBare)
	t.some = strings.TrimSpace(into + "VALUES " + t.values(someRows) + " " + i.Otherwise)
	t.many = strings.TrimSpace(into + "SELECT * FROM " + t.unnest() + " " + i.Otherwise)
	t.oneSure, t.manySure = t.one, t.many
	// Without a row that may be left out, PostgreSQL adds all rows or fails.
	if strings.Contains(i.Otherwise, "NOTHING") || strings.Contains(i.Otherwise, "WHERE") {
		t.makeSure()
	}
	return t
}

// A Transfer adds a row that is a copy of a row of another table, with more columns.
// The database copies it, so its values are not sent again.
type Transfer struct {
	Doing, From, To string
	Copied          []Column
	More            []Column
	Key             Column // of From
}

// texts: the values are in the order More, Key.
func (tr Transfer) texts() texts {
	t := texts{doing: tr.Doing, columns: append(slices.Clone(tr.More), tr.Key)}
	var names, copied, given, bare, typed []string
	for _, col := range tr.Copied {
		names, copied = append(names, col.Name), append(copied, "r."+col.Name)
	}
	for _, col := range tr.More {
		names, given = append(names, col.Name), append(given, "v."+col.Name)
		bare, typed = append(bare, "?"), append(typed, "?::"+string(col.Type))
	}
	selects := func(more []string) string {
		return "INSERT INTO " + tr.To + " (" + strings.Join(names, ", ") + ") SELECT " +
			strings.Join(slices.Concat(copied, more), ", ") + " FROM "
	}
	var values []string
	for _, col := range t.columns {
		values = append(values, col.Name)
	}
	key := " AS r WHERE r." + tr.Key.Name + " = ?"
	t.oneBare, t.one = selects(bare)+tr.From+key, numbered(selects(typed)+tr.From+key)
	join := " JOIN " + tr.From + " AS r ON r." + tr.Key.Name + " = v." + tr.Key.Name
	t.some = "WITH v(" + strings.Join(values, ", ") + ") AS (VALUES " + t.values(someRows) + ") " + selects(given) +
		"v CROSS" + join // SQLite then begins with v
	t.many = selects(given) + t.unnest() + join
	t.makeSure()
	return t
}

// An Update changes a row that exists.
type Update struct {
	Doing, Table string
	Set          []Column
	Keep         []Column // set if the value is not null
	Key          []Column
	Guard        []Column // the row must still have these values
	Same         []Column // like Guard, for columns that may be null
}

// texts: the values are in the order Set, Keep, Key, Guard, Same.
func (u Update) texts() texts {
	t := texts{doing: u.Doing}
	var setOne, setMany, whereOne, whereMany []string
	value := func(col Column, prefix string) (one, many string) {
		t.columns = append(t.columns, Column{prefix + col.Name, col.Type})
		return "?", "v." + prefix + col.Name
	}
	for _, col := range u.Set {
		one, many := value(col, "new_")
		setOne, setMany = append(setOne, col.Name+" = "+one), append(setMany, col.Name+" = "+many)
	}
	for _, col := range u.Keep {
		one, many := value(col, "new_")
		setOne = append(setOne, col.Name+" = COALESCE("+one+", "+col.Name+")")
		setMany = append(setMany, col.Name+" = COALESCE("+many+", r."+col.Name+")")
	}
	for _, col := range slices.Concat(u.Key, u.Guard) {
		one, many := value(col, "old_")
		whereOne, whereMany = append(whereOne, col.Name+" = "+one), append(whereMany, "r."+col.Name+" = "+many)
	}
	for _, col := range u.Same {
		one, many := value(col, "old_")
		whereOne = append(whereOne, col.Name+" IS NOT DISTINCT FROM "+one)
		whereMany = append(whereMany, "r."+col.Name+" IS NOT DISTINCT FROM "+many)
	}
	t.oneBare = "UPDATE " + u.Table + " SET " + strings.Join(setOne, ", ") + " WHERE " + strings.Join(whereOne, " AND ")
	t.one = numbered(t.oneBare)
	t.many = "UPDATE " + u.Table + " AS r SET " + strings.Join(setMany, ", ") + " FROM " + t.unnest() + " WHERE " +
		strings.Join(whereMany, " AND ")
	t.makeSure()
	return t
}

// makeSure makes the texts that divide by zero if a wrong number of rows
// changes.
func (t *texts) makeSure() {
	sure := func(text, want string) string {
		return "WITH changed AS (" + text + " RETURNING 1) SELECT 1 / (COUNT(1) = " + want + ")::int FROM changed"
	}
	t.oneSure = sure(t.one, "1")
	t.manySure = sure(t.many, "$"+strconv.Itoa(len(t.columns)+1))
}

// values has a parameter for each value of some rows.
func (t *texts) values(rows int) string {
	one := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(t.columns)), ", ") + ")"
	return strings.TrimSuffix(strings.Repeat(one+", ", rows), ", ")
}

// unnest makes rows of the arguments, which are arrays.
func (t *texts) unnest() string {
	var arrays, names []string
	for i, col := range t.columns {
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, col.Type))
		names = append(names, col.Name)
	}
	return "unnest(" + strings.Join(arrays, ", ") + ") AS v(" + strings.Join(names, ", ") + ")"
}

// numbered gives the parameters of a text their numbers, which PostgreSQL needs.
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

// bare removes the numbers of the parameters of a text. Each number must be
// there once, and in order.
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
	panic("the parameters of a query are out of order: " + numbered)
}
