package store

import "github.com/jackc/pgx/v5/pgtype"

// A rowsColumn is one place of many rows' arguments, which PostgreSQL is sent as
// an array.
type rowsColumn struct {
	rows  [][]any
	place int
}

// columnsOf makes the arguments of a statement for many rows.
func columnsOf(rows [][]any) []any {
	arrays := make([]any, len(rows[0]))
	for place := range arrays {
		arrays[place] = rowsColumn{rows, place}
	}
	return arrays
}

// Dimensions, Index and IndexType are called by the driver.
func (c rowsColumn) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(len(c.rows)), LowerBound: 1}}
}

// Index is one row's argument.
func (c rowsColumn) Index(i int) any { return c.rows[i][c.place] }

// IndexType is an argument of the type that they all have.
func (c rowsColumn) IndexType() any { return c.rows[0][c.place] }
