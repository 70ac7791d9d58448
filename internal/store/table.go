package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/money"
)

// A table names the columns of a table once. The list of a SELECT, the scan of
// its rows, the INSERT and the UPDATEs all come from it. T is the type of a row.
type table[T any] struct {
	name   string
	fields fields[T]
}

// A field connects a column with a part of T.
type field[T any] struct {
	engine.Column
	value func(*T) any // for the database
	dest  func(*T) any // where Scan puts it; nil for a column that is never read
}

// fields are some columns of a table, in an order.
type fields[T any] []field[T]

// some returns the fields with the given names, as a list with commas.
func (t *table[T]) some(names string) fields[T] {
	var some fields[T]
	for name := range strings.SplitSeq(names, ",") {
		some = append(some, t.field(strings.TrimSpace(name)))
	}
	return some
}

func (t *table[T]) field(name string) field[T] {
	for _, f := range t.fields {
		if f.Name == name {
			return f
		}
	}
	panic("table " + t.name + " has no column " + name)
}

// columns are the columns of the fields.
func (f fields[T]) columns() []engine.Column {
	all := make([]engine.Column, len(f))
	for i, one := range f {
		all[i] = one.Column
	}
	return all
}

// appendTo appends the values of the fields in a row to some arguments.
func (f fields[T]) appendTo(args []any, row *T) []any {
	for _, one := range f {
		args = append(args, one.value(row))
	}
	return args
}

// values are the values of the fields in a row.
func (f fields[T]) values(row *T) []any { return f.appendTo(make([]any, 0, len(f)+4), row) }

// read returns the fields that are read.
func (t *table[T]) read() (read fields[T]) {
	for _, f := range t.fields {
		if f.dest != nil {
			read = append(read, f)
		}
	}
	return read
}

// list is the list of a SELECT, for scan.
func (t *table[T]) list() string {
	var names []string
	for _, f := range t.read() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// scanner returns the function that reads a row of list.
func (t *table[T]) scanner() func(scanner) (T, error) {
	read := t.read()
	return func(from scanner) (row T, err error) {
		dest := make([]any, len(read))
		for i, f := range read {
			dest[i] = f.dest(&row)
		}
		err = from.Scan(dest...)
		return row, err
	}
}

// insertion defines the change that adds a row.
func (t *table[T]) insertion(doing, otherwise string) engine.Insertion {
	return engine.Insertion{Doing: doing, Table: t.name, Otherwise: otherwise, Columns: t.fields.columns()}
}

// insertText is the statement that adds one row; see [engine.Insertion].
func (t *table[T]) insertText(otherwise string) string {
	var names, values []string
	for i, f := range t.fields {
		names, values = append(names, f.Name), append(values, fmt.Sprintf("$%d", i+1))
	}
	return strings.TrimSpace(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) %s",
		t.name, strings.Join(names, ", "), strings.Join(values, ", "), otherwise))
}

// A rowUpdate sets some columns of the row with a key to the values in a T.
type rowUpdate[T any] struct {
	text   string
	values fields[T]
}

func (t *table[T]) update(set, key string) rowUpdate[T] {
	u := rowUpdate[T]{values: t.some(set)}
	var parts []string
	for i, f := range u.values {
		parts = append(parts, fmt.Sprintf("%s = $%d", f.Name, i+1))
	}
	u.values = append(u.values, t.field(key))
	u.text = fmt.Sprintf("UPDATE %s SET %s WHERE %s = $%d", t.name, strings.Join(parts, ", "), key, len(u.values))
	return u
}

// textField is a column of strings.
func textField[T any, S ~string](name string, of func(*T) *S) field[T] {
	return field[T]{
		Column: engine.Column{Name: name, Type: engine.Text},
		value:  func(row *T) any { return string(*of(row)) },
		dest:   func(row *T) any { return textDest[S]{of(row)} },
	}
}

// numberField is a column of numbers.
func numberField[T any, N ~int | ~int64](name string, of func(*T) *N) field[T] {
	return field[T]{
		Column: engine.Column{Name: name, Type: engine.Number},
		value:  func(row *T) any { return int64(*of(row)) },
		dest:   func(row *T) any { return numberDest[N]{of(row)} },
	}
}

// flagField is a column of 0 and 1.
func flagField[T any](name string, of func(*T) *bool) field[T] {
	return field[T]{
		Column: engine.Column{Name: name, Type: engine.Number},
		value:  func(row *T) any { return flag(*of(row)) },
		dest:   func(row *T) any { return flagDest{of(row)} },
	}
}

// timeField is a column of times.
func timeField[T any](name string, of func(*T) *time.Time) field[T] {
	return field[T]{
		Column: engine.Column{Name: name, Type: engine.Number},
		value:  func(row *T) any { return micros(*of(row)) },
		dest:   func(row *T) any { return timeDest{of(row)} },
	}
}

// durationField is a column of durations in microseconds.
func durationField[T any](name string, of func(*T) *time.Duration) field[T] {
	return field[T]{
		Column: engine.Column{Name: name, Type: engine.Number},
		value:  func(row *T) any { return of(row).Microseconds() },
		dest:   func(row *T) any { return durationDest{of(row)} },
	}
}

// bytesField is a column of bytes.
func bytesField[T any](name string, of func(*T) *[]byte) field[T] {
	return field[T]{
		Column: engine.Column{Name: name, Type: engine.Blob},
		value:  func(row *T) any { return *of(row) },
		dest:   func(row *T) any { return of(row) },
	}
}

// dollarsField is a column of amounts.
func dollarsField[T any](name string, of func(*T) *money.Amount) field[T] {
	return field[T]{
		Column: engine.Column{Name: name, Type: engine.Number},
		value:  func(row *T) any { return of(row).Micro },
		dest:   func(row *T) any { return dollarsDest{of(row)} },
	}
}

// maybeDollarsField is a column of optional amounts, where 0 is none.
func maybeDollarsField[T any](name string, of func(*T) *money.Amount) field[T] {
	f := dollarsField(name, of)
	f.dest = func(row *T) any { return maybeDollarsDest{of(row)} }
	return f
}

// orNull makes NULL of 0 and of the empty text, for a column that nearly always
// has them.
func (f field[T]) orNull() field[T] {
	value := f.value
	f.value = func(row *T) any {
		if v := value(row); v != int64(0) && v != "" {
			return v
		}
		return nil
	}
	return f
}

// writeOnly is a column that is written and never read.
func writeOnly[T any](name string, kind engine.ColumnType, value func(*T) any) field[T] {
	return field[T]{Column: engine.Column{Name: name, Type: kind}, value: value}
}

// The destinations of a scan are called by database/sql (Scan) and by pgx. They
// take values without reflection. NULL is the zero value.
type (
	textDest[S ~string]         struct{ to *S }
	numberDest[N ~int | ~int64] struct{ to *N }
	flagDest                    struct{ to *bool }
	timeDest                    struct{ to *time.Time }
	durationDest                struct{ to *time.Duration }
	dollarsDest                 struct{ to *money.Amount }
	maybeDollarsDest            struct{ to *money.Amount }
)

func (d textDest[S]) ScanText(v pgtype.Text) error {
	*d.to = S(v.String)
	return nil
}

func (d textDest[S]) Scan(v any) error {
	s, ok := v.(string)
	if !ok && v != nil {
		return fmt.Errorf("%T is no text", v)
	}
	*d.to = S(s)
	return nil
}

func (d numberDest[N]) ScanInt64(v pgtype.Int8) error {
	*d.to = N(v.Int64)
	return nil
}

func (d numberDest[N]) Scan(v any) error { return scanNumber(v, d.ScanInt64) }

func (d flagDest) ScanInt64(v pgtype.Int8) error {
	*d.to = v.Int64 != 0
	return nil
}

func (d flagDest) Scan(v any) error { return scanNumber(v, d.ScanInt64) }

func (d timeDest) ScanInt64(v pgtype.Int8) error {
	*d.to = when(v.Int64)
	return nil
}

func (d timeDest) Scan(v any) error { return scanNumber(v, d.ScanInt64) }

func (d durationDest) ScanInt64(v pgtype.Int8) error {
	*d.to = time.Duration(v.Int64) * time.Microsecond
	return nil
}

func (d durationDest) Scan(v any) error { return scanNumber(v, d.ScanInt64) }

func (d dollarsDest) ScanInt64(v pgtype.Int8) error {
	*d.to = dollars(v.Int64)
	return nil
}

func (d dollarsDest) Scan(v any) error { return scanNumber(v, d.ScanInt64) }

func (d maybeDollarsDest) ScanInt64(v pgtype.Int8) error {
	*d.to = maybeDollars(v.Int64)
	return nil
}

func (d maybeDollarsDest) Scan(v any) error { return scanNumber(v, d.ScanInt64) }

func scanNumber(v any, to func(pgtype.Int8) error) error {
	n, ok := v.(int64)
	if !ok && v != nil {
		return fmt.Errorf("%T is no number", v)
	}
	return to(pgtype.Int8{Int64: n, Valid: ok})
}

// A balanceDest leaves an amount as it is for NULL, and knows 0 from it.
type balanceDest struct{ to *money.Amount }

func (d balanceDest) ScanInt64(v pgtype.Int8) error {
	if v.Valid {
		*d.to = dollars(v.Int64)
	}
	return nil
}

func (d balanceDest) Scan(v any) error { return scanNumber(v, d.ScanInt64) }
