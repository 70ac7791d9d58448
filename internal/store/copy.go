package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A Copy copies a store into another database, of the same kind or the other.
// Secrets that are sealed stay sealed, and the copy opens with the same key.
type Copy struct {
	From, To Location // To is a file that does not exist, or an empty database
	// Live copies the present state of a store on which servers run. Without it, such
	// a store is refused, because what the servers do afterwards would not be in the
	// copy.
	Live bool
	Now  time.Time
	// Told is called with the rows of a table that are copied, now and then and when
	// all are. It may be nil.
	Told func(table string, rows int64)
	// Unlogged is called if the audit log of From has no entry about the copy. See
	// [Backup].
	Unlogged func(error)

	paused Pause // the pause of the copy
}

// toldEvery is after how many rows Told is called.
const toldEvery = 10_000

// Run makes the copy and compares all rows of it with those that were read. It does
// not check the books. The copy is paused: see [Pause]. The copy of a paused store
// keeps the pause of that store. If it is cut short there is no file, or a database
// that no program opens; Run can then be called again.
func (c Copy) Run(ctx context.Context) (StoreDigest, error) {
	d, source, err := open(ctx, c.From)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	tx, err := c.readable(ctx, d, source)
	if err != nil {
		return nil, d.Named(err)
	}
	defer tx.Rollback()
	if c.paused, err = c.pauseOf(ctx, tx); err != nil {
		return nil, d.Named(err)
	}
	if c.To.IsFile() {
		return c.intoFile(ctx, tx)
	}
	return c.intoPostgres(ctx, tx)
}

// readable begins to read the store, if it is one that can be copied. The store's audit
// log has an entry about the copy then.
func (c Copy) readable(ctx context.Context, d dialect, source *engine.Pools) (*sql.Tx, error) {
	if err := checkSchema(ctx, d, source.Reader); err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	if !c.Live {
		if err := refuseRunning(ctx, source.Reader, c.Now); err != nil {
			return nil, err
		}
	}
	err := logCopying(ctx, d, source.Writer, "store.copy_out", c.To.String(), c.Now)
	if err = d.orUnlogged(err, c.Unlogged); err != nil {
		return nil, err
	}
	return beginReading(ctx, d.Remote, source.Reader)
}

// pauseOf is the pause of a store's copy. A copy has the state of its source: if
// that is paused, its state is older than now.
func (c Copy) pauseOf(ctx context.Context, source *sql.Tx) (Pause, error) {
	p, err := scanPause(source.QueryRowContext(ctx, selectPause))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Pause{Reason: PausedCopy, Taken: c.Now, Since: c.Now}, nil
	case err != nil:
		return p, fmt.Errorf("reading whether the store is paused: %w", err)
	case p.Reason == pausedCopying:
		return p, fmt.Errorf("--from: %w", ErrHalfCopied)
	}
	return p, nil
}

// finish pauses a complete copy, and writes into its audit log that it was copied.
func (c Copy) finish(ctx context.Context, to *sql.DB) error {
	tx, err := to.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("finishing the copy: %w", err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `DELETE FROM pauses`); err != nil {
		return fmt.Errorf("finishing the copy: %w", err)
	}
	if _, err := tx.ExecContext(ctx, insertPause, c.paused.values()...); err != nil {
		return fmt.Errorf("finishing the copy: %w", err)
	}
	if err := logOutside(ctx, tx, party.AuditEntry{
		Action: "store.copy", After: party.Facts{"taken": c.paused.Taken.UTC().Format(time.RFC3339)},
	}, c.Now); err != nil {
		return fmt.Errorf("writing an audit entry: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("finishing the copy: %w", err)
	}
	return nil
}

func (c Copy) tell(table string, rows int64) {
	if c.Told != nil {
		c.Told(table, rows)
	}
}

// notCopied are tables that describe a database and not what is kept in it.
var notCopied = []string{"servers", "pauses"}

const (
	sqliteCopied = `
		SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%'
			AND name NOT LIKE 'goose%' ORDER BY name`
	postgresCopied = `
		SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE 'goose%'
		ORDER BY tablename`
)

// tablesOf are the tables of a new database that are copied.
func tablesOf(ctx context.Context, db *sql.DB, query string) (tables []string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("listing the tables: %w", err)
		}
		if !slices.Contains(notCopied, name) {
			tables = append(tables, name)
		}
	}
	return tables, rows.Err()
}

// intoFile copies into a new SQLite file, which gets its name at the end.
func (c Copy) intoFile(ctx context.Context, from *sql.Tx) (copied StoreDigest, err error) {
	if err := refuseExisting(c.To.File); err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	err = makeFile(c.To.File, func(part *os.File) error {
		if copied, err = c.fillFile(ctx, from, part.Name()); err != nil {
			return err
		}
		return standAlone(ctx, part.Name())
	})
	if err != nil {
		return nil, err
	}
	return copied, nil
}

// fillFile copies all rows into a new SQLite file. Nothing protects the file
// against a crash, which is faster, until it is complete.
func (c Copy) fillFile(ctx context.Context, from *sql.Tx, part string) (copied StoreDigest, err error) {
	pools, err := engine.Connect(ctx, engine.Address{File: part})
	if err != nil {
		return nil, err
	}
	defer pools.Close()
	if err := migrate(ctx, sqliteDialect, pools.Writer, nil); err != nil {
		return nil, err
	}
	tables, err := tablesOf(ctx, pools.Writer, sqliteCopied)
	if err != nil {
		return nil, err
	}
	if _, err := pools.Writer.ExecContext(ctx, `PRAGMA synchronous = OFF`); err != nil {
		return nil, err
	}
	for _, table := range tables {
		d, err := c.fillSQLite(ctx, from, pools.Writer, table)
		if err != nil {
			return nil, err
		}
		copied = append(copied, d)
	}
	if err := compareCopies(ctx, false, pools.Reader, copied); err != nil {
		return nil, err
	}
	if _, err := pools.Writer.ExecContext(ctx, `PRAGMA synchronous = FULL`); err != nil {
		return nil, err
	}
	return copied, c.finish(ctx, pools.Writer)
}

// fillSQLite copies the rows of a table into an SQLite file.
func (c Copy) fillSQLite(ctx context.Context, from *sql.Tx, to *sql.DB, table string) (d TableDigest, err error) {
	tx, err := to.BeginTx(ctx, nil)
	if err != nil {
		return d, err
	}
	defer tx.Rollback()
	columns, err := columnsOf(ctx, tx, table)
	if err != nil {
		return d, err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM `+table); err != nil { //nolint:gosec // a table of ours; what a new database has
		return d, fmt.Errorf("emptying table %s: %w", table, err)
	}
	places := make([]string, len(columns))
	for i := range places {
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	insert, err := tx.PrepareContext(ctx, //nolint:sqlclosecheck // it is closed below
		fmt.Sprintf(`INSERT INTO %s (%s) VALUES (%s)`, table,
			quoted(columns), strings.Join(places, ", ")))
	if err != nil {
		return d, fmt.Errorf("writing table %s: %w", table, err)
	}
	defer insert.Close()
	told := int64(0)
	d, err = digestTable(ctx, from, table, func(row []any) error {
		if _, err := insert.ExecContext(ctx, row...); err != nil {
			return fmt.Errorf("writing table %s: %w", table, err)
		}
		if told++; told%toldEvery == 0 {
			c.tell(table, told)
		}
		return nil
	})
	if err != nil {
		return d, err
	}
	c.tell(table, d.Rows)
	return d, tx.Commit()
}

// intoPostgres copies into an empty PostgreSQL database, or one into which another
// copy was cut short. Meanwhile its pause says so, and no program opens it.
func (c Copy) intoPostgres(ctx context.Context, from *sql.Tx) (copied StoreDigest, err error) {
	_, pools, err := open(ctx, c.To)
	if err != nil {
		return nil, err
	}
	defer pools.Close()
	if err := refuseForeign(ctx, pools.Writer); err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	if err := migrate(ctx, postgres, pools.Writer, nil); err != nil {
		return nil, err
	}
	tables, err := tablesOf(ctx, pools.Writer, postgresCopied)
	if err != nil {
		return nil, err
	}
	if err := c.reserve(ctx, pools.Writer, tables); err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	for _, table := range tables {
		d, err := c.fillPostgres(ctx, from, pools.Writer, table)
		if err != nil {
			return nil, err
		}
		copied = append(copied, d)
	}
	if err := compareCopies(ctx, true, pools.Reader, copied); err != nil {
		return nil, err
	}
	if _, err := pools.Writer.ExecContext(ctx, `ANALYZE`); err != nil {
		return nil, fmt.Errorf("collecting statistics: %w", err)
	}
	return copied, c.finish(ctx, pools.Writer)
}

// ErrNotEmpty refuses to copy into a database that has a store.
var ErrNotEmpty = errors.New("the database has tables already; give an empty one")

// refuseForeign refuses a database with tables of another program, or of another
// version of this one. It changes nothing.
func refuseForeign(ctx context.Context, db *sql.DB) error {
	var all, ours int
	err := db.QueryRowContext(ctx, `
		SELECT COUNT(1), COUNT(1) FILTER (WHERE tablename = 'goose_db_version') FROM pg_tables
		WHERE schemaname = current_schema()`).Scan(&all, &ours)
	switch {
	case err != nil:
		return fmt.Errorf("listing the tables: %w", err)
	case all == 0:
		return nil
	case ours == 0 || checkSchema(ctx, postgres, db) != nil:
		return ErrNotEmpty
	}
	return nil
}

// reserve marks a database as copied in part, and empties its tables. It refuses
// a database with a store, or which another program uses.
func (c Copy) reserve(ctx context.Context, db *sql.DB, tables []string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	all := strings.Join(append(slices.Clone(tables), notCopied...), ", ")
	if _, err := tx.ExecContext(ctx, `LOCK TABLE `+all+` IN ACCESS EXCLUSIVE MODE`); err != nil {
		return err
	}
	var others int
	if err := tx.QueryRowContext(ctx, postgres.others).Scan(&others); err != nil {
		return fmt.Errorf("looking for other programs: %w", err)
	}
	if others > 0 {
		return ErrInUse
	}
	p, err := scanPause(tx.QueryRowContext(ctx, selectPause))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if p.Reason != pausedCopying {
		// each server makes a signing key when it starts
		var rows int
		err := tx.QueryRowContext(ctx, `
			SELECT (SELECT COUNT(1) FROM signing_keys) + (SELECT COUNT(1) FROM parties) + (SELECT COUNT(1) FROM pauses)`).Scan(&rows)
		if err != nil {
			return err
		}
		if rows > 0 {
			return ErrNotEmpty
		}
	}
	if err := emptyTables(ctx, tx, tables, all); err != nil {
		return fmt.Errorf("emptying the tables: %w", err)
	}
	copying := Pause{Reason: pausedCopying, Taken: c.Now, Since: c.Now}
	if _, err := tx.ExecContext(ctx, insertPause, copying.values()...); err != nil {
		return err
	}
	return tx.Commit()
}

// emptyTables empties all tables of a new database. The triggers that keep the
// audit log of a store as it is do not apply to one that was copied in part.
func emptyTables(ctx context.Context, tx *sql.Tx, tables []string, all string) error {
	triggers := func(how string) error {
		for _, table := range tables {
			if _, err := tx.ExecContext(ctx, `ALTER TABLE `+table+` `+how+` TRIGGER USER`); err != nil {
				return err
			}
		}
		return nil
	}
	if err := triggers("DISABLE"); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `TRUNCATE `+all); err != nil {
		return err
	}
	return triggers("ENABLE")
}

// fillPostgres copies the rows of a table into PostgreSQL, with its COPY.
func (c Copy) fillPostgres(ctx context.Context, from *sql.Tx, to *sql.DB, table string) (d TableDigest, err error) {
	tx, err := to.BeginTx(ctx, nil)
	if err != nil {
		return d, err
	}
	columns, err := columnsOf(ctx, tx, table)
	if err = errors.Join(err, tx.Rollback()); err != nil {
		return d, err
	}
	conn, err := to.Conn(ctx)
	if err != nil {
		return d, err
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows := make(chan []any, 256)
	read := make(chan error, 1)
	go func() {
		defer close(rows)
		var err error
		d, err = digestTable(ctx, from, table, func(row []any) error {
			select {
			case rows <- slices.Clone(row):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		read <- err
	}()
	told := int64(0)
	err = conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, columns,
			pgx.CopyFromFunc(func() ([]any, error) {
				row, more := <-rows
				if !more {
					return nil, nil
				}
				if told++; told%toldEvery == 0 {
					c.tell(table, told)
				}
				return row, nil
			}))
		return err
	})
	cancel()
	failed := <-read
	if err != nil || failed != nil {
		return d, fmt.Errorf("copying table %s: %w", table, errors.Join(err, failed))
	}
	c.tell(table, d.Rows)
	return d, nil
}

// compareCopies reads all rows of a copy, and compares them with those that were
// copied.
func compareCopies(ctx context.Context, remote bool, db *sql.DB, copied StoreDigest) error {
	tx, err := beginReading(ctx, remote, db)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, want := range copied {
		got, err := digestTable(ctx, tx, want.Table, nil)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("the copy of table %s has %d rows with another content than the %d that were read", want.Table,
				got.Rows, want.Rows)
		}
	}
	return nil
}
