package bench

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// A pattern is a row of tokens, or a payment with all its rows, that the server's
// own code has made and that is copied.
type pattern struct {
	caller      party.CallerID
	token       holdfast.TokenID
	transaction holdfast.TransactionID
	reference   holdfast.CallerReference // of the payment
	copies      int64
}

// A filling makes copies of patterns with plain SQL, thousands in a commit. It
// uses tables of one connection, so its database must not have more. The
// copies have the same content as their patterns, with ids, references and
// times of their own. So the books of all copies are right if those of the
// patterns are.
type filling struct {
	patterns []pattern
	names    copyNames
	offset   time.Duration // from a pattern's times to those of its last copy
	gap      time.Duration // between the copies of a pattern
	most     int64         // copies of any pattern

	statements []string // made by prepare
	afterGroup string   // a statement; empty for none
}

// copyNames are what ids and references of copies begin with. A number of
// copyDigits digits follows, so that ids grow in the order of the copies.
type copyNames struct{ transaction, token, reference, tokenReference string }

const (
	copyDigits = 12
	copyNumber = "substr(CAST(1000000000000 + series.n * c.bench_patterns + c.bench_place AS TEXT), 2)"
)

func newFilling(patterns []pattern, ids processor.IDs) *filling {
	id, token := string(ids.Transaction()), string(ids.Token())
	f := &filling{patterns: patterns, names: copyNames{
		transaction: id[:len(id)-copyDigits], token: token[:len(token)-copyDigits],
		reference: ids.Other("l") + "-", tokenReference: ids.Other("bench-token-") + "-",
	}}
	for _, p := range patterns {
		f.most = max(f.most, p.copies)
	}
	return f
}

// token is the id of the n-th copy of the token in a place of the patterns.
func (f *filling) token(n int64, place int) holdfast.TokenID {
	return holdfast.TokenID(fmt.Sprintf("%s%0*d", f.names.token, copyDigits, n*int64(len(f.patterns))+int64(place)))
}

// A copied table says how the rows of a pattern are found, and what differs
// between a row and its copies. Columns that it does not name are the same.
type copiedTable struct {
	name   string
	key    string            // finds the rows c of a pattern p
	new    map[string]string // expressions by column
	shifts []string          // times; 0 stays
}

var (
	copiedTokens = copiedTable{
		name: "tokens", key: "c.caller_id = p.caller_id AND c.token_id = p.token_id",
		new: map[string]string{
			"token_id": "c.bench_token || " + copyNumber, "reference": "c.bench_token_reference || " + copyNumber,
		},
		shifts: []string{"installed", "starts", "expires"},
	}
	copiedPayments = []copiedTable{
		{
			name: "tokens", key: copiedTokens.key,
			new: map[string]string{
				"token_id": copiedTokens.new["token_id"], "reference": copiedTokens.new["reference"],
				"used_by": "c.bench_transaction || " + copyNumber,
			},
			shifts: copiedTokens.shifts,
		},
		{
			name: "requests", key: "c.caller_id = p.caller_id AND c.reference = p.reference",
			new: map[string]string{
				"reference": "c.bench_reference || " + copyNumber, "transaction_id": "c.bench_transaction || " + copyNumber,
			},
			shifts: []string{"received"},
		},
		{
			name: "transactions", key: "c.caller_id = p.caller_id AND c.transaction_id = p.transaction_id",
			new: map[string]string{
				"transaction_id": "c.bench_transaction || " + copyNumber, "reference": "c.bench_reference || " + copyNumber,
				"token_id": "c.bench_token || " + copyNumber,
			},
			shifts: []string{"received", "deadline", "due", "completed"},
		},
		{
			name: "steps", key: "c.caller_id = p.caller_id AND c.transaction_id = p.transaction_id",
			new: map[string]string{ // the notifications of copies are delivered
				"transaction_id": "c.bench_transaction || " + copyNumber, "notify_at": "0", "told": shifted("at"),
			},
			shifts: []string{"at"},
		},
	}
)

// copyGroup is the number of copies in one commit.
const copyGroup = 20_000

// prepare reads the rows of the patterns into tables of the connection.
func (f *filling) prepare(ctx context.Context, d database, tables []copiedTable) error {
	conn, err := d.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connecting to fill the store: %w", err)
	}
	defer conn.Close()
	if err := f.describe(ctx, conn); err != nil {
		return fmt.Errorf("describing what to copy: %w", err)
	}
	for _, t := range tables {
		statement, err := t.prepare(ctx, conn)
		if err != nil {
			return fmt.Errorf("preparing to copy %s: %w", t.name, err)
		}
		f.statements = append(f.statements, statement)
	}
	return nil
}

// run makes the copies. It calls made with the number of copies after each
// commit.
func (f *filling) run(ctx context.Context, d database, made func(int64)) error {
	conn, err := d.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connecting to fill the store: %w", err)
	}
	defer conn.Close()
	each := max(copyGroup/int64(len(f.patterns)), 1)
	for n := int64(0); n < f.most; n += each {
		if err := inOne(ctx, conn, f.statements, n, min(n+each, f.most)-1); err != nil {
			return fmt.Errorf("copying rows: %w", err)
		}
		if f.afterGroup != "" {
			if _, err := conn.ExecContext(ctx, f.afterGroup); err != nil {
				return fmt.Errorf("writing the copies into the file: %w", err)
			}
		}
		made(f.count(n + each))
	}
	return nil
}

// count is the number of copies whose number is below n.
func (f *filling) count(n int64) (count int64) {
	for _, p := range f.patterns {
		count += min(p.copies, n)
	}
	return count
}

func inOne(ctx context.Context, conn *sql.Conn, statements []string, args ...any) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// describe writes the patterns and the names into tables of this connection.
func (f *filling) describe(ctx context.Context, conn *sql.Conn) error {
	err := inOne(ctx, conn, []string{
		`DROP TABLE IF EXISTS bench_patterns`,
		`CREATE TEMP TABLE bench_patterns (
			place BIGINT, caller_id TEXT, token_id TEXT, transaction_id TEXT, reference TEXT, copies BIGINT)`,
		`DROP TABLE IF EXISTS bench_names`,
		`CREATE TEMP TABLE bench_names (
			bench_patterns BIGINT, bench_transaction TEXT, bench_token TEXT, bench_reference TEXT, bench_token_reference TEXT,
			bench_offset BIGINT, bench_gap BIGINT)`,
	})
	if err != nil {
		return err
	}
	err = inOne(ctx, conn, []string{`INSERT INTO bench_names VALUES ($1, $2, $3, $4, $5, $6, $7)`},
		len(f.patterns), f.names.transaction, f.names.token, f.names.reference, f.names.tokenReference,
		f.offset.Microseconds(), f.gap.Microseconds())
	if err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for place, p := range f.patterns {
		_, err := tx.ExecContext(ctx, `INSERT INTO bench_patterns VALUES ($1, $2, $3, $4, $5, $6)`,
			place, p.caller, p.token, p.transaction, p.reference, p.copies)
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// prepare reads the rows of the patterns. It returns the statement that makes
// the copies from the n $1 to $2.
func (t copiedTable) prepare(ctx context.Context, conn *sql.Conn) (string, error) {
	err := inOne(ctx, conn, []string{
		`DROP TABLE IF EXISTS bench_` + t.name,
		`CREATE TEMP TABLE bench_` + t.name + ` AS
			SELECT c.*, p.place AS bench_place, p.copies AS bench_copies, n.*
			FROM bench_patterns p JOIN ` + t.name + ` c ON ` + t.key + ` CROSS JOIN bench_names n`,
	})
	if err != nil {
		return "", err
	}
	columns, err := columnsOf(ctx, conn, t.name)
	if err != nil {
		return "", err
	}
	values := make([]string, len(columns))
	named := 0
	for i, column := range columns {
		value, isNew := t.new[column]
		switch {
		case isNew:
			named++
		case slices.Contains(t.shifts, column):
			value = shifted(column)
			named++
		default:
			value = "c." + column
		}
		values[i] = value
	}
	if named != len(t.new)+len(t.shifts) {
		return "", fmt.Errorf("%s has other columns than the bench knows: %v", t.name, columns)
	}
	return `
		WITH RECURSIVE series (n) AS (
			SELECT CAST($1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < CAST($2 AS BIGINT)
		)
		INSERT INTO ` + t.name + ` (` + strings.Join(columns, ", ") + `)
		SELECT ` + strings.Join(values, ", ") + `
		FROM series CROSS JOIN bench_` + t.name + ` c
		WHERE series.n < c.bench_copies ORDER BY series.n, c.bench_place`, nil
}

// shifted is the time of a copy.
func shifted(column string) string {
	return fmt.Sprintf("CASE WHEN c.%[1]s = 0 THEN 0 ELSE c.%[1]s + c.bench_offset"+
		" - (c.bench_copies - series.n) * c.bench_gap END", column)
}

func columnsOf(ctx context.Context, conn *sql.Conn, table string) ([]string, error) {
	rows, err := conn.QueryContext(ctx, `SELECT * FROM `+table+` WHERE 1 = 0`) //nolint:gosec // a table of ours
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	return columns, rows.Err()
}

// addBalances adds what the copies of payments moved to the balances that are
// kept.
func (f *filling) addBalances(ctx context.Context, d database) error {
	_, err := d.ExecContext(ctx, `
		WITH moved (caller_id, account, micro) AS (
			SELECT p.caller_id, p.to_account, p.amount * f.copies
			FROM bench_patterns f JOIN postings p ON p.caller_id = f.caller_id AND p.transaction_id = f.transaction_id
			UNION ALL
			SELECT p.caller_id, p.from_account, -p.amount * f.copies
			FROM bench_patterns f JOIN postings p ON p.caller_id = f.caller_id AND p.transaction_id = f.transaction_id
		), sums (caller_id, account, micro) AS (
			SELECT caller_id, account, CAST(SUM(micro) AS BIGINT) FROM moved GROUP BY caller_id, account
		)
		UPDATE balances SET micro = balances.micro + sums.micro
		FROM sums
		WHERE balances.caller_id = sums.caller_id AND balances.account = sums.account AND balances.lane = (
			SELECT MIN(b.lane) FROM balances b WHERE b.caller_id = balances.caller_id AND b.account = balances.account)`)
	if err != nil {
		return fmt.Errorf("adding to balances: %w", err)
	}
	return nil
}

// settle brings the database into the state in which a server would have left
// it some time after the last payment: nothing is left to write or to clean up.
func (d database) settle(ctx context.Context) error {
	after := []string{`PRAGMA synchronous = FULL`, `PRAGMA wal_checkpoint(TRUNCATE)`, `PRAGMA synchronous = OFF`}
	if d.postgres {
		after = []string{`VACUUM (FREEZE, ANALYZE)`}
	}
	for _, statement := range after {
		if _, err := d.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("cleaning up after filling (%s): %w", statement, err)
		}
	}
	if d.postgres {
		d.ExecContext(ctx, `CHECKPOINT`) //nolint:errcheck // not every role may
	}
	return nil
}
