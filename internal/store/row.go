package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/money"
)

// Times are microseconds since 1970 in the database. The zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func when(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func dollars(micro int64) money.Amount { return money.Micros(micro) }

// maybeDollars is an optional amount. 0 means that there is none.
func maybeDollars(micro int64) money.Amount {
	if micro == 0 {
		return money.Amount{}
	}
	return dollars(micro)
}

// A scanner is one row of a result.
type scanner = engine.Scanner

// behind scans a row that has further columns in front.
type behind struct {
	scanner
	front []any // destinations of the columns in front
}

func (b behind) Scan(dest ...any) error { return b.scanner.Scan(append(b.front, dest...)...) }

// joined returns the columns of a table that is joined under a name.
func joined(as, columns string) string {
	all := strings.Split(columns, ",")
	for i, column := range all {
		all[i] = as + "." + strings.TrimSpace(column)
	}
	return strings.Join(all, ", ")
}

// maybe turns sql.ErrNoRows into found = false.
func maybe(doing string, err error) (found bool, _ error) {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%s: %w", doing, err)
	}
	return true, nil
}

// list reads all rows of a query.
func list[T any](
	tx *ReadTx, doing string, scan func(scanner) (T, error), query string, args ...any,
) (all []T, err error) {
	return engine.List(tx.sql, doing, scan, query, args...)
}
