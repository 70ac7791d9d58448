package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash"
	"math/bits"
	"slices"
	"strings"
)

// A TableDigest is a number of rows with a hash of what is in them. It does not
// depend on the order of the rows, which differs between databases: it is the sum
// of the rows' hashes. It shows whether two tables have the same rows. It does not
// show that nobody has forged a row, because sums can be forged.
type TableDigest struct {
	Table string
	Rows  int64
	Sum   [sha256.Size]byte
}

// A StoreDigest has the digests of some tables, in the order of their names.
type StoreDigest []TableDigest

// String is one hash of all tables, in hexadecimal.
func (d StoreDigest) String() string {
	h := sha256.New()
	for _, t := range d {
		fmt.Fprintf(h, "%s %d %x\n", t.Table, t.Rows, t.Sum)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// booksTables have the books: what was moved, and what is left of it.
var booksTables = []string{"aggregate_instruments", "balances", "steps", "transactions"}

// BooksDigest hashes the books in one consistent state. Stores with the same books
// have the same hash, whichever database they are in.
func (db *DB) BooksDigest(ctx context.Context) (digest StoreDigest, err error) {
	tx, err := beginReading(ctx, db.pools.Database.Remote, db.pools.Reader)
	if err != nil {
		return nil, db.dialect.Named(fmt.Errorf("reading the books: %w", err))
	}
	defer tx.Rollback()
	for _, table := range booksTables {
		d, err := digestTable(ctx, tx, table, nil)
		if err != nil {
			return nil, db.dialect.Named(err)
		}
		digest = append(digest, d)
	}
	return digest, nil
}

// beginReading begins a transaction in which all statements see one state.
func beginReading(ctx context.Context, remote bool, db *sql.DB) (*sql.Tx, error) {
	if !remote {
		return db.BeginTx(ctx, nil)
	}
	return db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
}

// digestTable reads a table and hashes its rows. each is called with each row; nil
// calls nothing. A row is valid until each returns.
func digestTable(ctx context.Context, tx *sql.Tx, table string, each func(row []any) error) (TableDigest, error) {
	d := TableDigest{Table: table}
	columns, err := columnsOf(ctx, tx, table)
	if err != nil {
		return d, err
	}
	failed := func(err error) (TableDigest, error) { return d, fmt.Errorf("reading table %s: %w", table, err) }
	rows, err := tx.QueryContext(ctx, `SELECT `+quoted(columns)+` FROM `+table) //nolint:gosec // tables of ours
	if err != nil {
		return failed(err)
	}
	defer rows.Close()
	row, to := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		to[i] = &row[i]
	}
	h := sha256.New()
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return failed(err)
		}
		h.Reset()
		for i, v := range row {
			if b, ok := v.([]byte); ok && b == nil {
				row[i] = []byte{} // an empty value, and no NULL
			}
			if err := hashValue(h, row[i]); err != nil {
				return failed(err)
			}
		}
		d.add([sha256.Size]byte(h.Sum(nil)))
		if each == nil {
			continue
		}
		if err := each(row); err != nil {
			return d, err
		}
	}
	if err := rows.Err(); err != nil {
		return failed(err)
	}
	return d, nil
}

// hashValue adds a value to the hash of its row, in a form that both databases
// have in common.
func hashValue(h hash.Hash, v any) error {
	var kind byte
	var text []byte
	switch v := v.(type) {
	case nil:
		kind = 'n'
	case int64:
		kind, text = 'i', binary.BigEndian.AppendUint64(nil, uint64(v))
	case string:
		kind, text = 't', []byte(v)
	case []byte:
		kind, text = 'b', v
	default:
		return fmt.Errorf("a value is of the type %T, which no column has", v)
	}
	h.Write(binary.BigEndian.AppendUint64([]byte{kind}, uint64(len(text))))
	h.Write(text)
	return nil
}

// add adds the hash of a row to the sum, as numbers of 256 bits.
func (d *TableDigest) add(row [sha256.Size]byte) {
	d.Rows++
	var carry uint64
	for at := sha256.Size - 8; at >= 0; at -= 8 {
		var sum uint64
		sum, carry = bits.Add64(binary.BigEndian.Uint64(d.Sum[at:]), binary.BigEndian.Uint64(row[at:]), carry)
		binary.BigEndian.PutUint64(d.Sum[at:], sum)
	}
}

// columnsOf are the names of a table's columns, in the order of the alphabet.
func columnsOf(ctx context.Context, tx *sql.Tx, table string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT * FROM `+table+` WHERE 1 = 0`) //nolint:gosec // tables of ours
	if err != nil {
		return nil, fmt.Errorf("reading table %s: %w", table, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("reading table %s: %w", table, err)
	}
	slices.Sort(columns)
	return columns, rows.Err()
}

// quoted is a list of columns whose names may be words of SQL.
func quoted(columns []string) string { return `"` + strings.Join(columns, `", "`) + `"` }
