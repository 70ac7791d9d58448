package engine

import "github.com/jackc/pgx/v5/pgtype"

// A rowsColumn is one column of many rows' arguments, sent to PostgreSQL as an
// array.
type rowsColumn struct {
	rows  [][]any
	place int
}

// columnsOf turns the arguments of many rows into one array for each column.
func columnsOf(rows [][]any) []any {
	arrays := make([]any, len(rows[0]))
	for place := range arrays {
		arrays[place] = rowsColumn{rows, place}
	}
	return arrays
}

// Dimensions is called by the driver, as are Index and IndexType.
func (c rowsColumn) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(len(c.rows)), LowerBound: 1}}
}

// Index returns one row's argument.
func (c rowsColumn) Index(i int) any { return c.rows[i][c.place] }

// IndexType returns an argument that has the type of them all.
func (c rowsColumn) IndexType() any { return c.rows[0][c.place] }
